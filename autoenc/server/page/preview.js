/** One product: its picture, what is known of it, its other photos, and more like it. */

import { address, getImage, getRecommendations } from "./api.js";
import { openDialog } from "./dialogs.js";
import { fill, h, icon } from "./dom.js";
import { failed, isAborted, mostOf, partBars, scoreBar, strip } from "./grid.js";
import { dateText, fieldName, noteOf, priceOf, titleOf, valueText } from "./naming.js";
import { current, go, searchBy } from "./state.js";

/**
 * @typedef {import("./api.js").Image} Image
 * @typedef {import("./api.js").Store} Store
 */

/** @type {HTMLDialogElement | null} */
let open = null;
/** @type {AbortController | null} */
let loading = null;

/**
 * Show the product that the state names, or close the preview.
 *
 * @param {string} id
 * @param {Store} store
 * @param {import("./api.js").Neighbor | undefined} neighbor the same product among the results
 */
export async function showPreview(id, store, neighbor) {
  loading?.abort();
  if (!id) return open?.close();
  loading = new AbortController();
  const { signal } = loading;
  const body = h("div", { class: "product", "aria-busy": "true" }, h("div", { class: "photo" }), h("div", { class: "facts" }));
  const similar = h("div", { class: "similar" });
  if (open) fill(/** @type {Element} */ (open.querySelector(".content")), body, similar);
  else {
    open = openDialog("Product", "preview", [h("div", { class: "content" }, body, similar)], () => {
      open = null;
      loading?.abort();
      if (current().item) go({ item: "" });
    });
  }
  open.scrollTop = 0;
  try {
    const image = await getImage(id, signal);
    body.removeAttribute("aria-busy");
    fill(body, photo(image), facts(image, store, neighbor));
    const answer = await getRecommendations(id, signal);
    const others = answer.neighbors.filter((one) => one.image.id !== id);
    if (others.length) {
      fill(similar, h("h3", {}, "More like this"), strip(others.map((one) => one.image), (one) => go({ item: one.id }), "More like this"));
    }
  } catch (error) {
    if (!isAborted(error)) fill(similar, failed(error, () => showPreview(id, store, neighbor)));
  }
}

/** @param {Image} image */
function photo(image) {
  const img = h("img", { src: address(`images/${encodeURIComponent(image.id)}/original`), alt: titleOf(image), width: image.width, height: image.height });
  img.addEventListener("error", () => img.replaceWith(h("span", { class: "gone" }, "The picture's file is missing")), { once: true });
  return h("figure", { class: "photo" }, img);
}

/**
 * @param {Image & {siblings?: Image[]}} image
 * @param {Store} store
 * @param {import("./api.js").Neighbor | undefined} neighbor
 */
function facts(image, store, neighbor) {
  const siblings = (image.siblings ?? []).filter((one) => one.id !== image.id);
  const kinds = new Map(store.fields.map(({ name, kind }) => [name, kind]));
  const told = priceOf(image) ? ["price", "currency"] : [];
  const rows = Object.entries(image.fields).filter(
    ([name, value]) => value !== null && value !== "" && String(value) !== titleOf(image) && !told.includes(name.toLowerCase()),
  );
  return h(
    "div",
    { class: "facts" },
    h("p", { class: "quiet" }, noteOf(image)),
    h("h2", {}, titleOf(image)),
    h("p", { class: "price" }, priceOf(image)),
    h(
      "div",
      { class: "row" },
      h("button", { type: "button", class: "button main", onclick: () => { go(searchBy(image.id)); scrollTo({ top: 0 }); } }, icon("search"), "Find similar"),
      store.decoder && h("button", { type: "button", class: "button", onclick: () => go({ view: "between", item: "", ...placed(image.id) }) }, icon("between"), "Explore"),
    ),
    siblings.length > 0 && [h("h3", {}, "Other photos"), strip(siblings, (one) => go({ item: one.id }), "Other photos of this product")],
    neighbor && [h("h3", {}, "Why it was found"), Object.keys(neighbor.parts ?? {}).length > 1 ? partBars(neighbor, mostOf([neighbor])) : scoreBar(neighbor.score, mostOf([neighbor]))],
    h(
      "dl",
      { class: "fields" },
      rows.map(([name, value]) => h("div", {}, h("dt", {}, fieldName(name)), h("dd", {}, fieldValue(value, kinds.get(name))))),
      h("div", {}, h("dt", {}, "File"), h("dd", {}, h("a", { href: address(`images/${encodeURIComponent(image.id)}/original`), target: "_blank", rel: "noopener" }, image.path ?? image.id))),
      image.width && h("div", {}, h("dt", {}, "Size"), h("dd", {}, `${image.width} × ${image.height} pixels`)),
    ),
  );
}

/** The first free end of the explorer. @param {string} id */
const placed = (id) => (current().a && !current().b && current().a !== id ? { b: id } : { a: id });

/** @param {unknown} value @param {string | undefined} kind */
function fieldValue(value, kind) {
  const text = valueText(value);
  if (typeof value === "string" && /^https?:\/\/\S+$/.test(value)) return h("a", { href: value, rel: "noopener noreferrer", target: "_blank" }, text);
  return kind === "datetime" ? dateText(text) : text;
}
