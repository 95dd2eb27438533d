/**
 * Numbers of segments in a row, which are all to be read, however narrow the segments are.
 *
 * @import { SvgNode } from "./tree.js"
 */

import { spread, widthOf } from "./scale.js";
import { label, svg } from "./tree.js";

const NUMBER = 10.5;

/**
 * Numbers in a row, each with a line to its place where it had to move.
 * @param {number[]} wanted @param {string[]} words @param {number[]} edges @param {number} from @param {number} y
 */
export function spreadNumbers(wanted, words, edges, from, y) {
  const ends = /** @type {[number, number]} */ ([edges[0] - 20, edges[edges.length - 1] + 12]);
  const flat = spread(
    wanted,
    words.map((each) => widthOf(each, NUMBER) + 4),
    ends,
  );
  if (flat === null) return uprightNumbers(wanted, words, ends, from, y);
  return flat.flatMap((at, i) => {
    const text = label(at, y, words[i], { class: "number" });
    if (Math.abs(at - wanted[i]) < 3) return [text];
    const [near, far] = from < y ? [from, y - 8] : [from, y + 2];
    return [svg("path", { class: "leader", d: `M${at} ${far}L${wanted[i]} ${near}` }), text];
  });
}

/**
 * The numbers turned by a quarter; where not even so there is room for all, every second, fifth, ... of them.
 * @param {number[]} wanted @param {string[]} words @param {[number, number]} ends @param {number} from @param {number} y
 * @returns {SvgNode[]}
 */
function uprightNumbers(wanted, words, ends, from, y) {
  for (const step of [1, 2, 5, 10, 20, 50, 100]) {
    const chosen = wanted.flatMap((_, i) => (i % step === 0 ? [i] : []));
    const placed = spread(
      chosen.map((i) => wanted[i]),
      chosen.map(() => NUMBER),
      ends,
    );
    if (placed === null) continue;
    return placed.map((at, k) => {
      const word = words[chosen[k]];
      const half = widthOf(word, NUMBER) / 2;
      // Turned about its middle, a letter's height to the left of its line.
      const [x, middle] = [at + 0.36 * NUMBER, from < y ? from + half + 1 : y + 4 - half];
      return label(x, middle, word, { class: "number", transform: `rotate(-90 ${x} ${middle})` });
    });
  }
  return [];
}
