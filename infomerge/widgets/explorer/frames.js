/**
 * The chosen segment on its own frames: which tokens are kept, what differs from A, and what stands still.
 *
 * @import { Clip, KeptTokens, PriorMap } from "./data.js"
 * @import { SvgNode } from "./tree.js"
 */

import { differenceIn } from "./data.js";
import { heat } from "./look.js";
import { label, svg } from "./tree.js";

const FOOT = 14,
  GAP = 6;

/**
 * Frames side by side, with the marks of what becomes of their tokens.
 * @param {Clip} clip @param {string[]} pictures @param {number[]} frames
 * @param {KeptTokens | null} tokens @param {"tokens" | "difference"} kind @param {number} width @param {number} height
 */
export function framesRow(clip, pictures, frames, tokens, kind, width, height) {
  const each = { width: height * clip.aspect, height };
  const nodes = frames.flatMap((frame, i) => {
    const [x, y] = [i * (each.width + GAP), 0];
    const marks =
      tokens === null
        ? []
        : (kind === "difference" ? differenceMarks : keptMarks)(clip, tokens, frame, { x, y, ...each });
    return [
      svg(
        "g",
        { "data-frame": frame, class: "frame" },
        ...photo(pictures[frame], { x, y, ...each }, "faded"),
        ...marks,
        label(x + each.width / 2, height + 11, frameName(clip, frame), { class: "tick middle" }),
      ),
    ];
  });
  return svg(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", width, height: height + FOOT, viewBox: `0 0 ${width} ${height + FOOT}` },
    ...nodes,
  );
}

/**
 * How high frames are that stand side by side.
 * @param {Clip} clip @param {number} width of all @param {number} count
 */
export function frameHeight(clip, width, count) {
  return Math.max(40, (width - (count - 1) * GAP) / count / clip.aspect);
}

/** @param {Clip} clip @param {number} frame */
function frameName(clip, frame) {
  const time = (clip.edges[frame] + clip.edges[frame + 1]) / 2;
  return clip.unit === "s" ? `${Math.max(0, time).toFixed(1)} s` : `frame ${frame}`;
}

/** @typedef {{x: number, y: number, width: number, height: number}} Box */

/**
 * A frame, with a rim, so that a white one has an end on white paper.
 * @param {string | undefined} href @param {Box} box @param {string} [kind] @returns {SvgNode[]}
 */
export function photo(href, box, kind) {
  const rim = svg("rect", { class: "photo", ...box });
  return href ? [rim, svg("image", { class: kind, ...box, href, preserveAspectRatio: "none" })] : [rim];
}

/**
 * The cells of positions as one path.
 * @param {Clip} clip @param {number[]} positions @param {Box} box @param {number} inset
 */
function cells({ grid: [rows, columns] }, positions, box, inset) {
  const [width, height] = [box.width / columns, box.height / rows];
  return positions
    .map((position) => {
      const x = box.x + (position % columns) * width + inset;
      const y = box.y + Math.floor(position / columns) * height + inset;
      const [across, down] = [(width - 2 * inset).toFixed(2), (height - 2 * inset).toFixed(2)];
      return `M${x.toFixed(2)} ${y.toFixed(2)}h${across}v${down}h-${across}z`;
    })
    .join("");
}

/** @param {Clip} clip @param {KeptTokens} tokens @param {number} frame @param {Box} box */
function keptMarks(clip, tokens, frame, box) {
  return /** @type {const} */ ([
    ["salient", 1],
    ["context", 2],
  ]).map(([name, role]) => {
    const positions = [];
    for (let position = 0; position < clip.positions; position++) {
      if (tokens.b[frame * clip.positions + position] === role) positions.push(position);
    }
    return svg("path", {
      class: `token ${name}`,
      "data-count": positions.length,
      d: cells(clip, positions, box, 0.75),
    });
  });
}

/** @param {Clip} clip @param {KeptTokens} tokens @param {number} frame @param {Box} box */
function differenceMarks(clip, tokens, frame, box) {
  const { onlyA, onlyB, both, moved } = differenceIn(tokens, frame, clip.positions);
  const kinds = /** @type {const} */ ([
    ["moved", moved],
    ["both", both],
    ["only-a", onlyA],
    ["only-b", onlyB],
  ]);
  return kinds.map(([name, positions]) =>
    svg("path", { class: `token ${name}`, "data-count": positions.length, d: cells(clip, positions, box, 0.75) }),
  );
}

/**
 * The static prior of a segment over a picture of it, in colors of its own range; static candidates are framed.
 * @param {Clip} clip @param {string | undefined} picture @param {PriorMap} map @param {number} height
 */
export function mapPicture(clip, picture, map, height) {
  const [rows, columns] = clip.grid;
  const box = { x: 0, y: 0, width: height * clip.aspect, height };
  const [width, step] = [box.width / columns, box.height / rows];
  const nodes = photo(picture, box, "gray");
  const range = map.range;
  if (range) {
    const span = range[1] - range[0] || 1;
    map.scores.forEach((score, i) => {
      const place = { x: (i % columns) * width, y: Math.floor(i / columns) * step, width, height: step };
      nodes.push(svg("rect", { class: "cell", "data-position": i, ...place, fill: heat((score - range[0]) / span) }));
    });
    const framed = Array.from(map.isStatic).flatMap((each, i) => (each ? [i] : []));
    nodes.push(svg("path", { class: "static", d: cells(clip, framed, box, 1) }));
  }
  return svg(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", width: box.width, height, viewBox: `0 0 ${box.width} ${height}` },
    ...nodes,
  );
}

/** The colors of a map, from its lowest to its highest. @param {number} width @param {number} height */
export function heatBar(width, height) {
  const steps = 24;
  const parts = Array.from({ length: steps }, (_, i) =>
    svg("rect", { x: (i * width) / steps, y: 0, width: width / steps + 0.5, height, fill: heat(i / (steps - 1)) }),
  );
  return svg(
    "svg",
    { xmlns: "http://www.w3.org/2000/svg", width, height, viewBox: `0 0 ${width} ${height}` },
    ...parts,
  );
}
