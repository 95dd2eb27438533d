/**
 * What the lens says: every sentence about a clip, a frame and a token. Knows neither pictures nor the page.
 *
 * @import { Lens, Mode, Range } from "./data.js"
 *
 * @typedef {"salient" | "context" | "owned" | "static" | "salientDot" | "lit"} MarkKind a sign of the legend
 * @typedef {Object} Legend
 * @property {[MarkKind, string][]} marks
 * @property {{range: Range, label: string} | null} bar
 * @property {string} note
 */

import { heatAt, membersOf, membersPerFrame, placeOf, tokensOfFrame } from "./data.js";

/** @type {[Mode, string][]} */
export const MODES = [
  ["overlay", "Kept tokens"],
  ["ownership", "Ownership"],
  ["tfd", "TFD"],
  ["saliency", "Saliency"],
];

export const INVITATION =
  "Point at a patch, or tap it: the token that stands for it lights up, with all other patches it stands for.";

export const KEY_HELP = "Keys: ← → frame, ↑ ↓ kept token, space plays, click pins, Esc unpins";

/** @param {number} count @param {string} noun @param {string} [plural] */
export function counted(count, noun, plural = `${noun}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
}

/** @param {string} text */
export function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Three significant digits, with a true minus sign. @param {number} value */
export function shortNumber(value) {
  if (Number.isNaN(value)) return "undefined";
  const size = Math.abs(value);
  const extreme = size !== 0 && (size < 1e-3 || size >= 1e5);
  const text = extreme ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  return text.replaceAll("-", "−");
}

/** "3.9 s", or "" where the clip has no times. @param {Lens} lens @param {number} frame */
export function timeInWords(lens, frame) {
  return lens.timestamps ? `${lens.timestamps[frame].toFixed(1)} s` : "";
}

/** @param {Lens} lens @param {number} frame */
export function frameWithTime(lens, frame) {
  return lens.timestamps ? `frame ${frame} (${timeInWords(lens, frame)})` : `frame ${frame}`;
}

/** "frame 12 · 3.9 s · segment 2" @param {Lens} lens @param {number} frame */
export function clockInWords(lens, frame) {
  const parts = [`frame ${frame}`, timeInWords(lens, frame), `segment ${lens.segmentOfFrame[frame] + 1}`];
  return parts.filter(Boolean).join(" · ");
}

/** @param {Lens} lens @param {number} patch */
export function placeInWords(lens, patch) {
  const { frame, row, column } = placeOf(lens, patch);
  return `${frameWithTime(lens, frame)}, row ${row}, column ${column}`;
}

/** @param {Lens} lens @param {number} token */
export function kindInWords(lens, token) {
  return lens.isContext[token] ? "context token" : "salient token";
}

/** @param {Lens} lens @param {number} token */
export function reachInWords(lens, token) {
  const patches = membersOf(lens, token).length;
  if (patches === 1) return "stands for this patch alone";
  const frames = membersPerFrame(lens, token).filter((count) => count > 0).length;
  return `stands for ${counted(patches, "patch", "patches")} on ${counted(frames, "frame")}`;
}

/** The number of a heat map at a patch, or "". @param {Lens} lens @param {Mode} mode @param {number} patch */
export function heatInWords(lens, mode, patch) {
  const value = heatAt(lens, mode, patch);
  if (value === null) return "";
  const { row, column } = placeOf(lens, patch);
  return `${mode === "tfd" ? "TFD" : "saliency"} at row ${row}, column ${column}: ${shortNumber(value)}`;
}

/**
 * "frame 12 (3.9 s), row 4, column 7: context token, stands for 38 patches on 5 frames"
 * @param {Lens} lens @param {number} token
 */
export function describeToken(lens, token) {
  return `${placeInWords(lens, lens.index[token])}: ${kindInWords(lens, token)}, ${reachInWords(lens, token)}`;
}

/** "3 salient, 9 context tokens kept" @param {Lens} lens @param {number} frame */
export function countsInWords(lens, frame) {
  const tokens = tokensOfFrame(lens, frame);
  const context = tokens.filter((token) => lens.isContext[token]).length;
  return `${tokens.length - context} salient, ${context} context tokens kept`;
}

/** @param {Lens} lens @param {number} frame */
export function describeFrame(lens, frame) {
  return `${frameWithTime(lens, frame)}, segment ${lens.segmentOfFrame[frame] + 1}: ${countsInWords(lens, frame)}`;
}

/** @param {Lens} lens */
export function describeClip(lens) {
  const all = lens.frames * lens.positions;
  const share = ((100 * lens.kept) / all).toFixed(1);
  return (
    `${lens.method}: ${lens.kept.toLocaleString("en")} of ${all.toLocaleString("en")} tokens kept (${share} %), ` +
    `${lens.requested.toLocaleString("en")} requested. ` +
    `${counted(lens.frames, "frame")} of ${lens.rows} × ${lens.columns} patches, ` +
    `${counted(lens.segments.length / 2, "segment")}.`
  );
}

/** What a saved picture shows. @param {Lens} lens @param {number} frame @param {number | null} token */
export function describePicture(lens, frame, token) {
  const highlighted = token === null ? "" : ` Highlighted: ${describeToken(lens, token)}.`;
  return `Shown: ${describeFrame(lens, frame)}.${highlighted}`;
}

/** @param {Lens} lens @param {number | null} token */
export function describeStrip(lens, token) {
  const lit = token === null ? "" : `, lit where the token stands for a patch: ${describeToken(lens, token)}`;
  return `All ${lens.frames} frames${lit}`;
}

/** Why a mode has nothing to show on a frame, or null. @param {Lens} lens @param {Mode} mode @param {number} frame */
export function nothingToShow(lens, mode, frame) {
  if (mode === "overlay" && tokensOfFrame(lens, frame).length === 0) return "No token of this frame is kept";
  const segment = lens.segmentOfFrame[frame];
  if (mode === "tfd" && !lens.tfdRanges[segment]) {
    return `TFD is undefined: segment ${segment + 1} has one frame`;
  }
  return null;
}

/**
 * What a mode's colors and marks mean on a frame.
 * @param {Lens} lens @param {Mode} mode @param {number} frame @returns {Legend}
 */
export function legendOf(lens, mode, frame) {
  /** @type {[MarkKind, string]} */
  const lit = ["lit", "Highlighted: patches merged into this token (its own patch in red)"];
  if (mode === "overlay") {
    return {
      marks: [["salient", "Salient token, kept as it is"], ["context", "Context token, merged from others"], lit],
      bar: null,
      note: "Dimmed patches are not kept: one of the kept tokens stands for each.",
    };
  }
  if (mode === "ownership") {
    return {
      marks: [["owned", "Mean colour of a token’s patches over the clip"], lit],
      bar: null,
      note: "A rim runs where the owner changes; a mark shows where a kept token of this frame lies.",
    };
  }
  if (mode === "tfd") {
    const segment = lens.segmentOfFrame[frame];
    const range = lens.tfdRanges[segment];
    return {
      marks: [["static", "Static candidate"], lit],
      bar: range && { range, label: `TFD of segment ${segment + 1} (no unit)` },
      note: "Temporal fingerprint difference: low is static. Each segment has a map and a scale of its own.",
    };
  }
  return {
    marks: [["salientDot", "Salient token of this frame"], lit],
    bar: { range: lens.saliencyRange, label: "Saliency (the encoder’s own scale)" },
    note: "One scale for the clip, from its 1st to its 99th percentile.",
  };
}
