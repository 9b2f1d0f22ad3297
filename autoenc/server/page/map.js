/** The whole catalog as a map: what looks alike stands together. */

import { getMap, imageOf, thumbnailUrl } from "./api.js";
import { Atlas, decoded } from "./atlas.js";
import { MapCanvas } from "./canvas.js";
import { count, fill, h, iconButton } from "./dom.js";
import { failed, isAborted, notice, strip, waiting } from "./grid.js";
import { partName, titleOf } from "./naming.js";
import { go, NO_QUERY, searchBy } from "./state.js";

/** @typedef {import("./api.js").Store} Store */

const MOST_SHOWN = 40;
const MOST_EXAMPLES = 20;

/** @type {HTMLElement | null} */
let place = null;
/** @type {MapCanvas | null} */
let canvas = null;
/** @type {AbortController | null} */
let asked = null;
let shown = "";
/** @type {{using: string, camera: import("./canvas.js").Camera} | null} where one was, for the way back */
let left = null;

/** @param {HTMLElement} main */
export function enter(main) {
  place = h("div", { class: "mapview" });
  shown = "";
  fill(main, place);
}

export function leave() {
  if (canvas) left = { using: shown, camera: canvas.camera };
  canvas?.stop();
  asked?.abort();
  canvas = null;
  place = null;
}

/** @param {import("./state.js").State} state @param {Store} store */
export async function update(state, store) {
  const names = store.encoders.map(({ name }) => name);
  if (place && !names.length) fill(place, nothing());
  const using = names.includes(state.using) ? state.using : names.includes(store.default_using) ? store.default_using : names[0];
  if (!place || !using || using === shown) return;
  shown = using;
  asked?.abort();
  asked = new AbortController();
  canvas?.stop();
  fill(place, note("Drawing the map…", h("p", { class: "far" }, "The first time, this takes a moment.")));
  try {
    const { points, ids } = await getMap(using, asked.signal, waiting(place));
    if (!place || using !== shown) return;
    if (!ids.length) fill(place, nothing());
    else show(place, decoded(points), ids, using, store);
  } catch (error) {
    if (isAborted(error) || !place) return;
    fill(place, failed(error, () => {
      shown = "";
      update(state, store);
    }));
  }
}

const nothing = () => notice({ mark: "map", title: "Nothing to map yet", text: "Index some pictures first." });

/** @param {string} title @param {...(import("./dom.js").Child)} rest */
const note = (title, ...rest) => h("div", { class: "mapnote" }, h("h1", {}, title), h("div", { class: "quiet" }, rest));

/**
 * @param {HTMLElement} root
 * @param {Float32Array} points
 * @param {string[]} ids
 * @param {string} using
 * @param {Store} store
 */
function show(root, points, ids, using, store) {
  const tip = h("div", { class: "maptip", hidden: true });
  const picked = h("div", { "aria-live": "polite" });
  const map = new MapCanvas(new Atlas(points), ids, {
    clicked: (at) => {
      go(searchBy(ids[at]));
      scrollTo({ top: 0 });
    },
    pointed: (at, x, y) => showTip(tip, at < 0 ? null : ids[at], x, y),
    lassoed: (found) => {
      setLasso(false);
      showPicked(picked, map, found.map((at) => ids[at]));
    },
  });
  canvas = map;
  if (left?.using === using) {
    map.camera = left.camera;
    map.fitted = true;
  }
  const lasso = iconButton("lasso", "Select with a lasso", () => setLasso(!map.lassoing), { "aria-pressed": "false" });
  const setLasso = (/** @type {boolean} */ on) => {
    map.lassoing = on;
    lasso.setAttribute("aria-pressed", String(on));
    map.element.classList.toggle("lassoing", on);
  };
  const choice = h(
    "select",
    { "aria-label": "Arranged by", onchange: (/** @type {Event} */ event) => go({ using: /** @type {HTMLSelectElement} */ (event.target).value }) },
    store.encoders.map(({ name }) => h("option", { value: name, selected: name === using }, `by ${partName(name).toLowerCase()}`)),
  );
  fill(
    root,
    map.element,
    note("The whole catalog", h("p", {}, `${count(ids.length, "picture")}; neighbors look alike. Click one to search by it.`), choice),
    h(
      "div",
      { class: "maptools", role: "group", "aria-label": "Map" },
      iconButton("plus", "Zoom in", () => map.zoom(1.7)),
      iconButton("minus", "Zoom out", () => map.zoom(1 / 1.7)),
      iconButton("home", "Show all", () => map.fit()),
      lasso,
    ),
    picked,
    tip,
  );
}

/** @param {HTMLElement} tip @param {string | null} id @param {number} x @param {number} y */
function showTip(tip, id, x, y) {
  tip.hidden = id === null;
  if (id === null) return;
  const name = h("p", {}, "\u00a0");
  fill(tip, h("img", { src: thumbnailUrl(id, 256), alt: "" }), name);
  const { clientWidth: width, clientHeight: height } = /** @type {HTMLElement} */ (tip.parentElement);
  tip.style.left = `${x + 200 > width ? x - 196 : x + 20}px`;
  tip.style.top = `${Math.max(8, Math.min(y - 80, height - 240))}px`;
  imageOf(id).then((image) => fill(name, titleOf(image)), () => fill(name, "This product is gone"));
}

/** @param {HTMLElement} root @param {MapCanvas} map @param {string[]} ids */
async function showPicked(root, map, ids) {
  const away = () => {
    fill(root);
    map.pick([]);
  };
  if (!ids.length) return away();
  const spread = (/** @type {number} */ most) =>
    ids.length <= most ? ids : Array.from({ length: most }, (_, at) => ids[Math.floor((at * ids.length) / most)]);
  const line = h("div");
  fill(
    root,
    h(
      "section",
      { class: "picked", "aria-label": "Selected" },
      h(
        "div",
        { class: "row" },
        h("strong", {}, count(ids.length, "picture"), " selected"),
        h(
          "div",
          { class: "row" },
          h("button", { type: "button", class: "button main", onclick: () => go({ ...NO_QUERY, view: "catalog", like: spread(MOST_EXAMPLES) }) }, "Find more like these"),
          iconButton("close", "Clear the selection", away),
        ),
      ),
      line,
    ),
  );
  const images = await Promise.all(spread(MOST_SHOWN).map((id) => imageOf(id).catch(() => null)));
  fill(line, strip(images.filter((image) => image !== null), (image) => go({ item: image.id }), "Selected pictures"));
}
