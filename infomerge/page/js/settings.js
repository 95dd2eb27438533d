/**
 * The knobs of the page: names, ranges, words, and the values that the paper uses.
 *
 * @import { Settings } from "./method.js"
 *
 * @typedef {Exclude<keyof Settings, "staticPrior" | "allocation" | "rounding">} NumberName
 * @typedef {Object} Knob
 * @property {NumberName} name
 * @property {string} short in links
 * @property {string} symbol of the paper
 * @property {string} label
 * @property {string} help one sentence
 * @property {number} min
 * @property {number} max
 * @property {number} step
 * @property {"percent" | "number"} shown
 *
 * @typedef {Object} Choice
 * @property {"staticPrior" | "allocation"} name
 * @property {string} short
 * @property {string} label
 * @property {string} help
 * @property {{value: string, label: string}[]} values
 *
 * @typedef {{label: string, settings: Partial<Settings>}} Preset
 */

import written from "../knobs.json" with { type: "json" };

const { knobs, choices } = written;

export const KNOBS = /** @type {Knob[]} */ (knobs);

export const CHOICES = /** @type {Choice[]} */ (choices);

/** The knobs that are always in sight. */
export const MAIN = ["retentionRatio", "temperature"];

/** The paper's values at 15 %. @type {Settings} */
export const DEFAULTS = {
  retentionRatio: 0.15, contextFraction: 0.4, minSegments: 8, segmentThreshold: 0.9, staticRatio: 0.09,
  staticPenalty: 12, uniquenessWeight: 0.9, richnessWeight: 0.1, temperature: 1.2, anchorInterval: 4, neighbors: 4,
  staticPrior: "tfd", allocation: "caba", rounding: "exact",
};

/** Everything, and the rows of Table 7. @type {Preset[]} */
export const PRESETS = [
  { label: "All", settings: { ...DEFAULTS, retentionRatio: 1 } },
  { label: "15 %", settings: DEFAULTS },
  { label: "10 %", settings: { ...DEFAULTS, retentionRatio: 0.1, temperature: 1.2, staticRatio: 0.1 } },
  { label: "5 %", settings: { ...DEFAULTS, retentionRatio: 0.05, temperature: 2, staticRatio: 0.05 } },
];

/** @param {NumberName} name */
export function knobNamed(name) {
  return /** @type {Knob} */ (KNOBS.find((knob) => knob.name === name));
}

/** A value of a knob as it is read. @param {Knob} knob @param {number} value */
export function shownValue(knob, value) {
  if (knob.shown === "percent") return `${Math.round(value * 1000) / 10} %`;
  return String(Math.round(value * 100) / 100);
}

/** The nearest value that a knob can have; its default for what is no number. @param {Knob} knob @param {unknown} value */
export function allowed(knob, value) {
  const number = typeof value === "number" ? value : Number.NaN;
  if (!Number.isFinite(number) || number < knob.min || number > knob.max) return DEFAULTS[knob.name];
  const steps = Math.round((number - knob.min) / knob.step);
  return Math.round((knob.min + steps * knob.step) * 1e6) / 1e6;
}

/** What the second of two settings has other than the first, in words. @param {Settings} a @param {Settings} b */
export function differences(a, b) {
  const numbers = KNOBS.filter(({ name }) => a[name] !== b[name]);
  const others = CHOICES.filter(({ name }) => a[name] !== b[name]);
  return [
    ...numbers.map((knob) => `${knob.label.toLowerCase()} ${shownValue(knob, b[knob.name])}`),
    ...others.map(({ name, label, values }) =>
      `${label.toLowerCase()} ${values.find(({ value }) => value === b[name])?.label ?? b[name]}`),
  ].join(", ");
}
