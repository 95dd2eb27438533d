/**
 * TokenLens: the kept tokens of a clip drawn on its frames, and all patches that each of them stands for.
 *
 * One module for two places: Jupyter calls the default export's `render`, a page without a kernel calls `mountPage`.
 * Everything is drawn from the arrays that `lens_data` in token_lens.py makes. Functions above `element` know neither
 * the page nor the state of the view.
 *
 * @typedef {Object} Lens
 * @property {string} title
 * @property {number} frames
 * @property {number} rows
 * @property {number} columns
 * @property {number} positions patches a frame
 * @property {number} aspect width over height of a frame
 * @property {number[] | null} timestamps seconds
 * @property {number} requested
 * @property {number} kept
 * @property {Uint8Array[]} images encoded pictures
 * @property {Uint32Array} index flat index, frame * positions + position, of each kept token
 * @property {Uint8Array} isContext of each kept token
 * @property {Uint16Array | Uint32Array} assignment kept token of each patch of the clip
 * @property {Uint8Array} colours red, green, blue of each kept token's group
 * @property {Uint32Array} segments first frame and frame after the last of each segment
 * @property {Uint16Array} segmentOfFrame
 * @property {Uint8Array} isStatic of each position of each segment
 * @property {Float32Array} tfd of each position of each segment, NaN where undefined
 * @property {([number, number] | null)[]} tfdRanges of each segment, null where undefined
 * @property {Float32Array} saliency of each patch of the clip
 * @property {[number, number]} saliencyRange
 * @property {string} method name of what chose the tokens
 * @property {Record<string, unknown> | null} config null where the method is no configuration of InfoMerge
 * @property {string} line Python that makes the configuration, or gets the method
 * @property {{start: Uint32Array, patches: Uint32Array}} groups all patches sorted by kept token
 *
 * @typedef {"overlay" | "ownership" | "tfd" | "saliency"} Mode
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {{frame: number, mode: Mode, token: number | null}} Shown what a picture shows; `token` is the lit one
 * @typedef {{ink: string, muted: string, line: string, paper: string, font: string}} Theme
 */

const SALIENT = "#e69f00";
const CONTEXT = "#56b4e9";
const HIGHLIGHT = "#d55e00";
const SEGMENT_COLOURS = ["#009e73", "#cc79a7", "#0072b2", "#f0e442"];
const CIVIDIS = [
  "#00224e", "#002e6a", "#1a386f", "#32436d", "#434e6c", "#535a6d", "#61656f", "#6f7073", "#7d7c78",
  "#8c8878", "#9b9476", "#aba072", "#bcae6c", "#cdbb63", "#dec958", "#f0d846", "#fee838",
].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));

/** @type {[Mode, string][]} */
const MODES = [
  ["overlay", "Kept tokens"],
  ["ownership", "Ownership"],
  ["tfd", "TFD"],
  ["saliency", "Saliency"],
];

const HEAT_OPACITY = 0.88;
const FRAMES_PER_SECOND = 6;
const FRAMES_PER_SECOND_REDUCED_MOTION = 2;

const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };

/** A copy of the bytes, because a view into a message need not be aligned. @param {DataView} view */
function copyBytes(view) {
  return view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength);
}

/** @param {any} data what `lens_data` made @returns {Lens} */
export function decode(data) {
  if (!data || !data.frames || !data.images) {
    throw new Error("the clip's data is not here. Run the cell that makes the TokenLens again.");
  }
  const array = (/** @type {string} */ name) => new ARRAYS[data[name].dtype](copyBytes(data[name].bytes));
  const segments = array("segments");
  const assignment = array("assignment");
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
    images: data.images.map((/** @type {DataView} */ view) => new Uint8Array(copyBytes(view))),
    index: array("index"),
    isContext: array("is_context"),
    assignment,
    colours: array("colours"),
    segments,
    segmentOfFrame: numberSegments(segments, data.frames),
    isStatic: array("static"),
    tfd: array("tfd"),
    tfdRanges: data.tfd_ranges,
    saliency: array("saliency"),
    saliencyRange: data.saliency_range,
    method: data.method,
    config: data.config,
    line: data.line,
    groups: groupPatches(assignment, data.kept),
  };
}

/** @param {Uint32Array} segments @param {number} frames */
function numberSegments(segments, frames) {
  const numbers = new Uint16Array(frames);
  for (let k = 0; k < segments.length / 2; k++) numbers.fill(k, segments[2 * k], segments[2 * k + 1]);
  return numbers;
}

