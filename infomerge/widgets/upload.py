"""A button that takes a file of the reader's own computer, and says at once when the file is too large to be sent."""

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

MOST_BYTES = 10_000_000
"""A server closes the connection to a page that sends more than 10 MiB at once, and the file is lost without a word."""


class Upload(anywidget.AnyWidget):
    """Button that sends a chosen file's name and content, unless it is larger than `MOST_BYTES`.

    Args:
        receive: called with the name and the content of a file.
        refuse: called with the name and the bytes of a file that is too large; it was not sent.
    """

    _esm = """
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
        const [file] = input.files;
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
    """
    most = traitlets.Int(MOST_BYTES).tag(sync=True)

    def __init__(
        self, receive: Callable[[str, bytes], None], refuse: Callable[[str, int], None], **traits: Any
    ) -> None:
        super().__init__(**traits)
        self._receive, self._refuse = receive, refuse
        self.on_msg(self._told)

    def _told(self, widget: "Upload", content: dict[str, Any], buffers: list[memoryview]) -> None:
        if content["sent"]:
            self._receive(content["name"], bytes(buffers[0]))
        else:
            self._refuse(content["name"], content["size"])
