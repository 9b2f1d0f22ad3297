// From a picture to its vector: the encoder that autoenc exports, run by ONNX Runtime in WebAssembly.
import * as ort from "./node_modules/onnxruntime-web/dist/ort.wasm.bundle.min.mjs";

const SIDE = 32; // the encoder takes 32x32 pixels
const LARGEST = 1024; // a canvas has this many pixels on a side at most; phones have no room for one as large as their photos

ort.env.wasm.numThreads = 1; // more of them need a page that is isolated from other origins

export const ready = ort.InferenceSession.create(new URL("encoder.onnx", import.meta.url).href);

/**
 * The vector of a picture: 32 numbers, to be compared by their cosine. Rejects for a file that is no picture.
 * @param {Blob} picture a file, or what came with a response
 */
export async function encode(picture) {
  const pixels = await squeezed(picture);
  const session = await ready;
  const { latents } = await session.run({ images: new ort.Tensor("uint8", pixels, [1, SIDE, SIDE, 3]) });
  return Array.from(latents.data);
}

/**
 * A picture at 32x32, RGB, as autoenc squeezes it: turned as its EXIF says, over white, its color profile not applied, and
 * each pixel the average of the area that it covers. `drawImage` skips pixels where it shrinks that much.
 * @param {Blob} picture
 */
async function squeezed(picture) {
  const bitmap = await createImageBitmap(picture, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.min(Math.max(side, SIDE), LARGEST));
  const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!pen) throw new Error("This browser has no canvas.");
  pen.fillStyle = "white";
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  const { data } = pen.getImageData(0, 0, width, height); // RGBA
  const [columns, rows] = [shares(width), shares(height)];
  const averages = new Float64Array(SIDE * SIDE * 3);
  for (let row = 0, at = 0; row < SIDE; row++)
    for (let column = 0; column < SIDE; column++, at += 3)
      for (const [y, tall] of rows[row])
        for (const [x, wide] of columns[column])
          for (let color = 0; color < 3; color++)
            averages[at + color] += tall * wide * data[4 * (y * width + x) + color];
  return new Uint8Array(Uint8ClampedArray.from(averages)); // the clamped one rounds
}

/**
 * For each of 32 equal parts of a line: the pixels that it covers, each with its share of the part.
 * @param {number} length in pixels
 */
function shares(length) {
  return Array.from({ length: SIDE }, (_, part) => {
    const [from, to] = [(part * length) / SIDE, ((part + 1) * length) / SIDE];
    const pixels = [];
    for (let at = Math.floor(from); at < to; at++)
      pixels.push([at, ((Math.min(at + 1, to) - Math.max(at, from)) * SIDE) / length]);
    return pixels;
  });
}

/**
 * How alike two vectors are: 1 if they have the same direction.
 * @param {number[]} a
 * @param {number[]} b
 */
export function cosine(a, b) {
  if (a.length !== b.length) throw new Error(`Vectors of ${a.length} and ${b.length} numbers come from two models.`);
  return a.reduce((sum, value, at) => sum + value * b[at], 0) / Math.hypot(...a) / Math.hypot(...b);
}
