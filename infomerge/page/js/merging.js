/**
 * Hard-masked density-based token merging, DTM (section 3.4, A.7): the context tokens, and what each stands for.
 *
 * @import { Segment } from "./segments.js"
 */

import { dot, millionths } from "./numbers.js";

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

/**
 * The most similar of some tokens for one token: largest cosine in millionths, the first among equals.
 * @param {Float64Array} unit @param {number} token @param {ArrayLike<number>} targets ascending
 * @param {number} directions
 */
function mostSimilar(unit, token, targets, directions) {
  let [best, value] = [-1, -Infinity];
  for (let n = 0; n < targets.length; n++) {
    const found = millionths(dot(unit, token * directions, unit, targets[n] * directions, directions));
    if (found > value) [best, value] = [targets[n], found];
  }
  return { best, value };
}

/**
 * Owners of a segment's tokens: every token that was not kept goes to its most similar anchor.
 *
 * It remembers the last answer. When anchors come, tokens are compared with these alone; when anchors go, only the
 * tokens that were theirs look for a new one. The owners are those that a comparison with all anchors gives.
 */
export class Owners {
  /** @param {number} tokens of the segment @param {number} directions */
  constructor(tokens, directions) {
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
    const { owner, value, directions } = this;
    const [all, added] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
    const gone = new Uint8Array(isTarget.length);
    for (let i = 0; i < isTarget.length; i++) {
      if (isTarget[i]) all.push(i);
      if (isTarget[i] && (!this.isTarget[i] || changed[i])) added.push(i);
      if (this.isTarget[i] && (!isTarget[i] || changed[i])) gone[i] = 1;
    }
    for (let i = 0; i < isTarget.length; i++) {
      if (isKept[i]) {
        owner[i] = -1;
        continue;
      }
      const anew = owner[i] < 0 || changed[i] || gone[owner[i]];
      const found = mostSimilar(unit, i, anew ? all : added, directions);
      if (anew || found.value > value[i] || (found.value === value[i] && found.best < owner[i])) {
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
  for (let token = start * positions; token < end * positions; token++) {
    if (!isKept[token]) owner[token] = mostSimilar(unit, token, here.length ? here : every, directions).best;
  }
}
