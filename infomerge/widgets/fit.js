/**
 * Tells plotly's figures when the room that they have changes, which they only look up at first.
 *
 * @import { RenderProps } from "@anywidget/types"
 */

/** @param {RenderProps} widget */
function render({ el }) {
  const tell = () => {
    window.dispatchEvent(new Event("resize"));
  };
  let width = 0;
  const observer = new ResizeObserver(([entry]) => {
    if (!entry || entry.contentRect.width === width) return;
    width = entry.contentRect.width;
    requestAnimationFrame(tell);
  });
  observer.observe(el);
  document.addEventListener("plotlywidget-after-render", tell);
  return () => {
    observer.disconnect();
    document.removeEventListener("plotlywidget-after-render", tell);
  };
}

export default { render };
