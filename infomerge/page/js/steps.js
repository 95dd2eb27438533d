/**
 * The path: eight steps from "every token is read" to "these stand for all". Each has one thing to try and one to predict.
 *
 * Numbers in the texts are worked out from the clip that is shown.
 *
 * @import { Clip } from "./clip.js"
 * @import { Costs } from "./costs.js"
 * @import { Method, Result, Settings } from "./method.js"
 * @import { View } from "./link.js"
 *
 * @typedef {Object} Facts
 * @property {Clip} clip
 * @property {Method} method
 * @property {Costs} costs
 *
 * @typedef {Object} Question
 * @property {string} text
 * @property {string[]} choices
 * @property {number} answer place of the right choice
 * @property {string} because
 *
 * @typedef {Object} Step
 * @property {(facts: Facts) => string} title
 * @property {(facts: Facts) => string[]} text paragraphs
 * @property {string} attempt what to try
 * @property {Partial<Settings>} settings on top of the defaults
 * @property {View} view
 * @property {string[]} knobs names of those that matter here
 * @property {(facts: Facts) => Question} question
 */

import { prefillFlops, prefillTime } from "./costs.js";
import { DEFAULTS } from "./settings.js";
import { fixed, framesOf, percent, whole } from "./words.js";

/** @param {Facts} facts @param {Partial<Settings>} settings */
const ran = ({ method }, settings = {}) => method.run({ ...DEFAULTS, ...settings });

/** @param {Facts} facts */
const total = ({ clip }) => clip.frames * clip.positions;

/** @param {Facts} facts @param {Partial<Settings>} settings */
const keptBy = (facts, settings = {}) => facts.method.plan({ ...DEFAULTS, ...settings }).requested;

/** Patches that the largest group holds. @param {Result} result */
function largestGroup({ owner }) {
  const counts = new Uint32Array(owner.length);
  let most = 0;
  for (const own of owner) most = Math.max(most, (counts[own] += 1));
  return most;
}

/** The place of a number among ranges that end below the limits. @param {number} number @param {number[]} limits */
const rangeOf = (number, limits) => limits.filter((limit) => number >= limit).length;

/** Milliseconds of a prefill, in words. @param {Costs} costs @param {number} tokens */
function timeOf(costs, tokens) {
  const time = prefillTime(costs, tokens);
  return time ? `${time.isMeasured ? "" : "about "}${fixed(time.milliseconds, 0)} ms` : "an unmeasured time";
}

