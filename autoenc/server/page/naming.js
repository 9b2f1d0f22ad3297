/** What a product is called and shown by: its fields, as people read them. */

/** @typedef {import("./api.js").Image} Image */

const TITLES = ["title", "name", "productdisplayname", "product_name", "label"];
const LABELS = /** @type {Record<string, string>} */ ({
  learned: "Look", color: "Color", texture: "Texture", edges: "Shape", words: "Words", handcrafted: "Handcrafted",
});

/** The value of the first of these fields that the image has. @param {Image} image @param {string[]} names */
function first(image, names) {
  for (const name of names) {
    for (const [field, value] of Object.entries(image.fields)) {
      if (field.toLowerCase() === name && value !== null && value !== "") return String(value);
    }
  }
  return "";
}

/** @param {Image} image */
export function titleOf(image) {
  const found = first(image, TITLES);
  if (found) return found;
  const parts = (image.path ?? image.id).split("/");
  const stem = (parts.pop() ?? "").replace(/\.[^.]+$/, "");
  return parts.length ? `${parts.at(-1)} ${stem}` : stem;
}

/** The line under a title: the brand, or else the kind of product. @param {Image} image */
export const noteOf = (image) => first(image, ["brand", "category", "articletype", "folder"]);

/** @param {Image} image */
export function priceOf(image) {
  const found = first(image, ["price"]);
  const unit = first(image, ["currency"]);
  const number = Number(found);
  if (!found || !Number.isFinite(number)) return "";
  const digits = Number.isInteger(number) ? 0 : 2;
  if (/^[A-Z]{3}$/.test(unit)) {
    return new Intl.NumberFormat(undefined, { style: "currency", currency: unit, minimumFractionDigits: digits }).format(number);
  }
  return number.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: 2 });
}

/**
 * What a part of a score goes by: an encoder, a field (`brand=Nike`, `price~49`), or a word (`contains red`).
 *
 * @param {string} name
 */
export function partName(name) {
  if (Object.hasOwn(LABELS, name)) return LABELS[name];
  return name.startsWith("contains ") ? `“${name.slice(9)}”` : fieldName(name.replace(/[=~].*$/s, ""));
}

/** `articleType` or `base_color` as people write it. @param {string} name */
export function fieldName(name) {
  const text = name.replace(/_+/g, " ").replace(/([a-z])([A-Z])/g, "$1 $2").trim().toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {unknown} value @returns {string} */
export function valueText(value) {
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "number") return value.toLocaleString(undefined, { maximumFractionDigits: 4 });
  return Array.isArray(value) ? value.map(valueText).join(", ") : String(value ?? "");
}

/** @param {string} text a date, or a date and time, in ISO form */
export function dateText(text) {
  const moment = new Date(text);
  return Number.isNaN(moment.valueOf()) ? text : moment.toLocaleDateString(undefined, { dateStyle: "medium", timeZone: "UTC" });
}
