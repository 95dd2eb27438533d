/**
 * Content-Aware Budget Allocation, CABA (section 3.3, A.4, A.6): how many tokens each segment may keep.
 *
 * @import { Clip } from "./clip.js"
 * @import { Segment } from "./segments.js"
 */

import { cosine, floorCount, MILLION, millionths, spreadOf } from "./numbers.js";

/**
 * Tokens that the ratio asks for, salient ones per frame (T_s), and context tokens of the whole clip (B_DTM) (A.4).
 * @param {number} frames @param {number} positions
 * @param {{retentionRatio: number, contextFraction: number, rounding: string}} settings
 */
export function splitBudget(frames, positions, { retentionRatio, contextFraction, rounding }) {
  const share = retentionRatio * positions;
  const requested = Math.max(1, Math.floor(retentionRatio * frames * positions + 0.5));
  const salient = floorCount((1 - contextFraction) * share);
  const drifts = rounding === "paper" && retentionRatio < 1;
  const context = drifts ? contextFraction * share * frames : requested - frames * salient;
  return { requested, salient, context };
}

/**
 * u_k: one minus the cosine of a segment's mean token with the clip's (eq. 3 to 5).
 * @param {Clip} clip @param {Segment[]} segments
 */
export function uniqueness({ frames, positions, directions, frameSums }, segments) {
  const whole = new Float64Array(directions);
  const means = segments.map(([start, end]) => {
    const sum = new Float64Array(directions);
    for (let i = start * directions; i < end * directions; i++) sum[i % directions] += frameSums[i];
    return sum.map((value, c) => {
      whole[c] += value / positions / frames;
      return value / (end - start) / positions;
    });
  });
  return means.map((mean) => 1 - cosine(mean, whole));
}

/** z-scores over the segments; zeros where all values are (nearly) equal. @param {number[]} values */
export function standardize(values) {
  const { mean, deviation } = spreadOf(values);
  return values.map((value) => (deviation < 1e-8 ? 0 : (value - mean) / deviation));
}

/**
 * w_k = sigmoid(tau m_k) |V_k|, with m_k = alpha z(u_k) + beta z(e_k) (eq. 8).
 * @param {number[]} unique u_k @param {number[]} rich e_k @param {number[]} lengths
 * @param {{uniquenessWeight: number, richnessWeight: number, temperature: number}} settings alpha, beta, tau
 */
export function contentWeight(unique, rich, lengths, { uniquenessWeight, richnessWeight, temperature }) {
  const [zu, ze] = [standardize(unique), standardize(rich)];
  return lengths.map((length, k) => {
    const mixed = uniquenessWeight * zu[k] + richnessWeight * ze[k];
    return length / (1 + Math.exp(-temperature * mixed));
  });
}

/**
 * B_k: the total shared in proportion to the weights (eq. 9), whole tokens by largest remainder, or as eq. 21 rounds.
 * @param {number[]} weight @param {number} total @param {number[]} capacity @param {string} rounding
 */
export function allocate(weight, total, capacity, rounding) {
  if (total === capacity.reduce((a, b) => a + b, 0)) return [...capacity];
  const sum = weight.reduce((a, b) => a + b, 0);
  const quotas = weight.map((w) => millionths((total * w) / sum));
  if (rounding === "paper") {
    return quotas.map((q, k) => Math.min(Math.max(1, Math.floor(q / MILLION + 0.5)), capacity[k]));
  }
  return largestRemainder(quotas, total, capacity);
}

/** @param {number[]} quotas in millionths @param {number} total @param {number[]} capacity */
function largestRemainder(quotas, total, capacity) {
  const budget = quotas.map((q, k) => Math.min(Math.max(1, Math.floor(q / MILLION)), capacity[k]));
  let given = budget.reduce((a, b) => a + b, 0);
  const remainder = (/** @type {number} */ k) => quotas[k] - budget[k] * MILLION;
  for (; given < total; given++) {
    let best = -1;
    for (let k = 0; k < budget.length; k++) {
      if (budget[k] < capacity[k] && (best < 0 || remainder(k) > remainder(best))) best = k;
    }
    budget[best] += 1;
  }
  // Too many were given only where segments were raised to one token. None goes below one before all are there.
  for (const least of [1, 0]) {
    while (given > total && budget.some((tokens) => tokens > least)) {
      let best = -1;
      for (let k = 0; k < budget.length; k++) {
        if (budget[k] > least && (best < 0 || remainder(k) < remainder(best))) best = k;
      }
      budget[best] -= 1;
      given -= 1;
    }
  }
  return budget;
}
