/**
 * The lens at work: what it shows at the moment, and what a reader's keys, pointer and buttons change.
 *
 * Jupyter calls the default export's `render`; static.js calls it in a page without a kernel.
 *
 * @import { AnyModel } from "@anywidget/types"
 * @import { Lens, LensTraits } from "./data.js"
 * @import { Painter, Shown, Theme } from "./drawing.js"
 *
 * @typedef {Shown & {pinned: number | null}} View
 * @typedef {Pick<AnyModel<LensTraits>, "get" | "set" | "on" | "off" | "save_changes">} LensModel all of it that is used
 */

import { copyText, download, element, hideStandin } from "../dom.js";
import { claimKeys } from "../keys.js";
import { decode, membersOf, neighborToken, placeOf, tokensOfFrame } from "./data.js";
import { drawStage } from "./drawing.js";
import { fit, frameAt, positionAt, STRIP, stripLayout } from "./geometry.js";
import { buildError, buildPage, decodeImages, jpegOf, prepare, PRINT, readTheme } from "./page.js";
import { drawBar, drawLegendMark, drawMosaic, drawPicture, drawStrip, pictureLayout } from "./picture.js";
import { SvgPainter } from "./svg.js";
import {
  capitalized, clockInWords, countsInWords, describeFrame, describeStrip, describeToken, frameWithTime, heatInWords,
  INVITATION, kindInWords, legendOf, placeInWords, reachInWords, shortNumber,
} from "./words.js";

const FRAMES_PER_SECOND = 6;
const FRAMES_PER_SECOND_REDUCED_MOTION = 2;
const LEAST_STAGE_HEIGHT = 440;

/**
 * Jupyter's entry.
 * @param {{model: LensModel, el: HTMLElement}} context
 * @returns {Promise<() => void>} what ends the view
 */
export async function render({ model, el }) {
  try {
    const lens = decode(model.get("data"));
    const view = new LensView(lens, await decodeImages(lens), model, el);
    return () => view.end();
  } catch (error) {
    el.replaceChildren(buildError(`TokenLens cannot be shown: ${error instanceof Error ? error.message : error}`));
    return () => {};
  }
}

const TRAITS = /** @type {const} */ (["frame", "mode", "pinned"]);

/** The most that a frame's height is: by the screen, since inside a frame the window is as high as the view. */
const stageHeight = () => Math.max(LEAST_STAGE_HEIGHT, window.screen.availHeight / 2);

class LensView {
  /** @type {number | null} flat index of the patch under the pointer */
  hovered = null;
  timer = 0;
  waiting = false;
  followed = "";
  stageSize = { width: 1, height: 1 };
  ending = new AbortController();

  /** @param {Lens} lens @param {ImageBitmap[]} images @param {LensModel} model @param {HTMLElement} el */
  constructor(lens, images, model, el) {
    this.lens = lens;
    this.images = images;
    this.model = model;
    this.page = buildPage(lens);
    this.layout = stripLayout(lens.frames, lens.aspect, 600);
    el.replaceChildren(hideStandin(model.get("standin")), this.page.root);
    this.requestDraw = this.requestDraw.bind(this);
    this.listen();
    this.requestDraw();
  }

  end() {
    clearInterval(this.timer);
    this.ending.abort();
    for (const name of TRAITS) this.model.off(`change:${name}`, this.requestDraw);
  }

  /** @returns {View} */
  shown() {
    const pinned = this.model.get("pinned");
    const token = pinned ?? (this.hovered === null ? null : this.lens.assignment[this.hovered]);
    return { frame: this.model.get("frame"), mode: this.model.get("mode"), pinned, token };
  }

  requestDraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.draw();
    });
  }

  draw() {
    const { lens, images, page } = this;
    const width = page.header.clientWidth;
    if (width === 0) return;
    const view = this.shown();
    const theme = readTheme(page.root);
    const wide = width >= 700;
    page.root.classList.toggle("tl-wide", wide);
    this.stageSize = fit(lens.aspect, wide ? Math.min(0.66 * width, width - 270) : width, stageHeight());
    const stage = prepare(page.stage, this.stageSize.width, this.stageSize.height);
    drawStage(stage, lens, images, view, { x: 0, y: 0, ...this.stageSize }, theme);

    const room = page.scroll.clientWidth;
    this.layout = stripLayout(lens.frames, lens.aspect, room - 2 * STRIP.margin);
    const strip = prepare(page.strip, room, this.layout.height);
    strip.translate(STRIP.margin, 0);
    drawStrip(strip, lens, images, view, this.layout, theme);
    this.follow(view.frame);

    this.showWords(view);
    this.showMosaic(view, theme);
    this.showLegend(view, theme);
    page.root.dataset.view = JSON.stringify({
      frame: view.frame,
      mode: view.mode,
      token: view.token,
      pinned: view.pinned,
      playing: this.timer !== 0,
      lit: view.token === null ? [] : Array.from(membersOf(lens, view.token)),
    });
  }

  /**
   * Have the current frame in sight where the strip scrolls; until the frame changes, a reader may scroll away.
   * @param {number} frame
   */
  follow(frame) {
    const place = `${frame} in rows of ${this.layout.columns}`;
    if (place === this.followed) return;
    this.followed = place;
    const { scroll } = this.page;
    const { y, height } = this.layout.boxes[frame];
    const [top, bottom] = [y - STRIP.head, y + height + STRIP.foot];
    if (top < scroll.scrollTop) scroll.scrollTop = top;
    else if (bottom > scroll.scrollTop + scroll.clientHeight) scroll.scrollTop = bottom - scroll.clientHeight;
  }

  /** @param {View} view */
  showWords({ frame, mode, token, pinned }) {
    const { lens, page } = this;
    page.stage.setAttribute("aria-label", token === null ? describeFrame(lens, frame) : describeToken(lens, token));
    page.scrubber.value = String(frame);
    page.scrubber.setAttribute("aria-valuetext", frameWithTime(lens, frame));
    page.play.textContent = this.timer ? "❚❚" : "▶";
    page.play.setAttribute("aria-label", this.timer ? "Pause" : "Play");
    page.clock.textContent = clockInWords(lens, frame);
    for (const input of page.inputs) input.checked = input.value === mode;
    page.strip.setAttribute("aria-label", describeStrip(lens, token));

    const home = token === null ? frame : placeOf(lens, lens.index[token]).frame;
    page.kind.dataset.kind = token === null ? "" : lens.isContext[token] ? "context" : "salient";
    if (token === null) {
      page.kind.textContent = countsInWords(lens, frame);
      page.words.textContent = INVITATION;
    } else {
      page.kind.textContent = capitalized(kindInWords(lens, token)) + (pinned === null ? "" : ", pinned");
      const heat = heatInWords(lens, mode, this.hovered ?? lens.index[token]);
      const lines = [placeInWords(lens, lens.index[token]), reachInWords(lens, token), heat].filter(Boolean);
      page.words.replaceChildren(...lines.map((line) => element("div", {}, capitalized(line))));
    }
    page.goHome.textContent = `Go to frame ${home}`;
    page.goHome.style.visibility = home === frame || pinned === null ? "hidden" : "visible";
  }

  /** @param {Shown} view @param {Theme} theme */
  showMosaic({ token }, theme) {
    const { lens, images, page } = this;
    const room = { width: page.patches.clientWidth, height: page.patches.clientHeight };
    const ctx = prepare(page.mosaic, room.width, room.height);
    page.mosaic.setAttribute("aria-label", `The patches that ${token === null ? "a token" : "the token"} stands for`);
    page.mosaic.setAttribute("aria-hidden", String(token === null));
    if (token !== null) drawMosaic(ctx, lens, images, token, room, theme);
  }

  /** @param {Shown} view @param {Theme} theme */
  showLegend({ mode, frame }, theme) {
    const box = this.page.legend;
    const legend = legendOf(this.lens, mode, frame);
    const key = JSON.stringify([legend, theme, box.clientWidth, window.devicePixelRatio]);
    if (box.dataset.key === key) return;
    box.dataset.key = key;
    const entries = legend.marks.map(([kind, text]) => {
      const sign = element("canvas", { "aria-hidden": "true" });
      drawLegendMark(prepare(sign, 28, 20), kind, { x: 1, y: 1, width: 26, height: 18 });
      return element("div", { class: "tl-entry" }, sign, element("span", {}, text));
    });
    if (legend.bar) {
      const width = Math.max(60, Math.min(300, box.clientWidth));
      const bar = element("canvas", { "aria-hidden": "true" });
      drawBar(prepare(bar, width, 12), { x: 0.5, y: 0.5, width: width - 1, height: 11 }, theme);
      const numbers = legend.bar.range.map((value) => element("span", {}, shortNumber(value)));
      const ends = element("div", { class: "tl-ends" }, ...numbers);
      ends.style.width = `${width}px`;
      entries.unshift(element("div", { class: "tl-bar" }, element("div", {}, legend.bar.label), bar, ends));
    }
    box.replaceChildren(...entries, element("p", {}, legend.note));
  }

  /** Change traits; the kernel, if there is one, is told, and not asked. @param {Partial<LensTraits>} traits */
  set(traits) {
    for (const name of TRAITS) {
      const value = traits[name];
      if (value !== undefined) this.model.set(name, value);
    }
    this.model.save_changes();
    this.requestDraw();
  }

  /** @param {string} text */
  say(text) {
    this.page.live.textContent = text;
  }

  /** @param {number} frame */
  goTo(frame) {
    this.hovered = null;
    this.set({ frame: Math.min(this.lens.frames - 1, Math.max(0, frame)) });
  }

  /** @param {number | null} token */
  pin(token) {
    this.set({ pinned: token });
    this.say(token === null ? "No token pinned" : describeToken(this.lens, token));
  }

  /** @param {boolean} on */
  play(on) {
    clearInterval(this.timer);
    this.timer = 0;
    if (on) {
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      const pause = 1000 / (calm ? FRAMES_PER_SECOND_REDUCED_MOTION : FRAMES_PER_SECOND);
      this.timer = window.setInterval(() => this.goTo((this.model.get("frame") + 1) % this.lens.frames), pause);
    }
    this.requestDraw();
  }

  /** @param {number} step */
  stepToken(step) {
    const tokens = tokensOfFrame(this.lens, this.model.get("frame"));
    const token = neighborToken(tokens, this.model.get("pinned"), step);
    if (token === null) this.say("No token of this frame is kept");
    else this.pin(token);
  }

  /** @param {number} step */
  stepFrame(step) {
    this.play(false);
    this.goTo(this.model.get("frame") + step);
    this.say(describeFrame(this.lens, this.model.get("frame")));
  }

  /** @param {MouseEvent} event */
  patchUnder(event) {
    const box = { x: 0, y: 0, ...this.stageSize };
    const position = positionAt(this.lens, box, event.offsetX, event.offsetY);
    return position === null ? null : this.model.get("frame") * this.lens.positions + position;
  }

  /** @param {MouseEvent} event */
  frameUnder(event) {
    return frameAt(this.layout, event.offsetX - STRIP.margin, event.offsetY);
  }

  /** @param {number | null} patch */
  hover(patch) {
    if (patch === this.hovered) return;
    this.hovered = patch;
    this.requestDraw();
  }

  /**
   * Have the view drawn as one picture, black on white as on paper, by the painter that `paint` makes for its size.
   * @template {Painter} P @param {(width: number, height: number) => P} paint
   */
  picture(paint) {
    const [shown, theme] = [this.shown(), { ...PRINT, font: readTheme(this.page.root).font }];
    const layout = pictureLayout(prepare(element("canvas"), 1, 1), this.lens, shown, theme);
    const painter = paint(layout.width, layout.height);
    drawPicture(painter, this.lens, this.images, shown, layout, theme);
    return painter;
  }

  savePng() {
    const { canvas } = this.picture((width, height) => prepare(element("canvas"), width, height, 2));
    canvas.toBlob((blob) => blob && download(blob, `token-lens-frame-${this.model.get("frame")}.png`), "image/png");
  }

  saveSvg() {
    const ruler = prepare(element("canvas"), 1, 1);
    const painter = this.picture((width, height) => new SvgPainter(width, height, ruler, jpegOf));
    const blob = new Blob([painter.text(this.lens.title)], { type: "image/svg+xml" });
    download(blob, `token-lens-frame-${this.model.get("frame")}.svg`);
  }

  saveConfig() {
    const text = JSON.stringify(this.lens.config, null, 2);
    download(new Blob([text], { type: "application/json" }), "infomerge-config.json");
  }

  async copyLine() {
    const text = (await copyText(this.page.line)) ? "Copied" : "Press Ctrl+C to copy";
    this.say(text);
    this.page.copy.textContent = text;
    setTimeout(() => (this.page.copy.textContent = "Copy"), 2000);
  }

  claimKeys() {
    /** Those that walk act on the stage alone: elsewhere they belong to the focused control. */
    const onStage = (/** @type {() => void} */ action) => (/** @type {KeyboardEvent} */ event) =>
      event.target === this.page.stage ? action() : false;
    const [back, forth] = [onStage(() => this.stepToken(-1)), onStage(() => this.stepToken(1))];
    return claimKeys(this.page.root, {
      ArrowLeft: onStage(() => this.stepFrame(-1)),
      ArrowRight: onStage(() => this.stepFrame(1)),
      ArrowUp: back,
      ArrowDown: forth,
      p: back,
      n: forth,
      " ": onStage(() => this.play(this.timer === 0)),
      Escape: () => (this.model.get("pinned") === null ? false : this.pin(null)),
    });
  }

  listen() {
    const { lens, model, page } = this;
    const { signal } = this.ending;
    const { root, stage, strip } = page;
    signal.addEventListener("abort", this.claimKeys());
    stage.addEventListener("pointermove", (event) => {
      if (event.pointerType !== "touch") this.hover(this.patchUnder(event));
    }, { signal });
    stage.addEventListener("pointerleave", () => this.hover(null), { signal });
    stage.addEventListener("click", (event) => {
      const patch = this.patchUnder(event);
      if (patch === null) return;
      const token = lens.assignment[patch];
      this.pin(token === model.get("pinned") ? null : token);
    }, { signal });
    strip.addEventListener("click", (event) => {
      const frame = this.frameUnder(event);
      if (frame === null) return;
      this.play(false);
      this.goTo(frame);
    }, { signal });
    strip.addEventListener("pointermove", (event) => {
      strip.style.cursor = this.frameUnder(event) === null ? "default" : "pointer";
    }, { signal });
    page.scrubber.addEventListener("input", () => {
      this.play(false);
      this.goTo(Number(page.scrubber.value));
    }, { signal });
    for (const input of page.inputs) {
      const mode = /** @type {LensTraits["mode"]} */ (input.value);
      input.addEventListener("change", () => this.set({ mode }), { signal });
    }
    page.play.addEventListener("click", () => this.play(this.timer === 0), { signal });
    page.goHome.addEventListener("click", () => {
      const pinned = model.get("pinned");
      if (pinned !== null) this.goTo(placeOf(lens, lens.index[pinned]).frame);
    }, { signal });
    page.png.addEventListener("click", () => this.savePng(), { signal });
    page.svg.addEventListener("click", () => this.saveSvg(), { signal });
    page.copy.addEventListener("click", () => this.copyLine(), { signal });
    page.json.addEventListener("click", () => this.saveConfig(), { signal });

    for (const name of TRAITS) model.on(`change:${name}`, this.requestDraw);
    const resized = new ResizeObserver(this.requestDraw);
    resized.observe(root);
    // JupyterLab names its theme on the body; elsewhere the color scheme of the system decides.
    const themed = new MutationObserver(this.requestDraw);
    themed.observe(document.body, { attributes: true });
    signal.addEventListener("abort", () => {
      resized.disconnect();
      themed.disconnect();
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.requestDraw, { signal });
  }
}

/** @satisfies {import("@anywidget/types").AnyWidget<LensTraits>} */
const widget = { render };
export default widget;
