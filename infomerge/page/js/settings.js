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

/** @type {Knob[]} */
export const KNOBS = [
  {
    name: "retentionRatio", short: "r", symbol: "r", label: "Tokens kept", min: 0.02, max: 1, step: 0.01,
    shown: "percent", help: "The share of all tokens that reaches the language model (retention ratio).",
  },
  {
    name: "temperature", short: "tau", symbol: "τ", label: "Temperature", min: 0, max: 6, step: 0.1,
    shown: "number", help: "How strongly content moves the budgets. At 0 they follow length alone.",
  },
  {
    name: "uniquenessWeight", short: "alpha", symbol: "α", label: "Weight of uniqueness", min: 0, max: 2, step: 0.1,
    shown: "number", help: "How much it counts that a segment differs from the rest of the clip.",
  },
  {
    name: "richnessWeight", short: "beta", symbol: "β", label: "Weight of richness", min: 0, max: 2, step: 0.1,
    shown: "number", help: "How much it counts that a segment shows many different things.",
  },
  {
    name: "segmentThreshold", short: "cut", symbol: "τ_seg", label: "Cut below similarity", min: 0.5, max: 1,
    step: 0.01, shown: "number", help: "Neighboring frames less similar than this are cut apart.",
  },
  {
    name: "minSegments", short: "c", symbol: "c", label: "Segments, at least", min: 1, max: 16, step: 1,
    shown: "number", help: "The clip is cut into at least this many segments.",
  },
  {
    name: "staticRatio", short: "rho", symbol: "ρ", label: "Static candidates", min: 0, max: 0.5, step: 0.01,
    shown: "percent", help: "The share of a segment's positions that count as standing still.",
  },
  {
    name: "staticPenalty", short: "lambda", symbol: "λ", label: "Penalty", min: 0, max: 20, step: 1,
    shown: "number", help: "How much saliency a still position loses once it has been kept, in standard deviations.",
  },
  {
    name: "contextFraction", short: "d", symbol: "d", label: "Share of context tokens", min: 0, max: 1, step: 0.05,
    shown: "percent", help: "The share of the kept tokens that stand for others; the rest is kept for its saliency.",
  },
  {
    name: "anchorInterval", short: "every", symbol: "", label: "Anchor frames, every", min: 1, max: 8, step: 1,
    shown: "number", help: "Context tokens are taken from every so many frames of a segment.",
  },
  {
    name: "neighbors", short: "k", symbol: "k", label: "Neighbors in density", min: 1, max: 12, step: 1,
    shown: "number", help: "How many nearest tokens say how crowded it is around a token, itself included.",
  },
];

/** @type {Choice[]} */
export const CHOICES = [
  {
    name: "allocation", short: "by", label: "Budgets", help: "What a segment's budget follows.",
    values: [{ value: "caba", label: "by content" }, { value: "length", label: "by length" }],
  },
  {
    name: "staticPrior", short: "still", label: "Stillness by", help: "What finds the positions that stand still.",
    values: [
      { value: "tfd", label: "TFD" }, { value: "adjacent", label: "neighbor frames" }, { value: "none", label: "nothing" },
    ],
  },
];

/** The knobs that are always in sight. */
export const MAIN = ["retentionRatio", "temperature"];

/** The paper's values at 15 %. @type {Settings} */
export const DEFAULTS = {
  retentionRatio: 0.15, contextFraction: 0.4, minSegments: 8, segmentThreshold: 0.9, staticRatio: 0.09,
  staticPenalty: 12, uniquenessWeight: 0.9, richnessWeight: 0.1, temperature: 1.2, anchorInterval: 4, neighbors: 4,
  staticPrior: "tfd", allocation: "caba", rounding: "exact",
};

/** Rows of Table 7, FastVID, and everything. @type {Preset[]} */
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
