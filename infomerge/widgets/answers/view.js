/**
 * The view: controls that set the model's traits, and a picture of what the traits say.
 *
 * @import { AnyModel } from "@anywidget/types"
 * @import { Box, Clip, Curve, Result, Traits } from "./shapes.js"
 */

import { claimKeys } from "../keys.js";
import palette from "../../palette.json" with { type: "json" };
import {
  cellOf, curvePath, curvePlace, frameBoxes, inWords, NEEDED, needsInWords, percent, ratioAt, STEPS, stepOf,
} from "./shapes.js";

const SVG = "http://www.w3.org/2000/svg";
const TRAITS = /** @type {const} */ (["result", "curve", "question", "method", "ratio", "mark"]);
const CURVE_BOX = { x: 34, y: 8, width: 250, height: 96 };

/** @param {string} name a role of the palette */
const roleColor = (name) => {
  const roles = /** @type {Record<string, string>} */ (palette.roles);
  return /** @type {Record<string, string>} */ (palette.hues)[roles[name]];
};

/**
 * Jupyter's entry.
 * @param {{model: AnyModel<Traits>, el: HTMLElement}} context
 * @returns {Promise<() => void>} what ends the view
 */
export async function render({ model, el }) {
  const clip = model.get("clip");
  const images = await Promise.all(clip.images.map((view) => createImageBitmap(new Blob([/** @type {any} */ (view)]))));
  const view = new AnswerView(clip, images, model, el);
  return () => view.end();
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {Record<string, string>} attributes @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** @param {string} tag @param {Record<string, string | number>} attributes @param {string} [text] */
function drawn(tag, attributes, text = "") {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.textContent = text;
  return node;
}

class AnswerView {
  /** @param {Clip} clip @param {ImageBitmap[]} images @param {AnyModel<Traits>} model @param {HTMLElement} el */
  constructor(clip, images, model, el) {
    this.clip = clip;
    this.images = images;
    this.model = model;
    this.total = images.length * clip.rows * clip.columns;
    this.question = make("select", {}, ...clip.questions.map((one, k) => make("option", { value: String(k) }, one.text)));
    this.method = make("select", {}, ...clip.methods.map((one) => make("option", { value: one.name }, one.title)));
    this.ratio = make("input", { type: "range", min: "0", max: String(STEPS), step: "1" });
    // The slider says its value itself.
    this.ratioWords = make("b", { class: "av-ratio", "aria-hidden": "true" });
    this.mark = make("input", { type: "checkbox" });
    this.says = make("p", { class: "av-says", role: "status" });
    this.needs = make("p", { class: "av-needs" });
    this.bars = make("div", { class: "av-bars" });
    this.canvas = make("canvas", { role: "img" });
    this.curve = drawn("svg", { viewBox: "0 0 300 140", role: "img", class: "av-curve" });
    this.root = make("div", { class: "answer-view" }, this.controls(), this.says, this.needs, this.canvas,
      make("div", { class: "av-below" }, this.bars, this.curve));
    for (const role of ["salient", "context", "highlight"]) this.root.style.setProperty(`--av-${role}`, roleColor(role));
    el.replaceChildren(this.root);
    this.draw = this.draw.bind(this);
    this.listen();
    this.draw();
  }

  controls() {
    /** @param {string} words @param {HTMLElement[]} parts */
    const labelled = (words, ...parts) => make("label", {}, make("span", {}, words), ...parts);
    return make("div", { class: "av-controls" },
      labelled("Question", this.question),
      labelled("Method", this.method),
      labelled("Tokens kept", this.ratio, this.ratioWords),
      make("label", { class: "av-check" }, this.mark, "mark the tokens that the answer needs"));
  }

  listen() {
    const { model } = this;
    /** @template {keyof Traits} Name @param {Name} name @param {Traits[Name]} value */
    const set = (name, value) => {
      model.set(name, value);
      model.save_changes();
    };
    this.question.addEventListener("change", () => set("question", Number(this.question.value)));
    this.method.addEventListener("change", () => set("method", this.method.value));
    this.ratio.addEventListener("input", () => {
      set("ratio", ratioAt(Number(this.ratio.value), this.clip.least, this.clip.most));
    });
    this.mark.addEventListener("change", () => set("mark", this.mark.checked));
    for (const name of TRAITS) model.on(`change:${name}`, this.draw);
    this.unclaim = claimKeys(this.root);
    this.resized = new ResizeObserver(this.draw);
    this.resized.observe(this.root);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.addEventListener("change", this.draw);
  }

  end() {
    for (const name of TRAITS) this.model.off(`change:${name}`, this.draw);
    this.unclaim?.();
    this.resized?.disconnect();
    this.dark?.removeEventListener("change", this.draw);
    for (const image of this.images) image.close();
  }

  draw() {
    const { model, clip } = this;
    const result = model.get("result");
    const [ratio, mark] = [model.get("ratio"), model.get("mark")];
    this.question.value = String(model.get("question"));
    this.method.value = model.get("method");
    this.ratio.value = String(stepOf(ratio, clip.least, clip.most));
    this.ratio.setAttribute("aria-valuetext", percent(ratio));
    this.ratioWords.textContent = percent(ratio);
    this.mark.checked = mark;
    const right = result.said === result.right;
    this.says.textContent = inWords(result, this.total);
    this.says.classList.toggle("av-wrong", !right);
    this.needs.textContent = needsInWords(result, mark, clip.markedUpTo);
    this.drawBars(result);
    this.drawCurve(model.get("curve"), result);
    this.drawFrames(result);
    this.root.dataset.view = JSON.stringify({ said: result.said, kept: result.index.length, ratio: result.ratio });
  }

  /** @param {Result} result */
  drawBars(result) {
    this.bars.replaceChildren(...result.choices.map(({ word, probability }) => {
      const fill = make("span", { class: "av-fill", style: `width: ${100 * probability}%` });
      const marks = [word === result.right ? " ✓" : "", word === result.said && word !== result.right ? " ✗" : ""];
      const classes = `av-bar${word === result.right ? " av-right" : ""}`;
      return make("div", { class: classes }, make("span", { class: "av-word" }, word + marks.join("")),
        make("span", { class: "av-room" }, fill), make("span", { class: "av-number" }, `${(100 * probability).toFixed(1)} %`));
    }));
  }

  /** @param {Curve} curve @param {Result} result */
  drawCurve(curve, result) {
    const { least, most } = this.clip;
    const box = CURVE_BOX;
    const bottom = box.y + box.height;
    const parts = [drawn("path", { class: "av-axis", d: `M${box.x},${box.y} V${bottom} H${box.x + box.width}` })];
    for (const share of [0, 0.5, 1]) {
      const y = box.y + (1 - share) * box.height;
      parts.push(drawn("text", { x: box.x - 4, y: y + 3.5, "text-anchor": "end" }, `${100 * share}`));
    }
    for (const ratio of [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]) {
      const [x] = curvePlace(ratio, 0, box, least, most);
      parts.push(drawn("text", { x, y: bottom + 13, "text-anchor": "middle" }, `${100 * ratio}`));
    }
    const middle = box.x + box.width / 2;
    parts.push(drawn("text", { x: middle, y: bottom + 28, "text-anchor": "middle" }, "% right, by % of tokens kept"));
    // Of another question or method, as long as the new one is worked out, it would be wrong.
    if (curve.question === result.question && curve.method === result.method) {
      parts.push(drawn("path", { class: "av-line", d: curvePath(curve.points, box, least, most) }));
    }
    const [x, y] = curvePlace(result.ratio, result.probability, box, least, most);
    parts.push(drawn("circle", { class: "av-now", cx: x, cy: y, r: 4 }));
    this.curve.setAttribute("aria-label", `Probability of the right answer by tokens kept; now ${percent(result.probability)} at ${percent(result.ratio)}`);
    this.curve.replaceChildren(...parts);
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
