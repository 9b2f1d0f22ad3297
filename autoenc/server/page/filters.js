/** Filters from the facets: values with their counts, spans of numbers and dates. */

import { getFacets } from "./api.js";
import { whereOf } from "./asking.js";
import { count, fill, h, icon, refill, settled } from "./dom.js";
import { dateText, fieldName, valueText } from "./naming.js";
import { current, go } from "./state.js";

/**
 * @typedef {import("./api.js").Facet} Facet
 * @typedef {import("./api.js").Facets} Facets
 * @typedef {import("./api.js").FacetValue} FacetValue
 * @typedef {import("./state.js").State} State
 */

const FEW = 6;
const AMOUNTS = 12; // values of an integer, beyond which one chooses a span

/** @type {Facets | null} of the whole catalog: its fields and their bounds stay while filters change */
let whole = null;

/** @type {Set<string>} fields of which all values are shown */
const unfolded = new Set();

/** The facets of the whole catalog. @param {AbortSignal} [signal] */
export async function allFacets(signal) {
  whole ??= await getFacets("", signal);
  return whole;
}

let changes = 0;

/** How often the catalog has changed since the page was opened. */
export const generation = () => changes;

/** After the catalog changed. */
export function forget() {
  whole = null;
  changes++;
}

/**
 * The facets under the filters. A field's own filter does not narrow its values: one can still add another.
 *
 * @param {State} state
 * @param {AbortSignal} signal
 * @returns {Promise<Facets>}
 */
export async function facetsFor(state, signal) {
  const base = await allFacets(signal);
  if (!whereOf(state)) return base;
  const [now, ...others] = await Promise.all([
    getFacets(whereOf(state), signal),
    ...[...state.values.keys()].map((field) => getFacets(whereOf(state, field), signal)),
  ]);
  const own = new Map([...state.values.keys()].map((field, at) => [field, others[at]]));
  const fields = base.fields.map((facet) => {
    const found = (own.get(facet.name) ?? now).fields.find(({ name }) => name === facet.name);
    return { ...facet, values: facet.values && recounted(facet.values, found?.values ?? []) };
  });
  return { fields, total: now.total };
}

/** Values in their usual order with new counts, so that none jumps; those that are new come last. @param {FacetValue[]} values @param {FacetValue[]} now */
function recounted(values, now) {
  const counts = new Map(now.map((one) => [one.value, one.count]));
  const known = new Set(values.map(({ value }) => value));
  return [...values.map(({ value }) => ({ value, count: counts.get(value) ?? 0 })), ...now.filter(({ value }) => !known.has(value))];
}

/** Whether people choose by this field: not an id, of which every product has its own. @param {Facet} facet @param {number} images */
export function isChoice(facet, images) {
  if (!facet.values) return false;
  const most = Math.max(0, ...facet.values.map((one) => one.count));
  return facet.values.length > 1 && most > Math.max(3, images / 500) && most < images;
}

/** Facets of the files rather than of the products, and folders that say what another field says. @param {Facet} facet */
export function isRepeated(facet) {
  if (["width", "height", "path"].includes(facet.name)) return true;
  const names = (/** @type {Facet} */ { values }) => (values ?? []).map(({ value }) => String(value)).sort().join("\n");
  const folders = ["folder", "product"];
  return folders.includes(facet.name) && (whole?.fields ?? []).some((other) => !folders.includes(other.name) && names(other) === names(facet));
}

/** @param {Facet} facet */
export const isSpan = ({ least, most }) => least !== null && least !== undefined && most !== null && most !== undefined && least !== most;

/** Whether the values are an amount, such as a stock, rather than a choice, such as a year. @param {Facet} facet */
const isAmount = (facet) => facet.kind === "integer" && isSpan(facet) && (facet.values?.length ?? 0) > AMOUNTS;

/**
 * @param {HTMLElement} place
 * @param {Facets} facets
 * @param {State} state
 */
