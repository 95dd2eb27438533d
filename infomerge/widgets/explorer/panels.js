/**
 * The panels over a clip's time: film strip and budget, which are the answer, and below what it comes from.
 *
 * Every function gives SVG as a tree; classes take their colors from the style sheet, which knows the page's theme.
 *
 * @import { Clip, Plan, Shown } from "./data.js"
 * @import { Scale } from "./scale.js"
 * @import { SvgNode } from "./tree.js"
 *
 * @typedef {Object} Room what all panels over time share
 * @property {Clip} clip
 * @property {Plan} plan
 * @property {Plan | null} pinned
 * @property {number} width of the picture in pixels
 * @property {Scale} x from the clip's time to pixels
 * @property {number[]} edges of the segments, in pixels
 * @property {number} chosen the segment
 */

import { cutsOf, perFrame, segmentEdges } from "./data.js";
import { photo } from "./frames.js";
import { BANDS, COLORS } from "./look.js";
import { spreadNumbers } from "./numbers.js";
import { roundUp, scale, ticks, widthOf } from "./scale.js";
import { label, svg } from "./tree.js";
import { signed } from "./words.js";

export const MARGIN = { left: 44, right: 14 };
const STRIP = 62,
  BAND = 16,
  UNDER_BAND = 13,
  HEADING = 17,
  BUDGET = 112,
  NUMBERS = 18,
  AXIS = 32,
  SMALL = 58;
/** Uniqueness and richness that fill their panel at the least: below is rounding noise, as of a clip of one frame. */
const NOISE = 0.01;

/** @param {Clip} clip @param {Shown} shown @param {number} chosen @param {number} width @returns {Room} */
export function roomFor(clip, shown, chosen, width) {
  const span = /** @type {[number, number]} */ ([clip.edges[0], clip.edges[clip.edges.length - 1]]);
  const x = scale(span, [MARGIN.left, Math.max(MARGIN.left + 40, width - MARGIN.right)]);
  return {
    clip,
    plan: shown.plan,
    pinned: shown.pinned,
    width,
    x,
    edges: segmentEdges(clip, shown.plan).map(x),
    chosen,
  };
}

/** Film strip, segments and budget. @param {Room} room @param {string[]} pictures addresses, one a frame or none */
export function answerPicture(room, pictures) {
  const top = STRIP + 10;
  const budgetTop = top + BAND + UNDER_BAND + HEADING;
  const height = budgetTop + NUMBERS + BUDGET + AXIS;
  return picture(room, height, [
    chosenGround(room, 0, height - AXIS),
    ...filmStrip(room, pictures, 8),
    ...trueCuts(room, 8),
    ...band(room, top),
    ...heading(room, budgetTop - 5, "Budget", budgetWords(room)),
    ...budgetPanel(room, budgetTop, budgetTop + NUMBERS + BUDGET),
    ...timeAxis(room, budgetTop + NUMBERS + BUDGET),
  ]);
}

/** What the budget comes from: similarity, uniqueness, richness and weight. @param {Room} room */
export function reasonsPicture(room) {
  const panels = [
    { name: "Similarity t", words: similarityWords(room), draw: similarityPanel },
    {
      name: "Uniqueness u",
      words: "how far a segment points away from the clip",
      draw: measurePanel("uniqueness", NOISE, Infinity),
    },
    {
      name: "Richness e",
      words: "spectral entropy of its tokens, 0 to 1",
      draw: measurePanel("richness", NOISE, 1.05),
    },
    { name: "Weight w / |V|", words: "what a frame may claim", draw: weightPanel },
  ];
  const step = SMALL + HEADING + 8;
  const height = panels.length * step + AXIS;
  const drawn = panels.flatMap(({ name, words, draw }, i) => {
    const top = i * step + HEADING;
    return [...heading(room, top - 5, name, words), ...draw(room, top, top + SMALL)];
  });
  const end = (panels.length - 1) * step + HEADING + SMALL;
  return picture(room, height, [chosenGround(room, 0, end), ...drawn, ...timeAxis(room, end)]);
}

