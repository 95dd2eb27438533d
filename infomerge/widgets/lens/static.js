/**
 * The lens in a page without a kernel: its state comes with the page, as JSON.
 *
 * @import { LensTraits } from "./data.js"
 */

import { fitOuterPage, readState, StaticModel } from "../static_page.js";
import { render } from "./view.js";

/**
 * Draw a page's view from the JSON that `TokenLens.to_html` wrote into it.
 * @param {HTMLElement} el @param {string} json
 */
export function mountPage(el, json) {
  fitOuterPage();
  /** @type {LensTraits} */
  const traits = readState(json);
  return render({ model: new StaticModel(traits), el });
}