/** All patches sorted by owner: those of token t are patches[start[t]] up to patches[start[t + 1]]. */
export function groupPatches(/** @type {ArrayLike<number>} */ assignment, /** @type {number} */ kept) {
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
export function neighbourToken(tokens, token, step) {
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
 * The position under a point of a picture, or null outside of it.
 * @param {Lens} lens @param {Box} box @param {number} x @param {number} y
 */
export function positionAt(lens, box, x, y) {
  const column = Math.floor(((x - box.x) / box.width) * lens.columns);
  const row = Math.floor(((y - box.y) / box.height) * lens.rows);
  if (column < 0 || row < 0 || column >= lens.columns || row >= lens.rows) return null;
  return row * lens.columns + column;
}

/** @param {number} count @param {string} noun @param {string} [plural] */
function counted(count, noun, plural = `${noun}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? noun : plural}`;
}

/** @param {string} text */
function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {Lens} lens @param {number} frame */
function frameWithTime(lens, frame) {
  return lens.timestamps ? `frame ${frame} (${lens.timestamps[frame].toFixed(1)} s)` : `frame ${frame}`;
}

/** @param {Lens} lens @param {number} patch */
function placeInWords(lens, patch) {
  const { frame, row, column } = placeOf(lens, patch);
  return `${frameWithTime(lens, frame)}, row ${row}, column ${column}`;
}

/** @param {Lens} lens @param {number} token */
function kindOf(lens, token) {
  return lens.isContext[token] ? "context token" : "salient token";
}

/** @param {Lens} lens @param {number} token */
function reachInWords(lens, token) {
  const members = membersOf(lens, token);
  if (members.length === 1) return "stands for this patch alone";
  const frames = new Set(Array.from(members, (patch) => Math.floor(patch / lens.positions)));
  return `stands for ${counted(members.length, "patch", "patches")} on ${counted(frames.size, "frame")}`;
}

/** "frame 12 (3.9 s), row 4, column 7: context token, stands for 38 patches on 5 frames" */
export function describeToken(/** @type {Lens} */ lens, /** @type {number} */ token) {
  return `${placeInWords(lens, lens.index[token])}: ${kindOf(lens, token)}, ${reachInWords(lens, token)}`;
}

/** @param {Lens} lens @param {number} frame */
export function describeFrame(lens, frame) {
  const tokens = tokensOfFrame(lens, frame);
  const context = tokens.filter((token) => lens.isContext[token]).length;
  const place = `${frameWithTime(lens, frame)}, segment ${lens.segmentOfFrame[frame] + 1}`;
  return `${place}: ${tokens.length - context} salient, ${context} context tokens kept`;
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

/** Three significant digits, with a true minus sign. @param {number} value */
export function shortNumber(value) {
  if (Number.isNaN(value)) return "undefined";
  const size = Math.abs(value);
  const extreme = size !== 0 && (size < 1e-3 || size >= 1e5);
  const text = extreme ? value.toExponential(1) : String(Number(value.toPrecision(3)));
  return text.replaceAll("-", "−");
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
 * What a mode's colours and marks mean on a frame.
 * @param {Lens} lens @param {Mode} mode @param {number} frame
 * @returns {{marks: [string, string][], bar: {range: [number, number], label: string} | null, note: string}}
 */
export function legendOf(lens, mode, frame) {
  /** @type {[string, string]} */
  const lit = ["lit", "Lit: a token’s patches, its own in red"];
  if (mode === "overlay") {
    return {
      marks: [["salient", "Salient token, kept as it is"], ["context", "Context token, merged from others"], lit],
      bar: null,
      note: "Dimmed patches are dropped: one of the kept tokens stands for each.",
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

/** The colour of a value between `low` and `high`. */
export function cividis(/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) {
  const share = high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0.5;
  const at = share * (CIVIDIS.length - 1);
  const below = Math.min(CIVIDIS.length - 2, Math.floor(at));
  const mixed = CIVIDIS[below].map((part, i) => Math.round(part + (CIVIDIS[below + 1][i] - part) * (at - below)));
  return `rgb(${mixed.join(",")})`;
}

/**
 * Edges between patches with different labels, as [x0, y0, x1, y1] in patches.
 * @param {(position: number) => number | boolean} label
 * @param {boolean} withBorder whether a patch labelled true has an edge at the picture's border, too
 */
export function edges(label, rows, columns, withBorder = false) {
  const found = [];
  const at = (/** @type {number} */ row, /** @type {number} */ column) =>
    row < 0 || column < 0 || row >= rows || column >= columns ? false : label(row * columns + column);
  const border = withBorder ? 0 : 1;
  for (let row = 0; row < rows; row++) {
    for (let x = border; x <= columns - border; x++) {
      if (at(row, x - 1) !== at(row, x)) found.push([x, row, x, row + 1]);
    }
  }
  for (let column = 0; column < columns; column++) {
    for (let y = border; y <= rows - border; y++) {
      if (at(y - 1, column) !== at(y, column)) found.push([column, y, column + 1, y]);
    }
  }
  return found;
}

/** The largest box of a frame's shape in a width and height. */
function fit(/** @type {number} */ aspect, /** @type {number} */ width, /** @type {number} */ height) {
  const fitted = Math.min(width, height * aspect);
  return { width: Math.round(fitted), height: Math.max(1, Math.round(fitted / aspect)) };
}

/** Pixels; the margin leaves room for the outline of the current frame. */
const STRIP = { gap: 7, rowGap: 8, head: 22, foot: 16, margin: 3 };

/** Boxes of all frames in a film strip that wraps, in rows of equal length. */
export function stripLayout(/** @type {number} */ frames, /** @type {number} */ aspect, /** @type {number} */ width) {
  const wish = Math.min(width, Math.max(52, 60 * Math.sqrt(aspect)));
  const most = Math.max(1, Math.floor((width + STRIP.gap) / (wish + STRIP.gap)));
  const lines = Math.ceil(frames / most);
  const columns = Math.ceil(frames / lines);
  const step = Math.min((width + STRIP.gap) / columns, 1.5 * wish + STRIP.gap);
  const thumb = { width: step - STRIP.gap, height: (step - STRIP.gap) / aspect };
  const line = STRIP.head + thumb.height + STRIP.foot;
  const boxes = Array.from({ length: frames }, (_, frame) => ({
    x: (frame % columns) * step,
    y: Math.floor(frame / columns) * (line + STRIP.rowGap) + STRIP.head,
    ...thumb,
  }));
  return { boxes, columns, height: Math.ceil(lines * line + (lines - 1) * STRIP.rowGap) };
}

/** The nearest box whose edges lie on whole device pixels, so that neighbours meet without a seam. */
function snapped(/** @type {CanvasRenderingContext2D} */ ctx, x0, y0, x1, y1) {
  const { a, e, f } = ctx.getTransform();
  const [left, right] = [x0, x1].map((x) => (Math.round(x * a + e) - e) / a);
  const [top, bottom] = [y0, y1].map((y) => (Math.round(y * a + f) - f) / a);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/**
 * @param {CanvasRenderingContext2D} ctx @param {Lens} lens @param {Box} box the picture's
 * @param {number} column @param {number} row
 */
function cellBox(ctx, lens, box, column, row) {
  const [width, height] = [box.width / lens.columns, box.height / lens.rows];
  const [x, y] = [box.x + column * width, box.y + row * height];
  return snapped(ctx, x, y, x + width, y + height);
}

/** @param {CanvasRenderingContext2D} ctx @param {Lens} lens @param {Box} box @param {number} position */
function boxOf(ctx, lens, box, position) {
  return cellBox(ctx, lens, box, position % lens.columns, Math.floor(position / lens.columns));
}

/** @param {CanvasRenderingContext2D} ctx @param {string} style @param {number} width @param {() => void} path */
function stroke(ctx, style, width, path) {
  ctx.beginPath();
  path();
  ctx.strokeStyle = style;
  ctx.lineWidth = width;
  ctx.stroke();
}

/** Darken a picture except for the cells that `bright` names. */
function veil(ctx, lens, box, bright, opacity) {
  ctx.beginPath();
  ctx.rect(box.x, box.y, box.width, box.height);
  for (let position = 0; position < lens.positions; position++) {
    if (!bright(position)) continue;
    const cell = boxOf(ctx, lens, box, position);
    ctx.rect(cell.x, cell.y, cell.width, cell.height);
  }
  ctx.fillStyle = `rgba(10, 12, 16, ${opacity})`;
  ctx.fill("evenodd");
}

/** The mark of a kept token: a rim around a square (salient) or around a dot (context). */
function drawMark(ctx, kind, cell) {
  const size = Math.min(cell.width, cell.height);
  const small = size < 11;
  const inset = small ? Math.min(1, size / 6) : 1.5;
  const rect = [cell.x + inset, cell.y + inset, cell.width - 2 * inset, cell.height - 2 * inset];
  if (small && kind === "salient") {
    ctx.fillStyle = SALIENT;
    ctx.fillRect(...rect);
  } else if (small) {
    stroke(ctx, CONTEXT, 1, () => ctx.rect(...rect));
  } else {
    stroke(ctx, "rgba(0, 0, 0, 0.7)", 3.5, () => ctx.rect(...rect));
    stroke(ctx, kind === "salient" ? SALIENT : CONTEXT, 2, () => ctx.rect(...rect));
    drawDot(ctx, kind, cell);
  }
}

/** The middle of a kept token's mark: a square (salient) or a dot (context). */
function drawDot(ctx, kind, cell) {
  const size = Math.min(9, 0.42 * Math.min(cell.width, cell.height));
  const [x, y] = [cell.x + cell.width / 2, cell.y + cell.height / 2];
  ctx.beginPath();
  if (kind === "salient") ctx.rect(x - size / 2, y - size / 2, size, size);
  else ctx.arc(x, y, size / 2, 0, 2 * Math.PI);
  ctx.strokeStyle = "rgba(0, 0, 0, 0.75)";
  ctx.lineWidth = 2;
  ctx.stroke();
  ctx.fillStyle = kind === "salient" ? SALIENT : CONTEXT;
  ctx.fill();
}

/** A diagonal through a cell: it marks a static candidate. */
function drawHatch(ctx, cell) {
  const line = () => {
    ctx.moveTo(cell.x + 0.25 * cell.width, cell.y + 0.75 * cell.height);
    ctx.lineTo(cell.x + 0.75 * cell.width, cell.y + 0.25 * cell.height);
  };
  const wide = Math.min(cell.width, cell.height) >= 11;
  if (wide) stroke(ctx, "rgba(0, 0, 0, 0.75)", 3.5, line);
  stroke(ctx, "#fff", wide ? 1.5 : 1, line);
}

/** Lines along edges between cells, the last of `layers` on top. */
function drawEdges(ctx, lens, box, lines, layers) {
  ctx.lineCap = "square";
  for (const [style, width] of layers) {
    stroke(ctx, style, width, () => {
      for (const [x0, y0, x1, y1] of lines) {
        const from = cellBox(ctx, lens, box, x0, y0);
        const to = cellBox(ctx, lens, box, x1, y1);
        ctx.moveTo(from.x, from.y);
        ctx.lineTo(to.x, to.y);
      }
    });
  }
}

/** @param {(position: number) => string} colour */
function fillCells(ctx, lens, box, colour) {
  for (let position = 0; position < lens.positions; position++) {
    const cell = boxOf(ctx, lens, box, position);
    ctx.fillStyle = colour(position);
    ctx.fillRect(cell.x, cell.y, cell.width, cell.height);
  }
}

/** @param {(position: number) => number} value @param {[number, number]} range */
function drawHeat(ctx, lens, box, value, range) {
  ctx.globalAlpha = HEAT_OPACITY;
  fillCells(ctx, lens, box, (position) => cividis(value(position), ...range));
  ctx.globalAlpha = 1;
}

/**
 * One frame in one mode, with a token's patches lit.
 * @param {CanvasRenderingContext2D} ctx @param {Lens} lens @param {CanvasImageSource} image @param {Shown} shown
 * @param {Box} box
 */
export function drawFrame(ctx, lens, image, shown, box) {
  const { frame, mode, token } = shown;
  const base = frame * lens.positions;
  const owner = (/** @type {number} */ position) => lens.assignment[base + position];
  const isKept = (/** @type {number} */ position) => lens.index[owner(position)] === base + position;
  const fine = box.height / lens.rows >= 9;
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.x, box.y, box.width, box.height);
  ctx.clip();
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(image, box.x, box.y, box.width, box.height);

  if (mode === "ownership") {
    fillCells(ctx, lens, box, (position) => {
      const at = 3 * owner(position);
      return `rgb(${lens.colours[at]}, ${lens.colours[at + 1]}, ${lens.colours[at + 2]})`;
    });
    if (fine) {
      const rims = edges(owner, lens.rows, lens.columns);
      drawEdges(ctx, lens, box, rims, [["rgba(0, 0, 0, 0.4)", 2], ["rgba(255, 255, 255, 0.8)", 1]]);
    }
  } else if (mode === "tfd" && lens.tfdRanges[lens.segmentOfFrame[frame]]) {
    const row = lens.segmentOfFrame[frame] * lens.positions;
    drawHeat(ctx, lens, box, (position) => lens.tfd[row + position], lens.tfdRanges[lens.segmentOfFrame[frame]]);
    for (let position = 0; fine && position < lens.positions; position++) {
      if (lens.isStatic[row + position]) drawHatch(ctx, boxOf(ctx, lens, box, position));
    }
  } else if (mode === "saliency") {
    drawHeat(ctx, lens, box, (position) => lens.saliency[base + position], lens.saliencyRange);
  } else if (mode === "overlay" && token === null) {
    veil(ctx, lens, box, isKept, fine ? 0.42 : 0.3);
  }

  const lit = new Set();
  for (const patch of token === null ? [] : membersOf(lens, token)) {
    if (patch >= base && patch < base + lens.positions) lit.add(patch - base);
  }
  const isLit = (/** @type {number} */ position) => lit.has(position);
  if (token !== null) veil(ctx, lens, box, isLit, mode === "overlay" || mode === "ownership" ? 0.6 : 0.4);
  for (let position = 0; position < lens.positions; position++) {
    if (!isKept(position)) continue;
    const kind = lens.isContext[owner(position)] ? "context" : "salient";
    const faint = token !== null && owner(position) !== token;
    if (!fine && (faint || mode !== "overlay")) continue;
    if (mode === "tfd" || (mode === "saliency" && kind === "context")) continue;
    ctx.globalAlpha = faint ? 0.35 : 1;
    (mode === "overlay" ? drawMark : drawDot)(ctx, kind, boxOf(ctx, lens, box, position));
    ctx.globalAlpha = 1;
  }
  if (lit.size) {
    const rim = edges(isLit, lens.rows, lens.columns, true);
    drawEdges(ctx, lens, box, rim, fine ? [["#000", 5], ["#fff", 2.5]] : [["#000", 2.5], ["#fff", 1.25]]);
    const home = lens.index[token] - base;
    if (lit.has(home)) {
      const cell = boxOf(ctx, lens, box, home);
      stroke(ctx, HIGHLIGHT, fine ? 3 : 1.5, () => ctx.rect(cell.x, cell.y, cell.width, cell.height));
    }
  }
  ctx.restore();
}

/** Words across a picture that has nothing else to show. */
function drawMessage(ctx, box, text, theme) {
  const size = Math.max(10, Math.min(15, box.width / 26));
  ctx.font = `600 ${size}px ${theme.font}`;
  const width = ctx.measureText(text).width + 1.6 * size;
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  ctx.fillStyle = "rgba(10, 12, 16, 0.82)";
  ctx.fillRect(x - width / 2, y - size, width, 2 * size);
  ctx.fillStyle = "#fff";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(text, x, y);
  ctx.textAlign = "start";
  ctx.textBaseline = "alphabetic";
}

/**
 * All frames, small, under a band in the colour of their segment.
 * @param {CanvasRenderingContext2D} ctx @param {Lens} lens @param {CanvasImageSource[]} images @param {Shown} shown
 * @param {ReturnType<typeof stripLayout>} layout @param {Theme} theme
 */
export function drawStrip(ctx, lens, images, shown, layout, theme) {
  const counts = new Uint32Array(lens.frames);
  for (const patch of shown.token === null ? [] : membersOf(lens, shown.token)) {
    counts[Math.floor(patch / lens.positions)] += 1;
  }
  layout.boxes.forEach((box, frame) => {
    const segment = lens.segmentOfFrame[frame];
    const starts = frame === 0 || segment !== lens.segmentOfFrame[frame - 1];
    const goesOn = frame + 1 < lens.frames && segment === lens.segmentOfFrame[frame + 1];
    const endsLine = (frame + 1) % layout.columns === 0;
    ctx.fillStyle = SEGMENT_COLOURS[segment % SEGMENT_COLOURS.length];
    const bandEnd = box.x + box.width + (goesOn && !endsLine ? STRIP.gap : 0);
    const band = snapped(ctx, box.x, box.y - 9, bandEnd, box.y - 6);
    ctx.fillRect(band.x, band.y, band.width, band.height);
    ctx.font = `10px ${theme.font}`;
    ctx.fillStyle = theme.muted;
    if (starts) ctx.fillText(box.width > 60 ? `segment ${segment + 1}` : `seg. ${segment + 1}`, box.x, box.y - 13);

    drawFrame(ctx, lens, images[frame], { ...shown, frame }, box);
    const undefinedHere = shown.mode === "tfd" && nothingToShow(lens, "tfd", frame);
    if (undefinedHere && !counts[frame]) drawMessage(ctx, box, "undefined", theme);
    const current = frame === shown.frame;
    if (current) {
      stroke(ctx, theme.paper, 1, () => ctx.rect(box.x - 0.5, box.y - 0.5, box.width + 1, box.height + 1));
      stroke(ctx, theme.ink, 2, () => ctx.rect(box.x - 2, box.y - 2, box.width + 4, box.height + 4));
    }
    const foot = box.y + box.height + 13;
    ctx.font = `${current ? "700 " : ""}10px ${theme.font}`;
    ctx.fillStyle = current ? theme.ink : theme.muted;
    ctx.fillText(lens.timestamps ? `${lens.timestamps[frame].toFixed(1)} s` : String(frame), box.x, foot);
    if (counts[frame]) {
      const count = String(counts[frame]);
      ctx.font = `700 10px ${theme.font}`;
      ctx.fillStyle = theme.ink;
      const x = box.x + box.width - ctx.measureText(count).width;
      ctx.fillText(count, x, foot);
      ctx.fillStyle = HIGHLIGHT;
      ctx.fillRect(x - 9, foot - 7, 6, 6);
    }
  });
}

/** The patches of a token cut out of their frames, its own first. */
function drawMosaic(ctx, lens, images, token, width, height, theme) {
  const aspect = (lens.aspect * lens.rows) / lens.columns;
  const tile = { width: 27 * Math.sqrt(aspect), height: 27 / Math.sqrt(aspect) };
  const columns = Math.max(1, Math.floor((width + 2) / (tile.width + 2)));
  const room = columns * Math.max(1, Math.floor((height + 2) / (tile.height + 2)));
  const own = lens.index[token];
  const patches = [own, ...Array.from(membersOf(lens, token)).filter((patch) => patch !== own)];
  const shown = patches.length <= room ? patches : spread(patches, room - 1);
  shown.forEach((patch, i) => {
    const { frame, row, column } = placeOf(lens, patch);
    const image = images[frame];
    const box = {
      x: (i % columns) * (tile.width + 2),
      y: Math.floor(i / columns) * (tile.height + 2),
      ...tile,
    };
    const [w, h] = [image.width / lens.columns, image.height / lens.rows];
    ctx.drawImage(image, column * w, row * h, w, h, box.x, box.y, box.width, box.height);
    if (patch === own) {
      stroke(ctx, HIGHLIGHT, 2, () => ctx.rect(box.x + 1, box.y + 1, box.width - 2, box.height - 2));
    }
  });
  if (shown.length < patches.length) {
    const at = room - 1;
    ctx.font = `11px ${theme.font}`;
    ctx.fillStyle = theme.muted;
    ctx.textBaseline = "middle";
    const y = Math.floor(at / columns) * (tile.height + 2) + tile.height / 2;
    ctx.fillText(`+${patches.length - shown.length}`, (at % columns) * (tile.width + 2) + 3, y);
    ctx.textBaseline = "alphabetic";
  }
}

/** `count` of the items, the first and others evenly over the rest. */
function spread(/** @type {number[]} */ items, /** @type {number} */ count) {
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)]);
}

/** The sign of a legend's entry. */
function drawLegendMark(ctx, kind, cell) {
  if (kind === "owned") {
    ctx.fillStyle = "#7d8f69";
    ctx.fillRect(cell.x, cell.y, cell.width, cell.height);
    stroke(ctx, "#000", 2.5, () => ctx.rect(cell.x, cell.y, cell.width, cell.height));
    stroke(ctx, "#fff", 1, () => ctx.rect(cell.x, cell.y, cell.width, cell.height));
    return;
  }
  if (kind === "lit") {
    ctx.fillStyle = "#84888d";
    ctx.fillRect(cell.x, cell.y, cell.width, cell.height);
    stroke(ctx, "#000", 4, () => ctx.rect(cell.x + 2, cell.y + 2, cell.width - 4, cell.height - 4));
    stroke(ctx, "#fff", 2, () => ctx.rect(cell.x + 2, cell.y + 2, cell.width - 4, cell.height - 4));
    stroke(ctx, HIGHLIGHT, 2, () => ctx.rect(cell.x + 6, cell.y + 6, 7, cell.height - 12));
    return;
  }
  ctx.fillStyle = { static: cividis(0.12, 0, 1), salientDot: cividis(0.8, 0, 1) }[kind] ?? "#84888d";
  ctx.fillRect(cell.x, cell.y, cell.width, cell.height);
  if (kind === "static") drawHatch(ctx, cell);
  else if (kind === "salientDot") drawDot(ctx, "salient", cell);
  else drawMark(ctx, kind, cell);
}

/** A colour bar in the opacity of the heat maps. */
function drawBar(ctx, box, theme) {
  const steps = 64;
  for (let i = 0; i < steps; i++) {
    ctx.fillStyle = cividis(i, 0, steps - 1);
    ctx.fillRect(box.x + (box.width * i) / steps, box.y, box.width / steps + 0.5, box.height);
  }
  stroke(ctx, theme.line, 1, () => ctx.rect(box.x, box.y, box.width, box.height));
}

/**
 * A picture of the view for a page or a slide: caption, frame, legend and film strip.
 * @param {Lens} lens @param {CanvasImageSource[]} images @param {Shown} shown @param {Theme} theme
 */
function composePicture(lens, images, shown, theme) {
  const margin = 24;
  const stage = fit(lens.aspect, 920, 520);
  const width = Math.max(760, stage.width);
  const layout = stripLayout(lens.frames, lens.aspect, width);
  const legend = legendOf(lens, shown.mode, shown.frame);
  const tops = { caption: margin + 14, stage: margin + 66 };
  const legendTop = tops.stage + stage.height + 12;
  const stripTop = legendTop + 30;
  const canvas = document.createElement("canvas");
  const ctx = prepare(canvas, width + 2 * margin, stripTop + layout.height + margin, 2);
  ctx.fillStyle = theme.paper;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.fillStyle = theme.ink;
  ctx.font = `600 16px ${theme.font}`;
  ctx.fillText(lens.title, margin, tops.caption);
  ctx.font = `12px ${theme.font}`;
  ctx.fillStyle = theme.muted;
  const lit = shown.token === null ? "" : ` Lit: ${describeToken(lens, shown.token)}.`;
  ctx.fillText(describeClip(lens), margin, tops.caption + 20, width);
  ctx.fillText(`Large: ${describeFrame(lens, shown.frame)}.${lit}`, margin, tops.caption + 37, width);
  drawStage(ctx, lens, images, shown, { x: margin + (width - stage.width) / 2, y: tops.stage, ...stage }, theme);

  let x = margin;
  const label = (/** @type {string} */ text, /** @type {number} */ space) => {
    ctx.font = `12px ${theme.font}`;
    ctx.fillStyle = theme.ink;
    ctx.fillText(text, x, legendTop + 12);
    x += ctx.measureText(text).width + space;
  };
  if (legend.bar) {
    const [low, high] = legend.bar.range;
    label(`${legend.bar.label}  ${shortNumber(low)}`, 8);
    drawBar(ctx, { x, y: legendTop + 2, width: 140, height: 12 }, theme);
    x += 148;
    label(shortNumber(high), 24);
  }
  for (const [kind, text] of legend.marks) {
    drawLegendMark(ctx, kind, { x, y: legendTop - 1, width: 26, height: 18 });
    x += 34;
    label(text, 24);
  }
  ctx.translate(margin, stripTop);
  drawStrip(ctx, lens, images, shown, layout, theme);
  return canvas;
}

/** The large frame, or why there is nothing to see on it. */
function drawStage(ctx, lens, images, shown, box, theme) {
  drawFrame(ctx, lens, images[shown.frame], shown, box);
  const message = shown.token === null ? nothingToShow(lens, shown.mode, shown.frame) : null;
  if (message) drawMessage(ctx, box, message, theme);
}

/** A canvas's context in CSS pixels, the canvas cleared and as sharp as the screen. */
function prepare(/** @type {HTMLCanvasElement} */ canvas, width, height, density = window.devicePixelRatio || 1) {
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const ctx = canvas.getContext("2d");
  if (!ctx) throw new Error("this browser cannot draw on a canvas.");
  ctx.setTransform(density, 0, 0, density, 0, 0);
  return ctx;
}

/** An element with attributes and children; strings become text. */
function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/** @param {Lens} lens */
function buildPage(lens) {
  const modes = MODES.map(([mode, name]) => {
    const input = element("input", { type: "radio", name: "mode", value: mode });
    return element("label", {}, input, element("span", {}, name));
  });
  const parts = {
    modes: element(
      "form",
      { class: "tl-modes", role: "radiogroup", "aria-label": "What is drawn on the frames" },
      ...modes,
    ),
    stage: element("canvas", {
      class: "tl-stage",
      tabindex: 0,
      role: "application",
      "aria-roledescription": "frame with kept tokens",
      "aria-keyshortcuts": "ArrowLeft ArrowRight ArrowUp ArrowDown n p Space Escape",
    }),
    play: element("button", { type: "button", class: "tl-play" }),
    scrubber: element("input", { type: "range", min: 0, max: lens.frames - 1, step: 1, "aria-label": "Frame" }),
    clock: element("span", { class: "tl-clock" }),
    kind: element("div", { class: "tl-kind" }),
    words: element("div", { class: "tl-words" }),
    goHome: element("button", { type: "button", class: "tl-link" }),
    mosaic: element("canvas", { class: "tl-mosaic", role: "img" }),
    legend: element("div", { class: "tl-legend" }),
    strip: element("canvas", { class: "tl-strip", role: "img" }),
    line: element("code", { class: "tl-line", "aria-label": `The method ${lens.method} as a line of Python` }, lens.line),
    copy: element("button", { type: "button" }, "Copy"),
    png: element("button", { type: "button" }, "Save PNG"),
    pdf: element("button", { type: "button" }, "Save PDF"),
    json: element("button", { type: "button" }, "Save config.json"),
    live: element("div", { class: "tl-live", role: "status", "aria-live": "polite" }),
  };
  const header = element(
    "header",
    {},
    element("div", {}, element("h3", {}, lens.title), element("p", {}, describeClip(lens))),
    parts.modes,
  );
  const readout = element("div", { class: "tl-readout" }, parts.kind, parts.words, parts.goHome);
  const root = element(
    "section",
    { class: "token-lens", "aria-label": lens.title },
    header,
    element(
      "div",
      { class: "tl-main" },
      element(
        "div",
        { class: "tl-screen" },
        parts.stage,
        element("div", { class: "tl-transport" }, parts.play, parts.scrubber, parts.clock),
      ),
      element("aside", {}, readout, parts.legend, element("div", { class: "tl-patches" }, parts.mosaic)),
    ),
    element("div", { class: "tl-scroll" }, parts.strip),
    element(
      "footer",
      {},
      element("p", { class: "tl-keys" }, "Keys: ← → frame, ↑ ↓ kept token, space plays, click pins, Esc lets go"),
      element(
        "div",
        { class: "tl-export" },
        element("div", { class: "tl-python" }, parts.line, parts.copy),
        ...(lens.config ? [parts.json] : []),
        parts.png,
        parts.pdf,
      ),
    ),
    parts.live,
  );
  return { root, header, ...parts };
}

/** @param {HTMLElement} root @returns {Theme} */
function readTheme(root) {
  const style = getComputedStyle(root);
  const value = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    ink: style.color,
    muted: value("--tl-muted"),
    line: value("--tl-line"),
    paper: value("--tl-paper"),
    font: style.fontFamily,
  };
}

/** @param {Lens} lens */
async function decodeImages(lens) {
  const decoded = lens.images.map((bytes) => createImageBitmap(new Blob([bytes], { type: "image/webp" })));
  try {
    return await Promise.all(decoded);
  } catch {
    throw new Error("this browser cannot read the frames (WebP pictures).");
  }
}

/** @param {Blob} blob @param {string} name */
function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/**
 * A PDF of one page that holds one JPEG, at 220 dots an inch: a picture for a paper, without a library.
 * @param {Uint8Array} jpeg @param {number} width @param {number} height in pixels
 */
function pdfOfPicture(jpeg, width, height) {
  const encoder = new TextEncoder();
  const [w, h] = [width, height].map((pixels) => ((pixels * 72) / 220).toFixed(2));
  const placed = `${w} 0 0 ${h} 0 0 cm /Picture Do`;
  const image =
    `<< /Type /XObject /Subtype /Image /Width ${width} /Height ${height} /ColorSpace /DeviceRGB ` +
    `/BitsPerComponent 8 /Filter /DCTDecode /Length ${jpeg.length} >>\nstream\n`;
  const objects = [
    ["<< /Type /Catalog /Pages 2 0 R >>"],
    ["<< /Type /Pages /Kids [3 0 R] /Count 1 >>"],
    [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${w} ${h}] /Contents 4 0 R ` +
        "/Resources << /XObject << /Picture 5 0 R >> >> >>",
    ],
    [`<< /Length ${placed.length} >>\nstream\n${placed}\nendstream`],
    [image, jpeg, "\nendstream"],
  ];
  /** @type {Uint8Array[]} */
  const parts = [];
  let size = 0;
  const write = (/** @type {string | Uint8Array} */ part) => {
    const bytes = typeof part === "string" ? encoder.encode(part) : part;
    parts.push(bytes);
    size += bytes.length;
  };
  write("%PDF-1.4\n");
  const offsets = objects.map((object, number) => {
    const offset = size;
    [`${number + 1} 0 obj\n`, ...object, "\nendobj\n"].forEach(write);
    return offset;
  });
  const table = size;
  const entries = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`);
  const count = objects.length + 1;
  write(`xref\n0 ${count}\n0000000000 65535 f \n${entries.join("")}`);
  write(`trailer\n<< /Size ${count} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`);
  return new Blob(parts, { type: "application/pdf" });
}

/** Copy text, also where the clipboard is closed to frames and insecure pages. @param {HTMLElement} source */
async function copyText(source) {
  try {
    await navigator.clipboard.writeText(source.textContent ?? "");
    return true;
  } catch {
    window.getSelection()?.selectAllChildren(source);
    return document.execCommand("copy");
  }
}

/**
 * Jupyter's entry. Traits of the model: data, frame, mode, pinned.
 * @param {{model: any, el: HTMLElement}} context
 * @returns {Promise<() => void>} what ends the view
 */
async function render({ model, el }) {
  try {
    const lens = decode(model.get("data"));
    return showLens(lens, await decodeImages(lens), model, el);
  } catch (error) {
    const text = `TokenLens cannot be shown: ${error instanceof Error ? error.message : error}`;
    el.replaceChildren(element("div", { class: "token-lens tl-error", role: "alert" }, text));
    return () => {};
  }
}

/** @param {Lens} lens @param {ImageBitmap[]} images @param {any} model @param {HTMLElement} el */
function showLens(lens, images, model, el) {
  const page = buildPage(lens);
  const { root, stage, strip } = page;
  el.replaceChildren(root);

  /** @type {number | null} flat index of the patch under the pointer */
  let hovered = null;
  let timer = 0;
  let waiting = false;
  let followed = "";
  let layout = stripLayout(lens.frames, lens.aspect, 600);
  let stageBox = { x: 0, y: 0, width: 1, height: 1 };

  /** @returns {Shown & {pinned: number | null}} */
  function shown() {
    const pinned = model.get("pinned");
    const token = pinned ?? (hovered === null ? null : lens.assignment[hovered]);
    return { frame: model.get("frame"), mode: model.get("mode"), pinned, token };
  }

  function requestDraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  }

  function draw() {
    const width = page.header.clientWidth;
    if (width === 0) return;
    const view = shown();
    const theme = readTheme(root);
    const wide = width >= 700;
    root.classList.toggle("tl-wide", wide);
    stageBox = { x: 0, y: 0, ...fit(lens.aspect, wide ? Math.min(0.66 * width, width - 270) : width, 440) };
    drawStage(prepare(stage, stageBox.width, stageBox.height), lens, images, view, stageBox, theme);

    layout = stripLayout(lens.frames, lens.aspect, strip.parentElement.clientWidth - 2 * STRIP.margin);
    const ctx = prepare(strip, strip.parentElement.clientWidth, layout.height);
    ctx.translate(STRIP.margin, 0);
    drawStrip(ctx, lens, images, view, layout, theme);
    follow(view.frame);

    showWords(view);
    showMosaic(view, theme);
    showLegend(view, theme);
    root.dataset.view = JSON.stringify({
      frame: view.frame,
      mode: view.mode,
      token: view.token,
      pinned: view.pinned,
      playing: timer !== 0,
      lit: view.token === null ? [] : Array.from(membersOf(lens, view.token)),
    });
  }

  /** Have the current frame in sight where the strip scrolls; until the frame changes, a reader may scroll away. */
  function follow(/** @type {number} */ frame) {
    const place = `${frame} in rows of ${layout.columns}`;
    if (place === followed) return;
    followed = place;
    const scroll = strip.parentElement;
    const { y, height } = layout.boxes[frame];
    const [top, bottom] = [y - STRIP.head, y + height + STRIP.foot];
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    else if (bottom > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = bottom - scroll.clientHeight;
  }

  function showWords(/** @type {ReturnType<typeof shown>} */ view) {
    const { frame, mode, token, pinned } = view;
    stage.setAttribute("aria-label", token === null ? describeFrame(lens, frame) : describeToken(lens, token));
    page.scrubber.value = String(frame);
    page.scrubber.setAttribute("aria-valuetext", frameWithTime(lens, frame));
    page.play.textContent = timer ? "❚❚" : "▶";
    page.play.setAttribute("aria-label", timer ? "Pause" : "Play");
    const time = lens.timestamps ? ` · ${lens.timestamps[frame].toFixed(1)} s` : "";
    page.clock.textContent = `frame ${frame}${time} · segment ${lens.segmentOfFrame[frame] + 1}`;
    for (const input of page.modes.querySelectorAll("input")) input.checked = input.value === mode;
    const pictured = token === null ? "" : `, lit where the token stands for a patch: ${describeToken(lens, token)}`;
    strip.setAttribute("aria-label", `All ${lens.frames} frames${pictured}`);

    const home = token === null ? frame : placeOf(lens, lens.index[token]).frame;
    page.kind.dataset.kind = token === null ? "" : lens.isContext[token] ? "context" : "salient";
    if (token === null) {
      page.kind.textContent = describeFrame(lens, frame).replace(/^.*: /, "");
      page.words.textContent =
        "Point at a patch, or tap it: the token that stands for it lights up, with all other patches it stands for.";
    } else {
      page.kind.textContent = capitalised(kindOf(lens, token)) + (pinned === null ? "" : ", pinned");
      const lines = [placeInWords(lens, lens.index[token]), reachInWords(lens, token), valueHere(view)];
      page.words.replaceChildren(...lines.filter(Boolean).map((line) => element("div", {}, capitalised(line))));
    }
    page.goHome.textContent = `Go to frame ${home}`;
    page.goHome.style.visibility = home === frame || pinned === null ? "hidden" : "visible";
  }

  /** The heat map's number at the patch under the pointer, or at the pinned token. */
  function valueHere(/** @type {ReturnType<typeof shown>} */ view) {
    const patch = hovered ?? (view.token === null ? null : lens.index[view.token]);
    if (patch === null || (view.mode !== "tfd" && view.mode !== "saliency")) return "";
    const { frame, row, column } = placeOf(lens, patch);
    const position = row * lens.columns + column;
    const tfd = lens.tfd[lens.segmentOfFrame[frame] * lens.positions + position];
    const [name, value] = view.mode === "tfd" ? ["TFD", tfd] : ["saliency", lens.saliency[patch]];
    return `${name} at row ${row}, column ${column}: ${shortNumber(value)}`;
  }

  function showMosaic(/** @type {Shown} */ view, /** @type {Theme} */ theme) {
    const { clientWidth: width, clientHeight: height } = page.mosaic.parentElement;
    const ctx = prepare(page.mosaic, width, height);
    page.mosaic.setAttribute("aria-label", view.token === null ? "" : "The patches that the token stands for");
    if (view.token !== null) drawMosaic(ctx, lens, images, view.token, width, height, theme);
  }

  function showLegend(/** @type {Shown} */ view, /** @type {Theme} */ theme) {
    const legend = legendOf(lens, view.mode, view.frame);
    const key = JSON.stringify([legend, theme, page.legend.clientWidth, window.devicePixelRatio]);
    if (page.legend.dataset.key === key) return;
    page.legend.dataset.key = key;
    const entries = legend.marks.map(([kind, text]) => {
      const sign = element("canvas", { "aria-hidden": "true" });
      drawLegendMark(prepare(sign, 28, 20), kind, { x: 1, y: 1, width: 26, height: 18 });
      return element("div", { class: "tl-entry" }, sign, text);
    });
    if (legend.bar) {
      const width = Math.max(60, Math.min(300, page.legend.clientWidth));
      const bar = element("canvas", { "aria-hidden": "true" });
      drawBar(prepare(bar, width, 12), { x: 0.5, y: 0.5, width: width - 1, height: 11 }, theme);
      const numbers = legend.bar.range.map((value) => element("span", {}, shortNumber(value)));
      const ends = element("div", { class: "tl-ends" }, ...numbers);
      ends.style.width = `${width}px`;
      entries.unshift(element("div", { class: "tl-bar" }, element("div", {}, legend.bar.label), bar, ends));
    }
    page.legend.replaceChildren(...entries, element("p", {}, legend.note));
  }

  /** Change traits; the kernel, if there is one, is told, and not asked. @param {Record<string, unknown>} traits */
  function set(traits) {
    for (const [name, value] of Object.entries(traits)) model.set(name, value);
    model.save_changes();
    requestDraw();
  }

  function say(/** @type {string} */ text) {
    page.live.textContent = text;
  }

  function goTo(/** @type {number} */ frame) {
    hovered = null;
    set({ frame: Math.min(lens.frames - 1, Math.max(0, frame)) });
  }

  function pin(/** @type {number | null} */ token) {
    set({ pinned: token });
    say(token === null ? "No token pinned" : describeToken(lens, token));
  }

  function play(/** @type {boolean} */ on) {
    clearInterval(timer);
    timer = 0;
    if (on) {
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      const pause = 1000 / (calm ? FRAMES_PER_SECOND_REDUCED_MOTION : FRAMES_PER_SECOND);
      timer = window.setInterval(() => goTo((model.get("frame") + 1) % lens.frames), pause);
    }
    requestDraw();
  }

  function stepToken(/** @type {number} */ step) {
    const frame = model.get("frame");
    const token = neighbourToken(tokensOfFrame(lens, frame), model.get("pinned"), step);
    if (token === null) say("No token of this frame is kept");
    else pin(token);
  }

  function stepFrame(/** @type {number} */ step) {
    play(false);
    goTo(model.get("frame") + step);
    say(describeFrame(lens, model.get("frame")));
  }

  const KEYS = {
    ArrowLeft: () => stepFrame(-1),
    ArrowRight: () => stepFrame(1),
    ArrowUp: () => stepToken(-1),
    ArrowDown: () => stepToken(1),
    p: () => stepToken(-1),
    n: () => stepToken(1),
    " ": () => play(timer === 0),
  };

  // Those of the stage, and those of the scrubber, the choice of view and the buttons.
  const USED_KEYS = new Set([...Object.keys(KEYS), "Escape", "Enter", "Home", "End", "PageUp", "PageDown"]);

  function onKey(/** @type {KeyboardEvent} */ event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const letGo = event.key === "Escape" && model.get("pinned") !== null ? () => pin(null) : undefined;
    const action = letGo ?? (event.target === stage ? KEYS[event.key] : undefined);
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  }

  /**
   * Notebook 7 looks for its shortcuts before the view sees a key; Lumino, which does so, passes over elements with this
   * attribute, from the focused one on. Keys that the view does not use, such as Shift+Enter, still reach the notebook.
   */
  function claimKey(/** @type {KeyboardEvent} */ event) {
    const target = /** @type {Element} */ (event.target);
    if (!root.contains(target)) return;
    const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    target.toggleAttribute("data-lm-suppress-shortcuts", !modified && USED_KEYS.has(event.key));
  }

  function patchUnder(/** @type {MouseEvent} */ event) {
    const position = positionAt(lens, { ...stageBox, x: 0, y: 0 }, event.offsetX, event.offsetY);
    return position === null ? null : model.get("frame") * lens.positions + position;
  }

  function hover(/** @type {number | null} */ patch) {
    if (patch === hovered) return;
    hovered = patch;
    requestDraw();
  }

  function onStageClick(/** @type {MouseEvent} */ event) {
    const patch = patchUnder(event);
    if (patch === null) return;
    const token = lens.assignment[patch];
    pin(token === model.get("pinned") ? null : token);
  }

  function frameUnder(/** @type {MouseEvent} */ event) {
    const [x, y] = [event.offsetX - STRIP.margin, event.offsetY];
    return layout.boxes.findIndex(
      (box) => x >= box.x && x < box.x + box.width && y >= box.y - STRIP.head && y < box.y + box.height + STRIP.foot,
    );
  }

  function onStripClick(/** @type {MouseEvent} */ event) {
    const frame = frameUnder(event);
    if (frame === -1) return;
    play(false);
    goTo(frame);
  }

  async function savePicture() {
    const canvas = composePicture(lens, images, shown(), readTheme(root));
    canvas.toBlob((blob) => blob && download(blob, `token-lens-frame-${model.get("frame")}.png`), "image/png");
  }

  async function savePdf() {
    const canvas = composePicture(lens, images, shown(), readTheme(root));
    canvas.toBlob(
      async (blob) => {
        if (!blob) return;
        const pdf = pdfOfPicture(new Uint8Array(await blob.arrayBuffer()), canvas.width, canvas.height);
        download(pdf, `token-lens-frame-${model.get("frame")}.pdf`);
      },
      "image/jpeg",
      0.95,
    );
  }

  async function copyLine() {
    say((await copyText(page.line)) ? "Copied" : "Press Ctrl+C to copy");
    page.copy.textContent = page.live.textContent;
    setTimeout(() => (page.copy.textContent = "Copy"), 2000);
  }

  const off = new AbortController();
  /** @type {(target: EventTarget, type: string, action: (event: any) => void, capture?: boolean) => void} */
  const on = (target, type, action, capture = false) =>
    target.addEventListener(type, action, { signal: off.signal, capture });
  on(window, "keydown", claimKey, true);
  on(root, "keydown", onKey);
  on(stage, "pointermove", (event) => event.pointerType !== "touch" && hover(patchUnder(event)));
  on(stage, "pointerleave", () => hover(null));
  on(stage, "click", onStageClick);
  on(strip, "click", onStripClick);
  on(strip, "pointermove", (event) => (strip.style.cursor = frameUnder(event) === -1 ? "default" : "pointer"));
  on(page.scrubber, "input", () => {
    play(false);
    goTo(Number(page.scrubber.value));
  });
  on(page.modes, "change", (event) => set({ mode: event.target.value }));
  on(page.play, "click", () => play(timer === 0));
  on(page.goHome, "click", () => goTo(placeOf(lens, lens.index[model.get("pinned")]).frame));
  on(page.png, "click", savePicture);
  on(page.pdf, "click", savePdf);
  on(page.copy, "click", copyLine);
  on(page.json, "click", () => {
    download(new Blob([JSON.stringify(lens.config, null, 2)], { type: "application/json" }), "infomerge-config.json");
  });

  for (const name of ["frame", "mode", "pinned"]) model.on(`change:${name}`, requestDraw);
  const resized = new ResizeObserver(requestDraw);
  resized.observe(root);
  // JupyterLab names its theme on the body; elsewhere the colour scheme of the system decides.
  const themed = new MutationObserver(requestDraw);
  themed.observe(document.body, { attributes: true });
  on(window.matchMedia("(prefers-color-scheme: dark)"), "change", requestDraw);
  requestDraw();

  return () => {
    clearInterval(timer);
    off.abort();
    resized.disconnect();
    themed.disconnect();
    for (const name of ["frame", "mode", "pinned"]) model.off(`change:${name}`, requestDraw);
  };
}

/** Stands in for the widget's model: holds its traits. */
class StaticModel {
  /** @param {Record<string, unknown>} traits */
  constructor(traits) {
    this.traits = traits;
  }

  get(/** @type {string} */ name) {
    return this.traits[name];
  }

  set(/** @type {string} */ name, /** @type {unknown} */ value) {
    this.traits[name] = value;
  }

  on() {}
  off() {}
  save_changes() {}
}

/** @param {string} text base64 */
function bytesOf(text) {
  return new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

/** Draw a page's view from the JSON that `TokenLens.to_html` wrote into it. */
export function mountPage(/** @type {HTMLElement} */ el, /** @type {string} */ json) {
  const traits = JSON.parse(json, (_, value) => (typeof value?.base64 === "string" ? bytesOf(value.base64) : value));
  fitOuterPage();
  return render({ model: new StaticModel(traits), el });
}

/** Inside a notebook's iframe: as high as the view, and in the notebook's theme. */
function fitOuterPage() {
  const frame = window.frameElement;
  if (!frame) return;
  const outer = window.parent.document.body;
  const takeTheme = () => {
    const light = outer.dataset.jpThemeLight;
    if (light) document.documentElement.dataset.theme = light === "true" ? "light" : "dark";
    // The view redraws when its body's attributes change.
    document.body.dataset.theme = light ?? "";
  };
  takeTheme();
  new MutationObserver(takeTheme).observe(outer, { attributes: true });
  new ResizeObserver(() => {
    frame.style.height = `${Math.ceil(document.body.getBoundingClientRect().height)}px`;
  }).observe(document.body);
}

export default { render };
