/**
 * The page at work: one state, drawn once for each picture of the screen in which something has changed.
 *
 * @import { ClipData } from "./clip.js"
 * @import { Costs } from "./costs.js"
 * @import { Answers } from "./answers.js"
 * @import { State, View } from "./link.js"
 * @import { Settings } from "./method.js"
 * @import { Opened } from "./pane.js"
 *
 * @typedef {{clips: ClipData[], costs: Costs, answers: Answers | null}} PageData
 */

import palette from "../../palette.json" with { type: "json" };
import { showAnswers } from "./answers.js";
import { bytesOf, readClip } from "./clip.js";
import { formulaRows, showFormulas } from "./formulas.js";
import { Guide } from "./guide.js";
import { Knobs } from "./knobs.js";
import { FREE, fromHash, toHash } from "./link.js";
import { Method } from "./method.js";
import { Pane } from "./pane.js";
import { picturesOf } from "./pictures.js";
import { DEFAULTS, differences } from "./settings.js";
import { segmentOf, Stage } from "./stage.js";
import { STEPS } from "./steps.js";
import { byId, counted, el, mark, put } from "./words.js";
import { wire } from "./wiring.js";

/** The page. */
export class App {
  /** @param {PageData} data */
  constructor(data) {
    this.data = data;
    this.sizes = data.clips.map(({ frames, rows, columns }) => ({ frames, positions: rows * columns }));
    /** @type {State} */
    this.state = fromHash(location.hash, this.sizes) ?? this.begun(0);
    /** Which of the two settings the knobs turn. @type {"a" | "b"} */
    this.editing = "a";
    /** @type {(Promise<Opened> | undefined)[]} */
    this.opening = [];
    /** @type {Opened | null} */
    this.opened = null;
    /** @type {number | null} */
    this.hovered = null;
    this.cursor = 0;
    this.waiting = 0;
    this.panes = { a: new Pane("a"), b: new Pane("b") };
    this.colors = { dark: /** @type {boolean | null} */ (null), ink: /** @type {Record<string, string>} */ ({}) };
    this.stage = new Stage(/** @type {HTMLCanvasElement} */ (byId("stage")));
    this.guide = new Guide((step) => this.go(step));
    this.knobs = new Knobs((change) => this.turn(change));
    this.motion = matchMedia("(prefers-reduced-motion: reduce)");
    this.darkness = matchMedia("(prefers-color-scheme: dark)");
    wire(this);
    void this.open(this.state.clip);
  }

  /** The state in which a clip's path begins. @param {number} clip @returns {State} */
  begun(clip) {
    const { settings, view } = STEPS[0];
    const a = { ...DEFAULTS, ...settings };
    return { clip, step: 1, a, b: null, frame: 0, segment: 0, token: null, view };
  }

  /** Unpack a clip where that has not been done, and show it. @param {number} number */
  async open(number) {
    this.opening[number] ??= this.unpack(this.data.clips[number]);
    const opened = await this.opening[number];
    if (this.state.clip !== number) return;
    this.opened = opened;
    this.knobs.bring(this.wanted);
    this.soon();
    document.body.dataset.ready = String(number + 1);
  }

  /** @param {ClipData} data @returns {Promise<Opened>} */
  async unpack(data) {
    const pictures = await picturesOf(data);
    const clip = readClip(data);
    return { clip, method: new Method(clip), costs: this.data.costs, colors: bytesOf(data.colors), pictures };
  }

  /** Knobs that the step is about. */
  get wanted() {
    return this.state.step === FREE ? [] : STEPS[this.state.step - 1].knobs;
  }

  get dark() {
    return document.documentElement.dataset.theme === "dark";
  }

  /** The setting that the knobs turn. @returns {Settings} */
  get settings() {
    return (this.editing === "b" && this.state.b) || this.state.a;
  }

  /** Change the state, and draw it soon. @param {Partial<State>} change */
  set(change) {
    Object.assign(this.state, change);
    this.soon();
  }

  /** @param {Partial<Settings>} change */
  turn(change) {
    this.set({ [this.editing]: { ...this.settings, ...change } });
  }

