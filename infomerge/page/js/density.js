/**
 * Density peaks among the tokens of one frame (section 3.4): which of them may speak for the others.
 *
 * Which tokens of a frame are near to which depends on no knob: it is worked out once for each frame, and a search for
 * the nearest candidates walks along these lists. Tokens that eq. 30 has replaced are elsewhere, and are compared anew.
 *
 * @typedef {Object} Near
 * @property {Uint16Array} order of each token all tokens of its frame, the nearest first, [positions, positions]
 * @property {Float64Array} squared distances to them, in this order: what is read together lies together
 *
 * @typedef {Object} Moved
 * @property {number[]} positions candidates that were replaced
 * @property {Float64Array} squared their distances to every position as it is now, [moved, positions]
 */

import { ascending, descending, millionths } from "./numbers.js";

/**
 * Squared Euclidean distance of two rows, by differences, so that equal rows are exactly 0 apart.
 * @param {Float64Array} rows @param {number} i @param {number} j @param {number} length
 */
function squaredDistance(rows, i, j, length) {
  let sum = 0;
  for (let c = 0; c < length; c++) {
    const difference = rows[i + c] - rows[j + c];
    sum += difference * difference;
  }
  return sum;
}

/**
 * Who is near to whom in a frame, before anything is replaced.
 * @param {Float64Array} features @param {number} frame @param {number} positions @param {number} directions
 * @returns {Near}
 */
export function nearIn(features, frame, positions, directions) {
  const squared = new Float64Array(positions * positions);
  const first = frame * positions * directions;
  for (let i = 0; i < positions; i++) {
    for (let j = 0; j < i; j++) {
      const value = squaredDistance(features, first + i * directions, first + j * directions, directions);
      squared[i * positions + j] = squared[j * positions + i] = value;
    }
  }
  const order = new Uint16Array(positions * positions);
  for (let i = 0; i < positions; i++) {
    const row = squared.subarray(i * positions, (i + 1) * positions);
    const nearest = ascending(row);
    order.set(nearest, i * positions);
    row.set(nearest.map((j) => row[j]));
  }
  return { order, squared };
}

/**
 * The candidates of a frame that were replaced, and how far they are from all others now.
 * @param {Float64Array} features of the segment, static positions replaced
 * @param {number} frame of the segment @param {number[]} candidates @param {Uint8Array} replaced of the segment
 * @param {number} positions @param {number} directions @returns {Moved}
 */
export function movedIn(features, frame, candidates, replaced, positions, directions) {
  const first = frame * positions;
  const moved = candidates.filter((p) => replaced[first + p]);
  const squared = new Float64Array(moved.length * positions);
  moved.forEach((p, m) => {
    for (let q = 0; q < positions; q++) {
      squared[m * positions + q] = squaredDistance(features, (first + p) * directions, (first + q) * directions, directions);
    }
  });
  return { positions: moved, squared };
}

/**
 * The candidates by their density score, the best first: dense, and far from anything denser (eq. 31 to 33).
 *
 * Compared is the logarithm of the score in millionths; of equal densities the lower index is the denser.
 * @param {Near} near @param {number[]} candidates positions, ascending @param {Moved} moved
 * @param {number} directions @param {number} neighbors k
 * @returns {number[]}
 */
export function byDensity(near, candidates, moved, directions, neighbors) {
  const { order, squared } = near;
  const [positions, count, movers] = [Math.sqrt(squared.length), candidates.length, moved.positions.length];
  const k = Math.min(neighbors, count);
  // 1 for a candidate that is where it was, 2 and more for one that has moved, 0 for all others.
  const kind = new Uint16Array(positions);
  for (const p of candidates) kind[p] = 1;
  for (let m = 0; m < movers; m++) kind[moved.positions[m]] = m + 2;

  const [spread, compared] = [new Float64Array(count), new Float64Array(count)];
  const nearest = new Float64Array(k);
  let farthest = 0;
  for (let a = 0; a < count; a++) {
    const p = candidates[a];
    nearest.fill(Infinity);
    if (kind[p] > 1) {
      const row = (kind[p] - 2) * positions;
      for (const q of candidates) {
        insert(nearest, moved.squared[row + q]);
        farthest = Math.max(farthest, moved.squared[row + q]);
      }
    } else {
      const row = p * positions;
      for (let n = 0, found = 0; n < positions && found < k; n++) {
        if (kind[order[row + n]] === 1) nearest[found++] = squared[row + n];
      }
      for (let m = 0; m < movers; m++) insert(nearest, moved.squared[m * positions + p]);
      let last = positions - 1;
      while (kind[order[row + last]] !== 1) last--;
      farthest = Math.max(farthest, squared[row + last]);
    }
    let sum = 0;
    for (let n = 0; n < k; n++) sum += nearest[n] / directions;
    spread[a] = sum / k;
    compared[a] = millionths(spread[a]);
  }

  const rank = new Uint16Array(positions);
  ascending(compared).forEach((a, place) => (rank[candidates[a]] = place));
  for (let a = 0; a < count; a++) {
    const p = candidates[a];
    let least = rank[p] === 0 ? farthest : Infinity;
    if (kind[p] > 1) {
      const row = (kind[p] - 2) * positions;
      for (const q of candidates) if (rank[q] < rank[p]) least = Math.min(least, moved.squared[row + q]);
    } else {
      const row = p * positions;
      for (let n = 0; n < positions && rank[p] > 0; n++) {
        const q = order[row + n];
        if (kind[q] !== 1 || rank[q] >= rank[p]) continue;
        least = squared[row + n];
        break;
      }
      for (let m = 0; m < movers; m++) {
        if (rank[moved.positions[m]] < rank[p]) least = Math.min(least, moved.squared[m * positions + p]);
      }
    }
    const delta = Math.sqrt(least / directions);
    compared[a] = millionths(Math.log(Math.max(delta, 1e-12)) - spread[a]);
  }
  return descending(compared).map((a) => candidates[a]);
}

/** Put a value into an ascending list of fixed length, if it is small enough. @param {Float64Array} list @param {number} value */
function insert(list, value) {
  let place = list.length - 1;
  if (value >= list[place]) return;
  for (; place > 0 && list[place - 1] > value; place--) list[place] = list[place - 1];
  list[place] = value;
}
