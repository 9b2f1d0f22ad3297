/** The catalog: browsed, filtered and searched, as a grid or as two side by side. */

import { browse, search } from "./api.js";
import { queryOf, whereOf } from "./asking.js";
import { openDialog } from "./dialogs.js";
import { count, fill, h, icon, refill } from "./dom.js";
import { takeAway } from "./downloads.js";
import { allFacets, chips, facetsFor, generation, showFilters } from "./filters.js";
import { card, failed, isAborted, moreButton, mostOf, notice, shapeCards, skeleton } from "./grid.js";
import { partName } from "./naming.js";
import { hero, queryStrip } from "./query.js";
import { cameBack, current, go, hasLooks, isSearch, NO_QUERY } from "./state.js";
import { encoderSwitch, weightSliders } from "./weights.js";

/**
 * @typedef {import("./api.js").Store} Store
 * @typedef {import("./api.js").Neighbor} Neighbor
 * @typedef {import("./api.js").Answer} Answer
 * @typedef {import("./state.js").State} State
 */

const PAGE = 30;
const DEEPEST = 200;
const wide = matchMedia("(min-width: 64rem)");

/** What the catalog shows; `null` while another view is open. @type {ReturnType<typeof build> | null} */
let parts = null;
/** @type {AbortController | null} */
let asked = null;
/** @type {AbortController | null} */
let counted = null;
let shown = "";
/** What the last searches showed, for the way back. @type {Map<string, {nodes: Node[], found: Map<string, Neighbor>, top: number}>} */
const kept = new Map();
let shaped = false;
/** @type {Map<string, Neighbor>} */
const found = new Map();

/** This product among the results. @param {string} id */
export const neighborOf = (id) => found.get(id);

function build() {
  const lead = h("div", { class: "lead" });
  const weights = h("div");
  const filters = h("div", { class: "filters" });
  const panel = h("div", { class: "panel" }, weights, filters);
  const side = h("aside", { class: "side", "aria-label": "Filters" }, panel);
  const bar = h("div", { class: "toolbar" });
  const results = h("div", { class: "results" });
  const status = h("p", { class: "hushed", role: "status" });
  const root = h("div", { class: "catalog" }, status, lead, h("div", { class: "columns" }, side, h("section", { class: "found", "aria-label": "Results" }, bar, results)));
  return { root, status, lead, weights, filters, panel, side, bar, results };
}

/** @param {HTMLElement} main */
export function enter(main) {
  parts = build();
  shown = "";
  fill(parts.results, skeleton(12));
  fill(main, parts.root);
}

export function leave() {
  keep();
  asked?.abort();
  parts = null;
}

/** @param {State} state @param {Store} store */
export function update(state, store) {
  if (!parts) return;
  const key = JSON.stringify([queryOf(state, { k: PAGE }), state.versus, generation()]);
  if (key === shown) return;
  keep();
  shown = key;
  refill(parts.lead, isSearch(state) ? queryStrip(state, tools(state, store)) : whereOf(state) ? null : hero(store.images));
  parts.root.classList.toggle("searching", isSearch(state));
  const before = cameBack() ? kept.get(key) : undefined;
  if (before) restore(before);
  else load(state, store);
  recount(state, store);
}

/** Remember what is shown, unless it is still to come. */
function keep() {
  if (!parts || !shown || parts.results.matches(".stale") || parts.results.querySelector(".awaited, [role=alert]")) return;
  kept.delete(shown);
  kept.set(shown, { nodes: [...parts.results.childNodes], found: new Map(found), top: scrollY });
  for (const key of kept.keys()) if (kept.size > 8) kept.delete(key);
}

/** Show again what was left, where it was left. @param {{nodes: Node[], found: Map<string, Neighbor>, top: number}} before */
function restore(before) {
  asked?.abort();
  asked = new AbortController();
  found.clear();
  for (const [id, neighbor] of before.found) found.set(id, neighbor);
  const { results } = /** @type {NonNullable<typeof parts>} */ (parts);
  results.classList.remove("stale");
  fill(results, before.nodes);
  requestAnimationFrame(() => scrollTo({ top: before.top }));
}

/** @param {State} state @param {Store} store */
function tools(state, store) {
  const side = h("button", {
    type: "button", class: "button", "data-key": "versus", "aria-pressed": String(Boolean(state.versus)),
    onclick: () => go({ versus: state.versus ? "" : other(state, store) }),
  }, icon("columns"), h("span", { class: "label" }, "Side by side"));
  return [
    ...(hasLooks(state) ? [encoderSwitch(state, store), ...(store.encoders.length > 1 ? [side] : [])] : []),
    takeAway(state),
    h("button", { type: "button", class: "button plain clear", onclick: () => go(NO_QUERY) }, "Clear"),
  ];
}

/** An encoder to see beside the one in use. @param {State} state @param {Store} store */
const other = (state, store) => {
  const using = state.using || store.default_using;
  const names = store.encoders.map(({ name }) => name).filter((name) => name !== using);
  return names.includes("color") ? "color" : (names[0] ?? "");
};

/** The facets' counts, and the sliders. @param {State} state @param {Store} store */
async function recount(state, store) {
  counted?.abort();
  counted = new AbortController();
  try {
    const facets = await facetsFor(state, counted.signal);
    if (!parts) return;
    showFilters(parts.filters, facets, state);
    refill(parts.weights, weightSliders(state, store, await allFacets(counted.signal)));
    showBar(state, store, facets.total);
  } catch (error) {
    if (!isAborted(error) && parts) fill(parts.filters, h("p", { class: "quiet" }, /** @type {Error} */ (error).message));
  }
}

