/**
 * The elements of the explorer: where everything stands, before anything is shown in it.
 *
 * @import { Setup } from "./data.js"
 */

import { element } from "../dom.js";
import { COLORS } from "./look.js";

export const OWN = "(your own)";
const CHOOSE = "choose one";

/** @typedef {ReturnType<typeof buildPage>} Page */

/** A list with a label. @param {string} name @param {[string, string][]} options value and words */
function list(name, options) {
  const select = element("select", { "aria-label": name });
  for (const [value, words] of options) select.append(element("option", { value }, words));
  return { select, row: element("label", { class: "be-row" }, element("span", {}, name), select) };
}

/** @param {string} words @param {string} title */
const button = (words, title) => element("button", { type: "button", title }, words);

/** What stands in the view's place where there is nothing to show. @param {string} text */
export function buildNotice(text) {
  return element("div", { class: "infomerge-view budget-explorer im-notice", role: "status" }, text);
}

/** @param {Setup} setup @param {HTMLElement[]} groups the knobs */
export function buildPage(setup, groups) {
  const clip = list(
    "Clip",
    [...setup.samples, OWN].map((name) => [name, name]),
  );
  const path = element("input", {
    type: "text",
    placeholder: "path of a video, then Enter",
    "aria-label": "Path of a video file",
  });
  const file = element("input", { type: "file", accept: "video/*,image/gif", hidden: "", "aria-label": "Video file" });
  const upload = button("Upload", `A video of this computer, up to ${setup.most_bytes / 1e6} MB`);
  const count = element("input", { type: "number", min: 1, max: 4096, step: 1, "aria-label": "Frames" });
  const preset = list("Preset", [
    ["", CHOOSE],
    .../** @type {[string, string][]} */ (setup.presets.map((name) => [name, name])),
  ]);
  const pin = button("Pin as A", "Keep this configuration to compare with");
  const unpin = button("Unpin", "Let go of A");
  const message = element("div", { class: "im-message", role: "status", "aria-live": "polite" });
  const facts = element("p", { class: "be-facts" });
  const answer = element("div", {
    class: "be-chart",
    tabindex: 0,
    role: "application",
    "aria-roledescription": "budget of segments over time",
    "aria-keyshortcuts": "ArrowLeft ArrowRight",
  });
  const reasons = element("div", { class: "be-chart", role: "img" });
  const segment = list("Segment", []);
  const formula = element("pre", { class: "be-formula", "aria-label": "The segment's weight in numbers" });
  const map = element("div", { class: "be-map", role: "img" });
  const mapTitle = element("div", { class: "be-small" });
  const mapScale = element("div", { class: "be-ends be-small" });
  const kinds = /** @type {const} */ (["tokens", "difference"]).map((kind) =>
    element("input", { type: "radio", name: `be-${Math.random()}`, value: kind }),
  );
  kinds[1].name = kinds[0].name;
  const kind = element(
    "div",
    { class: "be-kinds", role: "radiogroup", "aria-label": "What the frames show" },
    element("label", {}, kinds[0], "kept tokens"),
    element("label", {}, kinds[1], "A against B"),
  );
  const frames = element("div", { class: "be-frames", role: "img" });
  const legend = element("div", { class: "be-legend be-small" });
  const totals = element("div", { class: "be-totals" });
  const code = element("code", { title: "click to select", "aria-label": "The configuration as a line of Python" });
  const copy = button("Copy as Python", "The line that makes this explorer again");
  const described = element("span", { class: "be-small" });
  const what = list("Export", Object.entries(setup.exports));
  const download = button("Download", "To this computer");
  const folder = element("input", { type: "text", value: "figures", "aria-label": "Folder of the server" });
  const save = button("Save to", "In a folder of the server, under a name that is not taken");
  const tip = element("div", { class: "be-tip", "aria-hidden": "true" });

  const top = element(
    "div",
    { class: "be-source" },
    clip.row,
    element("div", { class: "be-row" }, element("span", {}, "or file"), path, upload, file),
    element("label", { class: "be-row" }, element("span", {}, "Frames"), count),
    preset.row,
    element("div", { class: "be-row" }, element("span", {}), pin, unpin),
  );
  const exporting = element("div", { class: "be-export" }, what.row, download, save, folder);
  const root = element(
    "section",
    { class: "infomerge-view budget-explorer", "aria-label": "Budget explorer" },
    message,
    element(
      "div",
      { class: "be-grid" },
      element("div", { class: "be-answer" }, facts, answer),
      element("div", { class: "be-controls" }, top, element("div", { class: "be-knobs" }, ...groups), totals),
      element(
        "div",
        { class: "be-segment" },
        element("div", { class: "be-head" }, segment.row, kind, legend),
        element(
          "div",
          { class: "be-pictures" },
          element("div", { class: "be-mapbox" }, mapTitle, map, mapScale),
          element("div", { class: "be-framebox" }, frames, formula),
        ),
      ),
      element("div", { class: "be-reasons" }, reasons),
    ),
    element("footer", {}, element("div", { class: "be-code" }, code, copy), described, exporting),
    tip,
  );
  root.style.setProperty("--im-salient", COLORS.salient);
  root.style.setProperty("--im-context", COLORS.context);
  root.style.setProperty("--im-highlight", COLORS.highlight);
  root.style.setProperty("--im-uniqueness", COLORS.uniqueness);
  root.style.setProperty("--im-richness", COLORS.richness);
  return {
    root,
    message,
    facts,
    answer,
    reasons,
    segment: segment.select,
    formula,
    map,
    mapTitle,
    mapScale,
    kinds,
    frames,
    legend,
    totals,
    code,
    copy,
    described,
    what: what.select,
    download,
    folder,
    save,
    tip,
    clip: clip.select,
    path,
    file,
    upload,
    count,
    preset: preset.select,
    pin,
    unpin,
  };
}
