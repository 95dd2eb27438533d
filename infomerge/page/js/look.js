/**
 * What is drawn over the pictures in each view: one small mask for all frames, a pixel for each patch.
 *
 * @import { Clip } from "./clip.js"
 * @import { Result } from "./method.js"
 * @import { View } from "./link.js"
 *
 * @typedef {Object} Look
 * @property {HTMLCanvasElement} mask frames below each other
 * @property {boolean} isWindow whether the mask opens a window onto the colored picture; if not, it is drawn itself
 * @property {Uint8Array} lit patches that the picked token stands for; empty where none is picked
 */

import palette from "../../palette.json" with { type: "json" };
import { mergedColors, squares } from "./pictures.js";

/** @param {string} hex */
function rgb(hex) {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

const SALIENT = rgb(palette.hues.orange);
const CONTEXT = rgb(palette.hues.blue);
const SCALE = palette.cividis.map(rgb);

/** Laid over what is not lit, and over what is: in both themes light on dark. */
export const SHADE = "rgb(8 12 16 / 62%)";
export const LIT = `${palette.hues.yellow}73`;

/** Where each position of a segment lies between its least and largest score, from 0 to 1. @param {Float64Array} scores */
function relative(scores) {
  const sorted = [...scores].sort((a, b) => a - b);
  const low = sorted[Math.floor(0.02 * sorted.length)];
  const high = sorted[Math.floor(0.98 * (sorted.length - 1))];
  return scores.map((score) => Math.min(1, Math.max(0, (score - low) / (high - low || 1))));
}

/**
 * @param {Clip} clip @param {Uint8Array} colors of each patch @param {Result} result @param {View} view
 * @param {number | null} token flat index of the patch that is pointed at
 * @param {HTMLCanvasElement} canvas painted anew
 * @returns {Look}
 */
export function lookOf(clip, colors, result, view, token, canvas) {
  const { frames, positions } = clip;
  const { rows, columns } = clip.data;
  const { isSalient, isContext, owner } = result;
  const lit = token === null ? new Uint8Array(0) : Uint8Array.from(owner, (own) => Number(own === owner[token]));
  /** @type {(i: number, pixels: Uint8ClampedArray, at: number) => void} */
  let paint = (i, pixels, at) => {
    pixels[at + 3] = isSalient[i] || isContext[i] ? 255 : 0;
  };
  if (view === "kind") {
    const [salient, context] = [[...SALIENT, 225], [...CONTEXT, 225]];
    paint = (i, pixels, at) => {
      if (isSalient[i] || isContext[i]) pixels.set(isSalient[i] ? salient : context, at);
    };
  } else if (view === "merged") {
    const merged = mergedColors(colors, owner);
    paint = (i, pixels, at) => {
      for (let c = 0; c < 3; c++) pixels[at + c] = merged[3 * i + c];
      pixels[at + 3] = 255;
    };
  } else if (view === "still") {
    const scale = SCALE.map((color) => [...color, 205]);
    const heat = result.scores.map(relative);
    const segmentOf = result.segments.flatMap(([start, end], k) => Array(end - start).fill(k));
    paint = (i, pixels, at) => {
      const share = heat[segmentOf[Math.floor(i / positions)]][i % positions];
      if (!Number.isNaN(share)) pixels.set(scale[Math.round(share * (scale.length - 1))], at);
    };
  }
  const isWindow = view === "kept";
  if (lit.length && isWindow) {
    paint = (i, pixels, at) => {
      pixels[at + 3] = 255 * lit[i];
    };
  } else if (lit.length) {
    const plain = paint;
    paint = (i, pixels, at) => {
      plain(i, pixels, at);
      if (!lit[i]) pixels[at + 3] = Math.min(pixels[at + 3], 40);
    };
  }
  return { mask: squares(columns, frames * rows, paint, canvas), isWindow, lit };
}
