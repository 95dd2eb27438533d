/**
 * What stands in for Jupyter in a page without a kernel: a model that holds a view's traits, and the room around it.
 */

/** Stands in for the widget's model: holds its traits. @template {Record<string, any>} T */
export class StaticModel {
  /** @param {T} traits */
  constructor(traits) {
    this.traits = traits;
  }

  /** @template {keyof T} K @param {K} name @returns {T[K]} */
  get(name) {
    return this.traits[name];
  }

  /** @template {keyof T} K @param {K} name @param {T[K]} value */
  set(name, value) {
    this.traits[name] = value;
  }

  on() {}
  off() {}
  save_changes() {}
}

/** @param {string} text base64 */
function bytesOf(text) {
  return new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
}

/** The traits in JSON, where bytes are {"base64": ...}. @param {string} json @returns {any} */
export function readState(json) {
  return JSON.parse(json, (_, value) => (typeof value?.base64 === "string" ? bytesOf(value.base64) : value));
}

/** Inside a notebook's iframe: as high as the view, and in the notebook's theme. */
export function fitOuterPage() {
  const frame = /** @type {HTMLElement | null} */ (window.frameElement);
  if (!frame) return;
  const outer = window.parent.document.body;
  const takeTheme = () => {
    const light = outer.dataset.jpThemeLight;
    if (light) document.documentElement.dataset.theme = light === "true" ? "light" : "dark";
    // The view redraws when its body's attributes change.
    document.body.dataset.theme = light ?? "";
  };
  takeTheme();
  new MutationObserver(takeTheme).observe(outer, { attributes: true });
  new ResizeObserver(() => {
    frame.style.height = `${Math.ceil(document.body.getBoundingClientRect().height)}px`;
  }).observe(document.body);
}

/**
 * Draw a view from its state, in a page of its own.
 * @template R
 * @param {(context: {model: any, el: HTMLElement}) => R} render @param {HTMLElement} el @param {string} json
 */
export function mountStatic(render, el, json) {
  fitOuterPage();
  return render({ model: new StaticModel(readState(json)), el });
}
