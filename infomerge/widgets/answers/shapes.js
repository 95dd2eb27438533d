/**
 * Numbers, places and words of the view, without a page.
 *
 * @typedef {{text: string, answer: string, kind: string}} Question
 * @typedef {{name: string, title: string}} Method
 * @typedef {{
 *   title: string, images: DataView[], width: number, height: number, rows: number, columns: number, questions: Question[],
 *   methods: Method[], least: number, most: number, markedUpTo: number,
 * }} Clip
 * @typedef {{
 *   question: number, method: string, ratio: number, index: number[], context: number[], needed: number[] | null,
 *   said: string, right: string, probability: number, choices: {word: string, probability: number}[],
 * }} Result
 * @typedef {{question: number, method: string, points: [number, number][]}} Curve
 * @typedef {{
 *   standin: string, clip: Clip, result: Result, curve: Curve, question: number, method: string, ratio: number,
 *   mark: boolean, message: {text?: string, failed?: boolean}, answered: [string, number] | [],
 * }} Traits
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 */

/** Steps of the slider from the smallest to the largest ratio. */
export const STEPS = 200;
/** A token without which the answer is less probable by this much is needed. */
export const NEEDED = 0.02;

/**
 * Where on the slider a ratio is: even steps are even factors.
 * @param {number} ratio @param {number} least @param {number} most
 */
export function stepOf(ratio, least, most) {
  return Math.round((STEPS * Math.log(ratio / least)) / Math.log(most / least));
}

/**
 * The ratio at a step of the slider, in four digits, and exactly the ends at the ends.
 * @param {number} step @param {number} least @param {number} most
 */
export function ratioAt(step, least, most) {
  const ratio = least * (most / least) ** (step / STEPS);
  return Math.min(most, Math.max(least, Number(ratio.toPrecision(4))));
}

/** @param {number} share such as 0.0512 */
export function percent(share) {
  return `${Number((100 * share).toPrecision(3))} %`;
}

/**
 * Boxes of frames in rows that fill a width, and the height that they take.
 * @param {number} count @param {number} width @param {number} aspect width of a frame by its height
 * @returns {{boxes: Box[], height: number}}
 */
export function frameBoxes(count, width, aspect) {
  const gap = 4;
  const columns = Math.max(2, Math.min(count, Math.floor(width / 84)));
  const across = (width - gap * (columns - 1)) / columns;
  const up = across / aspect;
  const boxes = Array.from({ length: count }, (_, k) => ({
    x: (k % columns) * (across + gap),
    y: Math.floor(k / columns) * (up + gap),
    width: across,
    height: up,
  }));
  return { boxes, height: Math.ceil(count / columns) * (up + gap) - gap };
}

/**
 * The part of a frame's box that a token is.
 * @param {{rows: number, columns: number}} grid @param {Box} box @param {number} position
 * @returns {Box}
 */
export function cellOf(grid, box, position) {
  const [width, height] = [box.width / grid.columns, box.height / grid.rows];
  const [row, column] = [Math.floor(position / grid.columns), position % grid.columns];
  return { x: box.x + column * width, y: box.y + row * height, width, height };
}

/**
 * Points of the curve in a box, few tokens at the left, as an SVG path takes them.
 * @param {[number, number][]} points @param {Box} box @param {number} least @param {number} most
 */
export function curvePath(points, box, least, most) {
  return points.map(([ratio, share], k) => {
    const [x, y] = curvePlace(ratio, share, box, least, most);
    return `${k ? "L" : "M"}${x.toFixed(1)},${y.toFixed(1)}`;
  }).join(" ");
}

/**
 * @param {number} ratio @param {number} share @param {Box} box @param {number} least @param {number} most
 * @returns {[number, number]}
 */
export function curvePlace(ratio, share, box, least, most) {
  const along = Math.log(ratio / least) / Math.log(most / least);
  return [box.x + along * box.width, box.y + (1 - share) * box.height];
}

/**
 * Whether what takes longer was worked out too: the curve of what is shown, and the tokens that it needs.
 * @param {Result} result @param {Curve} curve @param {boolean} mark @param {number} upTo
 */
export function isWhole(result, curve, mark, upTo) {
  const [marked, wanted] = [result.needed !== null, mark && result.ratio <= upTo];
  return curve.question === result.question && curve.method === result.method && marked === wanted;
}

/**
 * The state in a sentence, for the eye and for a screen reader.
 * @param {Result} result @param {number} total tokens of the clip
 */
export function inWords(result, total) {
  const kept = `${result.index.length} of ${total.toLocaleString("en")} tokens kept`;
  const verdict = result.said === result.right ? "right" : `wrong, it is “${result.right}”`;
  return `${kept}. The model says “${result.said}”: ${verdict}. Probability of the right answer: ${percent(result.probability)}.`;
}

/**
 * What is said of the tokens that the answer needs.
 * @param {Result} result @param {boolean} mark @param {number} upTo
 */
export function needsInWords(result, mark, upTo) {
  if (!mark) return "";
  if (result.ratio > upTo) return `Needed tokens are found at ${percent(upTo)} and less.`;
  if (result.needed === null) return "Leaving out each token in turn …";
  const found = result.needed.filter((value) => value > NEEDED).length;
  if (!found) return "No token alone is needed: others show the same, or the answer is lost already.";
  if (found === 1) return "One of the kept tokens is needed: without it the right answer is less probable.";
  return `${found} of the kept tokens are needed: without any one of them the right answer is less probable.`;
}
