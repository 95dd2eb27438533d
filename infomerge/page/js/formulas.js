/**
 * The paper's formulas with the numbers of the chosen segment put in.
 *
 * @import { Result, Settings } from "./method.js"
 * @import { Clip } from "./clip.js"
 */

import { standardize } from "./budget.js";
import { ascending } from "./numbers.js";
import { el, fixed, framesOf, rich, whole } from "./words.js";

/**
 * Rows of (what it is, the formula, the formula with numbers).
 * @param {Clip} clip @param {Settings} settings @param {Result} result @param {number} k
 * @param {number | null} token a patch that was picked
 * @returns {[string, string, string][]}
 */
export function formulaRows(clip, settings, result, k, token) {
  const { frames, positions } = clip;
  const { requested, salientPerFrame, context, segments, budget, weight } = result;
  const { retentionRatio: r, contextFraction: d, uniquenessWeight, richnessWeight, temperature, allocation } = settings;
  const length = segments[k][1] - segments[k][0];
  const n = k + 1;
  const [zu, ze] = [standardize(result.uniqueness)[k], standardize(result.richness)[k]];
  const mixed = uniquenessWeight * zu + richnessWeight * ze;
  const sum = weight.reduce((a, b) => a + b, 0);
  const share = (context * weight[k]) / sum;
  const number = (/** @type {number} */ value) => String(Math.round(value * 1e4) / 1e4);
  /** @type {[string, string, string][]} */
  const rows = [
    ["Tokens kept in all", "r L N, rounded", `${number(r)} × ${frames} × ${positions} → ${whole(requested)}`],
    ["Salient tokens per frame", "T_{s} = ⌊(1 − d) r N⌋", `⌊${number(1 - d)} × ${number(r)} × ${positions}⌋ = ${salientPerFrame}`],
    ["Context tokens in all", "B_{DTM}", `${whole(requested)} − ${frames} × ${salientPerFrame} = ${whole(context)}`],
    ["Uniqueness (eq. 5)", "u_{k} = 1 − cos(mean of the segment, mean of the clip)", `u_{${n}} = 1 − ${fixed(1 - result.uniqueness[k], 4)} = ${fixed(result.uniqueness[k], 4)}`],
    ["Richness (eq. 7)", "e_{k} = −Σ π_{j} log π_{j} / log R", `e_{${n}} = ${fixed(result.richness[k], 4)}  (0: one direction, 1: all alike)`],
  ];
  if (allocation === "caba") {
    rows.push(
      ["Standardized over the segments", "z(u_{k}), z(e_{k})", `${fixed(zu, 2)} and ${fixed(ze, 2)}`],
      ["Mixed", "m_{k} = α z(u_{k}) + β z(e_{k})", `${number(uniquenessWeight)} × ${fixed(zu, 2)} + ${number(richnessWeight)} × ${fixed(ze, 2)} = ${fixed(mixed, 2)}`],
      ["Weight (eq. 8)", "w_{k} = sigmoid(τ m_{k}) |V_{k}|", `sigmoid(${number(temperature)} × ${fixed(mixed, 2)}) × ${length} = ${fixed(weight[k], 2)}`],
    );
  } else rows.push(["Weight: its length", "w_{k} = |V_{k}|", `w_{${n}} = ${length}`]);
  rows.push(
    ["Budget (eq. 9)", "B_{k} = B_{DTM} w_{k} / Σ w", `${whole(context)} × ${fixed(weight[k], 2)} / ${fixed(sum, 2)} = ${fixed(share, 1)} → ${budget[k]}`],
    ["By length it would be", "B_{DTM} |V_{k}| / L", `${whole(context)} × ${length} / ${frames} → ${result.lengthBudget[k]}`],
  );
  const scores = result.scores[k];
  if (settings.staticPrior === "tfd") {
    const position = token === null ? null : token % positions;
    const rank = position === null ? 0 : ascending(scores).indexOf(position) + 1;
    const values = Number.isNaN(scores[0])
      ? "undefined: the segment has one frame"
      : position === null
        ? "pick a patch of this segment"
        : `TFD = ${fixed(scores[position], 4)}, number ${rank} of ${positions} from the stillest${result.statics[k][position] ? ": a static candidate" : ""}`;
    rows.push(["TFD of a patch (eq. 2)", "mean |F[l+1, l′] − F[l, l′]|,  F[l, l′] = cos of the patch in frames l and l′", values]);
  }
  return rows;
}

/** @param {HTMLElement} into @param {[string, string, string][]} rows @param {[number, number]} segment @param {number} k */
export function showFormulas(into, rows, segment, k) {
  const table = el("table", {}, el("caption", {}, `Segment ${k + 1}, ${framesOf(segment)}`));
  table.append(el("thead", {}, el("tr", {}, ...["What", "Formula", "Here"].map((name) => el("th", { scope: "col" }, name)))));
  table.append(el("tbody", {}, ...rows.map(([what, formula, numbers]) =>
    el("tr", {}, el("th", { scope: "row" }, what), el("td", {}, ...rich(formula)), el("td", { class: "live" }, ...rich(numbers))),
  )));
  into.replaceChildren(table);
}
