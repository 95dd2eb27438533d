/**
 * Attention-based token selection with a temporal penalty, ATS (section 3.4, A.7): the salient tokens.
 *
 * @import { Clip } from "./clip.js"
 * @import { Segment } from "./segments.js"
 *
 * @typedef {Object} Selection of one segment; arrays run over its frames and positions
 * @property {Uint8Array} salient
 * @property {Uint8Array} replaced static positions that this or an earlier frame kept (P of eq. 11)
 * @property {Float64Array} penalized saliency after eq. 10
 */

import { descending, spreadOf } from "./numbers.js";

/**
 * The `count` most salient tokens of every frame, once-kept static positions handicapped (eq. 10 and 11).
 * @param {Clip} clip @param {Segment} segment @param {Uint8Array} isStatic S_k
 * @param {number} count T_s @param {number} penalty lambda
 * @returns {Selection}
 */
export function selectSalient({ saliency, positions }, [start, end], isStatic, count, penalty) {
  const size = (end - start) * positions;
  const [salient, replaced] = [new Uint8Array(size), new Uint8Array(size)];
  const penalized = saliency.slice(start * positions, end * positions);
  const kept = new Uint8Array(positions);
  for (let first = 0; first < size; first += positions) {
    const scores = penalized.subarray(first, first + positions);
    const handicap = penalty * spreadOf(scores).deviation;
    for (let p = 0; p < positions; p++) if (kept[p]) scores[p] -= handicap;
    for (const p of descending(scores).slice(0, count)) {
      salient[first + p] = 1;
      if (isStatic[p]) kept[p] = 1;
    }
    replaced.set(kept, first);
  }
  return { salient, replaced, penalized };
}

/**
 * A segment's tokens in which replaced ones hold their position's mean over the segment (eq. 29 and 30).
 * @param {Clip} clip @param {Segment} segment @param {Uint8Array} replaced
 */
export function replaceStatic({ features, positions, directions }, [start, end], replaced) {
  const width = positions * directions;
  const out = features.slice(start * width, end * width);
  for (let i = 0; i < replaced.length; i++) {
    if (!replaced[i]) continue;
    const place = (i % positions) * directions;
    for (let c = 0; c < directions; c++) {
      let sum = 0;
      for (let frame = start; frame < end; frame++) sum += features[frame * width + place + c];
      out[i * directions + c] = sum / (end - start);
    }
  }
  return out;
}
