/** What the page shows, as the address bar holds it: a copied address is the same search. */

/**
 * @typedef {"catalog" | "map" | "duplicates" | "between"} View
 * @typedef {{least: string, most: string}} Span an open end is empty
 *
 * @typedef {object} State
 * @property {View} view
 * @property {string} picture token of an uploaded picture
 * @property {number[]} crop left, top, right and bottom, in shares of the picture; empty for all of it
 * @property {string[]} id
 * @property {string[]} like
 * @property {string[]} unlike
 * @property {string} words
 * @property {string} using one encoder, or several with weights, as the library reads it; empty for the default
 * @property {string} versus a second encoder, for two side by side
 * @property {string} boost
 * @property {string} near
 * @property {Map<string, string[]>} values field -> values, any of which may match
 * @property {Map<string, Span>} spans field -> bounds
 * @property {boolean} grouped one result a product
 * @property {number} diversity
 * @property {string} item the product whose preview is open
 * @property {string} a
 * @property {string} b
 */

const VIEWS = ["catalog", "map", "duplicates", "between"];
const TEXTS = /** @type {const} */ (["picture", "words", "using", "versus", "boost", "near", "item", "a", "b"]);
const LISTS = /** @type {const} */ (["id", "like", "unlike"]);

/**
 * @param {string} text the part of an address from `?` on
 * @returns {State}
 */
export function read(text) {
  const query = new URLSearchParams(text);
  const view = query.get("view") ?? "";
  const crop = (query.get("crop") ?? "").split(",").map(Number);
  const [left, top, right, bottom] = crop;
  const cropped = crop.length === 4 && 0 <= left && left < right && right <= 1 && 0 <= top && top < bottom && bottom <= 1;
  const diversity = Number(query.get("diversity") ?? 0);
  /** @type {any} */
  const state = {
    view: VIEWS.includes(view) ? view : "catalog",
    crop: cropped ? crop : [],
    values: new Map(),
    spans: new Map(),
    grouped: query.has("grouped"),
    diversity: diversity > 0 && diversity <= 1 ? diversity : 0,
  };
  for (const name of TEXTS) state[name] = query.get(name) ?? "";
  for (const name of LISTS) state[name] = [...new Set(query.getAll(name).filter(Boolean))];
  for (const [field, value] of query.getAll("is").map(parted)) {
    state.values.set(field, [...(state.values.get(field) ?? []), value]);
  }
  for (const [field, value] of query.getAll("from").map(parted)) {
    const [least = "", most = ""] = value.split("..");
    state.spans.set(field, { least, most });
  }
  return state;
}

/**
 * The address of a state, empty for the start of the catalog.
 *
 * @param {State} state
 * @returns {string}
 */
export function write(state) {
  const query = new URLSearchParams();
  if (state.view !== "catalog") query.set("view", state.view);
  for (const name of LISTS) for (const one of state[name]) query.append(name, one);
  for (const name of TEXTS) if (state[name]) query.set(name, state[name]);
  if (state.crop.length) query.set("crop", state.crop.map((share) => share.toFixed(3)).join(","));
  for (const [field, values] of state.values) for (const value of values) query.append("is", joined(field, value));
  for (const [field, { least, most }] of state.spans) query.append("from", joined(field, `${least}..${most}`));
  if (state.grouped) query.set("grouped", "1");
  if (state.diversity) query.set("diversity", String(state.diversity));
  const text = query.toString();
  return text ? `?${text}` : "";
}

/** @param {string} field @param {string} value */
const joined = (field, value) => `${encodeURIComponent(field)}:${value}`;

/** @param {string} text @returns {[string, string]} */
function parted(text) {
  const at = text.indexOf(":");
  const field = text.slice(0, Math.max(at, 0));
  try {
    return [decodeURIComponent(field), text.slice(at + 1)];
  } catch {
    return [field, text.slice(at + 1)];
  }
}

/** @type {State} */
let now = read("");
/** @type {((state: State, before: State) => void)[]} */
const listeners = [];

export const current = () => now;

let back = false;

/** Whether the state came from the history rather than from a click. */
export const cameBack = () => back;

/** @param {(state: State, before: State) => void} listener */
export function onChange(listener) {
  listeners.push(listener);
}

/**
 * Show something else; `replace` writes no step of the history.
 *
 * @param {Partial<State>} changes
 * @param {{replace?: boolean}} [how]
 */
export function go(changes, { replace = false } = {}) {
  const next = { ...now, ...changes };
  const text = write(next);
  if (text === write(now)) return;
  back = false;
  history[replace ? "replaceState" : "pushState"](null, "", text || location.pathname);
  tell(next);
}

/** The address of a changed state, for links. @param {Partial<State>} changes */
export const linkTo = (changes) => write({ ...now, ...changes }) || location.pathname;

export function start() {
  addEventListener("popstate", () => {
    back = true;
    tell(read(location.search));
  });
  tell(read(location.search));
}

/** @param {State} next */
function tell(next) {
  const before = now;
  now = next;
  for (const listener of listeners) listener(next, before);
}

/** What a search by this product alone changes: the filters stay. @param {string} id @returns {Partial<State>} */
export const searchBy = (id) => ({ ...NO_QUERY, view: "catalog", id: [id], item: "" });

/** @type {Partial<State>} */
export const NO_QUERY = { picture: "", crop: [], id: [], like: [], unlike: [], words: "", boost: "", near: "" };

/** Whether images, and not words alone, are searched by. @param {State} state */
export const hasLooks = (state) => Boolean(state.picture || state.id.length || state.like.length);

/** @param {State} state */
export const isSearch = (state) => hasLooks(state) || Boolean(state.words);
