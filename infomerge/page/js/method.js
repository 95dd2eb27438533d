/**
 * InfoMerge, step by step: from a clip's tokens to the ones that are kept, and what each of them stands for.
 *
 * The steps are those of `infomerge/pipeline.py`, which this equals. What a knob leaves as it was is not done again.
 *
 * @import { Clip } from "./clip.js"
 * @import { Segment } from "./segments.js"
 * @import { Selection } from "./selection.js"
 * @import { Near } from "./density.js"
 *
 * @typedef {Object} Settings as `InfoMergeConfig` has them
 * @property {number} retentionRatio r
 * @property {number} contextFraction d
 * @property {number} minSegments c
 * @property {number} segmentThreshold tau_seg
 * @property {number} staticRatio rho
 * @property {number} staticPenalty lambda
 * @property {number} uniquenessWeight alpha
 * @property {number} richnessWeight beta
 * @property {number} temperature tau
 * @property {number} anchorInterval
 * @property {number} neighbors k
 * @property {string} staticPrior "tfd", "adjacent" or "none"
 * @property {string} allocation "caba" or "length"
 * @property {string} rounding "exact" or "paper"
 *
 * @typedef {Object} Result
 * @property {Segment[]} segments
 * @property {Float64Array[]} scores TFD or the adjacent difference of each segment's positions, NaN where undefined
 * @property {Uint8Array[]} statics S_k
 * @property {number[]} uniqueness u_k
 * @property {number[]} richness e_k
 * @property {number[]} weight w_k
 * @property {number[]} budget B_k
 * @property {number[]} lengthBudget what B_k would be by length alone
 * @property {number} requested
 * @property {number} salientPerFrame T_s
 * @property {number} context B_DTM
 * @property {number} kept
 * @property {Uint8Array} isSalient of every token of the clip
 * @property {Uint8Array} isContext
 * @property {Int32Array} owner flat index of the kept token that stands for each token; a kept token's own
 */

import { allocate, contentWeight, splitBudget, uniqueness } from "./budget.js";
import { richnessOf } from "./clip.js";
import { byDensity, movedIn, nearIn } from "./density.js";
import { chooseAnchors, findAnchorFrames, Owners, ownByKept } from "./merging.js";
import { same } from "./numbers.js";
import { adjacentDifference, fingerprints, staticCandidates, temporalFingerprintDifference } from "./redundancy.js";
import { findSegments } from "./segments.js";
import { rankSaliency, selectSalient, Tokens } from "./selection.js";

/** Segments whose work is remembered, the most recently used ones. */
const REMEMBERED = 64;

/** Pairs of tokens whose distances are remembered: 80 MB, which holds 200 frames of 196 tokens. */
const MOST_NEAR = 8e6;

/** The method on one clip. */
export class Method {
  /** @param {Clip} clip */
  constructor(clip) {
    this.clip = clip;
    this.prints = fingerprints(clip);
    this.ranking = rankSaliency(clip);
    /** @type {Map<number, Near>} */
    this.near = new Map();
    this.measured = { key: "", unique: /** @type {number[]} */ ([]), rich: /** @type {number[]} */ ([]) };
    /** @type {Map<string, SegmentWork>} */
    this.work = new Map();
  }

  /** Who is near to whom in a frame, worked out when it is first asked for. @param {number} frame */
  nearIn(frame) {
    const { features, positions, directions } = this.clip;
    const near = this.near.get(frame) ?? nearIn(features, frame, positions, directions);
    this.near.set(frame, near);
    if (this.near.size > 1 && this.near.size * positions ** 2 > MOST_NEAR) this.near.delete(this.near.keys().next().value ?? 0);
    return near;
  }

  /** Uniqueness and richness of segments. @param {Segment[]} segments */
  measure(segments) {
    const key = segments.join();
    if (key !== this.measured.key) {
      const rich = segments.map(([start, end]) => richnessOf(this.clip, start, end));
      this.measured = { key, unique: uniqueness(this.clip, segments), rich };
    }
    return this.measured;
  }

