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

import { descending, spreadOf, unitRows } from "./numbers.js";

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
 * A segment's tokens, in which replaced ones hold their position's mean over the segment (eq. 29 and 30).
 *
 * The mean does not depend on which tokens are replaced: from one setting to the next only those are written that come
 * to be replaced, or no longer are.
 */
export class Tokens {
  /** @param {Clip} clip @param {Segment} segment */
  constructor(clip, [start, end]) {
    const { features, unit, positions, directions } = clip;
    const width = positions * directions;
    this.clip = clip;
    this.first = start * width;
    this.last = end * width;
    /** [frames, positions, directions], and the same, each of length 1; copied before anything is written. */
    this.features = features.subarray(this.first, this.last);
    this.unit = unit.subarray(this.first, this.last);
    this.isCopy = false;
    /** By position. @type {Map<number, {mean: Float64Array, unit: Float64Array}>} */
    this.means = new Map();
  }

  /** @param {Uint8Array} before marks of the tokens that are replaced now @param {Uint8Array} after that shall be */
  replace(before, after) {
    const { features, unit, positions, directions } = this.clip;
    if (!this.isCopy) [this.features, this.unit] = [this.features.slice(), this.unit.slice()];
    this.isCopy = true;
    for (let i = 0; i < after.length; i++) {
      if (after[i] === before[i]) continue;
      const at = i * directions;
      const from = this.first + at;
      const mean = after[i] ? this.meanOf(i % positions) : null;
      this.features.set(mean ? mean.mean : features.subarray(from, from + directions), at);
      this.unit.set(mean ? mean.unit : unit.subarray(from, from + directions), at);
    }
  }

  /** @param {number} position */
  meanOf(position) {
    const known = this.means.get(position);
    if (known) return known;
    const { features, positions, directions } = this.clip;
    const width = positions * directions;
    const mean = new Float64Array(directions);
    for (let at = this.first; at < this.last; at += width) {
      for (let c = 0; c < directions; c++) mean[c] += features[at + position * directions + c];
    }
    for (let c = 0; c < directions; c++) mean[c] /= (this.last - this.first) / width;
    const made = { mean, unit: unitRows(mean, directions) };
    this.means.set(position, made);
    return made;
  }
}
