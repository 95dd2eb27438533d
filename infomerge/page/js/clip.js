/**
 * A clip as the build packed it, and the numbers that the method takes from it.
 *
 * Tokens travel as one byte a number with one step per direction; `infomerge/page/reduction.py` says how they came to be.
 *
 * @typedef {Object} ClipData what `clip_data.py` makes
 * @property {string} name
 * @property {string} title
 * @property {string} credit
 * @property {string} encoder
 * @property {string} saliencySource
 * @property {number} channels of the tokens before they were reduced
 * @property {number} energy share of the tokens' squared length that was kept
 * @property {number} frames
 * @property {number} rows
 * @property {number} columns
 * @property {number} directions
 * @property {number} aspect width over height of a frame
 * @property {number[] | null} timestamps seconds
 * @property {number[]} cuts frames after which the film is known to cut
 * @property {string} tokens base64 of int8
 * @property {number[]} steps
 * @property {string} saliency base64 of uint16, little-endian
 * @property {number} saliencyStep
 * @property {number} saliencyLeast
 * @property {number[]} transition t_l, eq. 22
 * @property {number[]} richness e of every run of frames, eq. 7
 * @property {string} colors base64 of uint8, mean red, green and blue of each patch
 * @property {string[]} images data URLs, none where there are no pictures
 *
 * @typedef {Object} Clip
 * @property {ClipData} data
 * @property {number} frames
 * @property {number} positions tokens per frame
 * @property {number} directions
 * @property {Float64Array} features [frames, positions, directions]
 * @property {Float64Array} unit the same, each of length 1
 * @property {Float64Array} saliency [frames, positions]
 * @property {number[]} transition
 * @property {Float64Array} frameSums [frames, directions], sums over a frame's tokens
 */

import { unitRows } from "./numbers.js";

/** @param {string} text */
export function bytesOf(text) {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** @param {ClipData} data @returns {Clip} */
export function readClip(data) {
  const { frames, directions } = data;
  const positions = data.rows * data.columns;
  const levels = new Int8Array(bytesOf(data.tokens).buffer);
  const features = Float64Array.from(levels, (level, i) => level * data.steps[i % directions]);
  const view = new DataView(bytesOf(data.saliency).buffer);
  const saliency = Float64Array.from(
    { length: frames * positions },
    (_, i) => view.getUint16(2 * i, true) * data.saliencyStep + data.saliencyLeast,
  );
  const frameSums = new Float64Array(frames * directions);
  for (let i = 0; i < features.length; i++) {
    frameSums[Math.floor(i / (positions * directions)) * directions + (i % directions)] += features[i];
  }
  const unit = unitRows(features, directions);
  return { data, frames, positions, directions, features, unit, saliency, transition: data.transition, frameSums };
}

/**
 * e of a run of frames (eq. 7), which the build worked out.
 * @param {Clip} clip @param {number} start @param {number} end exclusive
 */
export function richnessOf(clip, start, end) {
  const before = start * clip.frames - (start * (start - 1)) / 2;
  return clip.data.richness[before + end - start - 1];
}
