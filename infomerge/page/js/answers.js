/**
 * What a small Video-LLM answers when it is given the kept tokens: worked out at build time for a grid of settings.
 *
 * @typedef {Object} Answers `infomerge/page/answers.py` describes and checks it
 * @property {string} model
 * @property {string} note
 * @property {{clip: string, text: string, options: string[], truth: number | null, grids: Grid[]}[]} questions
 *
 * @typedef {{method: string, label: string, ratios: number[], probabilities: number[][]}} Grid
 */

import { el, fixed, percent } from "./words.js";

/** The place of the ratio in a grid that is nearest, the lower of two. @param {number[]} ratios @param {number} ratio */
export function nearestRatio(ratios, ratio) {
  let best = 0;
  ratios.forEach((value, n) => {
    if (Math.abs(value - ratio) < Math.abs(ratios[best] - ratio) - 1e-9) best = n;
  });
  return best;
}

/** The likeliest option of a row. @param {number[]} row */
const bestOf = (row) => row.indexOf(Math.max(...row));

/**
 * The question whose answer, by the first grid, changes at most of the ratios from what it is at the largest one: that
 * one shows most of what a ratio does. Of equal ones the first.
 * @param {Answers["questions"]} asked
 */
export function mostTelling(asked) {
  const changes = asked.map(({ grids: [{ probabilities }] }) => {
    const [last] = probabilities.slice(-1);
    return probabilities.filter((row) => bestOf(row) !== bestOf(last)).length;
  });
  return bestOf(changes);
}

/** Less than this is not worth a line. */
const LEAST = 0.005;

/** What each panel shows: a clip's questions, the chosen one, and the ratio. @type {WeakMap<HTMLElement, Shown>} */
const panels = new WeakMap();

/**
 * @typedef {{clip: string, asked: Answers["questions"], chosen: number, ratio: number, body: HTMLElement}} Shown
 *
 * @param {HTMLElement} into hidden where nothing was asked about this clip
 * @param {Answers | null} answers @param {string} clip its name @param {number} ratio
 */
export function showAnswers(into, answers, clip, ratio) {
  const asked = answers?.questions.filter((question) => question.clip === clip) ?? [];
  into.hidden = asked.length === 0;
  if (!answers || asked.length === 0) return;
  let shown = panels.get(into);
  if (shown === undefined || shown.clip !== clip) {
    shown = { clip, asked, chosen: mostTelling(asked), ratio, body: el("div", { class: "asked" }) };
    panels.set(into, shown);
    into.replaceChildren(
      el("h2", {}, "Ask the model"),
      el("label", {}, "Question ", chooser(shown)),
      shown.body,
      el("p", { class: "source" }, "A column for each ratio: as high as the answer is likely, striped where it is wrong."),
      el("p", { class: "source" }, `${answers.model}. ${answers.note}`),
    );
  }
  shown.ratio = ratio;
  drawAnswer(shown);
}

/** @param {Shown} shown */
function chooser(shown) {
  const select = /** @type {HTMLSelectElement} */ (el("select", {}));
  select.append(...shown.asked.map(({ text }) => el("option", {}, text)));
  select.selectedIndex = shown.chosen;
  select.addEventListener("change", () => {
    shown.chosen = select.selectedIndex;
    drawAnswer(shown);
  });
  return select;
}

/** The chosen question's answers at the ratio. @param {Shown} shown */
function drawAnswer({ asked, chosen, ratio, body }) {
  const { options, truth, grids } = asked[chosen];
  body.replaceChildren(
    ...grids.map(({ label, ratios, probabilities }) => {
      const at = nearestRatio(ratios, ratio);
      const row = probabilities[at];
      const best = bestOf(row);
      const isRight = truth === null ? "" : best === truth ? " (right)" : " (wrong)";
      return el(
        "div",
        { class: "grid" },
        el("p", {}, `${label} at ${percent(ratios[at])}: `, el("strong", {}, `${options[best]}${isRight}`), `, probability ${fixed(row[best], 2)}`),
        ratios.length > 1 ? overRatios(probabilities, truth, at) : "",
        el("ul", {}, ...options.flatMap((option, n) => {
          if (row[n] < LEAST && n !== truth) return [];
          const bar = el("span", { class: n === best ? "bar best" : "bar" });
          bar.style.width = `${100 * row[n]}%`;
          return [el("li", {}, el("span", { class: "name" }, option), bar, el("span", { class: "value" }, fixed(row[n], 2)))];
        })),
      );
    }),
  );
}

/**
 * A small column for each ratio, as high as the answer is likely, striped where it is wrong.
 * @param {number[][]} probabilities @param {number | null} truth @param {number} at the ratio that is shown
 */
function overRatios(probabilities, truth, at) {
  return el("div", { class: "over-ratios", "aria-hidden": "true" }, ...probabilities.map((row, n) => {
    const best = bestOf(row);
    const kind = truth === null || best === truth ? "right" : "wrong";
    const column = el("i", { class: n === at ? `${kind} now` : kind });
    column.style.setProperty("--height", `${100 * row[best]}%`);
    return column;
  }));
}
