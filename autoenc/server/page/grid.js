/** Cards of products, and what stands in their place while they load, where there are none, or after an error. */

import { keptThumbnail } from "./api.js";
import { count, fill, h, icon, iconButton } from "./dom.js";
import { noteOf, partName, priceOf, titleOf } from "./naming.js";
import { current, go, linkTo, searchBy } from "./state.js";

/**
 * @typedef {import("./api.js").Image} Image
 * @typedef {import("./api.js").Neighbor} Neighbor
 */

let ratio = 1;

/** Width by height, 1 where they are not known. @param {Image} image */
const shapeOf = ({ width, height }) => (width && height ? width / height : 1);

/** Give every card the shape that most of these pictures have, so that none is cut more than it must be. @param {Image[]} images */
export function shapeCards(images) {
  const shapes = images.map(shapeOf).sort((a, b) => a - b);
  const middle = shapes[Math.floor(shapes.length / 2)] ?? 1;
  ratio = [3 / 4, 4 / 5, 1, 4 / 3].reduce((best, one) =>
    Math.abs(Math.log(one / middle)) < Math.abs(Math.log(best / middle)) ? one : best,
  );
  document.documentElement.style.setProperty("--ratio", String(ratio));
}

/**
 * A picture in the shape of a card. It loads once it is near.
 *
 * @param {Image} image
 * @param {{sizes?: string, alt?: string, eager?: boolean}} [how]
 */
export function picture(image, { sizes = "(max-width: 44rem) 48vw, 240px", alt = "", eager = false } = {}) {
  const apart = Math.abs(Math.log(shapeOf(image) / ratio)) > 0.3;
  const img = h("img", {
    src: keptThumbnail(image, 256),
    srcset: `${keptThumbnail(image, 256)} 256w, ${keptThumbnail(image, 512)} 512w`,
    sizes,
    alt,
    width: image.width,
    height: image.height,
    loading: eager ? "eager" : "lazy",
    decoding: "async",
    class: apart ? "whole" : "",
    draggable: "false",
  });
  img.addEventListener("error", () => img.replaceWith(h("span", { class: "gone" }, "Picture missing")), { once: true });
  return img;
}

/**
 * A product: its picture searches by it, its name opens the preview.
 *
 * @param {Image} image
 * @param {{neighbor?: Neighbor, most?: number, parts?: boolean, votes?: "" | "up" | "both", eager?: boolean}} [how] `most`: the
 *   longest bar's score; `votes`: with which thumbs
 */
export function card(image, { neighbor, most = 1, parts = true, votes = "", eager = false } = {}) {
  const title = titleOf(image);
  const price = priceOf(image);
  return h(
    "li",
    { class: "card", "data-id": image.id },
    h(
      "div",
      { class: "frame" },
      h(
        "a",
        {
          href: linkTo(searchBy(image.id)),
          "aria-label": `Find what looks like ${title}`,
          onclick: (/** @type {MouseEvent} */ event) => followed(event, () => {
            go(searchBy(image.id));
            scrollTo({ top: 0 });
          }),
        },
        picture(image, { eager }),
      ),
      h(
        "div",
        { class: "over" },
        votes && voteButton(image, "like"),
        votes === "both" && voteButton(image, "unlike"),
        iconButton("expand", `Details of ${title}`, () => go({ item: image.id }), { class: "round details" }),
      ),
    ),
    h(
      "div",
      { class: "about" },
      h("a", { class: "name", href: linkTo({ item: image.id }), onclick: (/** @type {MouseEvent} */ event) => followed(event, () => go({ item: image.id })) }, title),
      h("p", { class: "under" }, h("span", {}, noteOf(image)), price && h("span", { class: "price" }, price)),
      neighbor && (parts && Object.keys(neighbor.parts ?? {}).length > 1 ? partBars(neighbor, most) : scoreBar(neighbor.score, most)),
    ),
  );
}

/** Act on a plain click; a click with a key held opens a tab, as with any link. @param {MouseEvent} event @param {() => void} act */
function followed(event, act) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  act();
}

/** @param {Image} image @param {"like" | "unlike"} vote */
function voteButton(image, vote) {
  const other = vote === "like" ? "unlike" : "like";
  const label = vote === "like" ? "More like this" : "Less like this";
  return iconButton(vote === "like" ? "up" : "down", `${label}: ${titleOf(image)}`, () => {
    const state = current();
    const given = state[vote].includes(image.id);
    go({
      [vote]: given ? state[vote].filter((id) => id !== image.id) : [...state[vote], image.id],
      [other]: state[other].filter((id) => id !== image.id),
    });
  }, { "aria-pressed": String(current()[vote].includes(image.id)) });
}

