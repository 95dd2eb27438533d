/**
 * The explorer in a page without a kernel: its state comes with the page, as JSON, and nothing can be turned.
 *
 * @import { Traits } from "./data.js"
 */

import { fitOuterPage, readState, StaticModel } from "../static_page.js";
import { render } from "./view.js";

/**
 * Draw a page's view from the JSON that `BudgetExplorer.to_html` wrote into it.
 * @param {HTMLElement} el @param {string} json
 */
export function mountPage(el, json) {
  fitOuterPage();
  /** @type {Traits} */
  const traits = readState(json);
  return render({ model: new StaticModel(traits), el });
}
