/**
 * The elements of the lens, and what the page itself offers: its theme, its canvases, the clipboard, files to save.
 *
 * Knows what the view is made of, not what it shows at the moment.
 *
 * @import { Lens } from "./data.js"
 * @import { Theme } from "./drawing.js"
 */

import { element } from "../dom.js";
import { ROLES } from "./drawing.js";
import { describeClip, KEY_HELP, MODES } from "./words.js";

/** The class and the colors that the style sheet takes its own from. @param {string} [more] further classes */
function rootAttributes(more = "") {
  const style = Object.entries(ROLES).map(([role, color]) => `--im-${role}: ${color}`).join("; ");
  return { class: `infomerge-view token-lens ${more}`.trim(), style };
}

/** What stands in the view's place where there is nothing to show. @param {string} text */
export function buildError(text) {
  return element("div", { ...rootAttributes("im-notice"), role: "alert" }, text);
}

/** @typedef {ReturnType<typeof buildPage>} Page */

/** The parts that a reader works with. @param {Lens} lens */
function buildParts(lens) {
  const inputs = MODES.map(([mode]) => element("input", { type: "radio", name: "mode", value: mode }));
  const modes = MODES.map(([, name], i) => element("label", {}, inputs[i], element("span", {}, name)));
  const codeLabel = `The method ${lens.method} as a line of Python`;
  return {
    inputs,
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
    line: element("code", { class: "tl-line", "aria-label": codeLabel }, lens.line),
    copy: element("button", { type: "button" }, "Copy"),
    png: element("button", { type: "button" }, "Save PNG"),
    svg: element("button", { type: "button" }, "Save SVG"),
    json: element("button", { type: "button" }, "Save config.json"),
    live: element("div", { class: "tl-live", role: "status", "aria-live": "polite" }),
  };
}

/** @param {Lens} lens */
export function buildPage(lens) {
  const parts = buildParts(lens);
  const header = element(
    "header",
    {},
    element("div", {}, element("h3", {}, lens.title), element("p", {}, describeClip(lens))),
    parts.modes,
  );
  const readout = element("div", { class: "tl-readout" }, parts.kind, parts.words, parts.goHome);
  const transport = element("div", { class: "tl-transport" }, parts.play, parts.scrubber, parts.clock);
  const patches = element("div", { class: "tl-patches" }, parts.mosaic);
  const scroll = element("div", { class: "tl-scroll" }, parts.strip);
  const root = element(
    "section",
    { ...rootAttributes(), "aria-label": lens.title },
    header,
    element(
      "div",
      { class: "tl-main" },
      element("div", { class: "tl-screen" }, parts.stage, transport),
      element("aside", {}, readout, parts.legend, patches),
    ),
    scroll,
    element(
      "footer",
      {},
      element("p", { class: "tl-keys" }, KEY_HELP),
      element(
        "div",
        { class: "tl-export" },
        element("div", { class: "tl-python" }, parts.line, parts.copy),
        ...(lens.config ? [parts.json] : []),
        parts.png,
        parts.svg,
      ),
    ),
    parts.live,
  );
  return { root, header, patches, scroll, ...parts };
}

/** Exports are for paper, whatever the page's theme. */
export const PRINT = { ink: "#1b1d20", muted: "#5c6168", line: "#d5d8dc", paper: "#ffffff" };

/** @param {HTMLElement} root @returns {Theme} */
export function readTheme(root) {
  const style = getComputedStyle(root);
  const value = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    ink: style.color,
    // As the browser mixed it: a canvas may not know how.
    muted: getComputedStyle(/** @type {Element} */ (root.querySelector("p"))).color,
    line: value("--im-line"),
    paper: value("--im-paper"),
    font: style.fontFamily,
  };
}

/**
 * A canvas's context in CSS pixels, the canvas cleared and as sharp as the screen.
 * @param {HTMLCanvasElement} canvas @param {number} width @param {number} height @param {number} [density]
 */
export function prepare(canvas, width, height, density = window.devicePixelRatio || 1) {
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const ctx = canvas.getContext("2d");
  if (!ctx) throw new Error("this browser cannot draw on a canvas.");
  ctx.setTransform(density, 0, 0, density, 0, 0);
  return ctx;
}

/** @param {Lens} lens */
export async function decodeImages(lens) {
  const decoded = lens.images.map((bytes) => createImageBitmap(new Blob([bytes], { type: "image/webp" })));
  try {
    return await Promise.all(decoded);
  } catch {
    throw new Error("this browser cannot read the frames (WebP pictures).");
  }
}

/** A frame as JPEG, which every reader of SVG knows, as a data: address. @param {ImageBitmap} image */
export function jpegOf(image) {
  const canvas = element("canvas");
  prepare(canvas, image.width, image.height, 1).drawImage(image, 0, 0);
  return canvas.toDataURL("image/jpeg", 0.92);
}
