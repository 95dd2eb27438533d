/**
 * Budgets over time: a block for each segment, as wide as it is long and as high as what each of its frames gets. When a
 * knob moves, tokens flow from the segments that lose to those that gain.
 *
 * @import { Result } from "./method.js"
 *
 * @typedef {{from: number, to: number, lift: number, start: number}} Drop a token on its way
 */

import { penOf } from "./pictures.js";
import { whole } from "./words.js";

const HEIGHT = 168;
const FOOT = 34;
const HEAD = 26;
const DESK = 1000;
const LARGEST = 1.35;
const FLOW = 600;
const MOST_DROPS = 44;

/**
 * Who gives how many tokens to whom, from the first to the last that loses: rows of (from, to, tokens).
 * @param {number[]} before @param {number[]} after
 */
export function transfers(before, after) {
  const out = [];
  const change = after.map((tokens, k) => tokens - before[k]);
  let to = 0;
  for (let from = 0; from < change.length; from++) {
    while (change[from] < 0) {
      while (to < change.length && change[to] <= 0) to++;
      if (to === change.length) return out;
      const tokens = Math.min(-change[from], change[to]);
      out.push({ from, to, tokens });
      change[from] += tokens;
      change[to] -= tokens;
    }
  }
  return out;
}

/**
 * Where a number stands over a block: above the dashed line, too, where this would run through it.
 * @param {number} block upper edge @param {number} line
 */
function freeAbove(block, line) {
  return line < block && line > block - 18 ? line : block;
}