/** @param {Room} room @param {number} height @param {SvgNode[]} children */
function picture(room, height, children) {
  const size = { width: room.width, height, viewBox: `0 0 ${room.width} ${height}` };
  return svg("svg", { xmlns: "http://www.w3.org/2000/svg", ...size }, ...children);
}

/** @param {Room} room @param {number} top @param {number} bottom */
function chosenGround({ edges, chosen }, top, bottom) {
  const [left, right] = [edges[chosen], edges[chosen + 1]];
  return svg("rect", { class: "chosen", x: left, y: top, width: right - left, height: bottom - top });
}

/**
 * The name of a panel, and as many clauses of what it shows as have room.
 * @param {Room} room @param {number} y @param {string} name @param {string} all
 */
function heading({ width }, y, name, all) {
  const clauses = all.split("; ");
  const room = width - MARGIN.left - widthOf(name, 12) - 12;
  while (clauses.length > 1 && widthOf(clauses.join("; "), 10) > room) clauses.pop();
  const words = widthOf(clauses.join(), 10) > room ? "" : clauses.join("; ");
  return [svg("text", { class: "heading", x: MARGIN.left, y }, svg("tspan", { class: "name" }, name), `  ${words}`)];
}

/** @param {Room} room @param {string[]} pictures @param {number} top */
function filmStrip({ clip, x }, pictures, top) {
  const [first, last] = [clip.edges[0], clip.edges[clip.edges.length - 1]];
  const [start, end] = [x(first), x(last)];
  if (pictures.length === 0) {
    return [
      label((start + end) / 2, top + STRIP / 2, "no frames were given: there is no film strip", {
        class: "note",
        "text-anchor": "middle",
      }),
    ];
  }
  const count = Math.max(1, Math.min(clip.count, Math.floor((end - start) / (STRIP * clip.aspect + 3))));
  const slot = (end - start) / count;
  const height = Math.min(STRIP - 4, (slot - 3) / clip.aspect);
  const width = height * clip.aspect;
  return Array.from({ length: count }, (_, i) => {
    const time = first + ((i + 0.5) * (last - first)) / count;
    const frame = Math.max(0, clip.edges.findIndex((edge) => edge > time) - 1);
    const box = { x: start + (i + 0.5) * slot - width / 2, y: top + (STRIP - 4 - height) / 2, width, height };
    return svg("g", { "data-frame": frame }, ...photo(pictures[frame], box));
  });
}

/** @param {Room} room @param {number} y */
function trueCuts({ clip, x }, y) {
  return clip.cut_times.map((time) => {
    const at = x(time);
    return svg(
      "path",
      { class: "true-cut", d: `M${at - 4} ${y - 7}h8l-4 7z` },
      svg("title", {}, `true cut at ${time.toFixed(2)} s`),
    );
  });
}

/**
 * The numbered segments; a number that has no room in its band stands below it.
 * @param {Room} room @param {number} top
 */
function band({ edges }, top) {
  const count = edges.length - 1;
  const nodes = Array.from({ length: count }, (_, k) =>
    svg("rect", {
      class: "band",
      "data-segment": k,
      x: edges[k],
      y: top,
      width: edges[k + 1] - edges[k],
      height: BAND,
      fill: BANDS[k % BANDS.length],
    }),
  );
  const middles = edges.slice(1).map((right, k) => (right + edges[k]) / 2);
  const inside = middles.map((_, k) => widthOf(String(k + 1), 11) + 2 <= edges[k + 1] - edges[k]);
  const below = middles.flatMap((_, k) => (inside[k] ? [] : [k]));
  middles.forEach((at, k) => {
    if (inside[k]) nodes.push(label(at, top + 12, String(k + 1), { class: "band-number", fill: COLORS.bandInk }));
  });
  nodes.push(
    ...spreadNumbers(
      below.map((k) => middles[k]),
      below.map((k) => String(k + 1)),
      edges,
      top + BAND,
      top + BAND + 11,
    ),
  );
  return nodes;
}