  /** @param {Segment} segment */
  workOf(segment) {
    const key = segment.join("-");
    const work = this.work.get(key) ?? new SegmentWork(this, segment);
    this.work.delete(key);
    this.work.set(key, work);
    if (this.work.size > REMEMBERED) this.work.delete(this.work.keys().next().value ?? "");
    return work;
  }

  /**
   * Everything from segments to budgets (sections 3.1 to 3.3): what is known before single tokens are chosen.
   * @param {Settings} settings
   */
  plan(settings) {
    const { clip } = this;
    const segments = findSegments(clip.transition, settings.minSegments, settings.segmentThreshold);
    const lengths = segments.map(([start, end]) => end - start);
    const { unique, rich } = this.measure(segments);
    const weight = settings.allocation === "caba" ? contentWeight(unique, rich, lengths, settings) : lengths;
    const { requested, salient, context } = splitBudget(clip.frames, clip.positions, settings);
    const capacity = lengths.map((length) => length * (clip.positions - salient));
    const budget = allocate(weight, context, capacity, settings.rounding);
    const lengthBudget = allocate(lengths, context, capacity, settings.rounding);
    return { segments, uniqueness: unique, richness: rich, weight, budget, lengthBudget, requested, salient, context };
  }

  /** The whole method. @param {Settings} settings @returns {Result} */
  run(settings) {
    const { frames, positions, directions, unit } = this.clip;
    const { salient, ...plan } = this.plan(settings);
    const [isSalient, isContext] = [new Uint8Array(frames * positions), new Uint8Array(frames * positions)];
    const owner = new Int32Array(frames * positions);
    for (let i = 0; i < owner.length; i++) owner[i] = i;
    const works = plan.segments.map((segment) => this.workOf(segment));
    works.forEach((work, k) => {
      const first = work.segment[0] * positions;
      work.select(settings, salient);
      const anchors = work.chooseAnchors(settings, salient, plan.budget[k]);
      isSalient.set(work.selection.salient, first);
      isContext.set(anchors, first);
      if (plan.budget[k] === 0) return;
      const owners = work.assign(anchors);
      for (let i = 0; i < owners.length; i++) if (owners[i] >= 0) owner[first + i] = first + owners[i];
    });
    const isKept = new Uint8Array(isSalient.length);
    let kept = 0;
    for (let i = 0; i < isKept.length; i++) {
      isKept[i] = isSalient[i] | isContext[i];
      kept += isKept[i];
    }
    if (plan.budget.includes(0)) {
      // On the tokens as they are after eq. 30.
      const after = unit.slice();
      works.forEach((work) => after.set(work.tokens.unit, work.segment[0] * positions * directions));
      works.forEach((work, k) => {
        if (!plan.budget[k]) ownByKept(after, work.segment, positions, isKept, directions, owner);
      });
    }
    return {
      ...plan,
      scores: works.map((work) => work.scoresBy(settings.staticPrior)),
      statics: works.map((work) => work.isStatic),
      salientPerFrame: salient,
      kept,
      isSalient,
      isContext,
      owner,
    };
  }
}

/** What is known of one segment, from one setting of the knobs to the next. */
class SegmentWork {
  /** @param {Method} method @param {Segment} segment */
  constructor(method, segment) {
    const { positions, directions, frames } = method.clip;
    const [start, end] = segment;
    this.method = method;
    this.segment = segment;
    this.size = (end - start) * positions;
    this.isStatic = new Uint8Array(positions);
    /** @type {Selection} */
    this.selection = { salient: new Uint8Array(0), replaced: new Uint8Array(this.size) };
    this.chosenBy = "";
    this.tokens = new Tokens(method.clip, segment);
    /** Tokens that were replaced, or are no longer, since owners were last found. */
    this.changed = new Uint8Array(this.size);
    this.owners = new Owners(this.size, positions, directions);
    /** @type {Map<string, Float64Array>} */
    this.scores = new Map();
    /** @type {({candidates: number[], replaced: Uint8Array, neighbors: number, order: number[]} | undefined)[]} */
    this.density = Array.from({ length: frames });
  }

