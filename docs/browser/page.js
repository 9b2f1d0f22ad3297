// The example page: the numbers of a picture, its cosine with another, and what in a catalog looks like it.
import { cosine, encode, ready } from "./encoder.js";

/** @typedef {{ path: string, learned: number[] }} Item a line of vectors.jsonl, as `autoenc embed` writes it */

const NEAREST = 12;
const catalog = read();
/** @type {Record<string, number[]>} */
const vectors = {};

Promise.all([ready, catalog]).catch((error) => say(error.message));
for (const id of ["first", "second"]) part(id).addEventListener("change", () => choose(id));

/** @returns {Promise<Item[]>} none where there is no such file */
async function read() {
  const response = await fetch("vectors.jsonl");
  if (!response.ok) return [];
  return (await response.text()).trim().split("\n").map((line) => JSON.parse(line));
}

/** @param {string} id of the input with another picture */
async function choose(id) {
  const [picture] = part(id).files;
  if (!picture) return;
  try {
    const [vector, items] = await Promise.all([encode(picture), catalog]);
    if (picture !== part(id).files[0]) return; // another one has been chosen since
    vectors[id] = vector;
    const { first, second } = vectors;
    say(first && second ? `Cosine of the two: ${cosine(first, second).toFixed(4)}` : "");
    const image = part(`${id}-image`);
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(picture);
    image.hidden = false;
    if (id === "first") show(vector, items);
  } catch (error) {
    say(`${picture.name}: ${/** @type {Error} */ (error).message}`);
  }
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
