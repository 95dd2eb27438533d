// Plotly's own widget, begun when its code has come.
//
// anywidget gives a model two seconds to begin. One that is later gets no message ever after: the figure stays empty,
// whatever is turned. Evaluating plotly's five megabytes takes that long on a slow or busy machine. So a figure begins
// with this small module, and plotly follows as data, once for all figures of the page. Changes that come before it
// are kept and then handed over.

const CHANGES = ["addTraces", "deleteTraces", "moveTraces", "restyle", "relayout", "update", "animate",
  "removeLayoutProps", "removeTraceProps"].map((name) => `_py2js_${name}`);
const LOADED = Symbol.for("infomerge.plotly");
const PATIENCE_MS = 15_000;

/** Plotly's code, once it is there. */
function codeOf(model) {
  return new Promise((resolve) => {
    const look = () => model.get("_plotly") && resolve(model.get("_plotly"));
    model.on("change:_plotly", look);
    look();
  });
}

/** The module of this code; one for all figures of the page. */
function moduleOf(code) {
  const loaded = (globalThis[LOADED] ??= new Map());
  if (!loaded.has(code)) {
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    loaded.set(code, import(url).finally(() => URL.revokeObjectURL(url)));
  }
  return loaded.get(code);
}

/** Keeps the changes that come from now on; what it returns hands them over. */
function keepChanges(model) {
  const kept = [];
  const listeners = CHANGES.map((name) => {
    const keep = () => model.get(name) && kept.push([name, model.get(name)]);
    model.on(`change:${name}`, keep);
    return [name, keep];
  });
  return () => {
    for (const [name, keep] of listeners) model.off(`change:${name}`, keep);
    // A change is told by setting its message and then null, as plotly's Python side does.
    for (const [name, message] of kept) for (const value of [null, message, null]) model.set(name, value);
  };
}

export default () => {
  let begun;
  return {
    initialize({ model }) {
      const handOver = keepChanges(model);
      begun = codeOf(model).then(moduleOf).then((plotly) => {
        const figure = plotly.default();
        figure.initialize({ model });
        handOver();
        return figure;
      });
    },
    render({ model, el }) {
      let remove = null;
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