  /** Begin a step. @param {number} step */
  go(step) {
    const to = Math.max(1, Math.min(FREE, step));
    // A step begins anew: nothing flows from the one before.
    for (const { river } of Object.values(this.panes)) river.edges = "";
    this.hovered = null;
    this.editing = "a";
    if (to === FREE) this.set({ step: to });
    else {
      const { settings, view } = STEPS[to - 1];
      this.set({ step: to, a: { ...DEFAULTS, ...settings }, b: null, view, token: null });
    }
    this.knobs.bring(this.wanted);
  }

  /** Two settings side by side, or one. At first the other has budgets by length. */
  compare() {
    const isOn = this.state.b !== null;
    this.editing = isOn ? "a" : "b";
    const allocation = this.state.a.allocation === "caba" ? "length" : "caba";
    this.set({ b: isOn ? null : { ...this.state.a, allocation } });
  }

  /** Show a state that a link holds. @param {string} hash */
  follow(hash) {
    if (hash === toHash(this.state)) return;
    const state = fromHash(hash, this.sizes) ?? this.begun(0);
    this.state = state;
    this.editing = "a";
    this.hovered = null;
    this.knobs.bring(this.wanted);
    void this.open(state.clip);
    this.soon();
  }

  /** Draw with the next picture of the screen. */
  soon() {
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw();
    });
  }

  /** Colors of the theme, read from the style sheet where it has changed. */
  get ink() {
    const { dark } = this;
    if (this.colors.dark === dark) return this.colors.ink;
    const style = getComputedStyle(document.documentElement);
    const own = ["ink", "muted", "paper", "soft", "band", "gain", "loss", "drop"].map((name) => [
      name, style.getPropertyValue(`--${name}`).trim(),
    ]);
    const { orange, vermillion, blue } = palette.hues;
    this.colors = { dark, ink: { ...Object.fromEntries(own), salient: orange, context: blue, highlight: vermillion } };
    return this.colors.ink;
  }

  draw() {
    const { opened, state, panes } = this;
    if (!opened || this.data.clips[state.clip] !== opened.clip.data) return;
    const begun = performance.now();
    const { clip } = opened;
    state.frame = Math.min(state.frame, clip.frames - 1);
    panes.b.root.hidden = state.b === null;
    if (state.b) panes.b.name(`Setting B: ${differences(state.a, state.b) || "as A"}`);
    byId("panes").classList.toggle("two", state.b !== null);
    byId("editing").hidden = state.b === null;
    const room = byId("stage-room").clientWidth;
    panes.a.measure();
    panes.b.measure();
    const results = { a: panes.a.run(opened, state.a), b: state.b && panes.b.run(opened, state.b) };
    const result = results[this.editing] ?? results.a;
    state.segment = Math.min(state.segment, result.segments.length - 1);
    const pointed = this.hovered ?? state.token;
    const shown = { state, pointed, dark: this.dark, still: this.motion.matches, ink: this.ink };
    const drawn = panes.a.draw(opened, shown);
    const other = state.b ? panes.b.draw(opened, shown) : null;
    const { look, own } = (this.editing === "b" && other) || drawn;
    this.stage.prepare(clip, room, shown.dark);
    const cursor = document.activeElement === this.stage.canvas ? state.frame * clip.positions + this.cursor : null;
    const marks = { cursor: this.hovered ?? cursor, own, dots: state.view === "still", ink: shown.ink };
    // What is pointed at in the strip is seen in large.
    const frame = this.hovered === null ? state.frame : Math.floor(this.hovered / clip.positions);
    this.stage.draw(clip, opened.pictures[frame], result, look, frame, marks);
    this.knobs.show(this.settings, this.wanted);
    this.guide.show(state.step, opened);
    this.controls(result, pointed);
    if (/** @type {HTMLDetailsElement} */ (byId("formulas")).open) {
      const rows = formulaRows(clip, this.settings, result, state.segment, state.token);
      showFormulas(byId("formula-rows"), rows, result.segments[state.segment], state.segment);
    }
    showAnswers(byId("answers"), this.data.answers, clip.data.name, this.settings.retentionRatio);
    this.remember();
    /** Milliseconds of script for the last picture: benchmarks/page_latency.py reads it. */
    document.body.dataset.drawn = String(performance.now() - begun);
  }

  /** @param {import("./method.js").Result} result @param {number | null} pointed */
  controls(result, pointed) {
    const { state, opened } = this;
    if (!opened) return;
    const { clip } = opened;
    const slider = /** @type {HTMLInputElement} */ (byId("frame"));
    mark(slider, "max", String(clip.frames));
    if (slider.value !== String(state.frame + 1)) slider.value = String(state.frame + 1);
    const seconds = clip.data.timestamps ? ` (${clip.data.timestamps[state.frame].toFixed(1)} s)` : "";
    const place = `Frame ${state.frame + 1} of ${clip.frames}${seconds}, segment ${segmentOf(result, state.frame) + 1}`;
    mark(slider, "aria-valuetext", place);
    put(byId("place"), place);
    for (const input of document.querySelectorAll("input[name=view]")) {
      const radio = /** @type {HTMLInputElement} */ (input);
      radio.checked = radio.value === state.view;
    }
    for (const [n, input] of document.querySelectorAll("input[name=clip]").entries()) {
      /** @type {HTMLInputElement} */ (input).checked = n === state.clip;
    }
    for (const input of document.querySelectorAll("input[name=editing]")) {
      const radio = /** @type {HTMLInputElement} */ (input);
      radio.checked = radio.value === this.editing;
    }
    mark(byId("compare"), "aria-pressed", String(state.b !== null));
    mark(document.body, "data-view", state.view);
    const hint = "Point at a patch, or tap it, to see everything that its token stands for.";
    put(byId("say"), pointed === null ? hint : this.described(result, pointed));
  }

  /** What a patch's token stands for, in words. @param {import("./method.js").Result} result @param {number} patch */
  described({ owner, isSalient }, patch) {
    const positions = this.opened?.clip.positions ?? 1;
    const members = [...owner.keys()].filter((i) => owner[i] === owner[patch]);
    const frames = new Set(members.map((i) => Math.floor(i / positions))).size;
    const kind = isSalient[owner[patch]] ? "A salient token" : "A context token";
    const place = `of frame ${Math.floor(owner[patch] / positions) + 1}`;
    if (members.length === 1) return `${kind} ${place}, kept for itself alone.`;
    return `${kind} ${place}: it stands for ${counted(members.length, "patch").replace("patchs", "patches")} in ${counted(frames, "frame")}.`;
  }

  /** Keep the address up to date, so that it can be sent; not at every movement of a slider. */
  remember() {
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => {
      const hash = toHash(this.state);
      if (hash !== location.hash) history.replaceState(null, "", hash);
    }, 200);
  }
}

/** What the page was built with. @param {PageData} data */
export function listClips(data) {
  byId("clips").append(...data.clips.map((clip, n) => el(
    "label",
    { title: clip.title },
    el("input", { type: "radio", name: "clip", value: String(n) }),
    el("span", {}, clip.title.split(":")[0]),
  )));
  byId("credits").replaceChildren(...data.clips.map(({ title, credit, encoder, channels, directions, energy }) => el(
    "li",
    {},
    el("strong", {}, title),
    `${credit ? `: ${credit}` : ""}. Tokens: ${encoder || "given"}, ${channels} channels, of which ${directions} ` +
      `directions with one byte a number travel here (${Math.round(100 * energy)} % of the squared length).`,
  )));
  const { prefill } = data.costs;
  byId("timing").textContent =
    `Prefill: ${prefill.model} with random weights on one ${prefill.device}, median time in which the language model reads ` +
    `the prompt, from ${prefill.source}. Choosing and merging the tokens took ${prefill.compress_ms.toFixed(1)} ms there. ` +
    "FLOPs: multiply-accumulates of its decoder over visual tokens, as the paper counts them.";
}
