/**
 * Hard-masked density-based token merging, DTM (section 3.4, A.7): the context tokens, and what each stands for.
 *
 * @import { Segment } from "./segments.js"
 */

import { dot, MILLION, millionths } from "./numbers.js";

/**
 * Every interval-th frame of a segment, counted back from its last, with its budget spread evenly over them. Where the
 * budget is more than they hold, other frames join, latest first; what does not divide goes to the earliest.
 * @param {Segment} segment @param {number} tokens B_k @param {number} interval @param {number} capacity per frame
 */
export function findAnchorFrames([start, end], tokens, interval, capacity) {
  const [regular, others] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
  for (let frame = end - 1; frame >= start; frame--) ((end - 1 - frame) % interval ? others : regular).push(frame);
  const missing = tokens ? Math.max(0, Math.ceil(tokens / capacity) - regular.length) : 0;
  const frames = [...regular, ...others.slice(0, missing)].sort((a, b) => a - b);
  const share = Math.floor(tokens / frames.length);
  const extra = tokens % frames.length;
  return frames.map((frame, rank) => ({ frame, quota: share + (rank < extra ? 1 : 0) }));
}

/**
 * The best-scoring candidates of a frame under the hard mask (eq. 12): a static position that an earlier anchor frame
 * gave comes after every other. What is taken is noted in `given`.
 * @param {number[]} order positions, the best first @param {number} quota
 * @param {Uint8Array} isStatic @param {Uint8Array} given
 */
export function chooseAnchors(order, quota, isStatic, given) {
  const chosen = [...order.filter((p) => !given[p]), ...order.filter((p) => given[p])].slice(0, quota);
  for (const position of chosen) if (isStatic[position]) given[position] = 1;
  return chosen;
}

/** Directions that are compared before all are: the first hold most of the tokens' length. */
const FIRST = 12;

/**
 * Tokens of length 1 beside each other, between which a search for the most similar one runs.
 */
class Targets {
  /** @param {Float64Array} unit @param {ArrayLike<number>} tokens ascending @param {number} directions */
  constructor(unit, tokens, directions) {
    this.tokens = tokens;
    this.directions = directions;
    this.head = Math.min(FIRST, directions);
    this.rows = new Float64Array(tokens.length * directions);
    this.tails = new Float64Array(tokens.length);
    for (let n = 0; n < tokens.length; n++) {
      const from = tokens[n] * directions;
      this.rows.set(unit.subarray(from, from + directions), n * directions);
      this.tails[n] = tailOf(unit, from, this.head, directions);
    }
  }

  /**
   * The target of largest cosine in millionths, the first among equals; -1 where none reaches `least`.
   *
   * What the directions after the head can add is at most the product of their lengths: where that is not enough to
   * come up to the best so far, they need not be looked at.
   * @param {Float64Array} unit @param {number} token @param {number} least millionths
   */
  mostSimilar(unit, token, least) {
    const { tokens, directions, head, rows, tails } = this;
    const i = token * directions;
    const tail = tailOf(unit, i, head, directions);
    let [best, value] = [-1, least];
    // One millionth below, so that no rounding can matter.
    let floor = (value - 1) / MILLION;
    for (let n = 0, j = 0; n < tokens.length; n++, j += directions) {
      let sum = 0;
      for (let c = 0; c < head; c++) sum += unit[i + c] * rows[j + c];
      if (sum + tail * tails[n] < floor) continue;
      for (let c = head; c < directions; c++) sum += unit[i + c] * rows[j + c];
      const found = millionths(sum);
      if (found > value || (found === value && best < 0)) {
        [best, value] = [tokens[n], found];
        floor = (value - 1) / MILLION;
      }
    }
    return { best, value };
  }
}

/** Length of what a row has after its head. @param {Float64Array} rows @param {number} i @param {number} head @param {number} length */
function tailOf(rows, i, head, length) {
  return Math.sqrt(dot(rows, i + head, rows, i + head, length - head));
}

/**
 * Owners of a segment's tokens: every token that was not kept goes to its most similar anchor.
 *
 * It remembers the last answer. When anchors come, tokens are compared with these alone; when anchors go, only the
 * tokens that were theirs look for a new one. The owners are those that a comparison with all anchors gives.
 */
export class Owners {
  /** @param {number} tokens of the segment @param {number} positions tokens per frame @param {number} directions */
  constructor(tokens, positions, directions) {
    this.positions = positions;
    this.directions = directions;
    /** Owner of each token, -1 where it has none yet. */
    this.owner = new Int32Array(tokens).fill(-1);
    this.value = new Float64Array(tokens).fill(-Infinity);
    this.isTarget = new Uint8Array(tokens);
  }

  /**
   * @param {Float64Array} unit tokens of the segment, of length 1
   * @param {Uint8Array} isTarget the anchors @param {Uint8Array} isKept anchors and salient tokens
   * @param {Uint8Array} changed tokens that are not what they were at the last call
   */
  update(unit, isTarget, isKept, changed) {
    const { owner, value, positions, directions } = this;
    const [every, added] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
    const gone = new Uint8Array(isTarget.length);
    for (let i = 0; i < isTarget.length; i++) {
      if (isTarget[i]) every.push(i);
      if (isTarget[i] && (!this.isTarget[i] || changed[i])) added.push(i);
      if (this.isTarget[i] && (!isTarget[i] || changed[i])) gone[i] = 1;
    }
    const [all, fresh] = [new Targets(unit, every, directions), new Targets(unit, added, directions)];
    for (let i = 0; i < isTarget.length; i++) {
      if (isKept[i]) {
        owner[i] = -1;
        continue;
      }
      const anew = owner[i] < 0 || changed[i] || gone[owner[i]];
      if (!anew && added.length === 0) continue;
      // Where the token of this position went in the frame before is a good guess: below that nothing need be looked at.
      const guess = anew && i >= positions ? owner[i - positions] : -1;
      const least = guess < 0 ? -Infinity : millionths(dot(unit, i * directions, unit, guess * directions, directions)) - 2;
      const found = anew ? all.mostSimilar(unit, i, least) : fresh.mostSimilar(unit, i, value[i]);
      if (found.best >= 0 && (anew || found.value > value[i] || found.best < owner[i])) {
        [owner[i], value[i]] = [found.best, found.value];
      }
    }
    this.isTarget = isTarget.slice();
    return owner;
  }
}

/**
 * For tokens of a segment without anchors: the most similar kept token, of the segment or else of the clip.
 * @param {Float64Array} unit of the whole clip @param {Segment} segment @param {number} positions
 * @param {Uint8Array} isKept of the whole clip @param {number} directions @param {Int32Array} owner written to
 */
export function ownByKept(unit, [start, end], positions, isKept, directions, owner) {
  const every = [...isKept.keys()].filter((token) => isKept[token]);
  const here = every.filter((token) => token >= start * positions && token < end * positions);
  const targets = new Targets(unit, here.length ? here : every, directions);
  for (let token = start * positions; token < end * positions; token++) {
    if (!isKept[token]) owner[token] = targets.mostSimilar(unit, token, -Infinity).best;
  }
}
