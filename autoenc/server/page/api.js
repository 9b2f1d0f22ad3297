/** The server's answers, and what goes wrong on the way to them. */

/**
 * @typedef {object} Image
 * @property {string} id
 * @property {string | null} path
 * @property {string | null} source
 * @property {string | null} thumbnail
 * @property {string | null} original
 * @property {Record<string, any>} fields
 * @property {number | null} width
 * @property {number | null} height
 * @property {string | number | null} product
 *
 * @typedef {{rank: number, score: number, parts: Record<string, number>, image: Image}} Neighbor
 * @typedef {{unlike: boolean, percentile: number, told: string}} Novelty
 * @typedef {object} Answer
 * @property {Record<string, any>} query
 * @property {Neighbor[]} neighbors
 * @property {Novelty | null} novelty
 * @property {number | null} next_offset
 * @property {string[]} notes why nothing was found
 * @property {number} took_ms
 *
 * @typedef {{name: string, dim: number, default: boolean}} Encoder
 * @typedef {{name: string, kind: string, filterable: boolean}} Field
 * @typedef {object} Store
 * @property {number} images
 * @property {string} version
 * @property {Encoder[]} encoders
 * @property {Field[]} fields
 * @property {string | null} product
 * @property {string[]} sources
 * @property {boolean} decoder
 * @property {boolean} writable
 * @property {boolean} private
 * @property {boolean} report
 * @property {{using: string, boost?: string, sentence: string} | null} better
 * @property {string} default_using
 *
 * @typedef {{value: string | number | boolean, count: number}} FacetValue
 * @typedef {object} Facet
 * @property {string} name
 * @property {string} kind
 * @property {FacetValue[] | null} values
 * @property {number | string | null} [least]
 * @property {number | string | null} [most]
 *
 * @typedef {{fields: Facet[], total: number}} Facets
 * @typedef {{token: string, expires: string, width: number, height: number, thumbnail: string}} Uploaded
 * @typedef {{image: Image, likeness: number, better: boolean}} Copy
 * @typedef {{groups: {images: Copy[]}[], total: number, next_offset: number | null}} Duplicates
 * @typedef {{share: number, picture: string, nearest: {score: number, image: Image}[]}} Step
 */

/** @typedef {(job: {stage: string, done: number, total: number | null}) => void} Told */

/** What the server, or the way to it, refused. */
export class Problem extends Error {
  /**
   * @param {number} status 0 when no server answered
   * @param {string} title
   * @param {string} detail
   */
  constructor(status, title, detail) {
    super(detail || title);
    this.status = status;
    this.title = title;
  }
}

/** @type {Map<string, Image>} every image that an answer named */
const seen = new Map();

/** @type {string} the key for writing, while the page is open */
let key = "";

/** @type {(why: "read" | "write") => Promise<string>} asks the user for the key */
let askKey = () => Promise.reject(new Problem(401, "Key needed", ""));

/** @param {(why: "read" | "write") => Promise<string>} ask */
export function onKeyNeeded(ask) {
  askKey = ask;
}

/**
 * An address of the API, below wherever the page is served.
 *
 * @param {string} path
 * @param {URLSearchParams | Record<string, string | number>} [query]
 */
export function address(path, query) {
  const url = new URL(`v1/${path}`, new URL(".", document.baseURI));
  if (query) {
    url.search = String(
      query instanceof URLSearchParams ? query : new URLSearchParams(Object.entries(query).map(([n, v]) => [n, String(v)])),
    );
  }
  return url.href;
}

/**
 * Ask the server, again where it is still computing, and again after the key was given where it takes one.
 *
 * @param {string} url
 * @param {RequestInit & {told?: Told}} options `told` hears how far the server is
 * @param {"read" | "write"} why
 * @returns {Promise<any>}
 */
