/**
 * Attention-based token selection with a temporal penalty, ATS (section 3.4, A.7): the salient tokens.
 *
 * @import { Clip } from "./clip.js"
 * @import { Segment } from "./segments.js"
 *
 * @typedef {Object} Selection of one segment; arrays run over its frames and positions
 * @property {Uint8Array} salient
 * @property {Uint8Array} replaced static positions that this or an earlier frame kept (P of eq. 11)
 *
 * @typedef {{order: number[], deviation: number}} Ranking of one frame
 */

import { descending, spreadOf } from "./numbers.js";

/**
 * What depends on no knob: each frame's positions by saliency, the highest first, and its standard deviation.
 * @param {Clip} clip @returns {Ranking[]}
 */
export function rankSaliency({ saliency, positions, frames }) {
  return Array.from({ length: frames }, (_, frame) => {
    const row = saliency.subarray(frame * positions, (frame + 1) * positions);
    return { order: descending(row), deviation: spreadOf(row).deviation };
  });
}

/**
 * The `count` most salient tokens of every frame, once-kept static positions handicapped (eq. 10 and 11).
 * @param {Clip} clip @param {Ranking[]} ranking @param {Segment} segment @param {Uint8Array} isStatic S_k
 * @param {number} count T_s @param {number} penalty lambda
 * @returns {Selection}
 */
export function selectSalient({ saliency, positions }, ranking, [start, end], isStatic, count, penalty) {
  const size = (end - start) * positions;
  const [salient, replaced] = [new Uint8Array(size), new Uint8Array(size)];
  const kept = new Uint8Array(positions);
  const scores = new Float64Array(positions);
  for (let frame = start; frame < end; frame++) {
    const [first, local] = [frame * positions, (frame - start) * positions];
    const { order, deviation } = ranking[frame];
    for (let p = 0; p < positions; p++) scores[p] = saliency[first + p] - penalty * deviation * kept[p];
    const late = order.filter((p) => kept[p]).sort((a, b) => scores[b] - scores[a] || a - b);
    // Both rows are in order: always the better of their first ones, of equal ones the lower position.
    let [next, later] = [0, 0];
    for (let taken = 0; taken < count; taken++) {
      while (kept[order[next]]) next++;
      const [p, q] = [order[next], late[later]];
      const isLate = next >= positions || (q !== undefined && (scores[q] > scores[p] || (scores[q] === scores[p] && q < p)));
      salient[local + (isLate ? q : p)] = 1;
      if (isLate) later++;
      else next++;
    }
    for (let p = 0; p < positions; p++) if (salient[local + p] && isStatic[p]) kept[p] = 1;
    replaced.set(kept, local);
  }
  return { salient, replaced };
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
