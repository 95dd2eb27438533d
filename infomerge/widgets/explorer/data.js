/**
 * What the explorer is given, and what can be asked of it: a clip, a plan or two, their maps and their tokens.
 *
 * Knows neither words, colors nor the page. explorer_data.py is the other end.
 *
 * @import { Packed } from "../packed.js"
 *
 * @typedef {Object} Control
 * @property {string} option
 * @property {string} label
 * @property {number} low
 * @property {number} high
 * @property {number} step
 * @property {[string, string | number][]} choices
 * @property {string} tooltip
 *
 * @typedef {Object} Setup what the controls are built of
 * @property {{name: string, controls: Control[]}[]} groups
 * @property {string[]} samples
 * @property {string[]} presets
 * @property {Record<string, string>} exports label by kind
 * @property {number} most_bytes
 *
 * @typedef {Object} Clip
 * @property {string} name
 * @property {string} facts
 * @property {number} count frames
 * @property {number} positions per frame
 * @property {[number, number]} grid
 * @property {number[]} edges
 * @property {"s" | "frame"} unit
 * @property {number[]} cut_times
 * @property {number} aspect width over height of a frame
 * @property {DataView[]} pictures JPEG
 * @property {string | null} source from which it can be read again
 *
 * @typedef {Object} Plan
 * @property {[number, number][]} bounds first frame and frame after the last of each segment
 * @property {number[]} transition
 * @property {number} threshold
 * @property {number[]} uniqueness
 * @property {number[]} richness
 * @property {number[]} z_uniqueness
 * @property {number[]} z_richness
 * @property {number[]} weight
 * @property {number[]} budget
 * @property {number[]} length_budget
 * @property {number} requested
 * @property {number} asked_context
 * @property {number} kept
 * @property {number} salient
 * @property {number} context
 * @property {"caba" | "length"} allocation
 * @property {"exact" | "paper"} rounding
 * @property {number} tau
 * @property {number} alpha
 * @property {number} beta
 *
 * @typedef {Object} Shown
 * @property {Record<string, number | string>} config
 * @property {string} line
 * @property {string} python
 * @property {Record<string, string>} without_effect reason by option
 * @property {Record<string, string>} headings
 * @property {unknown[]} compared the options of B and A, or null in A's place
 * @property {string | null} described_pinned
 * @property {Plan} plan
 * @property {Plan | null} pinned
 *
 * @typedef {{prior: "tfd" | "adjacent" | "aligned" | "none", segments: number, scores: Packed, static: Packed}} MapData
 * @typedef {{b: MapData, a: MapData | null}} Maps
 * @typedef {{of?: unknown[], b?: Packed, a?: Packed | null, moved?: Packed | null}} Tokens
 * @typedef {{text?: string, failed?: boolean}} Message
 *
 * @typedef {Object} Traits of the widget's model
 * @property {string} standin
 * @property {Setup} setup
 * @property {Clip} clip
 * @property {Shown} shown
 * @property {Maps} maps
 * @property {Tokens} tokens
 * @property {Message} message
 * @property {[string, number] | []} answered
 * @property {number} frame
 * @property {"tokens" | "difference"} picture
 *
 * @typedef {Object} PriorMap of one segment
 * @property {Float32Array} scores NaN where undefined
 * @property {Uint8Array} isStatic
 * @property {[number, number] | null} range of the scores, null where they are undefined
 *
 * @typedef {Object} KeptTokens of all frames, 0 merged, 1 salient, 2 context
 * @property {Uint8Array} b
 * @property {Uint8Array | null} a
 * @property {Uint8Array | null} moved
 */

import { unpack } from "../packed.js";

/** The segment that a frame lies in. @param {Plan} plan @param {number} frame */
export function segmentOf(plan, frame) {
  let found = 0;
  plan.bounds.forEach(([start], k) => {
    if (start <= frame) found = k;
  });
  return found;
}

/** Frames of a segment. @param {Plan} plan @param {number} k */
export function lengthOf(plan, k) {
  return plan.bounds[k][1] - plan.bounds[k][0];
}

/** Values of segments, shared among their frames. @param {Plan} plan @param {number[]} values */
export function perFrame(plan, values) {
  return values.map((value, k) => value / lengthOf(plan, k));
}

/** Where segments begin and end in time. @param {Clip} clip @param {Plan} plan */
export function segmentEdges(clip, plan) {
  return [...plan.bounds.map(([start]) => clip.edges[start]), clip.edges[clip.edges.length - 1]];
}

/** First frames of segments but for the first: where the clip was cut. @param {Plan} plan */
export function cutsOf(plan) {
  return plan.bounds.slice(1).map(([start]) => start);
}

/** One segment's map. @param {MapData} maps @param {number} k @returns {PriorMap} */
export function priorMap(maps, k) {
  const all = unpack(maps.scores, "float32");
  const positions = all.length / maps.segments;
  const scores = all.subarray(k * positions, (k + 1) * positions);
  const isStatic = unpack(maps.static, "uint8").subarray(k * positions, (k + 1) * positions);
  const sorted = Array.from(scores)
    .filter((score) => !Number.isNaN(score))
    .sort((a, b) => a - b);
  // From percentile to percentile, so that no outlier flattens the rest.
  const at = (/** @type {number} */ share) => sorted[Math.round(share * (sorted.length - 1))];
  return { scores, isStatic, range: sorted.length ? [at(0.01), at(0.99)] : null };
}

/** @param {Tokens} tokens @returns {KeptTokens | null} null where they were not chosen yet */
export function keptTokens(tokens) {
  if (!tokens.b) return null;
  const read = (/** @type {Packed | null | undefined} */ packed) => (packed ? unpack(packed, "uint8") : null);
  return { b: unpack(tokens.b, "uint8"), a: read(tokens.a), moved: read(tokens.moved) };
}

/** Whether the tokens are those of what the panels show. @param {Tokens} tokens @param {Shown} shown */
export function tokensAreOf(tokens, shown) {
  return tokens.of !== undefined && JSON.stringify(tokens.of) === JSON.stringify(shown.compared);
}

/**
 * Up to `most` frames of a segment, evenly spaced from its first to its last.
 * @param {[number, number]} bound @param {number} most
 */
export function framesOf([start, end], most) {
  const count = Math.min(most, end - start);
  if (count <= 1) return [Math.floor((start + end - 1) / 2)];
  return Array.from({ length: count }, (_, i) => start + Math.round((i * (end - start - 1)) / (count - 1)));
}

/**
 * What stands where in one frame when A and B are compared: tokens kept by one alone or by both, and moved owners.
 * @param {KeptTokens} tokens @param {number} frame @param {number} positions
 */
export function differenceIn(tokens, frame, positions) {
  /** @type {{onlyA: number[], onlyB: number[], both: number[], moved: number[]}} */
  const found = { onlyA: [], onlyB: [], both: [], moved: [] };
  for (let position = 0; position < positions; position++) {
    const i = frame * positions + position;
    const [a, b] = [tokens.a?.[i] ?? 0, tokens.b[i]];
    if (a && b) found.both.push(position);
    else if (a) found.onlyA.push(position);
    else if (b) found.onlyB.push(position);
    else if (tokens.moved?.[i]) found.moved.push(position);
  }
  return found;
}
