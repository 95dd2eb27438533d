/**
 * The view: controls that ask the kernel, and a picture of what the model's traits say, and of nothing else.
 *
 * Jupyter calls the default export's `render`; static.js calls it in a page without a kernel.
 *
 * @import { AnyModel } from "@anywidget/types"
 * @import { Box, Clip, Curve, Result, Traits } from "./shapes.js"
 *
 * @typedef {Pick<AnyModel<Traits>, "get" | "on" | "off">} Held
 * @typedef {Held & Partial<Pick<AnyModel<Traits>, "send">>} Model one that holds, and asks where there is a kernel
 */

import palette from "../../palette.json" with { type: "json" };
import { Asking } from "../asking.js";
import { element, hideStandin } from "../dom.js";
import { label, svg, toElement } from "../explorer/tree.js";
import { claimKeys } from "../keys.js";
import {
  cellOf, curvePath, curvePlace, frameBoxes, inWords, isWhole, NEEDED, needsInWords, percent, ratioAt, STEPS, stepOf,
} from "./shapes.js";

const TRAITS = /** @type {const} */ (["result", "curve", "question", "method", "ratio", "mark", "message"]);
const CURVE_BOX = { x: 34, y: 18, width: 250, height: 96 };
/** Milliseconds that the controls rest before what takes longer is worked out. */
const REST = 200;
const STORED = "Without a kernel nothing can be asked: run the cell to do so.";
const NONE = "What was answered here is gone: run the cell that makes it again.";

/** @param {string} name a role of the palette */
const roleColor = (name) => {
  const roles = /** @type {Record<string, string>} */ (palette.roles);
  return /** @type {Record<string, string>} */ (palette.hues)[roles[name]];
};

/**
 * Jupyter's entry.
 * @param {{model: Model, el: HTMLElement}} context
 * @returns {Promise<() => void>} what ends the view
 */
export async function render({ model, el }) {
  const clip = model.get("clip");
  if (!clip?.images || model.get("result")?.index === undefined) {
    el.replaceChildren(element("div", { class: "infomerge-view answer-view im-notice", role: "status" }, NONE));
    return () => {};
  }
  const images = await Promise.all(clip.images.map((view) => createImageBitmap(new Blob([/** @type {any} */ (view)]))));
  const view = new AnswersView(clip, images, model, el);
  return () => view.end();
}

class AnswersView {
  waiting = false;
  resting = 0;
  ended = false;

  /** @param {Clip} clip @param {ImageBitmap[]} images @param {Model} model @param {HTMLElement} el */
  constructor(clip, images, model, el) {
    this.clip = clip;
    this.images = images;
    this.model = model;
    this.total = images.length * clip.rows * clip.columns;
    this.requestDraw = this.requestDraw.bind(this);
    this.answered = () => this.asking.answer(model.get("answered"));
    this.cutOff = () => this.asking.lose({ ask: "rest" });
    this.asking = new Asking(model.send && ((...message) => model.send?.(...message)), this.requestDraw);
    this.message = element("div", { class: "im-message", role: "status", "aria-live": "polite" });
    this.question = element("select", {}, ...clip.questions.map((one, k) => element("option", { value: k }, one.text)));
    this.method = element("select", {}, ...clip.methods.map((one) => element("option", { value: one.name }, one.title)));
    this.ratio = element("input", { type: "range", min: 0, max: STEPS, step: 1 });
    // The slider says its value itself.
    this.ratioWords = element("b", { class: "av-ratio", "aria-hidden": "true" });
    this.mark = element("input", { type: "checkbox" });
    this.says = element("p", { class: "av-says", role: "status" });
    this.needs = element("p", { class: "av-needs" });
    this.bars = element("div", { class: "av-bars" });
    this.canvas = element("canvas", { role: "img" });
    this.curve = element("div", { role: "img", class: "av-curve" });
    this.root = element("section", { class: "infomerge-view answer-view", "aria-label": clip.title }, this.message,
      this.controls(), this.says, this.needs, this.canvas,
      element("div", { class: "av-below" }, this.bars, this.curve));
    for (const role of ["salient", "context", "highlight"]) this.root.style.setProperty(`--im-${role}`, roleColor(role));
    el.replaceChildren(hideStandin(model.get("standin")), this.root);
    this.listen();
    this.requestDraw();
  }

