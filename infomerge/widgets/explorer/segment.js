/**
 * The chosen segment: its weight in numbers, its map on its own picture, and what becomes of its tokens.
 *
 * @import { Clip, Maps, Shown, Tokens, Traits } from "./data.js"
 * @import { Page } from "./page.js"
 *
 * @typedef {Object} Seen all that the parts are drawn of
 * @property {Clip} clip
 * @property {string[]} pictures addresses of the frames
 * @property {Shown} shown
 * @property {Maps} maps
 * @property {Tokens} tokens
 * @property {Traits["picture"]} picture
 * @property {number} chosen
 */

import { element } from "../dom.js";
import { framesOf, keptTokens, priorMap, tokensAreOf } from "./data.js";
import { frameHeight, framesRow, heatBar, mapPicture } from "./frames.js";
import { toElement } from "./tree.js";
import { differenceInWords, legendOfFrames, mapInWords, segmentInWords, weightInNumbers } from "./words.js";

const MOST_FRAMES = 8,
  FRAME_WIDTH = 150,
  MAP_WIDTH = 190,
  MAP_HEIGHT = 150;

/** Draws the chosen segment; a part whose inputs are those of the last time stands as it is. */
export class SegmentPanel {
  /** @type {Map<string, unknown[]>} what each part was drawn of */
  inputs = new Map();

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
  }

  /** @param {string} part @param {unknown[]} inputs all that the part is drawn of */
  isNew(part, ...inputs) {
    const before = this.inputs.get(part);
    this.inputs.set(part, inputs);
    return !before || inputs.some((input, i) => input !== before[i]);
  }

  /** @param {Seen} seen */
  show(seen) {
    const { page } = this;
    const { clip, shown, chosen } = seen;
    const names = shown.plan.bounds.map((_, k) => segmentInWords(clip, shown.plan, k));
    if (this.isNew("list", names.join("|"))) {
      page.segment.replaceChildren(...names.map((name, k) => element("option", { value: k }, name)));
    }
    page.segment.value = String(chosen);
    page.formula.textContent = weightInNumbers(shown.plan, chosen).join("\n");
    const height = Math.min(MAP_HEIGHT, Math.max(60, MAP_WIDTH / clip.aspect));
    this.showMap(seen, height);
    this.showFrames(seen, height);
  }

  /** @param {Seen} seen @param {number} height */
  showMap({ clip, pictures, shown, maps, chosen }, height) {
    const { page } = this;
    const [start, end] = shown.plan.bounds[chosen];
    const middle = Math.floor((start + end - 1) / 2);
    if (!this.isNew("map", clip, maps.b, chosen, middle, shown.pinned !== null)) return;
    const map = priorMap(maps.b, chosen);
    const { title, why } = mapInWords(maps.b, map);
    const range = why ? null : map.range;
    page.mapTitle.textContent = shown.pinned ? `B: ${title}` : title;
    const drawn = toElement(mapPicture(clip, pictures[middle], { ...map, range }, height));
    page.map.replaceChildren(drawn, ...(why ? [element("p", { class: "be-undefined" }, why)] : []));
    page.map.setAttribute("aria-label", `${title}${why ? `, ${why}` : ""}, over frame ${middle}`);
    page.map.style.width = `${height * clip.aspect}px`;
    page.mapScale.replaceChildren(
      ...(range ? [range[0].toPrecision(2), toElement(heatBar(90, 8)), range[1].toPrecision(2)] : []),
    );
  }

  /** @param {Seen} seen @param {number} height of the map beside them */
  showFrames({ clip, pictures, shown, tokens, picture, chosen }, height) {
    const { page } = this;
    const pinned = shown.pinned !== null;
    const kind = pinned ? picture : "tokens";
    for (const input of page.kinds) {
      Object.assign(input, { checked: input.value === kind, disabled: input.value === "difference" && !pinned });
    }
    page.kinds[1].title = pinned ? "" : "Pin a configuration first";
    const fresh = tokensAreOf(tokens, shown);
    page.frames.classList.toggle("be-old", !fresh);
    const room = page.frames.clientWidth;
    const [start, end] = shown.plan.bounds[chosen];
    if (!this.isNew("frames", clip, fresh ? tokens : null, start, end, kind, room, pinned)) return;
    const kept = fresh ? keptTokens(tokens) : null;
    const most = Math.max(2, Math.min(MOST_FRAMES, Math.floor(room / FRAME_WIDTH)));
    const frames = framesOf([start, end], most);
    const side = Math.min(height, frameHeight(clip, room, frames.length));
    page.frames.replaceChildren(toElement(framesRow(clip, pictures, frames, kept, kind, room, side)));
    const what = kind === "tokens" ? "kept tokens" : "differences between A and B";
    page.frames.setAttribute("aria-label", `Frames ${frames.join(", ")} with their ${what}`);
    const entries = legendOfFrames(kind, pinned).map(([name, words]) =>
      element("span", {}, element("i", { class: `be-swatch ${name}` }), words),
    );
    // While they are counted anew, their place is kept, so that nothing below moves.
    if (kind === "difference")
      entries.push(element("span", {}, kept ? differenceInWords(clip, kept) : "Whole clip: …"));
    page.legend.replaceChildren(...entries);
  }
}
