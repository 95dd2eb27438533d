/**
 * What a number of visual tokens costs a language model.
 *
 * @typedef {Object} Costs what `costs.py` makes
 * @property {{linear: number, quadratic: number}} flops
 * @property {{points: [number, number][], model: string, device: string, gpu: string, compress_ms: number, source: string}} prefill
 */

/** Multiply-accumulates of a prefill, as the paper counts them. @param {Costs} costs @param {number} tokens */
export function prefillFlops({ flops }, tokens) {
  return tokens * (flops.linear + flops.quadratic * tokens);
}

/**
 * Prefill time in milliseconds: measured at this number of tokens, or on the line between the two nearest measurements;
 * null beyond them.
 * @param {Costs} costs @param {number} tokens
 */
export function prefillTime({ prefill: { points } }, tokens) {
  const after = points.findIndex(([n]) => n >= tokens);
  if (after < 0 || (after === 0 && points[0][0] > tokens)) return null;
  const [n1, t1] = points[after];
  if (n1 === tokens) return { milliseconds: t1, isMeasured: true };
  const [n0, t0] = points[after - 1];
  return { milliseconds: t0 + ((t1 - t0) * (tokens - n0)) / (n1 - n0), isMeasured: false };
}
