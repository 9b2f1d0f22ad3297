/** What counts in a search: sliders for shape, color and the like, and for attributes that results share with the product. */

import { h } from "./dom.js";
import { fieldName, partName } from "./naming.js";
import { current, go, hasLooks } from "./state.js";
import { isChoice, isRepeated, isSpan } from "./filters.js";

/**
 * @typedef {import("./api.js").Store} Store
 * @typedef {import("./api.js").Facet} Facet
 * @typedef {import("./api.js").Facets} Facets
 * @typedef {import("./state.js").State} State
 */

/**
 * Names with weights, from text such as `learned=1,"base color"=0.5`. A name alone weighs 1.
 *
 * @param {string} text
 * @returns {Map<string, number>}
 */
export function weightsOf(text) {
  /** @type {Map<string, number>} */
  const weights = new Map();
  if (!text || text === "none") return weights;
  if (!text.includes("=")) return weights.set(text, 1);
  for (const match of text.matchAll(/\s*(?:"([^"]*)"|([^"=,]+?))\s*=\s*([^,]*)(?:,|$)/g)) {
    const weight = Number(match[3]);
    if (Number.isFinite(weight) && weight >= 0) weights.set(match[1] ?? match[2], weight);
  }
  return weights;
}

/** @param {Map<string, number>} weights @param {boolean} [alone] whether a single name of weight 1 is written bare */
export function textOf(weights, alone = false) {
  const some = [...weights].filter(([, weight]) => weight > 0);
  if (alone && some.length === 1) return some[0][0];
  return some.map(([name, weight]) => `${/^[\w-]+$/.test(name) ? name : `"${name}"`}=${weight}`).join(",");
}

/**
 * @param {State} state
 * @param {Store} store
 * @param {Facets} facets of the whole catalog
 */
export function weightSliders(state, store, facets) {
  if (!hasLooks(state)) return null;
  const looks = weightsOf(state.using || store.default_using);
  const known = state.id.length > 0 || state.like.length > 0;
  const choices = facets.fields.filter((facet) => facet.kind !== "bool" && isChoice(facet, facets.total) && !isRepeated(facet) && !facet.name.includes('"')).slice(0, 5);
  const spans = facets.fields.filter((facet) => isSpan(facet) && !isRepeated(facet) && typeof facet.least === "number").slice(0, 2);
  return h(
    "fieldset",
    { class: "facet weights" },
    h("legend", {}, "What counts"),
    store.encoders.map(({ name }) =>
      slider(partName(name), looks.get(name) ?? 0, name, (weight) => {
        const next = weightsOf(current().using || store.default_using);
        next.set(name, weight);
        const text = textOf(next, true);
        go({ using: text === store.default_using ? "" : text || "none", versus: "" });
      }),
    ),
    slider("Variety", state.diversity, "variety", (diversity) => go({ diversity })),
    known && choices.length + spans.length > 0 && attributes(state, choices, spans),
    !known && choices.length > 0 && h("p", { class: "quiet hint" }, "Give a result a thumb up, and shared attributes can count too."),
    (state.using || state.boost || state.near || state.diversity > 0) &&
      h("button", { type: "button", class: "unfold", onclick: () => go({ using: "", boost: "", near: "", diversity: 0 }) }, "As it was"),
    store.better && state.using !== store.better.using &&
      h("p", { class: "hint" }, `${store.better.sentence} `, h("button", { type: "button", class: "unfold", onclick: () => {
        const better = /** @type {NonNullable<Store["better"]>} */ (store.better);
        go({ using: better.using, boost: known ? (better.boost ?? "") : "", versus: "" });
      } }, "Use it")),
  );
}

let unfolded = false;

/** What results may share with the product. @param {State} state @param {Facet[]} choices @param {Facet[]} spans */
function attributes(state, choices, spans) {
  const boosts = weightsOf(state.boost);
  const nears = weightsOf(state.near);
  const folding = h(
    "details",
    { open: unfolded || boosts.size + nears.size > 0 },
    h("summary", { "data-key": "attributes" }, "Shared attributes"),
    choices.map(({ name }) =>
      slider(`Same ${fieldName(name).toLowerCase()}`, boosts.get(name) ?? 0, `same ${name}`, (weight) =>
        go({ boost: textOf(weightsOf(current().boost).set(name, weight)) })),
    ),
    spans.map(({ name }) =>
      slider(`Close ${fieldName(name).toLowerCase()}`, nears.get(name) ?? 0, `close ${name}`, (weight) =>
        go({ near: textOf(weightsOf(current().near).set(name, weight)) })),
    ),
  );
  folding.addEventListener("toggle", () => (unfolded = folding.open));
  return folding;
}

/** @param {string} label @param {number} value @param {string} name @param {(weight: number) => void} changed */
function slider(label, value, name, changed) {
  const told = h("span", { class: "amount", "aria-hidden": "true" }, value.toFixed(2));
  const input = h("input", { type: "range", min: 0, max: 1, step: 0.05, "aria-label": label, "data-key": `weight:${name}`, value: Math.min(value, 1) });
  const draw = () => input.style.setProperty("--share", input.value);
  input.addEventListener("input", () => {
    told.textContent = Number(input.value).toFixed(2);
    draw();
  });
  input.addEventListener("change", () => changed(Number(input.value)));
  draw();
  return h("label", { class: "weight" }, h("span", {}, label), told, input);
}

/** One encoder after another, to see what each finds. @param {State} state @param {Store} store */
export function encoderSwitch(state, store) {
  const using = state.using || store.default_using;
  const mixed = using.includes("=");
  const choices = h(
    "div",
    { class: "switch", role: "radiogroup", "aria-label": "Compare by" },
    store.encoders.map(({ name }) =>
      h("label", {}, h("input", {
        type: "radio", name: "using", value: name, checked: using === name, "data-key": `using:${name}`,
        onchange: () => go({ using: name === store.default_using ? "" : name, versus: current().versus === name ? "" : current().versus }),
      }), h("span", {}, partName(name))),
    ),
    mixed && h("label", {}, h("input", { type: "radio", name: "using", checked: true }), h("span", {}, "Mixed")),
  );
  requestAnimationFrame(() => {
    const chosen = choices.querySelector(":checked")?.parentElement;
    if (chosen) choices.scrollLeft = chosen.offsetLeft - choices.clientWidth / 2;
  });
  return choices;
}
