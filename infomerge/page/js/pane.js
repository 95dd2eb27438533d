/**
 * One setting at work: its numbers, its film strip, its budgets over time.
 *
 * @import { Costs } from "./costs.js"
 * @import { Facts } from "./steps.js"
 * @import { Result, Settings } from "./method.js"
 * @import { State } from "./link.js"
 * @import { Picture } from "./pictures.js"
 *
 * @typedef {Facts & {colors: Uint8Array, pictures: Picture[]}} Opened
 * @typedef {Object} Shown what both panes have in common
 * @property {State} state
 * @property {number | null} pointed flat index of the patch that is pointed at or was picked
 * @property {boolean} dark
 * @property {boolean} still whether nothing may move
 * @property {Record<string, string>} ink
 */

import { prefillFlops, prefillTime } from "./costs.js";
import { lookOf } from "./look.js";
import { canvasOf } from "./pictures.js";
import { River } from "./river.js";
import { Strip } from "./strip.js";
import { byId, counted, el, fixed, framesOf, mark, percent, put, whole } from "./words.js";

/** A pane of the page. */
export class Pane {
  /** @param {"a" | "b"} name */
  constructor(name) {
    this.root = byId(`pane-${name}`);
    this.strip = new Strip(/** @type {HTMLCanvasElement} */ (this.root.querySelector(".strip")));
    this.river = new River(/** @type {HTMLCanvasElement} */ (this.root.querySelector(".river canvas")));
    this.taps = /** @type {HTMLElement} */ (this.root.querySelector(".taps"));
    this.width = 0;
    /** What the view lays over the pictures: one canvas, painted anew each time. */
    this.mask = canvasOf(1, 1);
    this.key = "";
    this.tapsFor = "";
    /** @type {Result | null} */
    this.result = null;
    /** The result whose numbers are written. @type {Result | null} */
    this.told = null;
  }

  /** @param {string} text over the pane where there are two */
  name(text) {
    put(/** @type {HTMLElement} */ (this.root.querySelector(".pane-name")), text);
  }

  /** What the method makes of the settings; worked out again only where they changed. @param {Opened} opened @param {Settings} settings */
  run(opened, settings) {
    const key = opened.clip.data.name + Object.values(settings).join();
    if (key !== this.key || !this.result) {
      this.key = key;
      this.result = opened.method.run(settings);
    }
    return this.result;
  }

  /** @param {Opened} opened @param {Result} result */
  numbers({ costs, clip }, { kept, requested, salientPerFrame }) {
    const set = (/** @type {string} */ name, /** @type {string} */ text) => {
      put(/** @type {HTMLElement} */ (this.root.querySelector(name)), text);
    };
    const all = clip.frames * clip.positions;
    set(".kept b", whole(kept));
    const salient = clip.frames * salientPerFrame;
    set(".kept .words", `of ${whole(all)} tokens kept, ${whole(requested)} requested`);
    set(".key.salient b", whole(salient));
    set(".key.context b", whole(kept - salient));
    const meter = /** @type {HTMLElement} */ (this.root.querySelector(".meter"));
    meter.style.setProperty("--salient-end", `${(100 * salient) / all}%`);
    meter.style.setProperty("--kept-end", `${(100 * kept) / all}%`);
    const [now, full] = [prefillFlops(costs, kept), prefillFlops(costs, all)];
    set(".flops b", `${fixed(now / 1e12, now < 1e13 ? 2 : 1)} T`);
    set(".flops span", `FLOPs, ${percent(now / full)} of ${fixed(full / 1e12, 1)}\u00a0T`);
    const time = prefillTime(costs, kept);
    set(".time b", time ? `${time.isMeasured ? "" : "≈ "}${fixed(time.milliseconds, 0)} ms` : "–");
    set(".time span", !time ? "prefill: not measured there" : time.isMeasured ? `prefill, measured on ${costs.prefill.gpu}` : "prefill, between measurements");
  }

  /** Before anything of the page is written: after that, it would have to be laid out anew for an answer. */
  measure() {
    this.width = this.root.clientWidth;
  }

  /** @param {Opened} opened @param {Shown} shown */
  draw(opened, { state, pointed, dark, still, ink }) {
    const { clip, pictures, colors } = opened;
    const { result, width } = this;
    if (!result) throw new Error("draw: got no result; expected run to come first");
    const look = lookOf(clip, colors, result, state.view, pointed, this.mask);
    const own = pointed === null ? null : result.owner[pointed];
    this.strip.prepare(clip, pictures, width, dark);
    const marks = { frame: state.frame, segment: state.segment, dots: state.view === "still", own, ink };
    this.strip.draw(clip, result, look, marks);
    this.river.follow(result, still);
    this.river.draw(result, width, marks);
    // Texts last: the canvases' fonts would make the browser work out the page's styles in between.
    if (this.told !== result) this.numbers(opened, result);
    this.told = result;
    this.buttons(opened, result, state.segment);
    return { look, own };
  }

  /** A button over each block of the chart, for the keyboard and for those who hear the page. @param {Opened} opened @param {Result} result @param {number} chosen */
  buttons({ clip }, { segments, budget, lengthBudget }, chosen) {
    const key = [segments.join(), budget.join(), chosen].join("|");
    if (key === this.tapsFor) return;
    this.tapsFor = key;
    while (this.taps.children.length > segments.length) this.taps.lastElementChild?.remove();
    while (this.taps.children.length < segments.length) this.taps.append(el("button", { type: "button" }));
    segments.forEach(([start, end], k) => {
      const button = /** @type {HTMLElement} */ (this.taps.children[k]);
      mark(button, "data-segment", String(k));
      mark(button, "style", `left: ${(100 * start) / clip.frames}%; width: ${(100 * (end - start)) / clip.frames}%`);
      const label = `Segment ${k + 1}, ${framesOf([start, end])}: ${counted(budget[k], "context token")}, ${lengthBudget[k]} by length`;
      mark(button, "aria-label", label);
      mark(button, "aria-pressed", String(k === chosen));
    });
  }
}
