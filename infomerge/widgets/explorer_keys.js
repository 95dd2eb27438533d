/**
 * Keeps the keys that controls use from being taken for the notebook's shortcuts.
 *
 * @import { RenderProps } from "@anywidget/types"
 */

const USED = new Set([
  "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown", "Enter", " ",
]);

/** @param {RenderProps} widget */
function render({ el }) {
  /** @param {KeyboardEvent} event */
  const claim = (event) => {
    const { target } = event;
    if (!(target instanceof Element) || !el.closest(".infomerge-explorer")?.contains(target)) return;
    const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    // On the focused element itself: looking for a shortcut begins there, and may end there.
    target.toggleAttribute("data-lm-suppress-shortcuts", !modified && USED.has(event.key));
  };
  window.addEventListener("keydown", claim, { capture: true });
  return () => window.removeEventListener("keydown", claim, { capture: true });
}

export default { render };