/** The chart of one setting. */
export class River {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** The next picture of a movement, which needs nothing else of the page. */
    this.waiting = 0;
    /** Heights and the scale as they are drawn now, and where the movement began. */
    this.shown = { heights: /** @type {number[]} */ ([]), top: 1 };
    this.begun = { heights: /** @type {number[]} */ ([]), top: 1, at: 0 };
    /** @type {Drop[]} */
    this.drops = [];
    this.budget = /** @type {number[]} */ ([]);
    this.change = /** @type {number[]} */ ([]);
    this.edges = "";
    /** Of texts, by font and text. @type {Map<string, number>} */
    this.widths = new Map();
  }

  /** @param {Result} result @param {boolean} still whether nothing may move */
  follow(result, still) {
    const edges = result.segments.join();
    const now = performance.now();
    if (edges === this.edges && this.budget.join() !== result.budget.join()) {
      this.change = result.budget.map((tokens, k) => tokens - this.budget[k]);
      const flows = transfers(this.budget, result.budget);
      const total = flows.reduce((sum, { tokens }) => sum + tokens, 0);
      const each = Math.max(1, total / MOST_DROPS);
      this.begun = { heights: this.shown.heights.slice(), top: this.shown.top, at: now };
      if (!still) {
        for (const { from, to, tokens } of flows) {
          const count = Math.max(1, Math.round(tokens / each));
          for (let n = 0; n < count; n++) {
            this.drops.push({ from, to, lift: 0.5 + ((n * 7) % 10) / 12, start: now + ((n * 53) % 190) });
          }
        }
        this.drops = this.drops.slice(-2 * MOST_DROPS);
      }
    } else if (edges !== this.edges) {
      this.change = [];
      this.drops = [];
      this.begun = { heights: [], top: 1, at: 0 };
    }
    this.edges = edges;
    this.budget = result.budget.slice();
    this.still = still;
  }

  /**
   * @param {Result} result @param {number} room that there is across, in pixels of the page
   * @param {{segment: number, frame: number, ink: Record<string, string>}} marks
   */
  draw(result, room, { segment, frame, ink }) {
    // As large as on a desk, and on a projector larger: its numbers are read from the last row.
    const size = Math.min(LARGEST, Math.max(1, room / DESK));
    const scale = size * Math.min(2, window.devicePixelRatio || 1);
    const width = room / size;
    const { canvas } = this;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(HEIGHT * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(HEIGHT * scale);
      canvas.style.width = `${room}px`;
      canvas.style.height = `${HEIGHT * size}px`;
    }
    const now = performance.now();
    const { segments, budget, lengthBudget, salientPerFrame } = result;
    const lengths = segments.map(([start, end]) => end - start);
    const frames = segments[segments.length - 1][1];
    const target = budget.map((tokens, k) => tokens / lengths[k]);
    const lengthHeights = lengthBudget.map((tokens, k) => tokens / lengths[k]);
    const top = 1.12 * (salientPerFrame + Math.max(4, ...target, ...lengthHeights));
    const passed = this.still || this.begun.heights.length !== target.length ? 1 : (now - this.begun.at) / FLOW;
    const eased = passed >= 1 ? 1 : 1 - (1 - passed) ** 3;
    this.shown = {
      heights: target.map((to, k) => (eased === 1 ? to : this.begun.heights[k] + eased * (to - this.begun.heights[k]))),
      top: eased === 1 ? top : this.begun.top + eased * (top - this.begun.top),
    };
    const pen = penOf(canvas);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, HEIGHT);
    const x = (/** @type {number} */ at) => (at / frames) * width;
    const y = (/** @type {number} */ tokens) => HEAD + (HEIGHT - HEAD - FOOT) * (1 - tokens / this.shown.top);
    pen.textAlign = "center";
    pen.textBaseline = "alphabetic";
    segments.forEach(([start, end], k) => {
      const [left, right] = [x(start) + 1, x(end) - 1];
      const [base, above] = [y(salientPerFrame), y(salientPerFrame + this.shown.heights[k])];
      if (k === segment) {
        pen.fillStyle = ink.soft;
        pen.fillRect(left - 1, 0, right - left + 2, HEIGHT);
      }
      pen.fillStyle = ink.salient;
      pen.fillRect(left, base, right - left, y(0) - base);
      pen.fillStyle = ink.context;
      pen.fillRect(left, above, right - left, base - above);
      const line = y(salientPerFrame + lengthHeights[k]);
      pen.strokeStyle = ink.ink;
      pen.lineWidth = 1.5;
      pen.setLineDash([4, 3]);
      pen.beginPath();
      pen.moveTo(left, line);
      pen.lineTo(right, line);
      pen.stroke();
      pen.setLineDash([]);
    });
    this.words(pen, segments.map(([start, end], k) => ({
      middle: (x(start) + x(end)) / 2, room: x(end) - x(start) - 2,
      above: freeAbove(y(salientPerFrame + this.shown.heights[k]), y(salientPerFrame + lengthHeights[k])),
    })), segment, ink);
    pen.fillStyle = ink.ink;
    pen.fillRect(x(frame + 0.5) - 1, y(0) + 2, 2, 5);
    const moving = this.drip(pen, now, segments.map(([start, end]) => x((start + end) / 2)), y, salientPerFrame, ink);
    cancelAnimationFrame(this.waiting);
    if (passed < 1 || moving) this.waiting = requestAnimationFrame(() => this.draw(result, room, { segment, frame, ink }));
  }

  /**
   * Budgets over their blocks, numbers and changes under them; one font after the other, since changing it takes long.
   * @param {CanvasRenderingContext2D} pen @param {{middle: number, room: number, above: number}[]} places
   * @param {number} segment the chosen one @param {Record<string, string>} ink
   */
  words(pen, places, segment, ink) {
    const width = (/** @type {string} */ text) => {
      const key = pen.font + text;
      const known = this.widths.get(key) ?? pen.measureText(text).width;
      this.widths.set(key, known);
      return known;
    };
    pen.lineWidth = 4;
    for (const isChosen of [false, true]) {
      pen.font = `${isChosen ? 700 : 500} 12px system-ui, sans-serif`;
      // A rim of paper, since the dashed line may run behind a budget.
      pen.strokeStyle = isChosen ? ink.soft : ink.paper;
      places.forEach(({ middle, room, above }, k) => {
        if ((k === segment) !== isChosen) return;
        const text = whole(this.budget[k]);
        pen.fillStyle = ink.ink;
        if (isChosen || width(text) <= room + 1) {
          pen.strokeText(text, middle, above - 5);
          pen.fillText(text, middle, above - 5);
        }
        if (!isChosen) pen.fillStyle = ink.muted;
        if (isChosen || room > 11) pen.fillText(String(k + 1), middle, HEIGHT - 16);
      });
    }
    pen.font = "600 11px system-ui, sans-serif";
    places.forEach(({ middle, room }, k) => {
      const change = this.change[k] ?? 0;
      const text = change > 0 ? `+${change}` : `−${-change}`;
      if (change === 0 || width(text) > room + 6) return;
      pen.fillStyle = change > 0 ? ink.gain : ink.loss;
      pen.fillText(text, middle, HEIGHT - 3);
    });
  }

  /**
   * Draw the tokens that are on their way; whether there are any.
   * @param {CanvasRenderingContext2D} pen @param {number} now @param {number[]} middles
   * @param {(tokens: number) => number} y @param {number} base @param {Record<string, string>} ink
   */
  drip(pen, now, middles, y, base, ink) {
    this.drops = this.drops.filter(({ start }) => now < start + FLOW);
    pen.fillStyle = ink.drop;
    for (const { from, to, lift, start } of this.drops) {
      const t = Math.max(0, (now - start) / FLOW);
      const eased = t * t * (3 - 2 * t);
      const height = [from, to].map((k) => y(base + this.shown.heights[k]));
      const arc = 4 * t * (1 - t) * lift * 34;
      const at = Math.max(4, height[0] + eased * (height[1] - height[0]) - arc);
      pen.beginPath();
      pen.arc(middles[from] + eased * (middles[to] - middles[from]), at, 3, 0, 7);
      pen.fill();
    }
    return this.drops.length > 0;
  }
}
