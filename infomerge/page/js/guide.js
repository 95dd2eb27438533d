/**
 * The card that leads through the steps.
 *
 * @import { Facts, Question } from "./steps.js"
 */

import { FREE } from "./link.js";
import { STEPS } from "./steps.js";
import { byId, el, rich } from "./words.js";

/** Draws a step, its question and the way to the others. */
export class Guide {
  /** @param {(step: number) => void} go */
  constructor(go) {
    this.go = go;
    this.shown = "";
    /** @type {Map<string, number>} what was predicted, by clip and step */
    this.predicted = new Map();
    byId("back").addEventListener("click", () => go(Number(byId("guide").dataset.step) - 1));
    byId("next").addEventListener("click", () => go(Number(byId("guide").dataset.step) + 1));
    byId("path").replaceChildren(
      ...[...STEPS.keys(), STEPS.length].map((n) => {
        const isFree = n === STEPS.length;
        const label = isFree ? "Free play" : `Step ${n + 1}`;
        const button = el("button", { type: "button", "aria-label": label, title: label }, isFree ? "Free play" : String(n + 1));
        button.addEventListener("click", () => go(n + 1));
        return el("li", {}, button);
      }),
    );
  }

  /** @param {number} step @param {Facts} facts */
  show(step, facts) {
    const key = `${facts.clip.data.name} ${step}`;
    if (key === this.shown) return;
    this.shown = key;
    const guide = byId("guide");
    guide.dataset.step = String(step);
    byId("path").querySelectorAll("button").forEach((button, n) => {
      if (n + 1 === step) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    });
    byId("back").toggleAttribute("disabled", step === 1);
    byId("next").toggleAttribute("disabled", step === FREE);
    byId("next").textContent = step === FREE - 1 ? "Free play" : "Next";
    byId("predict").hidden = step === FREE;
    if (step === FREE) {
      byId("step-title").textContent = "Free play: all knobs are yours";
      byId("step-text").replaceChildren(
        el("p", {}, ...rich(
          "Every knob of the method is here, and every number follows. Compare two settings side by side, choose a segment " +
            "in the chart to see its formulas, and copy the link: it holds all of it.",
        )),
      );
      byId("step-goal").textContent = "A challenge";
      byId("step-try").textContent = "Can you find a setting that keeps a small moving thing at 5 %?";
      return;
    }
    const { title, text, attempt, question } = STEPS[step - 1];
    byId("step-title").textContent = title(facts);
    byId("step-text").replaceChildren(...text(facts).map((paragraph) => el("p", {}, ...rich(paragraph))));
    byId("step-goal").textContent = "Then try";
    byId("step-try").textContent = attempt;
    this.ask(key, question(facts));
  }

  /** @param {string} key @param {Question} question */
  ask(key, { text, choices, answer, because }) {
    const said = el("p", { class: "answer", role: "status" });
    const buttons = choices.map((choice, n) => {
      const button = el("button", { type: "button", class: "choice", "aria-pressed": "false" }, choice);
      button.addEventListener("click", () => {
        this.predicted.set(key, n);
        tell();
      });
      return button;
    });
    const tell = () => {
      const given = this.predicted.get(key);
      if (given === undefined) return;
      buttons.forEach((button, n) => {
        button.setAttribute("aria-pressed", String(n === given));
        button.classList.toggle("right", n === answer);
      });
      said.textContent = `${given === answer ? "Right." : `Not so: “${choices[answer]}” is right.`} ${because}`;
    };
    byId("question").textContent = text;
    byId("choices").replaceChildren(...buttons, said);
    tell();
  }
}
