/** A clip of 6 frames of 2 x 2 patches in 3 segments, for the tests of the explorer. */

const packed = (dtype, array) => ({ dtype, bytes: new DataView(array.buffer) });

export const clip = {
  name: "a clip",
  facts: "a clip: 6 frames",
  count: 6,
  positions: 4,
  grid: [2, 2],
  edges: [-0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5],
  unit: "s",
  cut_times: [2.5],
  aspect: 1.5,
  pictures: [],
  source: null,
};

export const plan = {
  bounds: [
    [0, 3],
    [3, 4],
    [4, 6],
  ],
  transition: [1, 0.95, 0.2, 0.5, 0.97],
  threshold: 0.9,
  uniqueness: [0.1, 0.4, 0.2],
  richness: [0.5, 0.6, 0.4],
  z_uniqueness: [-1, 1.3, -0.3],
  z_richness: [0, 1.2, -1.2],
  weight: [1.2, 0.8, 1],
  budget: [6, 4, 5],
  length_budget: [8, 2, 5],
  requested: 20,
  asked_context: 15,
  kept: 21,
  salient: 6,
  context: 15,
  allocation: "caba",
  rounding: "exact",
  tau: 1.2,
  alpha: 0.9,
  beta: 0.1,
};

export const shown = {
  config: { temperature: 1.2, static_prior: "tfd" },
  compared: [{ temperature: 1.2, static_prior: "tfd" }, null],
  line: "InfoMergeConfig()",
  python: "BudgetExplorer(tokens)",
  without_effect: {},
  headings: {},
  described_pinned: null,
  plan,
  pinned: null,
};

export const maps = {
  b: {
    prior: "tfd",
    segments: 3,
    scores: packed("float32", Float32Array.of(0, 0.25, 0.5, 1, NaN, NaN, NaN, NaN, 1, 1, 2, 2)),
    static: packed("uint8", Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0)),
  },
  a: null,
};

/** Of the first frame: A keeps 0 and 1, B keeps 1 and 2; 3 is merged elsewhere. */
export const tokens = {
  of: shown.compared,
  b: packed("uint8", Uint8Array.of(0, 1, 2, 0, ...new Array(20).fill(0))),
  a: packed("uint8", Uint8Array.of(1, 1, 0, 0, ...new Array(20).fill(0))),
  moved: packed("uint8", Uint8Array.of(0, 0, 0, 1, ...new Array(20).fill(0))),
};
