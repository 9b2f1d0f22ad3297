/** What hands do on the map: drag, pinch, wheel, lasso, click, and the same with keys. */

/**
 * @typedef {import("./canvas.js").MapCanvas} MapCanvas
 * @typedef {{x: number, y: number}} Place pixels from the canvas' corner
 */

const STILL = 6; // pixels that a click may move

/** @param {MapCanvas} map */
export function listen(map) {
  const { element } = map;
  /** @type {Map<number, Place>} */
  const pointers = new Map();
  let moved = 0;
  const place = (/** @type {MouseEvent} */ event) => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { x, y } = place(event);
    map.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), x, y);
  }, { passive: false });
  element.addEventListener("pointerdown", (event) => {
    const now = place(event);
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, now);
    moved = 0;
    if (map.lassoing) map.line = [[now.x, now.y]];
  });
  element.addEventListener("pointermove", (event) => {
    const now = place(event);
    const before = pointers.get(event.pointerId);
    if (!before) {
      map.point(event.pointerType === "mouse" ? map.under(now.x, now.y) : -1, now.x, now.y);
      return;
    }
    moved += Math.hypot(now.x - before.x, now.y - before.y);
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    pointers.set(event.pointerId, now);
    if (map.lassoing) {
      map.line.push([now.x, now.y]);
      map.draw();
      return;
    }
    if (other) {
      const apart = (/** @type {Place} */ one) => Math.hypot(one.x - other.x, one.y - other.y) || 1;
      map.zoom(apart(now) / apart(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    }
    const share = other ? 0.5 : 1;
    map.pan((share * (now.x - before.x)) / map.camera.scale / map.stretch, (share * (now.y - before.y)) / map.camera.scale);
  });
  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    element.addEventListener(end, (event) => {
      if (!pointers.delete(event.pointerId)) return;
      if (map.lassoing) map.closeLasso();
      else if (moved < STILL && end === "pointerup") {
        const { x, y } = place(event);
        const at = map.under(x, y);
        if (at >= 0) map.told.clicked(at);
      }
    });
  }
  element.addEventListener("pointerleave", () => map.point(-1, 0, 0));
  element.addEventListener("keydown", (event) => press(map, event));
  element.addEventListener("focus", () => map.draw());
  element.addEventListener("blur", () => map.draw());
}

/** @param {MapCanvas} map @param {KeyboardEvent} event */
function press(map, event) {
  const step = 60 / map.camera.scale;
  /** @type {Record<string, () => void>} */
  const keys = {
    ArrowLeft: () => map.pan(step, 0),
    ArrowRight: () => map.pan(-step, 0),
    ArrowUp: () => map.pan(0, step),
    ArrowDown: () => map.pan(0, -step),
    "+": () => map.zoom(1.4),
    "=": () => map.zoom(1.4),
    "-": () => map.zoom(1 / 1.4),
    Home: () => map.fit(),
    Enter: () => {
      const at = map.atlas.nearest(map.camera.x, map.camera.y, 200 / map.camera.scale);
      if (at >= 0) map.told.clicked(at);
    },
  };
  if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  keys[event.key]();
}
