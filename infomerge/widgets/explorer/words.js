/**
 * What the explorer says in words: of a segment, its weight in numbers, its map, and of what is kept.
 *
 * @import { Clip, KeptTokens, MapData, Plan, PriorMap } from "./data.js"
 */

import { differenceIn, lengthOf } from "./data.js";

/** @param {number} number @param {string} noun */
export const counted = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

/** @param {number} value */
export const signed = (value) => String(value).replace("-", "−");

/** @param {number} value @param {number} [digits] */
const short = (value, digits = 2) => signed(Number(value.toFixed(digits)));

/** Where a segment lies. @param {Clip} clip @param {Plan} plan @param {number} k */
export function segmentInWords(clip, plan, k) {
  const [start, end] = plan.bounds[k];
  const frames = end - start === 1 ? `frame ${start}` : `frames ${start} to ${end - 1}`;
  const time =
    clip.unit === "s" ? `, ${Math.max(0, clip.edges[start]).toFixed(1)} to ${clip.edges[end].toFixed(1)} s` : "";
  return `Segment ${k + 1}: ${frames}${time}`;
}

/** All numbers of a segment, in lines. @param {Clip} clip @param {Plan} plan @param {number} k */
export function numbersInWords(clip, plan, k) {
  const length = lengthOf(plan, k);
  const [weight, budget] = [plan.weight[k] / length, counted(plan.budget[k], "context token")];
  return [
    segmentInWords(clip, plan, k),
    `u = ${plan.uniqueness[k].toFixed(3)}, e = ${plan.richness[k].toFixed(3)}, w / |V| = ${weight.toFixed(3)}`,
    `B = ${budget} (${short(plan.budget[k] / length, 1)} per frame); by length ${plan.length_budget[k]}`,
  ];
}

/**
 * The weight (eq. 8) with a segment's numbers in it, and what share of the budget that is (eq. 9).
 * @param {Plan} plan @param {number} k
 */
export function weightInNumbers(plan, k) {
  const length = lengthOf(plan, k);
  const sum = plan.weight.reduce((total, weight) => total + weight, 0);
  const asked = plan.asked_context.toLocaleString("en");
  const share = `B = ${asked} · ${short(plan.weight[k])} / ${short(sum)} → ${plan.budget[k]}`;
  if (plan.allocation === "length") return [`w = |V| = ${length} (budgets are by length)`, share];
  const [unique, rich] = [plan.z_uniqueness[k], plan.z_richness[k]].map(bracketed);
  const mixed = `${short(plan.alpha)} · ${unique} + ${short(plan.beta)} · ${rich}`;
  return [
    "w = |V| · σ(τ (α z(u) + β z(e)))",
    `   = ${length} · σ(${short(plan.tau)} (${mixed})) = ${short(plan.weight[k])}`,
    share,
  ];
}

/** @param {number} value */
const bracketed = (value) => (value < 0 ? `(${short(value)})` : short(value));

const PRIORS = {
  tfd: "TFD",
  adjacent: "Adjacent difference",
  aligned: "Aligned TFD",
  none: "No static prior",
};

/**
 * The title of a map, and what there is to say in the place of one that does not exist.
 * @param {MapData} maps @param {PriorMap} map
 */
export function mapInWords(maps, map) {
  const name = PRIORS[maps.prior];
  if (maps.prior === "none") return { title: name, why: "nothing counts as static: there is no map" };
  if (map.range === null) return { title: name, why: "undefined: one frame has nothing to be compared with" };
  const framed = map.isStatic.reduce((sum, each) => sum + each, 0);
  return { title: `${name}: ${counted(framed, "static position")} (framed)`, why: null };
}

/**
 * What the row of frames shows, as entries of a legend: class and words.
 * @param {"tokens" | "difference"} kind @param {boolean} pinned @returns {[string, string][]}
 */
export function legendOfFrames(kind, pinned) {
  if (kind === "tokens")
    return [
      ["salient", "salient"],
      ["context", `context${pinned ? " (B)" : ""}`],
    ];
  return [
    ["only-a", "kept by A alone"],
    ["only-b", "by B alone"],
    ["both", "by both"],
    ["moved", "merged into another token"],
  ];
}

/** Differences over the whole clip. @param {Clip} clip @param {KeptTokens} tokens */
export function differenceInWords(clip, tokens) {
  const sums = [0, 0, 0, 0];
  for (let frame = 0; frame < clip.count; frame++) {
    const { onlyA, onlyB, both, moved } = differenceIn(tokens, frame, clip.positions);
    [onlyA, onlyB, both, moved].forEach((found, i) => (sums[i] += found.length));
  }
  const [a, b, both, moved] = sums.map((sum) => sum.toLocaleString("en"));
  return `Whole clip: ${a} kept by A alone, ${b} by B alone, ${both} by both; ${moved} merged into another token`;
}

/** @param {Plan} plan @param {string} lead */
export function keptInWords(plan, lead) {
  const drift = plan.kept - plan.requested;
  const drifted = drift ? ` (${drift > 0 ? "+" : "−"}${Math.abs(drift)})` : "";
  return `${lead} ${plan.kept.toLocaleString("en")}${drifted}`;
}