async function ask(url, options, why) {
  const headers = new Headers(options.headers);
  headers.set("Accept", "application/json");
  if (why === "write" && key) headers.set("X-API-Key", key);
  let response;
  try {
    response = await fetch(url, { ...options, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(0, "The server does not answer", "It may have stopped, or this device is offline.");
  }
  if (response.status === 401 && !url.endsWith("v1/session")) {
    key = await askKey(why);
    return ask(url, options, why);
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 202) {
    const seconds = Number(response.headers.get("Retry-After")) || 1;
    options.told?.(await response.json());
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    options.signal?.throwIfAborted();
    return ask(url, options, why);
  }
  return response.status === 204 ? null : response.json();
}

/** @param {Response} response */
async function problemOf(response) {
  const body = await response.json().catch(() => ({}));
  const known = typeof body === "object" && body !== null ? body : {};
  return new Problem(
    response.status,
    String(known.title ?? `Error ${response.status}`),
    typeof known.detail === "string" ? known.detail : response.statusText,
  );
}

/** @param {string} path @param {Record<string, string | number>} [query] @param {AbortSignal} [signal] @param {Told} [told] */
const get = (path, query, signal, told) => ask(address(path, query), { signal, told }, "read");

/** @param {string} path @param {unknown} body @param {AbortSignal} [signal] @param {"read" | "write"} [why] */
const post = (path, body, signal, why = "read") =>
  ask(
    address(path),
    { method: "POST", signal, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } },
    why,
  );

/** @param {Image} image */
function remember(image) {
  seen.set(image.id, image);
  return image;
}

/** @returns {Promise<Store>} */
export const getStore = () => get("store");

/** @param {string} where @param {AbortSignal} [signal] @returns {Promise<Facets>} */
export const getFacets = (where, signal) => get("facets", { limit: 40, ...(where && { where }) }, signal);

/** @param {string} where @param {string | null} after @param {AbortSignal} [signal] */
export async function browse(where, after, signal) {
  const query = { limit: 60, ...(where && { where }), ...(after && { after }) };
  /** @type {{images: Image[], next: string | null}} */
  const found = await get("images", query, signal);
  found.images.forEach(remember);
  return found;
}

/** @param {Record<string, any>} query @param {AbortSignal} [signal] @returns {Promise<Answer>} */
export async function search(query, signal) {
  const found = await post("search", query, signal);
  for (const neighbor of found.neighbors) remember(neighbor.image);
  return found;
}

/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Image & {siblings: Image[]}>} */
export async function getImage(id, signal) {
  const found = await get(`images/${encodeURIComponent(id)}`, undefined, signal);
  (found.siblings ?? []).forEach(remember);
  return /** @type {any} */ (remember(found));
}

/** An image that an answer has named before, or else from the server. @param {string} id @returns {Promise<Image>} */
export const imageOf = async (id) => seen.get(id) ?? getImage(id);

/** @param {string} id @param {AbortSignal} [signal] @returns {Promise<Answer>} */
export async function getRecommendations(id, signal) {
  const found = await get(`images/${encodeURIComponent(id)}/recommendations`, { k: 12 }, signal);
  for (const neighbor of found.neighbors) remember(neighbor.image);
  return found;
}

/** @param {Blob} picture @param {AbortSignal} [signal] @returns {Promise<Uploaded>} */
export const upload = (picture, signal) =>
  ask(
    address("pictures"),
    { method: "POST", body: picture, signal, headers: { "Content-Type": picture.type || "image/jpeg" } },
    "read",
  );

/** @param {string} token */
export const pictureUrl = (token) => address(`pictures/${encodeURIComponent(token)}`);

/** @param {string} id @param {number} size */
export const thumbnailUrl = (id, size) => address(`images/${encodeURIComponent(id)}/thumbnail`, { size });

/** The address of an image's thumbnail that the browser may keep for good. @param {Image} image @param {number} size */
export function keptThumbnail(image, size) {
  const version = image.thumbnail ? new URL(image.thumbnail, document.baseURI).searchParams.get("v") : null;
  return address(`images/${encodeURIComponent(image.id)}/thumbnail`, { size, ...(version && { v: version }) });
}

/**
 * @param {string} using
 * @param {AbortSignal} signal
 * @param {Told} told
 * @returns {Promise<{points: string, ids: string[], images: number, method: string}>}
 */
export const getMap = (using, signal, told) => get("map", { using }, signal, told);

/** @param {number} offset @param {AbortSignal} [signal] @param {Told} [told] @returns {Promise<Duplicates>} */
export async function getDuplicates(offset, signal, told) {
  const found = await get("duplicates", { offset, limit: 60 }, signal, told);
  for (const group of found.groups) for (const copy of group.images) remember(copy.image);
  return found;
}

/** @param {string[]} ids */
export const notDuplicates = (ids) => post("duplicates/verdicts", { ids }, undefined, "write");

/**
 * Keep one of a group of copies; or, with `dry`, only tell what that would do.
 *
 * @param {string} id
 * @param {string[]} others
 * @param {boolean} dry
 * @returns {Promise<{removed: string[], joined: string[], staying: Record<string, string[]>}>} `staying`: fields that differ
 */
export const keepCopy = (id, others, dry) => post("duplicates/keep", { id, others, dry_run: dry }, undefined, "write");

/** @param {string} a @param {string} b @param {AbortSignal} [signal] @returns {Promise<{steps: Step[]}>} */
export async function getBetween(a, b, signal) {
  const found = await get("between", { a, b, steps: 9 }, signal);
  for (const step of found.steps) for (const near of step.nearest) remember(near.image);
  return found;
}

/** @param {string} given */
export const signIn = (given) => post("session", { key: given });

/** End the session: the server forgets it, and the browser its cookie. */
export async function signOut() {
  await ask(address("session"), { method: "DELETE" }, "read");
  key = "";
}