/** @param {Room} room */
function budgetWords({ plan, pinned }) {
  const of = "context tokens per frame; numbers: tokens of the whole segment, B";
  if (pinned) return `${of}; dash-dotted: A`;
  return plan.allocation === "length" ? `${of}, by length` : `${of}; dashes: by length`;
}

/** @param {Room} room @param {number} top @param {number} bottom */
function budgetPanel(room, top, bottom) {
  const { plan, pinned, edges } = room;
  const [ours, theirs] = [perFrame(plan, plan.budget), perFrame(plan, plan.length_budget)];
  const others = pinned ? perFrame(pinned, pinned.budget) : [];
  const high = roundUp(Math.max(1, ...ours, ...theirs, ...others));
  const y = scale([0, high], [bottom, top + NUMBERS]);
  const nodes = [...valueAxis(room, y, [0, high], 4)];
  ours.forEach((value, k) => {
    const box = { x: edges[k], width: edges[k + 1] - edges[k] };
    nodes.push(svg("rect", { class: "fill context", ...box, y: y(value), height: y(0) - y(value) }));
    const [upper, lower] = [Math.max(value, theirs[k]), Math.min(value, theirs[k])];
    nodes.push(
      svg("rect", {
        class: value > theirs[k] ? "gained" : "given-up",
        ...box,
        y: y(upper),
        height: y(lower) - y(upper),
      }),
    );
  });
  nodes.push(
    steps("line by-length", edges, theirs, y),
    steps("line context", edges, ours, y),
    ...pinnedSteps(room, others, y),
  );
  const middles = ours.map((_, k) => (edges[k] + edges[k + 1]) / 2);
  nodes.push(...spreadNumbers(middles, plan.budget.map(String), edges, top + NUMBERS + 1, top + NUMBERS - 6));
  nodes.push(...touchAreas(room, top, bottom));
  return nodes;
}

/** @param {Room} room */
function similarityWords({ clip, pinned }) {
  if (clip.count === 1) return "one frame has no next to be compared with";
  return `of each frame with the next; circles: cuts${pinned ? "; crosses: A's cuts" : ""}`;
}

/** @param {Room} room @param {number} top @param {number} bottom */
function similarityPanel(room, top, bottom) {
  const { clip, plan, pinned, x } = room;
  const values = [...plan.transition, plan.threshold, ...(pinned ? [pinned.threshold] : [])];
  const low = Math.floor(10 * Math.min(1, ...values) - 0.5) / 10;
  const y = scale([low, 1.02], [bottom, top]);
  const at = (/** @type {Plan} */ of) =>
    cutsOf(of).map((cut) => /** @type {const} */ ([x(clip.edges[cut]), y(of.transition[cut - 1])]));
  const line = plan.transition
    .map((value, i) => `${i ? "L" : "M"}${x(clip.edges[i + 1]).toFixed(2)} ${y(value).toFixed(2)}`)
    .join("");
  const threshold = y(plan.threshold);
  return [
    ...valueAxis(room, y, [low, 1], 2),
    svg("path", { class: "line by-length", d: `M${room.edges[0]} ${threshold}H${room.edges[room.edges.length - 1]}` }),
    svg("path", { class: "line ink", "data-series": "similarity", d: line }),
    label(
      room.edges[room.edges.length - 1] - 4,
      threshold + (threshold > bottom - 14 ? -4 : 12),
      `cut below ${signed(plan.threshold)}`,
      { class: "note end haloed" },
    ),
    ...at(plan).map(([cx, cy]) => svg("circle", { class: "cut", cx, cy, r: 3.5 })),
    ...(pinned ? at(pinned) : []).map(([cx, cy]) =>
      svg("path", { class: "line pinned-mark", d: `M${cx - 3.5} ${cy - 3.5}l7 7m-7 0l7 -7` }),
    ),
    ...touchAreas(room, top, bottom),
  ];
}

