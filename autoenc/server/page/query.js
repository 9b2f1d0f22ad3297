/** Where a picture comes from: dropped, pasted, chosen or photographed; and the strip that shows what is searched by. */

import { imageOf, pictureUrl, thumbnailUrl, upload } from "./api.js";
import { openCrop } from "./crop.js";
import { say } from "./dialogs.js";
import { fill, h, icon, iconButton, need } from "./dom.js";
import { titleOf } from "./naming.js";
import { current, go, hasLooks, NO_QUERY } from "./state.js";

/** @typedef {import("./state.js").State} State */

const MOST_BYTES = 20_000_000;

/** @type {Map<string, string>} token -> the local picture, sharper and sooner there than the server's */
const local = new Map();

/** Search by a picture that the user gave. @param {Blob | null | undefined} file */
export async function searchByFile(file) {
  if (!file) return;
  if (file.type && !file.type.startsWith("image/")) return say(`That is not a picture (${file.type}).`, "picture");
  if (file.size > MOST_BYTES) return say("That picture is over 20 MB. Please choose a smaller one.", "picture");
  const button = need("#by-picture");
  button.classList.add("busy");
  try {
    const { token } = await upload(file);
    local.set(token, URL.createObjectURL(file));
    go({ ...NO_QUERY, view: "catalog", picture: token, item: "" });
    scrollTo({ top: 0 });
  } catch (error) {
    say(/** @type {Error} */ (error).message, "picture");
  } finally {
    button.classList.remove("busy");
  }
}

/** @param {string} token */
export const shownPicture = (token) => local.get(token) ?? pictureUrl(token);

/** Listen for pictures: the header's button, the clipboard, and anything dropped anywhere. */
export function start() {
  const file = /** @type {HTMLInputElement} */ (need("#file"));
  const shot = /** @type {HTMLInputElement} */ (need("#shot"));
  const button = need("#by-picture");
  fill(button, icon("camera"), h("span", { class: "label" }, "Search by picture"));
  button.setAttribute("aria-label", "Search by picture");
  button.title = "Search by picture";
  button.addEventListener("click", choosePicture);
  for (const input of [file, shot]) {
    input.addEventListener("change", () => {
      searchByFile(input.files?.[0]);
      input.value = "";
    });
  }
  addEventListener("paste", (event) => {
    const pasted = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (pasted) {
      event.preventDefault();
      searchByFile(pasted);
    }
  });
  const veil = need("#drop");
  const carries = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!carries(event)) return;
    event.preventDefault();
    searchByFile(event.dataTransfer?.files[0]);
  });
}

export const choosePicture = () => need("#file").click();
export const takePicture = () => need("#shot").click();

/** The start page's invitation. @param {number} images */
export const hero = (images) =>
  h(
    "section",
    { class: "hero" },
    h("h1", {}, "Show it. Find what looks like it."),
    h(
      "p",
      { class: "quiet" },
      `Drop a photo anywhere or paste one, or start from any of the ${images.toLocaleString()} pictures below.`,
    ),
    h(
      "div",
      { class: "row" },
      h("button", { type: "button", class: "button main", onclick: choosePicture }, icon("picture"), "Choose a photo"),
      h("button", { type: "button", class: "button shoot", onclick: takePicture }, icon("camera"), "Take a photo"),
    ),
  );

/**
 * What is searched by: pictures, products, thumbs.
 *
 * @param {State} state
 * @param {HTMLElement[]} tools
 */
export function queryStrip(state, tools) {
  const words = state.words && `“${state.words}”`;
  const title = h("h1", { class: "asked" }, hasLooks(state) ? ["What looks like this", words && ` and is ${words}`] : words);
  if (state.id.length === 1 && !state.picture) {
    imageOf(state.id[0]).then(
      (image) => fill(title, h("span", { class: "quiet" }, "Like "), titleOf(image), words && [h("span", { class: "quiet" }, " and "), words]),
      () => {}, // the picture beside it says that it is gone
    );
  }
  const main = state.picture
    ? [ownPicture(state)]
    : state.id.map((id) => stored(id, "id", "Searched by"));
  const thumbs = [
    ...state.like.map((id) => stored(id, "like", "More like")),
    ...state.unlike.map((id) => stored(id, "unlike", "Less like")),
  ];
  return h(
    "section",
    { class: "asking", "aria-label": "The search" },
    main.length > 0 && h("div", { class: "subjects" }, main),
    h(
      "div",
      { class: "terms" },
      title,
      thumbs.length > 0 && h("div", { class: "thumbs" }, thumbs),
      h("div", { class: "row" }, tools),
    ),
  );
}

/** @param {State} state */
function ownPicture(state) {
  const source = shownPicture(state.picture);
  const canvas = h("canvas", { role: "img", "aria-label": "Your picture" });
  const img = new Image();
  img.addEventListener("load", () => {
    const [left, top, right, bottom] = state.crop.length ? state.crop : [0, 0, 1, 1];
    const wide = img.naturalWidth * (right - left);
    const high = img.naturalHeight * (bottom - top);
    const scale = Math.min(1, 480 / Math.max(wide, high));
    canvas.width = Math.max(1, Math.round(wide * scale));
    canvas.height = Math.max(1, Math.round(high * scale));
    canvas.getContext("2d")?.drawImage(img, left * img.naturalWidth, top * img.naturalHeight, wide, high, 0, 0, canvas.width, canvas.height);
  });
  img.addEventListener("error", () =>
    canvas.replaceWith(h("p", { class: "gone" }, "This picture is no longer kept. Please give it again.")),
  );
  img.src = source;
  return h(
    "figure",
    { class: "subject" },
    canvas,
    h("button", { type: "button", class: "button crop", "aria-label": state.crop.length ? "Crop again" : null, onclick: () => openCrop(source, current().crop) }, icon("crop"), "Crop"),
    iconButton("close", "Search without your picture", () => go(NO_QUERY), { class: "round away" }),
  );
}

/** @param {string} id @param {"id" | "like" | "unlike"} role @param {string} label */
function stored(id, role, label) {
  const img = h("img", { src: thumbnailUrl(id, role === "id" ? 512 : 128), alt: label, decoding: "async" });
  img.addEventListener("error", () => img.replaceWith(h("span", { class: "gone" }, "Gone")), { once: true });
  const away = () => {
    const left = current()[role].filter((one) => one !== id);
    const next = { ...current(), [role]: left };
    go(hasLooks(next) ? { [role]: left } : { ...NO_QUERY, words: next.words });
  };
  return h(
    "figure",
    { class: role === "id" ? "subject" : `thumb ${role}` },
    role === "id" ? h("button", { type: "button", class: "open", "aria-label": "Details of this product", onclick: () => go({ item: id }) }, img) : img,
    role !== "id" && h("span", { class: "sign" }, icon(role === "like" ? "up" : "down")),
    iconButton("close", `Search without this (${label.toLowerCase()})`, away, { class: "round away" }),
  );
}
