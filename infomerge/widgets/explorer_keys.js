/**
 * Keeps the keys that the explorer's controls use from being taken for the notebook's shortcuts.
 *
 * @import { RenderProps } from "@anywidget/types"
 */

import { claimKeys } from "./keys.js";

/** @param {RenderProps} widget */
function render({ el }) {
  // Looked for at each key: the element is put into the view only after it is rendered.
  return claimKeys(() => el.closest(".infomerge-explorer"));
}

const keys = { render };
export default keys;