export function showFilters(place, facets, state) {
  const images = whole?.total ?? facets.total;
  const groups = facets.fields.map((facet) => {
    const own = whole?.fields.find(({ name }) => name === facet.name) ?? facet;
    if (isRepeated(own)) return null;
    if (state.values.has(facet.name) || (isChoice(own, images) && !isAmount(own))) return valueGroup(facet, state);
    if (isSpan(own)) return spanGroup(own, state);
    return null;
  });
  refill(place, groups);
}

/** @param {Facet} facet @param {State} state */
function valueGroup(facet, state) {
  const chosen = state.values.get(facet.name) ?? [];
  const values = [...(facet.values ?? [])];
  for (const value of chosen) if (!values.some((one) => String(one.value) === value)) values.push({ value, count: 0 });
  const folded = values.length > FEW + 2 && !unfolded.has(facet.name);
  const isChosen = (/** @type {FacetValue} */ { value }) => chosen.includes(String(value));
  const left = values.filter((one) => one.count > 0 || isChosen(one)); // those that would find something come first
  const first = new Set((left.length < FEW ? values : left).slice(0, FEW));
  const shown = folded ? values.filter((one) => first.has(one) || isChosen(one)) : values;
  return h(
    "fieldset",
    { class: "facet" },
    h("legend", {}, fieldName(facet.name)),
    shown.map((one) => valueBox(facet.name, one, chosen)),
    folded &&
      h(
        "button",
        { type: "button", class: "unfold", onclick: (/** @type {MouseEvent} */ event) => {
          unfolded.add(facet.name);
          const group = /** @type {HTMLElement} */ (event.currentTarget).closest("fieldset");
          const next = valueGroup(facet, current());
          group?.replaceWith(next);
          next.querySelectorAll("input")[FEW]?.focus();
        } },
        `All ${values.length}`,
      ),
  );
}

/** @param {string} field @param {FacetValue} one @param {string[]} chosen */
function valueBox(field, { value, count: images }, chosen) {
  const text = String(value);
  return h(
    "label",
    { class: images ? "value" : "value none" },
    h("input", {
      type: "checkbox",
      checked: chosen.includes(text),
      "data-key": `${field}:${text}`,
      onchange: (/** @type {Event} */ event) => {
        const now = current().values.get(field) ?? [];
        const on = /** @type {HTMLInputElement} */ (event.target).checked;
        choose(field, on ? [...now, text] : now.filter((other) => other !== text));
      },
    }),
    swatch(field, text),
    h("span", { class: "text" }, valueText(value)),
    h("span", { class: "quiet" }, count(images)),
  );
}

/** A spot of the color that a value names. @param {string} field @param {string} value */
function swatch(field, value) {
  if (!/colou?r/i.test(field)) return null;
  const color = value.replace(/\s/g, "").toLowerCase();
  if (!CSS.supports("color", color)) return null;
  const spot = h("span", { class: "swatch", "aria-hidden": "true" });
  spot.style.background = color;
  return spot;
}

/** @param {string} field @param {string[]} values */
function choose(field, values) {
  const next = new Map(current().values);
  if (values.length) next.set(field, values);
  else next.delete(field);
  go({ values: next });
}

/** @param {string} field @param {import("./state.js").Span} span */
function bound(field, span) {
  const next = new Map(current().spans);
  if (span.least || span.most) next.set(field, span);
  else next.delete(field);
  go({ spans: next });
}

/** @param {Facet} facet @param {State} state */
function spanGroup(facet, state) {
  const span = state.spans.get(facet.name) ?? { least: "", most: "" };
  return h(
    "fieldset",
    { class: "facet" },
    h("legend", {}, fieldName(facet.name)),
    typeof facet.least === "number" && typeof facet.most === "number"
      ? slider(facet.name, facet.least, facet.most, span, facet.kind === "integer")
      : dates(facet, span),
  );
}

