/** What lies between two products: the decoder's pictures on the way, and the real products nearest to each. */

import { browse, getBetween, imageOf } from "./api.js";
import { openDialog } from "./dialogs.js";
import { fill, h, icon } from "./dom.js";
import { card, failed, isAborted, picture, shapeCards } from "./grid.js";
import { titleOf } from "./naming.js";
import { current, go } from "./state.js";

/**
 * @typedef {import("./api.js").Image} Image
 * @typedef {import("./api.js").Step} Step
 */

/** @type {HTMLElement | null} */
let place = null;
/** @type {AbortController | null} */
let asked = null;
let shown = "";

/** @param {HTMLElement} main */
export function enter(main) {
  place = h("div", { class: "explorer" });
  shown = "-";
  fill(main, place);
}

export function leave() {
  asked?.abort();
  place = null;
}

/** @param {import("./state.js").State} state */
export async function update({ a, b }) {
  const key = `${a} ${b}`;
  if (!place || key === shown) return;
  shown = key;
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  const root = place;
  const midst = h("div", { class: "midst", "aria-live": "polite" });
  const below = h("div");
  fill(
    root,
    h("header", { class: "page-head" }, h("h1", {}, "Between two products"), h("p", { class: "quiet" }, "The model draws what it takes to turn one into the other; below each step are the real products that come nearest.")),
    h("div", { class: "ends3" }, end("a", a), midst, end("b", b)),
    below,
  );
  if (!a || !b) {
    fill(midst, h("p", { class: "quiet" }, a || b ? "Choose the other end" : "Choose two products"));
    if (!a && !b) suggest(signal);
    return;
  }
  midst.classList.add("awaited");
  try {
    const { steps } = await getBetween(a, b, signal);
    travel(midst, below, steps);
  } catch (error) {
    if (!isAborted(error)) fill(below, failed(error, () => { shown = "-"; update(current()); }));
  }
  midst.classList.remove("awaited");
}

/** Start with two products that stand far apart in the list. @param {AbortSignal} signal */
async function suggest(signal) {
  try {
    const { images } = await browse("", null, signal);
    if (images.length < 2) return;
    shapeCards(images);
    const last = await browse("", images.at(-1)?.id ?? null, signal).catch(() => ({ images: [] }));
    const far = [...images, ...last.images].at(-1);
    if (far) go({ a: images[0].id, b: far.id }, { replace: true });
  } catch {
    // Without a suggestion, both ends still wait for a choice.
  }
}

/** @param {"a" | "b"} name @param {string} id */
function end(name, id) {
  const label = name === "a" ? "Choose where to start" : "Choose where to end";
  const button = h("button", { type: "button", class: "shot", "aria-label": label, title: label, onclick: () => pick(name) }, h("span", { class: "vacant" }, icon("plus"), name === "a" ? "Start" : "End"));
  const caption = h("p", {}, "\u00a0");
  if (id) {
    imageOf(id).then(
      (image) => {
        fill(button, picture(image, { sizes: "300px" }));
        fill(caption, titleOf(image));
      },
      (error) => fill(caption, error.message),
    );
  }
  return h("div", { class: "end" }, button, caption);
}

/** @param {HTMLElement} midst @param {HTMLElement} below @param {Step[]} steps */
function travel(midst, below, steps) {
  const nearest = h("ul", { class: "grid" });
  const films = steps.map((step, at) =>
    h("button", { type: "button", "aria-label": `Step ${at + 1} of ${steps.length}`, onclick: () => show(at) }, h("img", { src: step.picture, alt: "" })),
  );
  const slider = h("input", { type: "range", min: 0, max: steps.length - 1, step: 1, "aria-label": "From one to the other" });
  slider.addEventListener("input", () => show(Number(slider.value)));
  const show = (/** @type {number} */ at) => {
    slider.value = String(at);
    slider.style.setProperty("--share", String(at / (steps.length - 1)));
    slider.setAttribute("aria-valuetext", `${Math.round(steps[at].share * 100)}% of the way`);
    for (const [other, film] of films.entries()) film.setAttribute("aria-pressed", String(other === at));
    fill(midst, h("img", { src: steps[at].picture, alt: `The model's picture at ${Math.round(steps[at].share * 100)}% of the way` }));
    fill(nearest, steps[at].nearest.map(({ image }) => card(image, { eager: true })));
  };
  fill(
    below,
    h("div", { class: "travel" }, h("div", { class: "film" }, films), h("div", { class: "weight" }, slider)),
    h("section", { class: "under-it" }, h("h2", {}, "Nearest real products"), nearest),
  );
  show(Math.floor(steps.length / 2));
}

/** Choose a product for one end. @param {"a" | "b"} name */
async function pick(name) {
  const list = h("ul", { class: "grid" });
  const more = h("button", { type: "button", class: "button more", hidden: true }, "Show more");
  const dialog = openDialog("Choose a product", "picker", [h("h2", {}, "Choose a product"), list, more]);
  /** @type {string | null} */
  let next = null;
  const add = async () => {
    try {
      const page = await browse("", next);
      next = page.next;
      more.hidden = next === null;
      list.append(...page.images.map(choice));
    } catch (error) {
      fill(list, failed(error, add));
    }
  };
  const choice = (/** @type {Image} */ image) =>
    h("li", {}, h("button", { type: "button", "aria-label": titleOf(image), title: titleOf(image), onclick: () => { dialog.close(); go({ [name]: image.id }); } }, picture(image, { sizes: "112px" })));
  more.addEventListener("click", add);
  await add();
}