/** @param {number} score @param {number} most */
export function scoreBar(score, most) {
  return h(
    "p",
    { class: "score" },
    bar(score / most),
    h("span", {}, h("span", { class: "hushed" }, "Score "), score.toFixed(2)),
  );
}

/** What each part added to a hybrid score. @param {Neighbor} neighbor @param {number} most */
export function partBars(neighbor, most) {
  return h(
    "dl",
    { class: "parts", title: `Score ${neighbor.score.toFixed(2)}` },
    Object.entries(neighbor.parts).map(([name, added]) =>
      h("div", {}, h("dt", { title: name }, partName(name)), h("dd", {}, bar(added / most), h("span", {}, added.toFixed(2)))),
    ),
  );
}

/** @param {number} share */
function bar(share) {
  const inner = h("i");
  inner.style.transform = `scaleX(${Math.min(Math.max(share, 0), 1)})`;
  return h("span", { class: "bar", "aria-hidden": "true" }, inner);
}

/** The longest bar among these: of scores, or of parts. @param {Neighbor[]} neighbors */
export const mostOf = (neighbors) =>
  Math.max(
    1e-9,
    ...neighbors.flatMap(({ score, parts }) => (Object.keys(parts ?? {}).length > 1 ? Object.values(parts) : [Math.max(score, 1)])),
  );

/** Cards that are still to come. @param {number} cards */
export const skeleton = (cards) =>
  h(
    "ul",
    { class: "grid", "aria-hidden": "true" },
    Array.from({ length: cards }, () =>
      h("li", { class: "card awaited" }, h("div", { class: "frame" }), h("div", { class: "about" }, h("p", {}), h("p", {}))),
    ),
  );

/**
 * A panel where there is nothing to show.
 *
 * @param {{mark: import("./dom.js").IconName, title: string, text: string, action?: HTMLElement | null}} what
 */
export const notice = ({ mark, title, text, action }) =>
  h("div", { class: "notice" }, h("span", { class: "mark" }, icon(mark)), h("h2", {}, title), h("p", { class: "quiet" }, text), action);

/** What went wrong, in other words than those of HTTP. @type {Record<number, string>} */
const FAILURES = {
  401: "This takes the key",
  404: "It is not in this catalog",
  413: "This is too large",
  422: "This cannot be searched for",
  429: "One moment",
  503: "The server is busy",
  504: "This takes too long",
};

/**
 * What went wrong, and a way on.
 *
 * @param {unknown} error
 * @param {() => void} again
 */
export function failed(error, again) {
  const known = error instanceof Error ? error : new Error(String(error));
  const title = "status" in known ? (FAILURES[Number(known.status)] ?? String(/** @type {any} */ (known).title)) : "Something went wrong";
  const shown = notice({
    mark: "close",
    title,
    text: known.message,
    action: h("div", { class: "row" }, h("button", { type: "button", class: "button main", onclick: again }, "Try again"), h("a", { class: "button", href: "." }, "Back to the catalog")),
  });
  shown.setAttribute("role", "alert");
  return shown;
}

/** Tells how far the server is, in the `.far` of a place. @param {Element | null} place @returns {import("./api.js").Told} */
export const waiting = (place) => ({ done, total }) => {
  const line = place?.querySelector(".far");
  if (line && total) fill(line, `${count(done)} of ${count(total, "picture")}`);
};

/** Whether a request was taken back because another one replaced it. @param {unknown} error */
export const isAborted = (error) => error instanceof DOMException && error.name === "AbortError";

/** A button that adds the next page, by itself once it is near. @param {() => Promise<boolean>} add whether there is more */
export function moreButton(add) {
  const button = h("button", { type: "button", class: "button more" }, "Show more");
  const run = async () => {
    if (button.disabled) return;
    button.disabled = true;
    try {
      const more = await add();
      button.disabled = false;
      if (!more) button.remove();
    } catch (error) {
      if (isAborted(error)) return;
      button.disabled = false;
      fill(button, "That did not work. Try again");
    }
  };
  button.addEventListener("click", run);
  new IntersectionObserver(([seen]) => seen.isIntersecting && run(), { rootMargin: "800px" }).observe(button);
  return button;
}

/** A line of small pictures. @param {Image[]} images @param {(image: Image) => void} chosen @param {string} label */
export const strip = (images, chosen, label) =>
  h(
    "ul",
    { class: "strip", "aria-label": label },
    images.map((image) =>
      h("li", {}, h("button", { type: "button", "aria-label": titleOf(image), title: titleOf(image), onclick: () => chosen(image) }, picture(image, { sizes: "112px" }))),
    ),
  );