/** @param {State} state @param {Store} store @param {number} total */
function showBar(state, store, total) {
  if (!parts) return;
  const { panel } = parts;
  const filters = h("button", { type: "button", class: "button tune", onclick: () => {
    openDialog("Filters", "sheet", [h("h2", {}, isSearch(current()) ? "Tune" : "Filters"), panel], () => parts?.side.append(panel));
  } }, icon("sliders"), isSearch(state) ? "Tune" : "Filters");
  const grouped = store.product !== null && isSearch(state) && h("label", { class: "toggle" }, h("input", {
    type: "checkbox", role: "switch", "data-key": "grouped", checked: state.grouped, onchange: (/** @type {Event} */ event) => go({ grouped: /** @type {HTMLInputElement} */ (event.target).checked }),
  }), "One photo a product");
  refill(
    parts.bar,
    filters,
    h("p", { class: "quiet total" }, isSearch(state) ? `Among ${count(total, "picture")}` : count(total, "picture")),
    chips(state),
    grouped || null,
  );
}

/** @param {State} state @param {Store} store */
async function load(state, store) {
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  const place = /** @type {NonNullable<typeof parts>} */ (parts).results;
  place.classList.add("stale");
  try {
    if (isSearch(state)) await showSearch(place, state, store);
    else await showAll(place, state, signal);
  } catch (error) {
    if (isAborted(error)) return;
    fill(place, failed(error, () => load(state, store)));
  }
  place.classList.remove("stale");
}

/** Tell it to those who do not see it. @param {string} text */
const tell = (text) => parts && fill(parts.status, text);

/** @param {HTMLElement} place @param {State} state @param {AbortSignal} signal */
async function showAll(place, state, signal) {
  const where = whereOf(state);
  const first = await browse(where, null, signal);
  found.clear();
  tell(first.images.length ? "" : "Nothing matches");
  if (!first.images.length) return fill(place, nothing(where));
  if (!shaped) shapeCards(first.images);
  shaped = true;
  const grid = h("ul", { class: "grid" }, first.images.map((image, at) => card(image, { eager: at < 12 })));
  let { next } = first;
  const more = moreButton(async () => {
    const page = await browse(where, next, asked?.signal);
    next = page.next;
    grid.append(...page.images.map((image) => card(image)));
    return next !== null;
  });
  fill(place, grid, next !== null && more);
  return place;
}

/** @param {string} where @param {string[]} [notes] */
const nothing = (where, notes = []) =>
  where
    ? notice({ mark: "search", title: "Nothing matches all of these filters", text: notes.join(" ") || "Take one of them away to see more.", action: h("button", { type: "button", class: "button main", onclick: () => go({ values: new Map(), spans: new Map() }) }, "Clear the filters") })
    : notice({ mark: "picture", title: "This catalog is still empty", text: "Index a folder of product photos with `autoenc index`, then reload this page." });

/** @param {HTMLElement} place @param {State} state @param {Store} store */
async function showSearch(place, state, store) {
  const using = state.using || store.default_using;
  const columns = state.versus && hasLooks(state) ? [using, state.versus] : [""];
  const ask = (/** @type {string} */ name, offset = 0) =>
    search(queryOf(state, { k: PAGE, offset, ...(name && name !== using && { using: name }) }), asked?.signal);
  const answers = await Promise.all(columns.map((name) => ask(name)));
  found.clear();
  for (const { image, ...rest } of answers.flatMap((answer) => answer.neighbors)) found.set(image.id, { image, ...rest });
  if (!shaped) shapeCards(answers[0].neighbors.map(({ image }) => image));
  shaped = true;
  tell(count(answers[0].neighbors.length, "result"));
  if (answers.every((answer) => !answer.neighbors.length)) return fill(place, nothing(whereOf(state) || "words", answers[0].notes));
  const lists = answers.map((answer, at) => {
    const most = mostOf(answer.neighbors);
    const make = (/** @type {Neighbor} */ neighbor) => card(neighbor.image, { neighbor, most, votes: hasLooks(state) ? "both" : "up", eager: neighbor.rank <= 12 });
    const grid = h("ul", { class: "grid" }, answer.neighbors.map(make));
    let next = answer.next_offset;
    const more = moreButton(async () => {
      const page = await ask(columns[at], next ?? 0);
      for (const neighbor of page.neighbors) found.set(neighbor.image.id, neighbor);
      grid.append(...page.neighbors.map(make));
      next = page.next_offset;
      return next !== null && next < DEEPEST;
    });
    const heading = columns.length > 1 && h("h2", {}, at ? versusChoice(state, store) : partName(columns[at].includes("=") ? "mixed" : columns[at]));
    return h("section", { class: "list" }, heading, grid, next !== null && more);
  });
  return fill(place, novelty(answers[0]), columns.length > 1 ? h("div", { class: "pair" }, lists) : lists);
}

/** @param {State} state @param {Store} store */
const versusChoice = (state, store) =>
  h(
    "select",
    { "aria-label": "The second encoder", onchange: (/** @type {Event} */ event) => go({ versus: /** @type {HTMLSelectElement} */ (event.target).value }) },
    store.encoders.filter(({ name }) => name !== (state.using || store.default_using)).map(({ name }) => h("option", { value: name, selected: name === state.versus }, partName(name))),
  );

/** Said kindly: the catalog may not have it. @param {Answer} answer */
const novelty = ({ novelty: told }) =>
  told?.unlike &&
  h(
    "aside",
    { class: "novel" },
    icon("search"),
    h("div", {}, h("strong", {}, "This may not be in the catalog. "), h("span", {}, "Nothing here is as close to it as products here are to one another. These come nearest.")),
  );

wide.addEventListener("change", () => /** @type {HTMLDialogElement | null} */ (document.querySelector("dialog.sheet"))?.close());
