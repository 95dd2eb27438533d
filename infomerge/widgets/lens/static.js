/**
 * The lens in a page without a kernel: its state comes with the page, as JSON.
 */

import { mountStatic } from "../static_page.js";
import { render } from "./view.js";

/** Draw a page's view from the JSON that `TokenLens.to_html` wrote into it. @param {HTMLElement} el @param {string} json */
export function mountPage(el, json) {
  return mountStatic(render, el, json);
}
