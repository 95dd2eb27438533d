/**
 * A clip's frames as canvases, in color and in gray, and small masks that are laid over them.
 *
 * @import { ClipData } from "./clip.js"
 * @import { Clip } from "./clip.js"
 *
 * @typedef {HTMLCanvasElement | HTMLImageElement} Picture
 */

import { bytesOf } from "./clip.js";

/** @param {number} width @param {number} height */
export function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  return canvas;
}

/** @param {HTMLCanvasElement} canvas */
export function penOf(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
}

/** @param {string} address @returns {Promise<HTMLImageElement>} */
async function loaded(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}

/**
 * One picture for each frame: the clip's own, or its tokens as colored squares where it has none.
 * @param {ClipData} data @returns {Promise<Picture[]>}
 */
export async function picturesOf(data) {
  if (data.images.length) return Promise.all(data.images.map(loaded));
  const colors = bytesOf(data.colors);
  return Array.from({ length: data.frames }, (_, frame) => {
    const positions = data.rows * data.columns;
    return squares(data.columns, data.rows, (position, pixels, at) => {
      const from = 3 * (frame * positions + position);
      pixels.set([colors[from], colors[from + 1], colors[from + 2], 255], at);
    });
  });
}

/**
 * One pixel for each position.
 * @param {number} columns @param {number} rows
 * @param {(position: number, data: Uint8ClampedArray, at: number) => void} paint writes red, green, blue, alpha from `at` on
 * @param {HTMLCanvasElement} canvas painted anew, whatever size it had
 */
export function squares(columns, rows, paint, canvas = canvasOf(columns, rows)) {
  if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
  const image = new ImageData(columns, rows);
  for (let position = 0; position < columns * rows; position++) {
    paint(position, image.data, 4 * position);
  }
  penOf(canvas).putImageData(image, 0, 0);
  return canvas;
}

/**
 * A picture without color, lightened or darkened towards the page's ground.
 * @param {Picture} picture @param {number} width @param {number} height @param {boolean} dark
 */
export function faded(picture, width, height, dark) {
  const canvas = canvasOf(width, height);
  const pen = penOf(canvas);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const image = pen.getImageData(0, 0, canvas.width, canvas.height);
  const { data } = image;
  const [ground, share] = dark ? [18, 0.55] : [255, 0.55];
  for (let i = 0; i < data.length; i += 4) {
    const gray = 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
    data[i] = data[i + 1] = data[i + 2] = ground * share + gray * (1 - share);
  }
  pen.putImageData(image, 0, 0);
  return canvas;
}

/**
 * The mean color of all patches that each patch's kept token stands for, three numbers a patch.
 * @param {Uint8Array} colors of each patch @param {Int32Array} owner
 */
export function mergedColors(colors, owner) {
  const sums = new Float64Array(4 * owner.length);
  owner.forEach((own, i) => {
    for (let c = 0; c < 3; c++) sums[4 * own + c] += colors[3 * i + c];
    sums[4 * own + 3] += 1;
  });
  return Uint8Array.from(colors, (_, i) => {
    const own = 4 * owner[Math.floor(i / 3)];
    return Math.round(sums[own + (i % 3)] / sums[own + 3]);
  });
}
