/**
 * The explorer at work: every draw is made of the model's traits alone, and what a reader does is asked of the kernel.
 *
 * Jupyter calls the default export's `render`; static.js calls it in a page without a kernel.
 *
 * @import { AnyModel } from "@anywidget/types"
 * @import { Clip, Traits } from "./data.js"
 *
 * @typedef {Pick<AnyModel<Traits>, "get" | "set" | "on" | "off" | "save_changes">} Held
 * @typedef {Held & Partial<Pick<AnyModel<Traits>, "send">>} Model one that holds, and asks where there is a kernel
 */

import { copyText, download, element, hideStandin, onEntered } from "../dom.js";
import { claimKeys } from "../keys.js";
import { copyBytes } from "../packed.js";
import { Asking } from "../asking.js";
import { buildKnobs } from "./controls.js";
import { segmentOf, tokensAreOf } from "./data.js";
import { buildNotice, buildPage, OWN } from "./page.js";
import { answerPicture, reasonsPicture, roomFor } from "./panels.js";
import { SegmentPanel } from "./segment.js";
import { toElement } from "./tree.js";
import { keptInWords, numbersInWords } from "./words.js";

const TRAITS = /** @type {const} */ (["clip", "shown", "maps", "tokens", "message", "frame", "picture"]);
/** Milliseconds that the controls rest before tokens are chosen anew. */
const REST = 300;
const NONE = "This explorer's data is gone: run the cell that makes it again.";
const STORED = "Without a kernel nothing can be turned: run the cell to do so. Segments can be chosen.";

/** Jupyter's entry. @param {{model: Model, el: HTMLElement}} context @returns {() => void} what ends the view */
export function render({ model, el }) {
  if (!model.get("setup")?.groups || !model.get("clip")?.count) {
    el.replaceChildren(buildNotice(NONE));
    return () => {};
  }
  const view = new ExplorerView(model, el);
  return () => view.end();
}

class ExplorerView {
  waiting = false;
  drawn = 0;
  resting = 0;
  ending = new AbortController();
  /** @type {Clip | null} of which the pictures are */
  pictured = null;
  /** @type {string[]} addresses of the frames */
  pictures = [];

  /** @param {Model} model @param {HTMLElement} el */
  constructor(model, el) {
    this.model = model;
    this.requestDraw = this.requestDraw.bind(this);
    this.answered = () => this.asking.answer(model.get("answered"));
    this.cutOff = () => this.asking.lose({ ask: "tokens" });
    this.received = this.receive.bind(this);
    this.asking = new Asking(model.send && ((...message) => model.send?.(...message)), this.requestDraw);
    this.knobs = buildKnobs(model.get("setup"), (option, value) => this.asking.ask({ ask: "turn", option, value }));
    this.page = buildPage(model.get("setup"), this.knobs.groups);
    this.segment = new SegmentPanel(this.page);
    el.replaceChildren(hideStandin(model.get("standin")), this.page.root);
    this.listen();
    this.requestDraw();
  }

  end() {
    this.ending.abort();
    this.asking.end();
    clearTimeout(this.resting);
    this.letGoOfPictures();
    for (const name of TRAITS) this.model.off(`change:${name}`, this.requestDraw);
    this.model.off("change:answered", this.answered);
    this.model.off("msg:custom", this.received);
    /** @type {any} */ (this.model).off("comm_live_update", this.cutOff);
  }

  requestDraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (!this.ending.signal.aborted) this.draw();
    });
  }

  draw() {
    const { model, page } = this;
    const [clip, shown] = [model.get("clip"), model.get("shown")];
    if (!clip?.count || !shown?.plan) {
      page.root.replaceChildren(buildNotice(NONE));
      return;
    }
    // Read before anything is written, and what is written is laid out once.
    const [width, below] = [page.answer.clientWidth, page.reasons.clientWidth];
    if (width === 0) return;
    this.takePictures(clip);
    const chosen = segmentOf(shown.plan, model.get("frame"));
    page.answer.replaceChildren(toElement(answerPicture(roomFor(clip, shown, chosen, width), this.pictures)));
    page.reasons.replaceChildren(toElement(reasonsPicture(roomFor(clip, shown, chosen, below))));
    const said = numbersInWords(clip, shown.plan, chosen).join(". ");
    page.answer.setAttribute("aria-label", `${clip.name}. ${said}`);
    page.reasons.setAttribute("aria-label", `Similarity, uniqueness, richness and weight over time. ${said}`);
    this.showControls(clip);
    this.showMessage();
    const traits = { maps: model.get("maps"), tokens: model.get("tokens"), picture: model.get("picture") };
    this.segment.show({ clip, shown, chosen, pictures: this.pictures, ...traits });
    this.drawn += 1;
    page.root.dataset.drawn = String(this.drawn);
    page.root.dataset.idle = String(this.asking.idle);
    this.rest();
  }

  /** Ask for the tokens of what is shown, once the controls rest. */
  rest() {
    clearTimeout(this.resting);
    if (!this.asking.live || !this.asking.idle || tokensAreOf(this.model.get("tokens"), this.model.get("shown"))) return;
    this.resting = window.setTimeout(() => {
      if (!document.hidden && this.asking.idle) this.asking.ask({ ask: "tokens" });
    }, REST);
  }

  /** @param {Clip} clip */
  showControls(clip) {
    const { model, page, asking } = this;
    const [shown, setup] = [model.get("shown"), model.get("setup")];
    page.root.classList.toggle("be-behind", asking.behind && asking.late);
    // While a knob turns, the reader's hand knows better than the answer to an earlier ask.
    if (!asking.behind) {
      this.knobs.show(shown);
      page.clip.value = setup.samples.includes(clip.source ?? "") ? /** @type {string} */ (clip.source) : OWN;
      if (document.activeElement !== page.count) page.count.value = String(clip.count);
      page.preset.value = "";
    }
    page.facts.textContent = clip.facts;
    page.count.disabled = !this.asking.live || clip.source === null;
    page.count.title =
      clip.source === null
        ? "These tokens were given: there is no clip to read again"
        : "Frames that are read of the clip";
    page.unpin.disabled = !this.asking.live || shown.pinned === null;
    page.code.textContent = shown.line;
    page.described.textContent =
      shown.described_pinned === null ? "" : `B is drawn; A, pinned, at the same ratio: ${shown.described_pinned}`;
    const longest = Math.max(shown.plan.requested, shown.plan.kept, shown.pinned?.kept ?? 0);
    const rows = (shown.pinned ? [shown.pinned, shown.plan] : [shown.plan]).map((plan, i) => {
      const parts = /** @type {const} */ (["salient", "context"]).map((name) => {
        const part = element(
          "span",
          { class: `be-part ${name}`, title: `${plan[name].toLocaleString("en")} ${name}` },
          plan[name].toLocaleString("en"),
        );
        part.style.width = `${(100 * plan[name]) / longest}%`;
        return part;
      });
      return [
        element("span", {}, keptInWords(plan, shown.pinned ? `${"AB"[i]} keeps` : "kept")),
        element("span", { class: "be-bar" }, ...parts),
      ];
    });
    page.totals.replaceChildren(
      element("span", {}, `requested ${shown.plan.requested.toLocaleString("en")}`),
      element("span", { class: "be-key" }, "salient | context"),
      ...rows.flat(),
    );
  }

  showMessage() {
    const { page, asking } = this;
    const { words, failed } = asking.words(this.model.get("message"), STORED);
    page.message.classList.toggle("im-failed", failed);
    page.message.textContent = words ? `${failed ? "⚠ " : ""}${words}` : "";
    page.message.title = words;
  }

  /** @param {any} content @param {DataView[]} buffers */
  receive(content, buffers) {
    if (content?.view !== this.asking.view || !content.file) return;
    download(new Blob([copyBytes(buffers[0])]), content.file);
  }

  /** @param {Clip} clip */
  takePictures(clip) {
    if (this.pictured === clip) return;
    this.letGoOfPictures();
    this.pictured = clip;
    this.pictures = clip.pictures.map((bytes) =>
      URL.createObjectURL(new Blob([copyBytes(bytes)], { type: "image/jpeg" })),
    );
  }

  letGoOfPictures() {
    for (const address of this.pictures) URL.revokeObjectURL(address);
    this.pictures = [];
  }

  /** Choose a segment; the kernel, if there is one, is told, and not asked. @param {number} k */
  choose(k) {
    const { bounds } = this.model.get("shown").plan;
    if (k < 0 || k >= bounds.length) return;
    this.model.set("frame", Math.floor((bounds[k][0] + bounds[k][1]) / 2));
    this.model.save_changes();
    this.requestDraw();
  }

  /** @param {number} step */
  step(step) {
    this.choose(segmentOf(this.model.get("shown").plan, this.model.get("frame")) + step);
  }

  /** @param {Event} event @returns {number | null} */
  segmentUnder(event) {
    const number = /** @type {Element} */ (event.target).getAttribute?.("data-segment");
    return number === null || number === undefined ? null : Number(number);
  }

  /** @param {PointerEvent} event */
  hover(event) {
    const { tip, root } = this.page;
    const k = this.segmentUnder(event);
    tip.hidden = k === null;
    if (k === null) return;
    tip.replaceChildren(
      ...numbersInWords(this.model.get("clip"), this.model.get("shown").plan, k).map((line) =>
        element("div", {}, line),
      ),
    );
    const box = root.getBoundingClientRect();
    const left = Math.min(event.clientX - box.left + 14, box.width - tip.offsetWidth - 4);
    tip.style.transform = `translate(${Math.max(0, left)}px, ${event.clientY - box.top + 16}px)`;
  }

  async upload() {
    const { page, model } = this;
    const file = page.file.files?.[0];
    page.file.value = ""; // The same file may be chosen again.
    if (!file) return;
    if (file.size > model.get("setup").most_bytes) this.asking.ask({ ask: "too_large", name: file.name, size: file.size });
    else this.asking.ask({ ask: "upload", name: file.name }, [await file.arrayBuffer()], `Reading ${file.name} …`);
  }

  /** @param {string} source */
  load(source) {
    if (source) this.asking.ask({ ask: "load", source }, undefined, `Reading ${source} …`);
  }

  async copy() {
    const line = element("span", {}, this.model.get("shown").python);
    this.page.root.append(line);
    this.page.copy.textContent = (await copyText(line)) ? "Copied" : "Press Ctrl+C to copy";
    line.remove();
    setTimeout(() => (this.page.copy.textContent = "Copy as Python"), 2000);
  }

  listen() {
    const { model, page } = this;
    const { signal } = this.ending;
    const on = (
      /** @type {EventTarget} */ target,
      /** @type {string} */ name,
      /** @type {(event: any) => void} */ act,
    ) => target.addEventListener(name, act, { signal });
    const onAnswer = (/** @type {number} */ step) => (/** @type {KeyboardEvent} */ event) =>
      event.target === page.answer ? this.step(step) : false;
    signal.addEventListener("abort", claimKeys(page.root, { ArrowLeft: onAnswer(-1), ArrowRight: onAnswer(1) }));
    for (const chart of [page.answer, page.reasons]) {
      on(chart, "click", (event) => {
        const k = this.segmentUnder(event);
        if (k !== null) this.choose(k);
      });
      on(chart, "pointermove", (event) => this.hover(event));
      on(chart, "pointerleave", () => (page.tip.hidden = true));
    }
    page.tip.hidden = true;
    on(page.segment, "change", () => this.choose(Number(page.segment.value)));
    for (const input of page.kinds) {
      on(input, "change", () => {
        model.set("picture", /** @type {Traits["picture"]} */ (input.value));
        model.save_changes();
        this.requestDraw();
      });
    }
    on(page.clip, "change", () => (page.clip.value === OWN ? this.asking.ask({ ask: "own" }) : this.load(page.clip.value)));
    onEntered(page.path, () => this.load(page.path.value.trim()));
    on(page.upload, "click", () => page.file.click());
    on(page.file, "change", () => this.upload());
    onEntered(page.count, () =>
      this.asking.ask({ ask: "frames", count: Number(page.count.value) }, undefined, "Reading the clip again …"),
    );
    on(page.preset, "change", () => page.preset.value && this.asking.ask({ ask: "preset", name: page.preset.value }));
    on(page.pin, "click", () => this.asking.ask({ ask: "pin" }));
    on(page.unpin, "click", () => this.asking.ask({ ask: "unpin" }));
    on(page.copy, "click", () => this.copy());
    on(page.download, "click", () =>
      this.asking.ask({ ask: "download", kind: page.what.value }, undefined, "Making the file …"),
    );
    on(page.save, "click", () =>
      this.asking.ask({ ask: "save", kind: page.what.value, folder: page.folder.value }, undefined, "Writing …"),
    );
    if (!this.asking.live) {
      for (const control of page.root.querySelectorAll(
        ".be-controls :is(input, select, button), .be-export :is(input, select, button)",
      )) {
        control.setAttribute("disabled", "");
      }
    }
    for (const name of TRAITS) model.on(`change:${name}`, this.requestDraw);
    model.on("change:answered", this.answered);
    model.on("msg:custom", this.received);
    /** @type {any} */ (model).on("comm_live_update", this.cutOff);
    const resized = new ResizeObserver(this.requestDraw);
    resized.observe(page.root);
    signal.addEventListener("abort", () => resized.disconnect());
  }
}

/** @satisfies {import("@anywidget/types").AnyWidget<Traits>} */
const widget = { render };
export default widget;
