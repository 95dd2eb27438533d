/** Elements, numbers and small marked-up texts; everything that is shown goes through text nodes. */

/**
 * An element with attributes and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, string>} attributes @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The element of the page with this id. @param {string} id */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`${id}: got no element of this id; expected one in template.html`);
  return element;
}

/** Set an element's text, where that changes it: what is written anew is laid out anew. @param {Element} element @param {string} text */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** The same for an attribute. @param {Element} element @param {string} name @param {string} value */
export function mark(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * A text with *words that are being defined* and _k for an index below the line, as nodes.
 * @param {string} text
 */
export function rich(text) {
  return text.split(/(\*[^*]+\*|_\{[^}]+\})/).map((part) => {
    if (part.startsWith("*")) return el("dfn", {}, part.slice(1, -1));
    if (part.startsWith("_{")) return el("sub", {}, part.slice(2, -1));
    return document.createTextNode(part);
  });
}

/** @param {number} value */
export function whole(value) {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** @param {number} value @param {number} digits */
export function fixed(value, digits) {
  return value.toFixed(digits).replace("-", "−");
}

/** @param {number} share */
export function percent(share) {
  return `${fixed(share * 100, share < 0.1995 && Math.abs(share * 100 - Math.round(share * 100)) > 0.05 ? 1 : 0)} %`;
}

/** @param {number} count @param {string} noun */
export function counted(count, noun) {
  return `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Frames of a segment, counted from 1. @param {[number, number]} segment */
export function framesOf([start, end]) {
  return end - start === 1 ? `frame ${start + 1}` : `frames ${start + 1} to ${end}`;
}
