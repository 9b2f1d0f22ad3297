/** The points of a map: where they stand, which are in view, which show their picture. No drawing, no page. */

const SIDE = 64;

/** Points in the unit square, sorted into SIDE x SIDE cells so that what is in view is found without a look at all. */
export class Atlas {
  /**
   * @param {Float32Array} points x and y of each point, in [0, 1]
   */
  constructor(points) {
    this.points = points;
    this.size = points.length / 2;
    this.starts = new Uint32Array(SIDE * SIDE + 1);
    this.order = new Uint32Array(this.size);
    /** @type {Map<number, Uint32Array>} */
    this.levels = new Map();
    const cells = new Uint16Array(this.size);
    for (let at = 0; at < this.size; at++) {
      cells[at] = cellOf(points[2 * at + 1]) * SIDE + cellOf(points[2 * at]);
      this.starts[cells[at] + 1]++;
    }
    for (let cell = 0; cell < SIDE * SIDE; cell++) this.starts[cell + 1] += this.starts[cell];
    const next = this.starts.slice();
    for (let at = 0; at < this.size; at++) this.order[next[cells[at]]++] = at;
  }

  /**
   * Call `each` with every point in a rectangle, and with a few beside it.
   *
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   * @param {(point: number) => void} each
   */
  within(left, top, right, bottom, each) {
    const [from, to] = [cellOf(left), cellOf(right)];
    for (let row = cellOf(top); row <= cellOf(bottom); row++) {
      for (let at = this.starts[row * SIDE + from]; at < this.starts[row * SIDE + to + 1]; at++) each(this.order[at]);
    }
  }

  /**
   * One point for each square of a grid with 2^(level/2) squares a side: those that show their picture at this zoom. A point
   * that shows it keeps it at every higher level.
   *
   * @param {number} level
   * @returns {Uint32Array}
   */
  chosen(level) {
    const known = this.levels.get(level);
    if (known) return known;
    const side = 2 ** (level / 2);
    const before = level > 0 ? this.chosen(level - 1) : new Uint32Array(0);
    const taken = new Set();
    /** @type {number[]} */
    const points = [];
    const offer = (/** @type {number} */ at) => {
      const square = Math.floor(this.points[2 * at + 1] * side) * (Math.ceil(side) + 1) + Math.floor(this.points[2 * at] * side);
      if (taken.has(square)) return;
      taken.add(square);
      points.push(at);
    };
    before.forEach(offer);
    for (let at = 0; at < this.size; at++) offer(at);
    const found = Uint32Array.from(points);
    this.levels.set(level, found);
    return found;
  }

  /**
   * The nearest point no further than `reach` away, or -1.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} reach
   */
  nearest(x, y, reach) {
    let best = -1;
    let least = reach * reach;
    this.within(x - reach, y - reach, x + reach, y + reach, (at) => {
      const apart = (this.points[2 * at] - x) ** 2 + (this.points[2 * at + 1] - y) ** 2;
      if (apart <= least) [best, least] = [at, apart];
    });
    return best;
  }

  /**
   * The points inside a closed line, by the even-odd rule.
   *
   * @param {[number, number][]} line
   */
  inside(line) {
    const xs = line.map(([x]) => x);
    const ys = line.map(([, y]) => y);
    /** @type {number[]} */
    const found = [];
    this.within(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys), (at) => {
      if (encloses(line, this.points[2 * at], this.points[2 * at + 1])) found.push(at);
    });
    return found;
  }
}

/** @param {number} share */
const cellOf = (share) => Math.min(SIDE - 1, Math.max(0, Math.floor(share * SIDE)));

/** @param {[number, number][]} line @param {number} x @param {number} y */
function encloses(line, x, y) {
  let odd = false;
  for (let at = 0, last = line.length - 1; at < line.length; last = at++) {
    const [[ax, ay], [bx, by]] = [line[at], line[last]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
  }
  return odd;
}

/** Little-endian float32 numbers from base64. @param {string} text */
export function decoded(text) {
  const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