  controls() {
    /** @param {string} words @param {HTMLElement[]} parts */
    const labelled = (words, ...parts) => element("label", {}, element("span", {}, words), ...parts);
    return element("div", { class: "av-controls" },
      labelled("Question", this.question),
      labelled("Method", this.method),
      labelled("Tokens kept", this.ratio, this.ratioWords),
      element("label", { class: "av-check" }, this.mark, "mark the tokens that the answer needs"));
  }

  listen() {
    const { model, asking } = this;
    /** @param {HTMLElement} control @param {string} event @param {string} option @param {() => unknown} read */
    const turns = (control, event, option, read) =>
      control.addEventListener(event, () => asking.ask({ ask: "turn", option, value: read() }));
    turns(this.question, "change", "question", () => Number(this.question.value));
    turns(this.method, "change", "method", () => this.method.value);
    turns(this.ratio, "input", "ratio", () => this.chosenRatio());
    turns(this.mark, "change", "mark", () => this.mark.checked);
    if (!asking.live) {
      for (const control of [this.question, this.method, this.ratio, this.mark]) control.disabled = true;
    }
    for (const name of TRAITS) model.on(`change:${name}`, this.requestDraw);
    model.on("change:answered", this.answered);
    /** @type {any} */ (model).on("comm_live_update", this.cutOff);
    this.unclaim = claimKeys(this.root);
    this.resized = new ResizeObserver(this.requestDraw);
    this.resized.observe(this.root);
  }

  end() {
    this.ended = true;
    this.asking.end();
    clearTimeout(this.resting);
    for (const name of TRAITS) this.model.off(`change:${name}`, this.requestDraw);
    this.model.off("change:answered", this.answered);
    /** @type {any} */ (this.model).off("comm_live_update", this.cutOff);
    this.unclaim?.();
    this.resized?.disconnect();
    for (const image of this.images) image.close();
  }

  /** What the slider says. */
  chosenRatio() {
    return ratioAt(Number(this.ratio.value), this.clip.least, this.clip.most);
  }

  /** Ask for what takes longer, once the controls rest. */
  rest() {
    clearTimeout(this.resting);
    const { model, asking, clip } = this;
    const [result, curve] = [model.get("result"), model.get("curve")];
    if (!asking.live || !asking.idle || isWhole(result, curve, model.get("mark"), clip.markedUpTo)) return;
    this.resting = window.setTimeout(() => {
      if (!document.hidden && asking.idle) asking.ask({ ask: "rest" });
    }, REST);
  }

  requestDraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (!this.ended) this.draw();
    });
  }

  draw() {
    const { model, clip, asking } = this;
    const result = model.get("result");
    if (result?.index === undefined) {
      this.root.replaceChildren(NONE);
      return;
    }
    const mark = model.get("mark");
    // While a control is turned, the reader's hand knows better than the answer to an earlier ask.
    if (!asking.behind) {
      this.question.value = String(model.get("question"));
      this.method.value = model.get("method");
      this.ratio.value = String(stepOf(model.get("ratio"), clip.least, clip.most));
      this.mark.checked = mark;
    }
    const ratio = asking.behind ? this.chosenRatio() : model.get("ratio");
    this.ratio.setAttribute("aria-valuetext", percent(ratio));
    this.ratioWords.textContent = percent(ratio);
    const { words, failed } = asking.words(model.get("message"), STORED);
    this.message.classList.toggle("im-failed", failed);
    this.message.textContent = words ? `${failed ? "⚠ " : ""}${words}` : "";
    this.root.classList.toggle("av-behind", asking.behind && asking.late);
    this.says.textContent = inWords(result, this.total);
    this.says.classList.toggle("av-wrong", result.said !== result.right);
    this.needs.textContent = needsInWords(result, mark, clip.markedUpTo);
    this.drawBars(result);
    this.drawCurve(model.get("curve"), result);
    this.drawFrames(result);
    const { said, index, question, method } = result;
    this.root.dataset.view = JSON.stringify({ said, kept: index.length, question, method, ratio: result.ratio });
    this.root.dataset.idle = String(asking.idle);
    this.rest();
  }

  /** @param {Result} result */
  drawBars(result) {
    this.bars.replaceChildren(...result.choices.map(({ word, probability }) => {
      const fill = element("span", { class: "av-fill", style: `width: ${100 * probability}%` });
      const marks = [word === result.right ? " ✓" : "", word === result.said && word !== result.right ? " ✗" : ""];
      const classes = `av-bar${word === result.right ? " av-right" : ""}`;
      return element("div", { class: classes }, element("span", { class: "av-word" }, word + marks.join("")),
        element("span", { class: "av-room" }, fill), element("span", { class: "av-number" }, `${(100 * probability).toFixed(1)} %`));
    }));
  }

  /** @param {Curve} curve @param {Result} result */
  drawCurve(curve, result) {
    const { least, most } = this.clip;
    const box = CURVE_BOX;
    const bottom = box.y + box.height;
    const middle = box.x + box.width / 2;
    const parts = [
      svg("path", { class: "av-axis", d: `M${box.x},${box.y} V${bottom} H${box.x + box.width}` }),
      ...[0, 0.5, 1].map((share) =>
        label(box.x - 4, box.y + (1 - share) * box.height + 3.5, `${100 * share}`, { "text-anchor": "end" })),
      ...[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1].map((ratio) => {
        const [x] = curvePlace(ratio, 0, box, least, most);
        return label(x, bottom + 13, `${100 * ratio}`, { "text-anchor": "middle" });
      }),
      label(middle, bottom + 28, "tokens kept (%)", { "text-anchor": "middle" }),
      label(box.x, box.y - 8, "probability of the right answer (%)"),
    ];
    // Of another question or method, as long as the new one is worked out, it would be wrong.
    if (curve.question === result.question && curve.method === result.method) {
      parts.push(svg("path", { class: "av-line", d: curvePath(curve.points, box, least, most) }));
    }
    const [x, y] = curvePlace(result.ratio, result.probability, box, least, most);
    parts.push(svg("circle", { class: "av-now", cx: x, cy: y, r: 4 }));
    this.curve.setAttribute("aria-label", `Probability of the right answer by tokens kept; now ${percent(result.probability)} at ${percent(result.ratio)}`);
    this.curve.replaceChildren(toElement(svg("svg", { viewBox: "0 0 300 150" }, ...parts)));
  }

  /** @param {Result} result */
  drawFrames(result) {
    const { clip, canvas, images } = this;
    const width = this.root.clientWidth;
    if (width === 0) return;
    const { boxes, height } = frameBoxes(images.length, width, clip.width / clip.height);
    const scale = devicePixelRatio;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
    const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    pen.scale(scale, scale);
    pen.globalAlpha = 0.22;
    boxes.forEach((box, k) => pen.drawImage(images[k], box.x, box.y, box.width, box.height));
    pen.globalAlpha = 1;
    const cells = clip.rows * clip.columns;
    result.index.forEach((token, k) => {
      const frame = Math.floor(token / cells);
      this.drawToken(pen, images[frame], boxes[frame], token % cells, roleColor(result.context[k] ? "context" : "salient"));
    });
    const most = Math.max(...(result.needed ?? [0]));
    result.index.forEach((token, k) => {
      const needed = result.needed?.[k] ?? 0;
      if (needed <= NEEDED) return;
      const cell = cellOf(clip, boxes[Math.floor(token / cells)], token % cells);
      const line = 2 + (3 * needed) / most;
      pen.strokeStyle = roleColor("highlight");
      pen.lineWidth = line;
      pen.strokeRect(cell.x - 1, cell.y - 1, cell.width + 2, cell.height + 2);
    });
    const found = result.needed?.filter((value) => value > NEEDED).length ?? 0;
    canvas.setAttribute("aria-label", `${images.length} frames with ${result.index.length} kept tokens in color${found ? `, ${found} of them marked as needed` : ""}`);
  }

  /**
   * @param {CanvasRenderingContext2D} pen @param {ImageBitmap} image @param {Box} box @param {number} position
   * @param {string} color
   */
  drawToken(pen, image, box, position, color) {
    const { rows, columns } = this.clip;
    const cell = cellOf(this.clip, box, position);
    const [across, up] = [image.width / columns, image.height / rows];
    const [row, column] = [Math.floor(position / columns), position % columns];
    pen.drawImage(image, column * across, row * up, across, up, cell.x, cell.y, cell.width, cell.height);
    pen.strokeStyle = color;
    pen.lineWidth = 1.2;
    pen.strokeRect(cell.x + 0.6, cell.y + 0.6, cell.width - 1.2, cell.height - 1.2);
  }
}

/** @satisfies {import("@anywidget/types").AnyWidget<Traits>} */
const widget = { render };
export default widget;
