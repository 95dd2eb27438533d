/**
 * What views of a page are made of and what the page offers them: elements, files to save, the clipboard.
 */

/**
 * An element with attributes and children; strings become text.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag @param {Record<string, string | number>} attributes @param {(Node | string)[]} children
 */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  node.append(...children);
  return node;
}

/**
 * Act when a value was entered in a field: at Enter, by which a field inside a JupyterLab notebook does not change yet,
 * or when it is left.
 * @param {HTMLInputElement} field @param {() => void} act
 */
export function onEntered(field, act) {
  let edited = false;
  field.addEventListener("input", () => (edited = true));
  const enter = () => {
    edited = false;
    act();
  };
  field.addEventListener("keydown", (event) => event.key === "Enter" && enter());
  field.addEventListener("change", () => edited && enter());
}

/** @param {Blob} blob @param {string} name */
export function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Copy text, also where the clipboard is closed to frames and insecure pages. @param {HTMLElement} source */
export async function copyText(source) {
  try {
    await navigator.clipboard.writeText(source.textContent ?? "");
    return true;
  } catch {
    window.getSelection()?.selectAllChildren(source);
    return document.execCommand("copy");
  }
}

/**
 * A style that hides the line in a view's place (view.py), for as long as the view stands in the page.
 * @param {string | undefined} key
 */
export function hideStandin(key) {
  return element("style", {}, key ? `.${key} { display: none; }` : "");
}
