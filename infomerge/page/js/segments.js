/** Dynamic temporal segmentation, DySeg (section 3.1, A.5): where the clip is cut into segments. */

import { ascending, MILLION, millionths } from "./numbers.js";

/**
 * @typedef {[number, number]} Segment first frame and frame after the last
 */

/**
 * Contiguous segments (eq. 23): cut at the c - 1 least similar transitions and at every one below the threshold.
 * @param {number[]} transition t_l @param {number} minSegments c @param {number} threshold tau_seg
 * @returns {Segment[]}
 */
export function findSegments(transition, minSegments, threshold) {
  const compared = transition.map(millionths);
  const cut = compared.map((value) => value / MILLION < threshold);
  for (const index of ascending(compared).slice(0, minSegments - 1)) cut[index] = true;
  const edges = [0];
  cut.forEach((isCut, index) => isCut && edges.push(index + 1));
  return edges.map((start, k) => [start, k + 1 < edges.length ? edges[k + 1] : transition.length + 1]);
}