/** @param {"uniqueness" | "richness"} name @param {number} least @param {number} most */
function measurePanel(name, least, most) {
  return (/** @type {Room} */ room, /** @type {number} */ top, /** @type {number} */ bottom) =>
    barPanel(
      room,
      top,
      bottom,
      name,
      (plan) => plan[name],
      (values) => Math.min(most, roundUp(Math.max(least, ...values.map((value) => 1.1 * value)))),
    );
}

/** @param {Room} room @param {number} top @param {number} bottom */
function weightPanel(room, top, bottom) {
  return barPanel(
    room,
    top,
    bottom,
    "weight",
    (plan) => perFrame(plan, plan.weight),
    () => 1,
  );
}

/**
 * One bar a segment.
 * @param {Room} room @param {number} top @param {number} bottom @param {string} name
 * @param {(plan: Plan) => number[]} values @param {(values: number[]) => number} high
 */
function barPanel(room, top, bottom, name, values, high) {
  const { plan, pinned, edges } = room;
  const [ours, others] = [values(plan), pinned ? values(pinned) : []];
  const end = high([...ours, ...others]);
  const y = scale([0, end], [bottom, top]);
  return [
    ...valueAxis(room, y, [0, end], 2),
    ...ours.map((value, k) =>
      svg("rect", {
        class: `fill ${name}`,
        x: edges[k],
        width: edges[k + 1] - edges[k],
        y: y(Math.max(0, value)),
        height: y(0) - y(Math.max(0, value)),
      }),
    ),
    steps(`line ${name}`, edges, ours, y),
    ...pinnedSteps(room, others, y),
    ...touchAreas(room, top, bottom),
  ];
}

/**
 * A line that holds each value until the next edge.
 * @param {string} kind @param {number[]} edges @param {number[]} values @param {Scale} y
 */
function steps(kind, edges, values, y) {
  const d = values
    .map((value, k) => `${k ? "L" : "M"}${edges[k].toFixed(2)} ${y(value).toFixed(2)}H${edges[k + 1].toFixed(2)}`)
    .join("");
  return svg("path", { class: kind, d });
}

/** @param {Room} room @param {number[]} values @param {Scale} y */
function pinnedSteps({ clip, pinned, x }, values, y) {
  return pinned ? [steps("line pinned", segmentEdges(clip, pinned).map(x), values, y)] : [];
}

/**
 * What a pointer meets, so that a low bar need not be hit.
 * @param {Room} room @param {number} top @param {number} bottom
 */
function touchAreas({ edges }, top, bottom) {
  return edges
    .slice(1)
    .map((right, k) =>
      svg("rect", {
        class: "touch",
        "data-segment": k,
        x: edges[k],
        y: top,
        width: right - edges[k],
        height: bottom - top,
      }),
    );
}

/** @param {Room} room @param {Scale} y @param {[number, number]} range @param {number} most */
function valueAxis({ edges }, y, [low, high], most) {
  return ticks(low, high, most).flatMap((value) => [
    svg("path", { class: "grid", d: `M${edges[0]} ${y(value)}H${edges[edges.length - 1]}` }),
    label(MARGIN.left - 5, y(value) + 3.5, signed(value), { class: "tick end" }),
  ]);
}

/** @param {Room} room @param {number} y */
function timeAxis({ clip, x, edges, width }, y) {
  const [first, last] = [clip.edges[0], clip.edges[clip.edges.length - 1]];
  const found = ticks(first, last, Math.max(2, width / 80)).filter((time) => clip.unit === "s" || Number.isInteger(time));
  return [
    svg("path", { class: "axis", d: `M${edges[0]} ${y}H${edges[edges.length - 1]}` }),
    ...found.flatMap((time) => [
      svg("path", { class: "axis", d: `M${x(time)} ${y}v4` }),
      label(x(time), y + 15, signed(time), { class: "tick middle" }),
    ]),
    label((edges[0] + edges[edges.length - 1]) / 2, y + 28, clip.unit === "s" ? "time (s)" : "frame", {
      class: "tick middle",
    }),
  ];
}