/** Two thumbs on one line. @param {string} field @param {number} least @param {number} most @param {import("./state.js").Span} span @param {boolean} whole */
function slider(field, least, most, span, whole) {
  const fine = (most - least) / 100;
  const step = whole ? Math.max(1, Math.round(fine)) : 10 ** Math.floor(Math.log10(fine));
  const [floor, ceiling] = [Math.floor(least / step) * step, Math.ceil(most / step) * step];
  const told = h("div", { class: "ends", "aria-hidden": "true" });
  const track = h("div", { class: "track", "aria-hidden": "true" }, h("i"));
  const thumb = (/** @type {string} */ label, /** @type {number} */ value) =>
    h("input", { type: "range", min: floor, max: ceiling, step, "aria-label": `${fieldName(field)}: ${label}`, "data-key": `${field}:${label}`, value });
  const low = thumb("from", span.least === "" ? floor : Number(span.least));
  const high = thumb("to", span.most === "" ? ceiling : Number(span.most));
  const draw = () => {
    const [from, to] = [Number(low.value), Number(high.value)];
    fill(told, h("span", {}, valueText(from)), h("span", {}, valueText(to)));
    const bar = /** @type {HTMLElement} */ (track.firstElementChild);
    bar.style.left = `${((from - floor) / (ceiling - floor)) * 100}%`;
    bar.style.right = `${((ceiling - to) / (ceiling - floor)) * 100}%`;
  };
  const apply = settled(() => {
    const [from, to] = [Number(low.value), Number(high.value)];
    bound(field, { least: from > floor ? String(from) : "", most: to < ceiling ? String(to) : "" });
  }, 150);
  for (const input of [low, high]) {
    input.addEventListener("input", () => {
      if (Number(low.value) > Number(high.value)) input.value = input === low ? high.value : low.value;
      draw();
    });
    input.addEventListener("change", apply);
  }
  draw();
  return h("div", { class: "span" }, h("div", { class: "thumbs2" }, track, low, high), told);
}

/** @param {Facet} facet @param {import("./state.js").Span} span */
function dates(facet, span) {
  const day = (/** @type {unknown} */ value) => String(value).slice(0, 10);
  const field = (/** @type {"least" | "most"} */ end, /** @type {string} */ label) =>
    h("label", { class: "date" }, label, h("input", {
      type: "date", min: day(facet.least), max: day(facet.most), value: day(span[end]), "data-key": `${facet.name}:${label}`,
      onchange: (/** @type {Event} */ event) =>
        bound(facet.name, { ...(current().spans.get(facet.name) ?? span), [end]: /** @type {HTMLInputElement} */ (event.target).value }),
    }));
  return h("div", { class: "dates" }, field("least", "From"), field("most", "To"));
}

/** The chosen filters, each with a way to take it back. @param {State} state */
export function chips(state) {
  const chip = (/** @type {string} */ text, /** @type {() => void} */ away) =>
    h("button", { type: "button", class: "chip", "aria-label": `Remove the filter ${text}`, onclick: away }, text, icon("close"));
  const found = [];
  for (const [field, values] of state.values) {
    for (const value of values) found.push(chip(`${fieldName(field)}: ${value}`, () => choose(field, values.filter((other) => other !== value))));
  }
  for (const [field, { least, most }] of state.spans) {
    const [from, to] = [least, most].map((end) => (/^\d{4}-\d\d-\d\d/.test(end) ? dateText(end) : end));
    const text = least && most ? `${from} to ${to}` : least ? `from ${from}` : `up to ${to}`;
    found.push(chip(`${fieldName(field)} ${text}`, () => bound(field, { least: "", most: "" })));
  }
  if (found.length > 1) {
    found.push(h("button", { type: "button", class: "button plain", onclick: () => go({ values: new Map(), spans: new Map() }) }, "Clear all"));
  }
  return found;
}