/** @type {Step[]} */
export const STEPS = [
  {
    title: (facts) => `${whole(total(facts))} tokens, every one is read`,
    text: ({ clip }) => [
      `A video language model does not watch a film. It takes ${clip.frames} pictures from it (*frames*), cuts each into ` +
        `${clip.data.rows} × ${clip.data.columns} squares (*patches*), and reads one *token* for each: a list of numbers ` +
        "that says what the patch shows. What is in color reaches the model. Now that is everything.",
    ],
    attempt: "Drag “Tokens kept” down to 15 %.",
    settings: { retentionRatio: 1 },
    view: "kept",
    knobs: ["retentionRatio"],
    question: (facts) => {
      const share = prefillFlops(facts.costs, keptBy(facts)) / prefillFlops(facts.costs, total(facts));
      return {
        text: "With 15 % of the tokens, how much of the model’s reading work is left?",
        choices: ["Exactly 15 %", "More than 15 %", "Less than 15 %"],
        answer: share < 0.1495 ? 2 : share > 0.1505 ? 1 : 0,
        because: `${percent(share)} of the multiplications: every token is compared with every other, so that this part ` +
          "falls with the square of their number.",
      };
    },
  },
  {
    title: () => "Cut the clip where the picture changes",
    text: () => [
      "Frames close in time look alike. So the clip is first cut into *segments*, runs of frames that belong together: " +
        "wherever two neighboring frames are less alike than a threshold (1 means the same), and at the largest changes " +
        "until there are eight. Each numbered bar above the frames is a segment; a red wedge is a cut that the film " +
        "really has.",
    ],
    attempt: "Drag “Cut below similarity” up and down. Do the bars end at the wedges?",
    settings: {},
    view: "kept",
    knobs: ["segmentThreshold", "minSegments"],
    question: (facts) => {
      const count = (/** @type {number} */ at) => facts.method.plan({ ...DEFAULTS, segmentThreshold: at }).segments.length;
      const [now, then] = [count(0.9), count(0.97)];
      return {
        text: `At a threshold of 0.90 there are ${now} segments. How many at 0.97?`,
        choices: ["As many", "Up to twice", "More than twice"],
        answer: then === now ? 0 : then <= 2 * now ? 1 : 2,
        because: `${then}. A border that is not needed does harm: tokens are merged within a segment only.`,
      };
    },
  },
  {
    title: () => "Find what stands still",
    text: () => [
      "A patch that does not change says the same thing in every frame. To find such patches, each patch is compared with " +
        "itself in all frames of its segment. *Temporal Fingerprint Difference* (TFD) is how much these comparisons change " +
        "from one frame to the next. Dark blue is still, yellow is restless. The stillest positions, with a white dot, are " +
        "the *static candidates*.",
    ],
    attempt: "Drag “Static candidates”. Which part of the picture gets dots first?",
    settings: {},
    view: "still",
    knobs: ["staticRatio"],
    question: (facts) => {
      const count = Math.floor(DEFAULTS.staticRatio * facts.clip.positions + 1e-9);
      const single = ran(facts).segments.filter(([start, end]) => end - start === 1).length;
      return {
        text: "How many dots are there in a segment that is one frame long?",
        choices: [`${count}, as in the others`, `All ${facts.clip.positions}`, "None"],
        answer: 2,
        because: `None: one frame cannot be compared with another, so that TFD is undefined. Here ${single === 1 ? "1 segment is" : `${single} segments are`} of one frame, without colors.`,
      };
    },
  },
  {
    title: () => "Give every segment a budget",
    text: (facts) => {
      const { requested, salient, context } = facts.method.plan(DEFAULTS);
      return [
        `15 % are ${whole(requested)} tokens. Every frame gets ${salient} of them (orange, see step 5). The other ` +
          `${whole(context)} are shared out between the segments: their *budgets* (blue). By length alone, each frame would ` +
          "be worth the same (dashed line). *Content-Aware Budget Allocation* (CABA) gives more to a segment that differs " +
          "from the rest of the clip (*unique*) or that shows many different things (*rich*).",
      ];
    },
    attempt: "Drag “Temperature” up from 0 and watch tokens flow.",
    settings: { temperature: 0 },
    view: "kept",
    knobs: ["temperature", "uniquenessWeight", "richnessWeight", "allocation"],
    question: (facts) => {
      const { segments, budget, lengthBudget } = facts.method.plan(DEFAULTS);
      const gains = budget.map((tokens, k) => tokens - lengthBudget[k]);
      const order = [...gains.keys()].sort((a, b) => gains[b] - gains[a] || a - b);
      const offered = [...new Set([order[0], order[order.length - 1], order[order.length >> 1]])].sort((a, b) => a - b);
      return {
        text: "Which segment gains most when the temperature goes from 0 to 1.2?",
        choices: offered.map((k) => `Segment ${k + 1}`),
        answer: offered.indexOf(order[0]),
        because: `Segment ${order[0] + 1} (${framesOf(segments[order[0]])}): ${gains[order[0]] >= 0 ? "+" : "−"}${Math.abs(gains[order[0]])} tokens. Choose it ` +
          "in the chart and open “The formulas” to see why.",
      };
    },
  },
  {
    title: () => "Keep what draws attention",
    text: (facts) => [
      "How much the vision model itself looks at a patch is the token’s *saliency*. In every frame the tokens of highest " +
        "saliency are kept as they are: the *salient tokens* (orange). The rest of what may be kept are *context tokens* " +
        "(blue), which will stand for others." +
        (facts.clip.data.saliencySource.startsWith("distance")
          ? " Here saliency is how far a token is from the mean of its frame."
          : ` Here saliency is ${facts.clip.data.saliencySource.replace("class evidence", "how much a patch speaks for what the model recognizes")}.`),
    ],
    attempt: "Drag “Share of context tokens” from one end to the other.",
    settings: {},
    view: "kind",
    knobs: ["contextFraction"],
    question: (facts) => {
      const { requested, salient } = facts.method.plan({ ...DEFAULTS, contextFraction: 0 });
      const left = requested - facts.clip.frames * salient;
      return {
        text: `Let all ${whole(requested)} tokens be salient (context share 0). How many has each frame?`,
        choices: [`${Math.round(salient / 2)}`, `${salient}`, `${salient * 2}`],
        answer: 1,
        because: `${salient}: ${whole(requested)} shared evenly by ${facts.clip.frames} frames, rounded down.` +
          (left > 0 ? ` The ${left} that are left over become context tokens, so that the total is exact.` : ""),
      };
    },
  },
  {
    title: () => "Do not keep the same thing twice",
    text: () => [
      "A patch that is salient and stands still would be kept again in every frame: the same token, many times. So a " +
        "static candidate pays a *penalty* once it has been kept: in the later frames of its segment its saliency is λ " +
        "standard deviations lower, and another patch takes its place.",
    ],
    attempt: "Drag “Penalty” up from 0, and look for orange patches that stop repeating.",
    settings: { staticPenalty: 0, staticRatio: 0.3 },
    view: "kind",
    knobs: ["staticPenalty", "staticRatio"],
    question: (facts) => {
      const [without, with_] = [0, 12].map((staticPenalty) => ran(facts, { staticRatio: 0.3, staticPenalty }).isSalient);
      const count = without.reduce((sum, mark) => sum + mark, 0);
      const moved = without.reduce((sum, mark, i) => sum + Number(mark && !with_[i]), 0);
      return {
        text: "With the penalty at 12, what share of the salient tokens gives way to others?",
        choices: ["Less than 5 %", "5 to 20 %", "More than 20 %"],
        answer: rangeOf(moved / Math.max(1, count), [0.05, 0.2]),
        because: `${percent(moved / Math.max(1, count))}: ${moved} of ${count}, with ${percent(0.3)} of the positions as candidates.`,
      };
    },
  },
  {
    title: () => "Let a few stand for many",
    text: (facts) => [
      `What is still gray is not thrown away. In every ${DEFAULTS.anchorInterval}th frame of a segment some tokens become ` +
        "*anchors*: those with many look-alikes around them and no better anchor nearby. These are the blue context tokens. " +
        `Each of the ${whole(total(facts) - keptBy(facts))} others is merged into the anchor that it is most similar to.`,
    ],
    attempt: "Point at a patch, or tap it: everything that its token stands for lights up, in all frames.",
    settings: {},
    view: "kept",
    knobs: ["anchorInterval", "neighbors"],
    question: (facts) => {
      const most = largestGroup(ran(facts));
      return {
        text: "How many patches does the busiest token stand for?",
        choices: ["Fewer than 20", "20 to 99", "100 or more"],
        answer: rangeOf(most, [20, 100]),
        because: `${most} patches, one token. Still, plain surfaces make the largest groups.`,
      };
    },
  },
  {
    title: (facts) => `${whole(keptBy(facts))} that stand for all`,
    text: (facts) => {
      const [all, few] = [total(facts), keptBy(facts)];
      const [before, after] = [all, few].map((tokens) => prefillFlops(facts.costs, tokens) / 1e12);
      return [
        `Every patch now has the mean color of the group it was merged into: about what is left to be seen in ${whole(few)} ` +
          `tokens. The model’s reading work falls from ${fixed(before, 1)} to ${fixed(after, 1)} trillion multiplications, ` +
          `and the time until it has read the clip (its *prefill*) from ${timeOf(facts.costs, all)} to ${timeOf(facts.costs, few)}.`,
      ];
    },
    attempt: "Press “5 %” and look what is lost. Then press “Compare”.",
    settings: {},
    view: "merged",
    knobs: ["retentionRatio"],
    question: (facts) => {
      const times = [0.15, 0.05].map((retentionRatio) => prefillTime(facts.costs, keptBy(facts, { retentionRatio })));
      const [slow, fast] = times.map((time) => time?.milliseconds ?? 1);
      return {
        text: "5 % are a third of the tokens of 15 %. Is the prefill three times as fast?",
        choices: ["Yes", "About twice", "Much less"],
        answer: slow / fast > 2.5 ? 0 : slow / fast > 1.5 ? 1 : 2,
        because: `${fixed(slow, 0)} against ${fixed(fast, 0)} ms, measured on one ${facts.costs.prefill.gpu}: ` +
          "with so few tokens the GPU waits for its orders most of the time.",
      };
    },
  },
];
