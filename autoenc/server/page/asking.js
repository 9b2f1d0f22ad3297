/** A state as the server is asked about it: a filter as text, a query as an object or an address. */

import { address } from "./api.js";
import { hasLooks } from "./state.js";

/** @typedef {import("./state.js").State} State */

/** A field or a value of the filter language. @param {string} text */
const quoted = (text) => `"${text.replace(/(["\\])/g, "\\$1")}"`;

/**
 * The filters as text, such as `"brand" in ("Nike", "Puma") and "price" <= "50"`.
 *
 * @param {Pick<State, "values" | "spans">} state
 * @param {string} [without] a field whose filter is left out
 */
export function whereOf({ values, spans }, without) {
  const parts = [];
  for (const [field, chosen] of values) {
    if (field !== without) parts.push(`${quoted(field)} in (${chosen.map(quoted).join(", ")})`);
  }
  for (const [field, { least, most }] of spans) {
    if (field === without) continue;
    if (least) parts.push(`${quoted(field)} >= ${quoted(least)}`);
    if (most) parts.push(`${quoted(field)} <= ${quoted(most)}`);
  }
  return parts.join(" and ");
}

/**
 * A search as the API takes it.
 *
 * @param {State} state
 * @param {{using?: string, k: number, offset?: number}} how `using` instead of the state's
 * @returns {Record<string, any>}
 */
export function queryOf(state, { using = state.using, k, offset = 0 }) {
  const looks = hasLooks(state);
  const where = whereOf(state);
  const known = state.id.length > 0 || state.like.length > 0;
  const hybrid = using === state.using && known; // boosts take their values from stored images
  return {
    ...(state.picture && { picture: state.picture }),
    ...(state.picture && state.crop.length && { crop: state.crop }),
    ...(state.id.length && { id: state.id }),
    ...(state.like.length && { like: state.like }),
    ...(looks && state.unlike.length && { unlike: state.unlike }),
    ...(state.words && { words: state.words }),
    ...(looks && using && { using }),
    ...(hybrid && state.boost && { boost: state.boost }),
    ...(hybrid && state.near && { near: state.near }),
    ...(where && { where }),
    ...(state.grouped && { group_by: "product" }),
    ...(state.diversity && { diversity: state.diversity }),
    ...(offset && { offset }),
    k,
  };
}

/**
 * The address under which the server gives these results as a file.
 *
 * @param {State} state
 * @param {"csv" | "png"} format
 */
export function fileUrl(state, format) {
  const query = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(queryOf(state, { k: 60 }))) {
    if (name === "crop") query.set(name, value.join(","));
    else for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  }
  return address("search", query);
}
