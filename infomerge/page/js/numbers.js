/**
 * What every step shares: orders that float noise cannot change, as `infomerge/numerics.py` has them.
 *
 * Whatever decides an order is compared as a whole number of millionths; equal ones go to the lower index.
 */

export const MILLION = 1e6;

/** Added and taken away again, it leaves a number rounded to the nearest whole one, halves to the even one. */
const TO_WHOLE = 1.5 * 2 ** 52;

/** A value as it is compared: in whole millionths. @param {number} value */
export function millionths(value) {
  return value * MILLION + TO_WHOLE - TO_WHOLE;
}

/** floor(share) for a product of ratios, forgiving the last bits: 0.29 * 100 is 29. @param {number} share */
export function floorCount(share) {
  return Math.floor(share + 1e-9);
}

/** More than there are indices, and the least number that leaves no room for one below it in 52 bits. */
const [INDICES, NO_ROOM] = [2 ** 16, 2 ** 36];

/**
 * The indices 0 to n - 1, smallest value first, equal ones in order.
 *
 * A whole number, such as one of millionths, is joined with its index into one number: these are sorted by the browser,
 * which takes a tenth of the time that a comparison in JavaScript does.
 * @param {ArrayLike<number>} values
 */
export function ascending(values) {
  const { length } = values;
  const joined = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const value = values[i];
    if (!Number.isInteger(value) || Math.abs(value) >= NO_ROOM || i >= INDICES) {
      return Array.from(joined, (_, n) => n).sort((a, b) => values[a] - values[b] || a - b);
    }
    joined[i] = value * INDICES + i;
  }
  joined.sort();
  const order = [];
  for (let n = 0; n < length; n++) order.push(joined[n] - Math.floor(joined[n] / INDICES) * INDICES);
  return order;
}

/** The same, largest value first. @param {ArrayLike<number>} values */
export function descending(values) {
  const below = new Float64Array(values.length);
  for (let i = 0; i < below.length; i++) below[i] = -values[i];
  return ascending(below);
}

/** The place of each value in its order, from 0. @param {number[]} order */
export function ranksOf(order) {
  const ranks = new Int32Array(order.length);
  order.forEach((index, rank) => (ranks[index] = rank));
  return ranks;
}

/**
 * Dot product of two rows of arrays.
 * @param {Float64Array} a @param {number} i where the row of a begins
 * @param {Float64Array} b @param {number} j @param {number} length
 */
export function dot(a, i, b, j, length) {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  let n = 0;
  for (; n + 3 < length; n += 4) {
    s0 += a[i + n] * b[j + n];
    s1 += a[i + n + 1] * b[j + n + 1];
    s2 += a[i + n + 2] * b[j + n + 2];
    s3 += a[i + n + 3] * b[j + n + 3];
  }
  for (; n < length; n++) s0 += a[i + n] * b[j + n];
  return s0 + s1 + (s2 + s3);
}

/**
 * Rows scaled to length 1; a zero row stays zero, so that its cosine with anything is 0.
 * @param {Float64Array} rows @param {number} length of a row
 */
export function unitRows(rows, length) {
  const unit = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i += length) {
    const norm = Math.sqrt(dot(rows, i, rows, i, length)) || 1;
    for (let c = 0; c < length; c++) unit[i + c] = rows[i + c] / norm;
  }
  return unit;
}

/** @param {Float64Array} a @param {Float64Array} b */
export function cosine(a, b) {
  return dot(unitRows(a, a.length), 0, unitRows(b, b.length), 0, a.length);
}

/** Mean and standard deviation of the population. @param {ArrayLike<number>} values */
export function spreadOf(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  const mean = sum / values.length;
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] - mean) ** 2;
  return { mean, deviation: Math.sqrt(squares / values.length) };
}

/** Whether two arrays hold the same numbers. @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function same(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
