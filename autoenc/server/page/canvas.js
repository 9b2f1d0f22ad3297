/** The map's canvas: every point a dot, and as many of them pictures as have room. */

import { thumbnailUrl } from "./api.js";
import { h } from "./dom.js";
import { listen } from "./gestures.js";

/** @typedef {import("./atlas.js").Atlas} Atlas */
/** @typedef {{x: number, y: number, scale: number}} Camera center of the view, and pixels a unit */

const ROOM = 50; // pixels between pictures, at least, when all of the map is in view
const MOST_PICTURES = 1200;
const AT_ONCE = 8;

export class MapCanvas {
  /**
   * @param {Atlas} atlas
   * @param {string[]} ids
   * @param {{clicked: (at: number) => void, pointed: (at: number, x: number, y: number) => void, lassoed: (found: number[]) => void}} told
   */
  constructor(atlas, ids, told) {
    this.atlas = atlas;
    this.ids = ids;
    this.told = told;
    this.lassoing = false;
    /** @type {[number, number][]} */
    this.line = [];
    /** @type {Set<number>} */
    this.picked = new Set();
    this.pointed = -1;
    /** @type {Camera} */
    this.camera = { x: 0.5, y: 0.5, scale: 1 };
    this.stretch = 1;
    /** @type {Map<number, HTMLImageElement>} */
    this.pictures = new Map();
    /** @type {number[]} */
    this.waiting = [];
    this.running = 0;
    this.drawn = 0;
    this.element = h("canvas", {
      tabindex: "0", role: "application",
      "aria-label": "Map of the catalog. Arrow keys move, plus and minus zoom, Enter searches by the product in the middle.",
    });
    this.fitted = false;
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(this.element);
    listen(this);
  }

  stop() {
    this.observer.disconnect();
    cancelAnimationFrame(this.drawn);
    this.waiting = [];
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.element;
    if (!width || !height) return;
    this.element.width = width * devicePixelRatio;
    this.element.height = height * devicePixelRatio;
    this.stretch = Math.min(1.7, Math.max(0.65, width / height));
    if (!this.fitted) this.fit();
    this.draw();
  }

  get fittedScale() {
    return Math.min(this.element.clientWidth / this.stretch, this.element.clientHeight) * 0.86;
  }

  /** Show all of the map. */
  fit() {
    this.camera = { x: 0.5, y: 0.5, scale: this.fittedScale };
    this.fitted = true;
    this.draw();
  }

