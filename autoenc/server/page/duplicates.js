/** Groups of the same picture, with what to do about them: keep one, or say that they are no duplicates. */

import { getDuplicates, keepCopy, notDuplicates } from "./api.js";
import { confirm, say } from "./dialogs.js";
import { count, fill, h, icon } from "./dom.js";
import { forget } from "./filters.js";
import { failed, isAborted, moreButton, notice, picture, skeleton, waiting } from "./grid.js";
import { titleOf } from "./naming.js";
import { go } from "./state.js";

/**
 * @typedef {import("./api.js").Copy} Copy
 * @typedef {import("./api.js").Store} Store
 */

/** @type {HTMLElement | null} */
let place = null;
/** @type {AbortController | null} */
let asked = null;

/** @param {HTMLElement} main @param {Store} store */
export function enter(main, store) {
  place = h("div", {}, heading("Looking for duplicates…", "Every picture is compared with its neighbors."), skeleton(8));
  fill(main, place);
  load(store);
}

export function leave() {
  asked?.abort();
  place = null;
}

/** The address changes nothing here. */
export function update() {}

/** @param {string} title @param {string} text */
const heading = (title, text) => h("header", { class: "page-head" }, h("h1", {}, title), h("p", { class: "quiet far" }, text));

/** @param {Store} store */
async function load(store) {
  asked = new AbortController();
  try {
    const found = await getDuplicates(0, asked.signal, waiting(place));
    if (place) show(place, found, store);
  } catch (error) {
    if (!isAborted(error) && place) fill(place, failed(error, () => load(store)));
  }
}

/** @param {HTMLElement} root @param {import("./api.js").Duplicates} found @param {Store} store */
function show(root, found, store) {
  if (!found.groups.length) {
    fill(root, notice({ mark: "check", title: "No duplicates", text: "No two pictures in this catalog look like copies of one another." }));
    return;
  }
  const how = store.writable
    ? "Keep the better one, or say that they are different. Removing takes a picture out of the catalog; its file stays."
    : "The better one of each group is marked. To decide here, the server must be started with --writable.";
  const list = h("ul", { class: "groups" });
  const add = (/** @type {import("./api.js").Duplicates} */ page) =>
    list.append(...page.groups.map(({ images }) => groupCard(images, store, (item) => {
      item.remove();
      forget();
      if (!list.children.length) load(store);
    })));
  add(found);
  let next = found.next_offset;
  const more = moreButton(async () => {
    const page = await getDuplicates(next ?? 0, asked?.signal);
    add(page);
    next = page.next_offset;
    return next !== null;
  });
  fill(root, heading(`${count(found.total, "group")} of duplicates`, how), list, next !== null && more);
}

/** @param {Copy[]} group @param {Store} store @param {(item: HTMLElement) => void} settled */
function groupCard(group, store, settled) {
  const item = h("li", { class: "group" });
  const keep = async (/** @type {Copy} */ kept) => {
    const { id } = kept.image;
    const others = group.map(({ image }) => image.id).filter((other) => other !== id);
    const plan = await keepCopy(id, others, true).catch(refused);
    if (!plan) return;
    const stays = staying(plan.staying, group);
    if (!plan.removed.length) {
      say(stays, "close");
      return;
    }
    const joined = plan.joined.length > 0 && `This one takes over what it lacks: ${plan.joined.join(", ")}.`;
    const goes = "What is removed leaves the catalog. No file is deleted, and indexing the folder again brings it back.";
    const agreed = await confirm(
      `Keep this one, remove ${count(plan.removed.length, "other")}?`,
      [joined, stays, goes].filter(Boolean).join(" "),
      "Remove",
    );
    if (!agreed) return;
    await act(item, async () => {
      const { removed } = await keepCopy(id, others, false);
      say(`${count(removed.length, "picture")} removed from the catalog.`);
      const left = group.filter(({ image }) => !removed.includes(image.id));
      if (left.length < 2) settled(item);
      else {
        forget();
        item.replaceWith(groupCard(left, store, settled));
      }
    });
  };
  const apart = () =>
    act(item, async () => {
      await notDuplicates(group.map(({ image }) => image.id));
      say("Remembered: these are different products.");
      settled(item);
    });
  fill(
    item,
    h("ul", { class: "copies" }, group.map((copy) => copyCard(copy, store.writable ? () => keep(copy) : null))),
    store.writable &&
      h("div", { class: "row" }, h("span", { class: "quiet" }, count(group.length, "picture")), h("button", { type: "button", class: "button", onclick: apart }, icon("apart"), "Not a duplicate")),
  );
  return item;
}

/** @param {Copy} copy @param {(() => void) | null} keep */
function copyCard({ image, likeness, better }, keep) {
  const title = titleOf(image);
  return h(
    "li",
    { class: better ? "copy better" : "copy" },
    h(
      "div",
      { class: "frame" },
      h("a", { href: "#", "aria-label": `Details of ${title}`, onclick: (/** @type {MouseEvent} */ event) => { event.preventDefault(); go({ item: image.id }); } }, picture(image)),
      h("span", { class: "badge" }, better ? "Better" : `${(likeness * 100).toFixed(0)}% alike`),
    ),
    h("p", { class: "path" }, image.path),
    h("p", { class: "quiet" }, image.width && `${image.width} × ${image.height}`),
    keep && h("button", { type: "button", class: better ? "button main" : "button", onclick: keep, "aria-label": `Keep ${image.path ?? title}` }, "Keep this"),
  );
}

/**
 * Why some copies stay.
 *
 * @param {Record<string, string[]>} differing id -> the fields with other values
 * @param {Copy[]} group
 */
function staying(differing, group) {
  const said = group
    .filter(({ image }) => differing[image.id])
    .map(({ image }) => `${image.path ?? titleOf(image)} (${differing[image.id]?.join(", ")})`);
  return said.length ? `${count(said.length, "copy", "copies")} with other values ${said.length > 1 ? "stay" : "stays"}: ${said.join(", ")}.` : "";
}

/** @param {unknown} error */
function refused(error) {
  say(/** @type {Error} */ (error).message, "close");
  return null;
}

/** Do something to a group, which rests meanwhile. @param {HTMLElement} item @param {() => Promise<void>} run */
async function act(item, run) {
  item.inert = true;
  item.classList.add("stale");
  try {
    await run();
  } catch (error) {
    refused(error);
  }
  item.inert = false;
  item.classList.remove("stale");
}
