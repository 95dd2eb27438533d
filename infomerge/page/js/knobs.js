/**
 * The knobs: a slider for each number, buttons for each choice, and the presets.
 *
 * @import { Settings } from "./method.js"
 * @import { Knob, Choice, NumberName } from "./settings.js"
 */

import { CHOICES, KNOBS, MAIN, PRESETS, shownValue } from "./settings.js";
import { byId, el, mark, put, rich } from "./words.js";

/** What is set by the reader. */
export class Knobs {
  /** @param {(change: Partial<Settings>) => void} change */
  constructor(change) {
    /** @type {Map<string, {input: HTMLInputElement, output: HTMLOutputElement, knob: Knob}>} */
    this.sliders = new Map();
    /** @type {Map<string, HTMLInputElement[]>} */
    this.radios = new Map();
    this.change = change;
    for (const knob of KNOBS) byId(MAIN.includes(knob.name) ? "main-knobs" : "more-knobs").append(this.slider(knob));
    for (const choice of CHOICES) byId("more-knobs").append(this.choice(choice));
    this.presets = PRESETS.map(({ label, settings }) => {
      const button = el("button", { type: "button", "aria-pressed": "false" }, label);
      button.addEventListener("click", () => change(settings));
      return button;
    });
    byId("presets").append(...this.presets);
  }

  /** @param {Knob} knob */
  slider(knob) {
    const { name, label, symbol, help, min, max, step } = knob;
    const id = `knob-${name}`;
    const input = el("input", {
      type: "range", id, min: String(min), max: String(max), step: String(step), "aria-describedby": `${id}-help`,
    });
    const output = el("output", { for: id });
    input.addEventListener("input", () => this.change({ [name]: Number(input.value) }));
    this.sliders.set(name, { input, output, knob });
    const sign = symbol ? el("i", {}, ...rich(symbol.replace(/_(\w+)/, "_{$1}"))) : "";
    return el(
      "div",
      { class: "knob", "data-knob": name },
      el("label", { for: id }, label, " ", sign),
      output,
      input,
      el("p", { class: "help", id: `${id}-help` }, help),
    );
  }

  /** @param {Choice} choice */
  choice({ name, label, help, values }) {
    const inputs = values.map(({ value }) => {
      const input = el("input", { type: "radio", name, value });
      input.addEventListener("change", () => this.change({ [name]: value }));
      return input;
    });
    this.radios.set(name, inputs);
    return el(
      "fieldset",
      { class: "knob", "data-knob": name },
      el("legend", {}, label),
      el("div", { class: "options" }, ...values.map((value, n) => el("label", {}, inputs[n], value.label))),
      el("p", { class: "help" }, help),
    );
  }

  /** @param {Settings} settings @param {string[]} wanted knobs that the step is about */
  show(settings, wanted) {
    for (const { input, output, knob } of this.sliders.values()) {
      const value = settings[knob.name];
      if (Number(input.value) !== value) input.value = String(value);
      put(output, shownValue(knob, value));
      mark(input, "aria-valuetext", shownValue(knob, value));
    }
    for (const [name, inputs] of this.radios) {
      for (const input of inputs) input.checked = input.value === settings[/** @type {keyof Settings} */ (name)];
    }
    PRESETS.forEach((preset, n) => {
      const isSet = Object.entries(preset.settings).every(([name, v]) => settings[/** @type {keyof Settings} */ (name)] === v);
      mark(this.presets[n], "aria-pressed", String(isSet));
    });
    document.querySelectorAll(".knob").forEach((element) => {
      element.classList.toggle("wanted", wanted.includes(/** @type {HTMLElement} */ (element).dataset.knob ?? ""));
    });
  }

  /** Lay the knobs of a step where they are seen without opening anything. @param {string[]} wanted */
  bring(wanted) {
    const [main, more] = [byId("main-knobs"), byId("more-knobs")];
    const order = [...(wanted.length ? wanted.slice(0, 2) : MAIN), "retentionRatio"];
    document.querySelectorAll(".knob").forEach((element) => {
      const name = /** @type {HTMLElement} */ (element).dataset.knob ?? "";
      const room = order.includes(name) ? main : more;
      if (element.parentElement !== room) room.append(element);
    });
    for (const name of [...order].reverse()) {
      const element = main.querySelector(`[data-knob="${name}"]`);
      if (element && main.firstElementChild !== element) main.prepend(element);
    }
  }
}
