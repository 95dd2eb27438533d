/**
 * Plotly's own widget, begun when its code has come.
 *
 * A model that needs longer than the two seconds that anywidget allows never receives messages, so the figure stays
 * empty. Evaluating plotly's five megabytes takes that long on a slow or busy machine. So a figure begins with this
 * small module, and plotly follows as data, once for all figures of the page. Changes that come before it are kept and
 * then handed over.
 *
 * @import { AnyModel, InitializeProps, RenderProps } from "@anywidget/types"
 *
 * @typedef {AnyModel<Record<string, any>>} Model
 * @typedef {Object} Figure plotly's widget
 * @property {(props: { model: Model }) => void} initialize
 * @property {(props: { model: Model, el: HTMLElement }) => (() => void) | undefined} render
 * @typedef {{ default: () => Figure }} Plotly plotly's module
 */

const CHANGES = ["addTraces", "deleteTraces", "moveTraces", "restyle", "relayout", "update", "animate",
  "removeLayoutProps", "removeTraceProps"].map((name) => `_py2js_${name}`);
const LOADED = Symbol.for("infomerge.plotly");
const PATIENCE_MS = 15_000;

/**
 * Plotly's code, once it is there.
 *
 * @param {Model} model
 * @returns {Promise<string>}
 */
function codeOf(model) {
  return new Promise((resolve) => {
    const look = () => {
      if (model.get("_plotly")) resolve(model.get("_plotly"));
    };
    model.on("change:_plotly", look);
    look();
  });
}

/**
 * The module of this code; one for all figures of the page.
 *
 * @param {string} code
 * @returns {Promise<Plotly>}
 */
function moduleOf(code) {
  /** @type {Record<symbol, Map<string, Promise<Plotly>>>} */
  const page = /** @type {any} */ (globalThis);
  const loaded = (page[LOADED] ??= new Map());
  const known = loaded.get(code);
  if (known) return known;
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  const module = import(url).finally(() => URL.revokeObjectURL(url));
  loaded.set(code, module);
  return module;
}

/**
 * Keeps the changes that come from now on; what it returns hands them over.
 *
 * @param {Model} model
 */
function keepChanges(model) {
  /** @type {[string, object][]} */
  const kept = [];
  const listeners = CHANGES.map((name) => {
    const keep = () => {
      if (model.get(name)) kept.push([name, model.get(name)]);
    };
    model.on(`change:${name}`, keep);
    return /** @type {const} */ ([name, keep]);
  });
  return () => {
    for (const [name, keep] of listeners) model.off(`change:${name}`, keep);
    // A change is told by setting its message and then null, as plotly's Python side does.
    for (const [name, message] of kept) for (const value of [null, message, null]) model.set(name, value);
  };
}

export default () => {
  /** @type {Promise<Figure>} */
  let begun;
  return {
    /** @param {InitializeProps<Record<string, any>>} widget */
    initialize({ model }) {
      const handOver = keepChanges(model);
      begun = codeOf(model).then(moduleOf).then((plotly) => {
        const figure = plotly.default();
        figure.initialize({ model });
        handOver();
        return figure;
      });
    },
    /** @param {RenderProps<Record<string, any>>} widget */
    render({ model, el }) {
      /** @type {(() => void) | undefined} */
      let remove;
      let removed = false;
      el.textContent = "Loading plotly …";
      const missing = setTimeout(() => {
        el.textContent = "Nothing came from the kernel to draw. Run the cell again.";
      }, PATIENCE_MS);
      begun.then((figure) => {
        clearTimeout(missing);
        if (removed) return;
        el.textContent = "";
        remove = figure.render({ model, el });
      }, (error) => {
        clearTimeout(missing);
        el.textContent = `Plotly could not be loaded: ${error}. Run the cell again.`;
      });
      return () => {
        removed = true;
        clearTimeout(missing);
        remove?.();
      };
    },
  };
};
