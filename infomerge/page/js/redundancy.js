/**
 * Temporal redundancy (section 3.2): which positions of a segment stand still.
 *
 * @import { Clip } from "./clip.js"
 * @import { Segment } from "./segments.js"
 */

import { ascending, dot, floorCount, millionths } from "./numbers.js";

/** DyCoke compares neighboring frames inside windows of this many frames. */
const ADJACENT_WINDOW = 4;

/**
 * Every position's fingerprint matrix over the whole clip (eq. 1): cosines of its token in each frame with that in each
 * other one, [positions, frames, frames]. A segment's own matrix is a square on its diagonal.
 * @param {Clip} clip
 */
export function fingerprints({ unit, frames, positions, directions }) {
  const out = new Float64Array(positions * frames * frames);
  for (let p = 0; p < positions; p++) {
    for (let a = 0; a < frames; a++) {
      for (let b = 0; b <= a; b++) {
        const value = dot(unit, (a * positions + p) * directions, unit, (b * positions + p) * directions, directions);
        out[(p * frames + a) * frames + b] = value;
        out[(p * frames + b) * frames + a] = value;
      }
    }
  }
  return out;
}

/**
 * TFD of every position of a segment (eq. 2): mean absolute difference of consecutive fingerprint rows. NaN in a segment
 * of one frame.
 * @param {Float64Array} prints @param {Clip} clip @param {Segment} segment
 */
export function temporalFingerprintDifference(prints, { frames, positions }, [start, end]) {
  const length = end - start;
  return Float64Array.from({ length: positions }, (_, p) => {
    let total = 0;
    for (let a = start; a + 1 < end; a++) {
      const row = (p * frames + a) * frames;
      for (let b = start; b < end; b++) total += Math.abs(prints[row + frames + b] - prints[row + b]);
    }
    return total / ((length - 1) * length);
  });
}

/**
 * First-order difference of every position, DyCoke's: mean of 1 - cosine over the neighboring frames inside each window.
 * @param {Float64Array} prints @param {Clip} clip @param {Segment} segment
 */
export function adjacentDifference(prints, { frames, positions }, [start, end]) {
  return Float64Array.from({ length: positions }, (_, p) => {
    let [sum, windows] = [0, 0];
    for (let first = start; first + 1 < end; first += ADJACENT_WINDOW) {
      const last = Math.min(first + ADJACENT_WINDOW, end) - 1;
      let total = 0;
      for (let a = first; a < last; a++) total += 1 - prints[(p * frames + a) * frames + a + 1];
      sum += total / (last - first);
      windows += 1;
    }
    return sum / windows;
  });
}

/**
 * The floor(rho N) positions of smallest score, as marks; none where the score is undefined.
 * @param {Float64Array} scores @param {number} staticRatio rho
 */
export function staticCandidates(scores, staticRatio) {
  const marks = new Uint8Array(scores.length);
  if (Number.isNaN(scores[0])) return marks;
  const order = ascending(scores.map(millionths));
  for (const position of order.slice(0, floorCount(staticRatio * scores.length))) marks[position] = 1;
  return marks;
}
