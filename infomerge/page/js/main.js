/** Where the page begins: its data are on `window`, put there by the scripts before this one. */

import { App, listClips } from "./app.js";

const { infomergePage } = /** @type {{infomergePage: import("./app.js").PageData}} */ (/** @type {unknown} */ (window));
listClips(infomergePage);
const app = new App(infomergePage);
Object.assign(window, { infomergeApp: app });
