/** Density peaks among the tokens of one frame (section 3.4): which of them may speak for the others. */

import { ascending, millionths } from "./numbers.js";

/**
 * Squared Euclidean distance of two rows, by differences, so that equal rows are exactly 0 apart.
 * @param {Float64Array} a @param {number} i @param {Float64Array} b @param {number} j @param {number} length
 */
function squaredDistance(a, i, b, j, length) {
  let sum = 0;
  for (let c = 0; c < length; c++) {
    const difference = a[i + c] - b[j + c];
    sum += difference * difference;
  }
  return sum;
}

/**
 * Squared distances between all tokens of a frame, [positions, positions].
 * @param {Float64Array} features @param {number} frame @param {number} positions @param {number} directions
 */
export function frameDistances(features, frame, positions, directions) {
  const out = new Float64Array(positions * positions);
  const first = frame * positions * directions;
  for (let i = 0; i < positions; i++) {
    for (let j = 0; j < i; j++) {
      const value = squaredDistance(features, first + i * directions, features, first + j * directions, directions);
      out[i * positions + j] = out[j * positions + i] = value;
    }
  }
  return out;
}

/**
 * Squared distances between the candidates of a frame: known ones, and new ones where a token has been replaced.
 * @param {Float64Array} known of all the frame's tokens as they were
 * @param {Float64Array} features of the segment, static positions replaced
 * @param {number} frame of the segment @param {number[]} candidates positions
 * @param {Uint8Array} replaced of the segment @param {number} directions
 */
export function candidateDistances(known, features, frame, candidates, replaced, directions) {
  const [positions, n] = [Math.sqrt(known.length), candidates.length];
  const first = frame * positions;
  const out = new Float64Array(n * n);
  for (let a = 0; a < n; a++) {
    const row = candidates[a] * positions;
    for (let b = 0; b < n; b++) out[a * n + b] = known[row + candidates[b]];
  }
  for (let a = 0; a < n; a++) {
    if (!replaced[first + candidates[a]]) continue;
    const i = (first + candidates[a]) * directions;
    for (let b = 0; b < n; b++) {
      const value = squaredDistance(features, i, features, (first + candidates[b]) * directions, directions);
      out[a * n + b] = out[b * n + a] = value;
    }
  }
  return out;
}

/**
 * Logarithm of each token's density score (eq. 31 to 33) in millionths: dense, and far from anything denser.
 *
 * Of equal densities the lower index is the denser.
 * @param {Float64Array} squared [n, n] @param {number} n @param {number} directions @param {number} neighbors k
 */
export function densityScores(squared, n, directions, neighbors) {
  const k = Math.min(neighbors, n);
  const nearest = new Float64Array(k);
  const spread = new Float64Array(n);
  let farthest = 0;
  for (let a = 0; a < n; a++) {
    nearest.fill(Infinity);
    for (let b = 0; b < n; b++) {
      const value = squared[a * n + b];
      if (value > farthest) farthest = value;
      if (value >= nearest[k - 1]) continue;
      let place = k - 1;
      for (; place > 0 && nearest[place - 1] > value; place--) nearest[place] = nearest[place - 1];
      nearest[place] = value;
    }
    spread[a] = nearest.reduce((sum, value) => sum + value / directions, 0) / k;
  }
  const scores = new Float64Array(n);
  const denser = ascending(spread.map(millionths));
  denser.forEach((a, rank) => {
    let least = rank === 0 ? farthest : Infinity;
    for (let before = 0; before < rank; before++) least = Math.min(least, squared[a * n + denser[before]]);
    const delta = Math.sqrt(least / directions);
    scores[a] = millionths(Math.log(Math.max(delta, 1e-12)) - spread[a]);
  });
  return scores;
}
