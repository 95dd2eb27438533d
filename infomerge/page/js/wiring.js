/** What the page listens to: mouse, touch, keyboard, the address. @import { App } from "./app.js" */

import { byId } from "./words.js";

const FRAMES_A_SECOND = 5;

/** @param {App} app */
export function wire(app) {
  const clipOf = () => app.opened?.clip;
  for (const name of /** @type {const} */ (["a", "b"])) wirePane(app, name);
  wireStage(app);

  byId("clips").addEventListener("change", (event) => {
    const number = Number(/** @type {HTMLInputElement} */ (event.target).value);
    app.hovered = null;
    app.set({ clip: number, frame: 0, segment: 0, token: null });
    void app.open(number);
  });
  byId("views").addEventListener("change", (event) => {
    const { value } = /** @type {HTMLInputElement} */ (event.target);
    app.set({ view: /** @type {import("./link.js").View} */ (value) });
  });
  byId("editing").addEventListener("change", (event) => {
    app.editing = /** @type {HTMLInputElement} */ (event.target).value === "b" ? "b" : "a";
    app.soon();
  });
  byId("compare").addEventListener("click", () => app.compare());
  byId("formulas").addEventListener("toggle", () => app.soon());
  byId("frame").addEventListener("input", (event) => {
    app.set({ frame: Number(/** @type {HTMLInputElement} */ (event.target).value) - 1 });
  });

  /** @type {ReturnType<typeof setInterval> | undefined} */
  let playing;
  byId("play").addEventListener("click", () => {
    if (playing) clearInterval(playing);
    playing = playing ? undefined : setInterval(() => {
      app.set({ frame: (app.state.frame + 1) % (clipOf()?.frames ?? 1) });
    }, 1000 / FRAMES_A_SECOND);
    byId("play").textContent = playing ? "Pause" : "Play";
  });

  const dock = byId("dock");
  let isNew = true;
  dock.addEventListener("pointerdown", () => (isNew = true));
  for (const kind of ["input", "click"]) {
    dock.addEventListener(kind, () => {
      if (isNew) showWhatMoves(app, dock);
      isNew = false;
    });
  }

  byId("link").addEventListener("click", async () => {
    app.remember();
    await new Promise((done) => setTimeout(done, 250));
    try {
      await navigator.clipboard.writeText(location.href);
      byId("said").textContent = "Copied: the link holds all that you see.";
    } catch {
      byId("said").textContent = "Copy the address of this page: it holds all that you see.";
    }
  });
  // The template's first script sets the theme that the reader's system has.
  const darken = (/** @type {boolean} */ dark) => {
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    app.soon();
  };
  byId("theme").addEventListener("click", () => darken(!app.dark));
  app.darkness.addEventListener("change", ({ matches }) => darken(matches));
  addEventListener("hashchange", () => app.follow(location.hash));
  app.motion.addEventListener("change", () => app.soon());
  new ResizeObserver(() => app.soon()).observe(byId("bench"));
}

/**
 * On a phone the knob is always in sight, and the budgets may be further down: they come up as soon as it is turned.
 * @param {App} app @param {HTMLElement} dock
 */
function showWhatMoves(app, dock) {
  if (getComputedStyle(dock).position !== "fixed") return;
  const { bottom } = app.panes.a.river.canvas.getBoundingClientRect();
  if (bottom <= dock.getBoundingClientRect().top) return;
  byId("screen").scrollIntoView({ behavior: app.motion.matches ? "auto" : "smooth", block: "start" });
}

/** @param {App} app @param {"a" | "b"} name */
function wirePane(app, name) {
  const pane = app.panes[name];
  const { canvas } = pane.strip;
  const patchUnder = (/** @type {PointerEvent | MouseEvent} */ event) => {
    const clip = app.opened?.clip;
    const box = canvas.getBoundingClientRect();
    return clip ? pane.strip.patchAt(clip, event.clientX - box.left, event.clientY - box.top) : null;
  };
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const patch = patchUnder(event);
    if (patch === app.hovered) return;
    app.hovered = patch;
    app.soon();
  });
  canvas.addEventListener("pointerleave", () => {
    app.hovered = null;
    app.soon();
  });
  canvas.addEventListener("click", (event) => pick(app, patchUnder(event)));
  pane.taps.addEventListener("click", (event) => {
    const { segment } = /** @type {HTMLElement} */ (event.target).dataset;
    if (segment === undefined || !pane.result) return;
    const chosen = Number(segment);
    const token = app.state.token;
    app.set({ segment: chosen, frame: pane.result.segments[chosen][0], token });
  });
}

/** Pick a patch, or let go of it. @param {App} app @param {number | null} patch */
function pick(app, patch) {
  const clip = app.opened?.clip;
  const result = app.panes.a.result;
  if (!clip || !result) return;
  if (patch === null || patch === app.state.token) {
    app.set({ token: null });
    return;
  }
  const frame = Math.floor(patch / clip.positions);
  app.set({ token: patch, frame, segment: result.segments.findIndex(([, end]) => frame < end) });
}

/** @param {App} app */
function wireStage(app) {
  const { canvas } = app.stage;
  const positionUnder = (/** @type {PointerEvent | MouseEvent} */ event) => {
    const clip = app.opened?.clip;
    const box = canvas.getBoundingClientRect();
    return clip ? app.stage.positionAt(clip, event.clientX - box.left, event.clientY - box.top) : null;
  };
  const flat = (/** @type {number | null} */ position) =>
    position === null || !app.opened ? null : app.state.frame * app.opened.clip.positions + position;
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    app.hovered = flat(positionUnder(event));
    app.soon();
  });
  canvas.addEventListener("pointerleave", () => {
    app.hovered = null;
    app.soon();
  });
  canvas.addEventListener("click", (event) => pick(app, flat(positionUnder(event))));
  canvas.addEventListener("focus", () => app.soon());
  canvas.addEventListener("blur", () => {
    app.hovered = null;
    app.soon();
  });
  canvas.addEventListener("keydown", (event) => {
    const clip = app.opened?.clip;
    if (!clip || event.ctrlKey || event.metaKey || event.altKey) return;
    const { rows, columns, frames } = clip.data;
    let [row, column] = [Math.floor(app.cursor / columns), app.cursor % columns];
    let { frame } = app.state;
    if (event.key === "ArrowLeft") column -= 1;
    else if (event.key === "ArrowRight") column += 1;
    else if (event.key === "ArrowUp") row -= 1;
    else if (event.key === "ArrowDown") row += 1;
    else if (event.key === "PageDown") frame += 1;
    else if (event.key === "PageUp") frame -= 1;
    else if (event.key === "Enter" || event.key === " ") pick(app, flat(app.cursor));
    else if (event.key === "Escape") pick(app, null);
    else return;
    event.preventDefault();
    app.cursor = ((row + rows) % rows) * columns + ((column + columns) % columns);
    app.state.frame = (frame + frames) % frames;
    app.hovered = flat(app.cursor);
    app.soon();
  });
}
