/**
 * Pictures as trees of SVG elements: plain objects, which become elements of a page or the text of a file.
 *
 * @typedef {{tag: string, attributes: Record<string, string | number>, children: (SvgNode | string)[]}} SvgNode
 * @typedef {string | number | undefined} Value
 */

/** @param {string} tag @param {Record<string, Value>} [attributes] @param {(SvgNode | string)[]} children */
export function svg(tag, attributes = {}, ...children) {
  /** @type {Record<string, string | number>} */
  const kept = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) kept[name] = typeof value === "number" ? Math.round(value * 100) / 100 : value;
  }
  return /** @type {SvgNode} */ ({ tag, attributes: kept, children });
}

/** Text at a place. @param {number} x @param {number} y @param {string} words @param {Record<string, Value>} [more] */
export const label = (x, y, words, more = {}) => svg("text", { x, y, ...more }, words);

/** @param {SvgNode} node @returns {SVGElement} */
export function toElement(node) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", node.tag);
  for (const [name, value] of Object.entries(node.attributes)) made.setAttribute(name, String(value));
  for (const child of node.children) made.append(typeof child === "string" ? child : toElement(child));
  return made;
}

/** All nodes of a tree for which `wanted` holds. @param {SvgNode} node @param {(node: SvgNode) => boolean} wanted */
export function findAll(node, wanted) {
  /** @type {SvgNode[]} */
  const found = wanted(node) ? [node] : [];
  for (const child of node.children) {
    if (typeof child !== "string") found.push(...findAll(child, wanted));
  }
  return found;
}
