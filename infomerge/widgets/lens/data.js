/**
 * What the lens is given, and what can be asked of it: a clip's frames, kept tokens, and the owner of every patch.
 *
 * Knows neither words, colors nor the page.
 *
 * @import { Packed } from "../packed.js"
 *
 * @typedef {[number, number]} Range
 * @typedef {"overlay" | "ownership" | "tfd" | "saliency"} Mode
 *
 * @typedef {Object} LensData what `lens_data` in token_lens.py makes
 * @property {string} title
 * @property {number} frames
 * @property {number} rows
 * @property {number} columns
 * @property {number} width
 * @property {number} height
 * @property {number[] | null} timestamps
 * @property {number} requested
 * @property {number} kept
 * @property {DataView[]} images
 * @property {Packed} index
 * @property {Packed} is_context
 * @property {Packed} assignment
 * @property {Packed} colors
 * @property {Packed} segments
 * @property {Packed} static
 * @property {Packed} tfd
 * @property {(Range | null)[]} tfd_ranges
 * @property {Packed} saliency
 * @property {Range} saliency_range
 * @property {string} method
 * @property {Record<string, unknown> | null} config
 * @property {string} line
 *
 * @typedef {{data: LensData, frame: number, mode: Mode, pinned: number | null, standin?: string}} LensTraits of the widget's model
 *
 * @typedef {Object} Lens
 * @property {string} title
 * @property {number} frames
 * @property {number} rows
 * @property {number} columns
 * @property {number} positions patches per frame
 * @property {number} aspect width over height of a frame
 * @property {number[] | null} timestamps seconds
 * @property {number} requested
 * @property {number} kept
 * @property {Uint8Array<ArrayBuffer>[]} images encoded pictures
 * @property {Uint32Array} index flat index, frame * positions + position, of each kept token
 * @property {Uint8Array} isContext of each kept token
 * @property {Uint16Array | Uint32Array} assignment kept token of each patch of the clip
 * @property {Uint8Array} colors red, green, blue of each kept token's group
 * @property {Uint32Array} segments first frame and frame after the last of each segment
 * @property {Uint16Array} segmentOfFrame
 * @property {Uint8Array} isStatic of each position of each segment
 * @property {Float32Array} tfd of each position of each segment, NaN where undefined
 * @property {(Range | null)[]} tfdRanges of each segment, null where undefined
 * @property {Float32Array} saliency of each patch of the clip
 * @property {Range} saliencyRange
 * @property {string} method name of what chose the tokens
 * @property {Record<string, unknown> | null} config null where the method is no configuration of InfoMerge
 * @property {string} line Python that makes the configuration, or gets the method
 * @property {Groups} groups
 *
 * @typedef {{start: Uint32Array, patches: Uint32Array}} Groups all patches sorted by kept token
 */

import { copyBytes, unpack } from "../packed.js";

/** @param {LensData | undefined} data @returns {Lens} */
export function decode(data) {
  if (!data || !data.frames || !data.images) {
    throw new Error("the clip's data is not here. Run the cell that makes the TokenLens again.");
  }
  const segments = unpack(data.segments, "uint32");
  const assignment = unpack(data.assignment, "uint16", "uint32");
  return {
    title: data.title,
    frames: data.frames,
    rows: data.rows,
    columns: data.columns,
    positions: data.rows * data.columns,
    aspect: data.width / data.height,
    timestamps: data.timestamps,
    requested: data.requested,
    kept: data.kept,
    images: data.images.map((view) => new Uint8Array(copyBytes(view))),
    index: unpack(data.index, "uint32"),
    isContext: unpack(data.is_context, "uint8"),
    assignment,
    colors: unpack(data.colors, "uint8"),
    segments,
    segmentOfFrame: numberSegments(segments, data.frames),
    isStatic: unpack(data.static, "uint8"),
    tfd: unpack(data.tfd, "float32"),
    tfdRanges: data.tfd_ranges,
    saliency: unpack(data.saliency, "float32"),
    saliencyRange: data.saliency_range,
    method: data.method,
    config: data.config,
    line: data.line,
    groups: groupPatches(assignment, data.kept),
  };
}

/** The segment of each frame. @param {Uint32Array} segments @param {number} frames */
export function numberSegments(segments, frames) {
  const numbers = new Uint16Array(frames);
  for (let k = 0; k < segments.length / 2; k++) numbers.fill(k, segments[2 * k], segments[2 * k + 1]);
  return numbers;
}

/**
 * All patches sorted by owner: those of token t are patches[start[t]] up to patches[start[t + 1]].
 * @param {ArrayLike<number>} assignment @param {number} kept @returns {Groups}
 */
export function groupPatches(assignment, kept) {
  const start = new Uint32Array(kept + 1);
  for (let i = 0; i < assignment.length; i++) start[assignment[i] + 1] += 1;
  for (let token = 0; token < kept; token++) start[token + 1] += start[token];
  const next = start.slice();
  const patches = new Uint32Array(assignment.length);
  for (let i = 0; i < assignment.length; i++) patches[next[assignment[i]]++] = i;
  return { start, patches };
}

/** Flat indices of the patches that a kept token stands for. @param {Lens} lens @param {number} token */
export function membersOf(lens, token) {
  return lens.groups.patches.subarray(lens.groups.start[token], lens.groups.start[token + 1]);
}

/** How many patches of each frame a kept token stands for. @param {Lens} lens @param {number | null} token */
export function membersPerFrame(lens, token) {
  const counts = new Uint32Array(lens.frames);
  if (token === null) return counts;
  for (const patch of membersOf(lens, token)) counts[Math.floor(patch / lens.positions)] += 1;
  return counts;
}

/** Kept tokens of a frame, in order of position. @param {Lens} lens @param {number} frame */
export function tokensOfFrame(lens, frame) {
  const tokens = [];
  for (let token = 0; token < lens.kept; token++) {
    if (Math.floor(lens.index[token] / lens.positions) === frame) tokens.push(token);
  }
  return tokens;
}

/**
 * The kept token `step` places after `token` among `tokens`, round and round.
 * @param {number[]} tokens @param {number | null} token @param {number} step
 */
export function neighborToken(tokens, token, step) {
  if (tokens.length === 0) return null;
  const at = token === null ? -1 : tokens.indexOf(token);
  if (at === -1) return step > 0 ? tokens[0] : tokens[tokens.length - 1];
  return tokens[(at + step + tokens.length) % tokens.length];
}

/** Where a patch lies. @param {Lens} lens @param {number} patch flat index */
export function placeOf(lens, patch) {
  const position = patch % lens.positions;
  return {
    frame: Math.floor(patch / lens.positions),
    row: Math.floor(position / lens.columns),
    column: position % lens.columns,
  };
}

/**
 * The number that a mode's heat map shows at a patch; null in a mode without one.
 * @param {Lens} lens @param {Mode} mode @param {number} patch flat index
 */
export function heatAt(lens, mode, patch) {
  if (mode === "saliency") return lens.saliency[patch];
  if (mode !== "tfd") return null;
  const frame = Math.floor(patch / lens.positions);
  return lens.tfd[lens.segmentOfFrame[frame] * lens.positions + (patch % lens.positions)];
}