  /** @param {string} prior */
  scoresBy(prior) {
    const { clip, prints } = this.method;
    const known = this.scores.get(prior);
    if (known) return known;
    const isDefined = prior !== "none" && this.segment[1] - this.segment[0] > 1;
    const measure = prior === "adjacent" ? adjacentDifference : temporalFingerprintDifference;
    const scores = isDefined ? measure(prints, clip, this.segment) : new Float64Array(clip.positions).fill(NaN);
    this.scores.set(prior, scores);
    return scores;
  }

  /** Static candidates, salient tokens, replaced ones. @param {Settings} settings @param {number} count T_s */
  select(settings, count) {
    const { clip } = this.method;
    // Where everything is kept, nothing may be replaced.
    const ratio = settings.retentionRatio < 1 ? settings.staticRatio : 0;
    const key = [settings.staticPrior, ratio, count, settings.staticPenalty].join();
    if (key === this.chosenBy) return;
    this.chosenBy = key;
    this.isStatic = staticCandidates(this.scoresBy(settings.staticPrior), ratio);
    const before = this.selection.replaced;
    this.selection = selectSalient(clip, this.method.ranking, this.segment, this.isStatic, count, settings.staticPenalty);
    const { replaced } = this.selection;
    if (same(before, replaced)) return;
    replaced.forEach((mark, i) => mark !== before[i] && (this.changed[i] = 1));
    this.tokens.replace(before, replaced);
  }

  /** Marks of the context anchors (eq. 12, 31 to 33). @param {Settings} settings @param {number} count @param {number} tokens */
  chooseAnchors(settings, count, tokens) {
    const { positions } = this.method.clip;
    const marks = new Uint8Array(this.size);
    const given = new Uint8Array(positions);
    for (const { frame, quota } of findAnchorFrames(this.segment, tokens, settings.anchorInterval, positions - count)) {
      const first = (frame - this.segment[0]) * positions;
      const candidates = [];
      for (let p = 0; p < positions; p++) if (!this.selection.salient[first + p]) candidates.push(p);
      // Where all are taken, or none, it does not matter which is the best.
      const all = quota === candidates.length || quota === 0;
      const order = all ? candidates : this.densityOrder(frame, candidates, settings.neighbors);
      for (const p of chooseAnchors(order, quota, this.isStatic, given)) marks[first + p] = 1;
    }
    return marks;
  }

  /** Candidates by density, the best first. @param {number} frame @param {number[]} candidates @param {number} neighbors */
  densityOrder(frame, candidates, neighbors) {
    const { positions, directions } = this.method.clip;
    const local = frame - this.segment[0];
    const replaced = this.selection.replaced.slice(local * positions, (local + 1) * positions);
    const known = this.density[frame];
    const isKnown = known?.neighbors === neighbors && same(known.candidates, candidates);
    if (known && isKnown && same(known.replaced, replaced)) return known.order;
    const moved = movedIn(this.tokens.features, local, candidates, this.selection.replaced, positions, directions);
    const order = byDensity(this.method.nearIn(frame), candidates, moved, directions, neighbors);
    this.density[frame] = { candidates, replaced, neighbors, order };
    return order;
  }

  /** Owner of each token within the segment, -1 for kept ones. @param {Uint8Array} anchors */
  assign(anchors) {
    const isKept = anchors.map((mark, i) => mark | this.selection.salient[i]);
    const owner = this.owners.update(this.tokens.unit, anchors, isKept, this.changed);
    this.changed.fill(0);
    return owner;
  }
}
