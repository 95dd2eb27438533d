/**
 * The whole state of the page as the part of its address behind "#", and back.
 *
 * Whatever is no value that the page could have written is taken for the default.
 *
 * @import { Settings } from "./method.js"
 *
 * @typedef {"kept" | "kind" | "still" | "merged"} View
 * @typedef {Object} State
 * @property {number} clip
 * @property {number} step 1 to 8, or 9 for free play
 * @property {Settings} a
 * @property {Settings | null} b the second setting, where two are compared
 * @property {number} frame
 * @property {number} segment
 * @property {number | null} token flat index of the patch that was picked
 * @property {View} view
 */

import { allowed, CHOICES, DEFAULTS, KNOBS } from "./settings.js";

/** @type {View[]} */
export const VIEWS = ["kept", "kind", "still", "merged"];

export const FREE = 9;

const LONGEST = 2000;

/** @param {string} name prefix @param {Settings} settings @param {URLSearchParams} into */
function writeSettings(name, settings, into) {
  for (const { short, name: key } of [...KNOBS, ...CHOICES]) {
    if (settings[key] !== DEFAULTS[key]) into.set(name + short, String(settings[key]));
  }
}

/** @param {string} name @param {URLSearchParams} from @returns {Settings} */
function readSettings(name, from) {
  /** @type {Record<string, unknown>} */
  const read = { ...DEFAULTS };
  for (const knob of KNOBS) read[knob.name] = allowed(knob, numberIn(from, name + knob.short));
  for (const choice of CHOICES) {
    const given = from.get(name + choice.short);
    if (choice.values.some(({ value }) => value === given)) read[choice.name] = given;
  }
  return /** @type {Settings} */ (/** @type {unknown} */ (read));
}

/** A plain decimal number, or NaN. @param {URLSearchParams} from @param {string} name */
function numberIn(from, name) {
  const text = from.get(name) ?? "";
  return /^\d{1,6}(\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
}

/** @param {URLSearchParams} from @param {string} name @param {number} below @param {number} otherwise */
function wholeIn(from, name, below, otherwise) {
  const number = numberIn(from, name);
  return Number.isInteger(number) && number < below ? number : otherwise;
}

/** @param {State} state */
export function toHash(state) {
  const out = new URLSearchParams();
  out.set("clip", String(state.clip + 1));
  out.set("step", String(state.step));
  writeSettings("", state.a, out);
  if (state.b) {
    out.set("compare", "1");
    writeSettings("b.", state.b, out);
  }
  out.set("frame", String(state.frame + 1));
  out.set("segment", String(state.segment + 1));
  if (state.token !== null) out.set("token", String(state.token));
  out.set("view", state.view);
  return `#${out}`;
}

/**
 * @param {string} hash
 * @param {{frames: number, positions: number}[]} clips
 * @returns {State | null} null where there is nothing to be read, so that the page begins at its beginning
 */
export function fromHash(hash, clips) {
  if (hash.length < 2 || hash.length > LONGEST) return null;
  const from = new URLSearchParams(hash.slice(1));
  const step = wholeIn(from, "step", FREE + 1, 0);
  if (step === 0) return null;
  const clip = wholeIn(from, "clip", clips.length + 1, 1) - 1;
  const { frames, positions } = clips[Math.max(0, clip)];
  const token = wholeIn(from, "token", frames * positions, -1);
  return {
    clip: Math.max(0, clip),
    step,
    a: readSettings("", from),
    b: from.get("compare") === "1" ? readSettings("b.", from) : null,
    frame: Math.max(0, wholeIn(from, "frame", frames + 1, 1) - 1),
    segment: Math.max(0, wholeIn(from, "segment", frames + 1, 1) - 1),
    token: token < 0 ? null : token,
    view: VIEWS.find((view) => view === from.get("view")) ?? "kept",
  };
}
