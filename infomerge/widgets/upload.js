/**
 * A button that sends a chosen file's name and content, or only its name and size where it is too large to be sent.
 *
 * @import { RenderProps } from "@anywidget/types"
 */

/** @param {RenderProps<{ most: number }>} widget most: the most bytes that are sent */
function render({ model, el }) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "jupyter-widgets jupyter-button";
  button.title = `A video of this computer, up to ${model.get("most") / 1e6} MB`;
  button.textContent = "Upload";
  const icon = document.createElement("i");
  icon.className = "fa fa-upload";
  button.prepend(icon);
  const input = document.createElement("input");
  Object.assign(input, { type: "file", accept: "video/*,image/gif", hidden: true });
  button.addEventListener("click", () => input.click());
  input.addEventListener("change", async () => {
    const file = input.files?.[0];
    if (!file) return;
    const about = { name: file.name, size: file.size };
    const fits = file.size <= model.get("most");
    model.send({ ...about, sent: fits }, undefined, fits ? [await file.arrayBuffer()] : []);
    // The same file may be chosen again.
    input.value = "";
  });
  el.append(button, input);
}

export default { render };
