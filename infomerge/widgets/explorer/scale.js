/** Axes: where a value lies, which values are ticked, and where labels go that have no room side by side. */

/** @typedef {(value: number) => number} Scale */

/** @param {[number, number]} from @param {[number, number]} to @returns {Scale} */
export function scale([low, high], [start, end]) {
  const span = high - low || 1;
  return (value) => start + ((value - low) / span) * (end - start);
}

/** The next number of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten, so that axes rest while a knob turns. */
export function roundUp(/** @type {number} */ value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((each) => each * power >= value * (1 - 1e-9));
  return (step ?? 10) * power;
}

/**
 * Round values from `low` to `high`, at most `most` steps apart.
 * @param {number} low @param {number} high @param {number} most
 */
export function ticks(low, high, most) {
  const rough = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((each) => each * power >= rough * (1 - 1e-9)) ?? 10) * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++)
    found.push(Number((i * step).toPrecision(12)));
  return found;
}

/** How wide digits and short words are, in pixels. @param {string} words @param {number} size of the font */
export const widthOf = (words, size) => words.length * size * 0.6;

/**
 * Places for labels that keep their order and do not touch, each as near as can be to where it wants to be.
 *
 * @param {number[]} wanted middles, ascending @param {number[]} widths @param {[number, number]} room
 * @returns {number[] | null} middles, or null where there is not room for all
 */
export function spread(wanted, widths, [start, end]) {
  if (widths.reduce((sum, width) => sum + width, 0) > end - start) return null;
  const placed = [];
  let from = start;
  for (let i = 0; i < wanted.length; i++) {
    const left = Math.max(from, wanted[i] - widths[i] / 2);
    placed.push(left);
    from = left + widths[i];
  }
  let to = end;
  for (let i = wanted.length - 1; i >= 0; i--) {
    // A row that was pushed to the right comes back as a whole, by half of what it was pushed.
    placed[i] = Math.min(placed[i], to - widths[i]);
    to = placed[i];
  }
  settle(placed, wanted, widths, start);
  return placed.map((left, i) => left + widths[i] / 2);
}

/**
 * Move runs of touching labels so that they lie around what they are for.
 * @param {number[]} placed @param {number[]} wanted @param {number[]} widths @param {number} start
 */
function settle(placed, wanted, widths, start) {
  for (let first = 0; first < placed.length; ) {
    let last = first;
    while (last + 1 < placed.length && placed[last + 1] - (placed[last] + widths[last]) < 1e-6) last += 1;
    let push = 0;
    for (let i = first; i <= last; i++) push += placed[i] + widths[i] / 2 - wanted[i];
    push /= last - first + 1;
    const room = placed[first] - (first === 0 ? start : placed[first - 1] + widths[first - 1]);
    const back = Math.max(0, Math.min(push, room));
    for (let i = first; i <= last; i++) placed[i] -= back;
    first = last + 1;
  }
}
