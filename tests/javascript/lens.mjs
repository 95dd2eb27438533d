/** A clip of two segments, 3 frames of 2 x 3 patches, of which 4 tokens are kept, for the tests of the lens. */

const view = (array) => new DataView(array.buffer);
const packed = (dtype, array) => ({ dtype, bytes: view(array) });

/**
 * Owners, frame by frame:
 *   0 0 1   0 0 1   2 2 3
 *   0 1 1   0 0 1   2 3 3
 * Token 0 lies at frame 0, position 0; 1 at frame 1, position 5; 2 at frame 2, position 1; 3 at frame 2, position 5.
 */
export const OWNERS = [0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0, 1, 2, 2, 3, 2, 3, 3];

export function lensData(changes = {}) {
  return {
    title: "a clip", frames: 3, rows: 2, columns: 3, width: 60, height: 30, timestamps: [0, 0.5, 1.25],
    requested: 5, kept: 4, images: [view(Uint8Array.of(1, 2)), view(Uint8Array.of(3)), view(Uint8Array.of())],
    index: packed("uint32", Uint32Array.of(0, 11, 13, 17)),
    is_context: packed("uint8", Uint8Array.of(1, 1, 0, 1)),
    assignment: packed("uint16", Uint16Array.from(OWNERS)),
    colors: packed("uint8", Uint8Array.from({ length: 12 }, (_, i) => 10 * i)),
    segments: packed("uint32", Uint32Array.of(0, 2, 2, 3)),
    static: packed("uint8", Uint8Array.of(1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)),
    tfd: packed("float32", Float32Array.of(0, 0.25, 0.5, 0.75, 1, 2, NaN, NaN, NaN, NaN, NaN, NaN)),
    tfd_ranges: [[0, 2], null],
    saliency: packed("float32", Float32Array.from({ length: 18 }, (_, i) => i / 8)),
    saliency_range: [0, 2], method: "infomerge", config: { retention_ratio: 0.25 }, line: "InfoMergeConfig()",
    ...changes,
  };
}
