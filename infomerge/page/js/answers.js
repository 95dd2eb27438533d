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
    shown = { clip, asked, chosen: 0, ratio, body: el("div", { class: "asked" }) };
    panels.set(into, shown);
    into.replaceChildren(
      el("h2", {}, "Ask the model"),
      el("label", {}, "Question ", chooser(shown)),
      shown.body,
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
      const best = row.indexOf(Math.max(...row));
      const isRight = truth === null ? "" : best === truth ? " (right)" : " (wrong)";
      return el(
        "div",
        { class: "grid" },
        el("p", {}, `${label} at ${percent(ratios[at])}: `, el("strong", {}, `${options[best]}${isRight}`), `, probability ${fixed(row[best], 2)}`),
        el("ul", {}, ...options.map((option, n) => {
          const bar = el("span", { class: n === best ? "bar best" : "bar" });
          bar.style.width = `${100 * row[n]}%`;
          return el("li", {}, el("span", { class: "name" }, option), bar, el("span", { class: "value" }, fixed(row[n], 2)));
        })),
      );
    }),
  );
}
