/**
 * The explorer in a page without a kernel: its state comes with the page, as JSON, and nothing can be turned.
 */

import { mountStatic } from "../static_page.js";
import { render } from "./view.js";

/** Draw a page's view from the JSON that `BudgetExplorer.to_html` wrote into it. @param {HTMLElement} el @param {string} json */
export function mountPage(el, json) {
  return mountStatic(render, el, json);
}
