/**
 * The knobs: each a slider with a number beside it, or a list. They tell what is turned; what they show is the model's.
 *
 * @import { Control, Setup, Shown } from "./data.js"
 *
 * @typedef {(option: string, value: number | string) => void} Turn
 * @typedef {{element: HTMLElement, show: (value: number | string, why: string | undefined) => void}} Knob
 */

import { element, onEntered } from "../dom.js";

/** The groups of knobs. @param {Setup} setup @param {Turn} turn */
export function buildKnobs(setup, turn) {
  /** @type {Map<string, Knob>} */
  const knobs = new Map();
  /** @type {Map<string, HTMLElement>} */
  const headings = new Map();
  const groups = setup.groups.map(({ name, controls }) => {
    const heading = element("span", { class: "be-values" });
    headings.set(name, heading);
    const rows = controls.map((control) => {
      const knob = (control.choices.length ? buildList : buildSlider)(control, turn);
      knobs.set(control.option, knob);
      return knob.element;
    });
    const summary = element("summary", {}, element("b", {}, name), " ", heading);
    const group = element("details", { class: "be-group" }, summary, ...rows);
    group.open = name === "Allocation" || name === "Ratio";
    return group;
  });
  /** @param {Shown} shown */
  const show = (shown) => {
    for (const [option, knob] of knobs) knob.show(shown.config[option], shown.without_effect[option]);
    for (const [name, heading] of headings) heading.textContent = shown.headings[name];
  };
  return { groups, show };
}

/**
 * The reason is read out with the knob, and seen at it.
 * @param {HTMLElement} row @param {HTMLElement} note @param {string} tooltip @param {string | undefined} why
 */
function explain(row, note, tooltip, why) {
  row.classList.toggle("be-dead", why !== undefined);
  row.title = why ? `No effect: ${why}` : tooltip;
  note.textContent = why ? `no effect: ${why}` : "";
}

/** @param {Control} control @param {Turn} turn @returns {Knob} */
function buildList(control, turn) {
  const select = element("select", { "data-option": control.option });
  for (const [name, value] of control.choices) select.append(element("option", { value }, name));
  const note = element("span", { class: "be-why" });
  const row = element("label", { class: "be-knob" }, element("span", {}, control.label), select, note);
  select.addEventListener("change", () => turn(control.option, select.value));
  return {
    element: row,
    show(value, why) {
      select.value = String(value);
      explain(row, note, control.tooltip, why);
    },
  };
}

/**
 * The step of a slider that can hold a value; a finer one where the usual one would move it.
 * @param {Control} control @param {number} low @param {number} value
 */
export function stepFor(control, low, value) {
  const steps = Number(((value - low) / control.step).toFixed(6));
  return Number.isInteger(steps) ? String(control.step) : "any";
}

/** @param {Control} control @param {Turn} turn @returns {Knob} */
function buildSlider(control, turn) {
  const named = { "data-option": control.option, "aria-label": control.label };
  const slider = element("input", { type: "range", min: control.low, max: control.high, step: control.step, ...named });
  const number = element("input", {
    type: "number",
    step: "any",
    ...named,
    "aria-label": `${control.label}, as a number`,
  });
  const note = element("span", { class: "be-why" });
  const row = element("div", { class: "be-knob" }, element("span", {}, control.label), slider, number, note);
  slider.addEventListener("input", () => {
    number.value = slider.value;
    turn(control.option, Number(slider.value));
  });
  onEntered(number, () => {
    if (number.value !== "") turn(control.option, Number(number.value));
  });
  return {
    element: row,
    show(given, why) {
      const value = Number(given);
      const [low, high] = [Math.min(control.low, value), Math.max(control.high, value)];
      Object.assign(slider, { min: String(low), max: String(high), step: stepFor(control, low, value) });
      if (Number(slider.value) !== value) slider.value = String(value);
      slider.setAttribute("aria-valuetext", String(Number(value.toPrecision(4))));
      number.value = String(Number(value.toPrecision(6)));
      explain(row, note, control.tooltip, why);
    },
  };
}
