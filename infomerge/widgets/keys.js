/**
 * Keys that belong to a view inside a notebook, and not to the notebook's shortcuts.
 *
 * Notebook 7 looks for shortcuts before the focused element sees a key, so that an arrow would leave a slider for the
 * next cell. Lumino, which does so, passes over elements with the attribute that is set here, from the focused one on.
 * Keys that the view does not use, such as Shift+Enter, still reach the notebook.
 *
 * @typedef {(event: KeyboardEvent) => unknown} Handler what a key does; false where it is not for the view after all
 */

/** Keys of sliders, lists, buttons and radio buttons, which the browser itself acts on. */
const CONTROL_KEYS = new Set([
  "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown", "Enter", " ",
]);

const UNCLAIMED = "data-lm-suppress-shortcuts";

/**
 * Claim the keys that the controls inside a view use, and those that `handlers` name, for the view.
 *
 * A handler acts wherever in the view the focus is; where it returns false, the focused control gets the key, as it
 * gets those that have no handler. With Ctrl, Alt, Shift or Meta a key stays the notebook's.
 *
 * @param {Element | (() => Element | null)} view the view, or a way to find it, which is asked at each key
 * @param {Record<string, Handler>} [handlers] by `KeyboardEvent.key`, such as "ArrowLeft", "n" or " "
 * @returns {() => void} gives the keys back
 */
export function claimKeys(view, handlers = {}) {
  /** @param {KeyboardEvent} event */
  const claim = (event) => {
    const target = /** @type {Element} */ (event.target);
    const claimant = typeof view === "function" ? view() : view;
    if (!claimant?.contains(target)) return;
    const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    const handler = modified || !Object.hasOwn(handlers, event.key) ? undefined : handlers[event.key];
    // On the focused element itself: looking for a shortcut begins there, and may end there.
    target.toggleAttribute(UNCLAIMED, !modified && (handler !== undefined || CONTROL_KEYS.has(event.key)));
    if (!handler || handler(event) === false) return;
    event.preventDefault();
    event.stopPropagation();
  };
  window.addEventListener("keydown", claim, { capture: true });
  return () => window.removeEventListener("keydown", claim, { capture: true });
}
