/** Building elements. All text goes in as text nodes, so that markup in metadata is shown, never run. */

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * An element with its attributes, listeners (`onclick`) and children.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [attributes] null, undefined and false are left out; true is an empty attribute
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "value") /** @type {any} */ (element).value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, ...children);
  return element;
}

/**
 * Replace what is in an element.
 *
 * @template {Element} E
 * @param {E} element
 * @param {...(Child | Child[])} children
 * @returns {E}
 */
export function fill(element, ...children) {
  const nodes = children.flat().filter((child) => child !== null && child !== undefined && child !== false);
  element.replaceChildren(.../** @type {(Node | string)[]} */ (nodes.map((n) => (n instanceof Node ? n : String(n)))));
  return element;
}

/**
 * As `fill`; the focus stays on the control with the same `data-key`.
 *
 * @param {Element} element
 * @param {...(Child | Child[])} children
 */
export function refill(element, ...children) {
  const active = document.activeElement;
  const key = active instanceof HTMLElement && element.contains(active) ? active.dataset.key : undefined;
  fill(element, ...children);
  if (!key) return;
  const same = element.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (same instanceof HTMLElement) same.focus({ preventScroll: true });
}

/** Icons on a grid of 24, drawn with one line width. */
const ICONS = {
  picture: "M4 5h16v14H4z M4 16l5-5 4 4 3-3 4 4 M15.5 9.5h.01",
  camera: "M4 8h3.5L9 5.5h6L16.5 8H20v11H4z M12 16.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14z M16.2 16.2 20.5 20.5",
  close: "M6 6l12 12 M18 6 6 18",
  up: "M8 20V10l4-7c1.6 0 2.4 1.2 2 2.8L13.3 9.5H19c1 0 1.7 1 1.5 2l-1.4 6.9c-.2 1-1 1.6-2 1.6z M8 10H4v10h4",
  down: "M16 4v10l-4 7c-1.6 0-2.4-1.2-2-2.8l.7-3.7H5c-1 0-1.7-1-1.5-2l1.4-6.9c.2-1 1-1.6 2-1.6z M16 14h4V4h-4",
  expand: "M4 9V4h5 M20 9V4h-5 M4 15v5h5 M20 15v5h-5",
  crop: "M7 2v15h15 M2 7h15v15",
  sliders: "M4 7h9 M17 7h3 M4 17h3 M11 17h9 M15 9a2 2 0 1 0 0-4 2 2 0 0 0 0 4z M9 19a2 2 0 1 0 0-4 2 2 0 0 0 0 4z",
  columns: "M4 5h7v14H4z M13 5h7v14h-7z",
  download: "M12 4v11 M7 11l5 5 5-5 M4 20h16",
  link: "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7L12 7 M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.7 5.7L12 17",
  grid: "M4 4h7v7H4z M13 4h7v7h-7z M4 13h7v7H4z M13 13h7v7h-7z",
  map: "M9 4 3.5 6v14L9 18l6 2 5.5-2V4L15 6z M9 4v14 M15 6v14",
  copies: "M8 8h12v12H8z M16 8V4H4v12h4",
  between: "M3 12h18 M7 8l-4 4 4 4 M17 8l4 4-4 4",
  report: "M5 20V10 M12 20V4 M19 20v-7",
  lasso: "M12 4c5 0 9 2.5 9 5.5S17 15 12 15c-1.5 0-3-.2-4.2-.6 M7.8 14.4C5 13.4 3 11.6 3 9.5 3 6.5 7 4 12 4 M7 17.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4z M7 17.5c0 2-1 3-3 3.5",
  plus: "M12 5v14 M5 12h14",
  minus: "M5 12h14",
  home: "M4 11l8-7 8 7 M6 10v10h12V10",
  check: "M5 12.5l4.5 4.5L19 7",
  more: "M5 12h14 M13 6l6 6-6 6",
  apart: "M4 4h9v9H4z M11 16.5v3.5h9v-9h-3.5",
  leave: "M14 4h6v16h-6 M4 12h11 M8 8l-4 4 4 4",
};

/** @typedef {keyof typeof ICONS} IconName */

/**
 * @param {IconName} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * A button that shows an icon only; its label is read out and shown as a tip.
 *
 * @param {IconName} name
 * @param {string} label
 * @param {(event: MouseEvent) => void} onclick
 * @param {Record<string, any>} [attributes]
 */
export function iconButton(name, label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "round", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
}

/**
 * The element of this selector, which index.html holds.
 *
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function need(selector) {
  const found = document.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`index.html has no ${selector}`);
  return found;
}

const plain = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

/**
 * A number, or a count of things: `1,514 images`.
 *
 * @param {number} number
 * @param {string} [one]
 * @param {string} [many]
 */
export function count(number, one, many) {
  const text = plain.format(number);
  return one ? `${text} ${number === 1 ? one : (many ?? `${one}s`)}` : text;
}

/**
 * Run a function once the calls stop for a while.
 *
 * @template {any[]} A
 * @param {(...args: A) => void} run
 * @param {number} milliseconds
 */
export function settled(run, milliseconds) {
  let timer = 0;
  return (/** @type {A} */ ...args) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => run(...args), milliseconds);
  };
}