  /** @param {number} at @returns {[number, number]} */
  #screen(at) {
    const { x, y, scale } = this.camera;
    const { points } = this.atlas;
    return [
      (points[2 * at] - x) * scale * this.stretch + this.element.clientWidth / 2,
      (points[2 * at + 1] - y) * scale + this.element.clientHeight / 2,
    ];
  }

  /** @param {number} left @param {number} top @returns {[number, number]} */
  world(left, top) {
    const { x, y, scale } = this.camera;
    return [(left - this.element.clientWidth / 2) / scale / this.stretch + x, (top - this.element.clientHeight / 2) / scale + y];
  }

  /** @param {number} factor @param {number} [left] @param {number} [top] the place that stays where it is */
  zoom(factor, left = this.element.clientWidth / 2, top = this.element.clientHeight / 2) {
    const [x, y] = this.world(left, top);
    const least = Math.min(this.element.clientWidth, this.element.clientHeight) * 0.4;
    this.camera.scale = Math.min(Math.max(this.camera.scale * factor, least), 400_000);
    const [nextX, nextY] = this.world(left, top);
    this.pan(nextX - x, nextY - y);
  }

  /** @param {number} dx @param {number} dy */
  pan(dx, dy) {
    this.camera.x = Math.min(1.1, Math.max(-0.1, this.camera.x - dx));
    this.camera.y = Math.min(1.1, Math.max(-0.1, this.camera.y - dy));
    this.draw();
  }

  draw() {
    cancelAnimationFrame(this.drawn);
    this.drawn = requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    const paper = this.element.getContext("2d");
    if (!paper) return;
    const { clientWidth: width, clientHeight: height } = this.element;
    const style = getComputedStyle(this.element);
    const [ink, accent, card] = ["--soft", "--accent", "--card"].map((name) => style.getPropertyValue(name));
    paper.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    paper.clearRect(0, 0, width, height);
    const [left, top] = this.world(-80, -80);
    const [right, bottom] = this.world(width + 80, height + 80);
    paper.fillStyle = ink;
    paper.globalAlpha = 0.5;
    const dot = this.atlas.size > 5000 ? 2 : 3;
    this.atlas.within(left, top, right, bottom, (at) => {
      const [x, y] = this.#screen(at);
      paper.fillRect(x - dot / 2, y - dot / 2, dot, dot);
    });
    paper.globalAlpha = 1;
    const room = ROOM * Math.min(2.2, Math.max(1, (this.camera.scale / this.fittedScale) ** 0.35));
    const level = Math.max(0, Math.floor(2 * Math.log2(this.camera.scale / room)));
    const size = Math.min(160, (this.camera.scale / 2 ** (level / 2)) * 0.85);
    this.waiting = [];
    for (const at of this.atlas.chosen(Math.min(level, 36))) {
      const [x, y] = this.#screen(at);
      if (x < -size || y < -size || x > width + size || y > height + size) continue;
      this.#picture(paper, at, x, y, size, this.picked.has(at) || at === this.pointed ? accent : card);
    }
    paper.fillStyle = accent;
    for (const at of this.picked) {
      const [x, y] = this.#screen(at);
      paper.beginPath();
      paper.arc(x, y, 3, 0, 7);
      paper.fill();
    }
    if (this.line.length > 1) this.#lasso(paper, accent);
    if (this.element.matches(":focus-visible")) {
      paper.fillRect(width / 2 - 9, height / 2 - 1, 18, 2);
      paper.fillRect(width / 2 - 1, height / 2 - 9, 2, 18);
    }
    this.#load();
  }

  /** @param {CanvasRenderingContext2D} paper @param {number} at @param {number} x @param {number} y @param {number} size @param {string} edge */
  #picture(paper, at, x, y, size, edge) {
    const image = this.pictures.get(at);
    if (!image) {
      this.waiting.push(at);
      return;
    }
    if (!image.complete || !image.naturalWidth) return;
    const scale = size / Math.max(image.naturalWidth, image.naturalHeight);
    const [wide, high] = [image.naturalWidth * scale, image.naturalHeight * scale];
    paper.save();
    paper.beginPath();
    paper.roundRect(x - wide / 2, y - high / 2, wide, high, size / 9);
    paper.fillStyle = paper.strokeStyle = edge;
    paper.lineWidth = 4;
    paper.stroke();
    paper.clip();
    paper.drawImage(image, x - wide / 2, y - high / 2, wide, high);
    paper.restore();
  }

  /** @param {CanvasRenderingContext2D} paper @param {string} accent */
  #lasso(paper, accent) {
    paper.beginPath();
    for (const [x, y] of this.line) paper.lineTo(x, y);
    paper.closePath();
    paper.globalAlpha = 0.14;
    paper.fill();
    paper.globalAlpha = 1;
    paper.strokeStyle = accent;
    paper.lineWidth = 2;
    paper.stroke();
  }

  /** Load the pictures that are in view, a few at a time; forget those that were shown longest ago. */
  #load() {
    while (this.running < AT_ONCE && this.waiting.length) {
      const at = /** @type {number} */ (this.waiting.shift());
      const image = new Image();
      this.pictures.set(at, image);
      this.running++;
      const done = () => {
        this.running--;
        this.draw();
      };
      image.addEventListener("load", done, { once: true });
      image.addEventListener("error", done, { once: true });
      image.src = thumbnailUrl(this.ids[at], 128);
    }
    for (const at of this.pictures.keys()) {
      if (this.pictures.size <= MOST_PICTURES) break;
      this.pictures.delete(at);
    }
  }

  /** The point under a place: of the pictures the topmost, or else the nearest dot. @param {number} left @param {number} top */
  under(left, top) {
    const [x, y] = this.world(left, top);
    return this.atlas.nearest(x, y, 22 / this.camera.scale);
  }

  /** End a lasso: what it encloses is picked. */
  closeLasso() {
    const found = this.line.length > 2 ? this.atlas.inside(this.line.map(([x, y]) => this.world(x, y))) : [];
    this.line = [];
    this.pick(found);
    this.told.lassoed(found);
  }

  /** @param {number[]} found */
  pick(found) {
    this.picked = new Set(found);
    this.draw();
  }

  /** @param {number} at @param {number} x @param {number} y */
  point(at, x, y) {
    if (at === this.pointed) return;
    this.pointed = at;
    this.element.classList.toggle("over", at >= 0);
    this.told.pointed(at, x, y);
    this.draw();
  }
}
