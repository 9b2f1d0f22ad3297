/** Cropping a picture to the product: a frame that is moved and sized by hand or with the arrow keys. */

import { openDialog } from "./dialogs.js";
import { h } from "./dom.js";
import { go } from "./state.js";

/** @typedef {[left: number, top: number, right: number, bottom: number]} Box shares of the picture */

const LEAST = 0.05;
const CORNERS = /** @type {const} */ ([["top left", 0, 1], ["top right", 2, 1], ["bottom left", 0, 3], ["bottom right", 2, 3]]);

/**
 * Move one edge of a box, or all of it, and keep it inside the picture and no smaller than 5% of it.
 *
 * @param {Box} box
 * @param {number[]} edges indices of the edges that move; none of them: the whole box
 * @param {number} dx
 * @param {number} dy
 * @returns {Box}
 */
export function moved(box, edges, dx, dy) {
  const next = /** @type {Box} */ ([...box]);
  const limit = (/** @type {number} */ value, /** @type {number} */ least, /** @type {number} */ most) => Math.min(Math.max(value, least), most);
  if (!edges.length) {
    const x = limit(dx, -box[0], 1 - box[2]);
    const y = limit(dy, -box[1], 1 - box[3]);
    return [box[0] + x, box[1] + y, box[2] + x, box[3] + y];
  }
  if (edges.includes(0)) next[0] = limit(box[0] + dx, 0, box[2] - LEAST);
  if (edges.includes(2)) next[2] = limit(box[2] + dx, box[0] + LEAST, 1);
  if (edges.includes(1)) next[1] = limit(box[1] + dy, 0, box[3] - LEAST);
  if (edges.includes(3)) next[3] = limit(box[3] + dy, box[1] + LEAST, 1);
  return next;
}

/**
 * @param {string} source address of the picture
 * @param {number[]} crop the crop so far; empty for all of it
 */
export function openCrop(source, crop) {
  let box = /** @type {Box} */ (crop.length ? [...crop] : [0.1, 0.1, 0.9, 0.9]);
  const img = h("img", { src: source, alt: "Your picture", draggable: "false" });
  img.addEventListener("load", () => stage.style.setProperty("--shape", String(img.naturalWidth / img.naturalHeight)));
  const frame = h("div", { class: "cropbox", tabindex: "0", role: "group", "aria-label": "Frame: arrow keys move it" });
  const stage = h("div", { class: "cropstage" }, img, frame);
  const place = () => {
    frame.style.left = `${box[0] * 100}%`;
    frame.style.top = `${box[1] * 100}%`;
    frame.style.width = `${(box[2] - box[0]) * 100}%`;
    frame.style.height = `${(box[3] - box[1]) * 100}%`;
  };
  /** @param {HTMLElement} handle @param {number[]} edges */
  const movable = (handle, edges) => {
    handle.addEventListener("pointerdown", (event) => {
      event.stopPropagation();
      event.preventDefault();
      handle.focus();
      handle.setPointerCapture(event.pointerId);
      const { clientX, clientY } = event;
      const { width, height } = stage.getBoundingClientRect();
      const start = box;
      const onmove = (/** @type {PointerEvent} */ at) => {
        box = moved(start, edges, (at.clientX - clientX) / width, (at.clientY - clientY) / height);
        place();
      };
      handle.addEventListener("pointermove", onmove);
      handle.addEventListener("lostpointercapture", () => handle.removeEventListener("pointermove", onmove), { once: true });
    });
    handle.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      box = moved(box, edges, way[0] * 0.02, way[1] * 0.02);
      place();
    });
  };
  movable(frame, []);
  for (const [name, x, y] of CORNERS) {
    const corner = h("button", { type: "button", class: `corner ${name}`, "aria-label": `Corner ${name}: arrow keys move it` });
    movable(corner, [x, y]);
    frame.append(corner);
  }
  place();
  const dialog = openDialog("Crop to the product", "crop", [
    h("h2", {}, "Crop to the product"),
    stage,
    h(
      "div",
      { class: "row end" },
      h("button", { type: "button", class: "button", onclick: () => { dialog.close(); go({ crop: [] }); } }, "Whole picture"),
      h("button", { type: "button", class: "button main", onclick: () => { dialog.close(); go({ crop: box }); } }, "Search by this part"),
    ),
  ]);
  return dialog;
}
