// The example page: the numbers of a picture, its cosine with another, and what in a catalog looks like it.
import { cosine, encode, ready } from "./encoder.js";

/** @typedef {{ path: string, learned: number[] }} Item a line of vectors.jsonl, as `autoenc embed` writes it */

const NEAREST = 12;
const CATALOG = "vectors.jsonl";
/** @type {Record<string, number[] | undefined>} of the two inputs' pictures */
const vectors = {};
/** @type {Record<string, string>} why they have none */
const faults = {};

try {
  const [items] = await Promise.all([read(), ready]);
  for (const id of ["first", "second"]) {
    const chosen = () => choose(id, items).catch((error) => say(`${CATALOG}: ${error.message}`)); // nothing else can fail
    part(id).addEventListener("change", chosen);
    chosen(); // what was chosen before all was there
  }
} catch (error) {
  say(/** @type {Error} */ (error).message);
}

/** @returns {Promise<Item[]>} none where there is no such file */
async function read() {
  const response = await fetch(CATALOG);
  if (!response.ok) return [];
  try {
    return (await response.text()).trim().split("\n").map((line) => JSON.parse(line));
  } catch (error) {
    throw new Error(`${CATALOG}: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * @param {string} id of the input with another picture, or with none
 * @param {Item[]} items of the catalog
 */
async function choose(id, items) {
  const [picture] = part(id).files;
  let [vector, fault] = [/** @type {number[] | undefined} */ (undefined), ""];
  try {
    if (picture) vector = await encode(picture);
  } catch (error) {
    fault = `${picture.name}: ${/** @type {Error} */ (error).message}`;
  }
  if (picture !== part(id).files[0]) return; // another one has been chosen since
  vectors[id] = vector;
  faults[id] = fault;
  const { first, second } = vectors;
  const two = first && second ? `Cosine of the two: ${cosine(first, second).toFixed(4)}` : "";
  say(Object.values(faults).filter(Boolean).join(" ") || two);
  const image = part(`${id}-image`);
  URL.revokeObjectURL(image.src);
  if (vector) image.src = URL.createObjectURL(picture);
  image.hidden = !vector;
  if (id !== "first") return;
  part("found").hidden = true;
  if (vector) show(vector, items);
}

/**
 * @param {number[]} vector
 * @param {Item[]} items
 */
function show(vector, items) {
  const scored = items.map(({ path, learned }) => ({ path, score: cosine(vector, learned) }));
  const nearest = scored.sort((a, b) => b.score - a.score).slice(0, NEAREST);
  part("numbers").replaceChildren(...vector.map((number) => listed(number)));
  part("nearest").replaceChildren(
    ...nearest.map(({ path, score }) => {
      const src = `photos/${path.split("/").map(encodeURIComponent).join("/")}`;
      return listed(score, Object.assign(new Image(), { src, alt: path }));
    }),
  );
  part("catalog").hidden = !items.length;
  part("found").hidden = false;
}

/**
 * @param {number} number
 * @param {...HTMLElement} above
 */
function listed(number, ...above) {
  const item = document.createElement("li");
  item.append(...above, number.toFixed(4));
  return item;
}

/** @param {string} text */
function say(text) {
  part("said").textContent = text;
}

/**
 * @param {string} id
 * @returns {any} the element
 */
function part(id) {
  return document.getElementById(id);
}
