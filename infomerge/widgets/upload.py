"""A button that takes a file of the reader's own computer, and says at once when the file is too large to be sent."""

from collections.abc import Callable
from pathlib import Path
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

    _esm = Path(__file__).with_name("upload.js")
    most = traitlets.Int(MOST_BYTES).tag(sync=True)

    def __init__(
        self, receive: Callable[[str, bytes], None], refuse: Callable[[str, int], None], **traits: Any
    ) -> None:
        super().__init__(**traits)
        self._receive, self._refuse = receive, refuse
        self.on_msg(self._told)

    def _told(self, widget: "Upload", content: dict[str, Any], buffers: list[memoryview]) -> None:
        name = plain_name(str(content["name"]))
        size = len(buffers[0]) if content["sent"] else content["size"]
        # The page has looked too, but a page may be anyone's.
        if content["sent"] and size <= self.most:
            self._receive(name, bytes(buffers[0]))
        else:
            self._refuse(name, size)


def plain_name(name: str) -> str:
    """A file's name that stands for a file in any folder: without a folder of its own, not empty and not too long."""
    plain = "".join(letter for letter in name.replace("\\", "/").rpartition("/")[2] if letter.isprintable())
    if not plain.strip(". "):
        return "upload"
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[:40]}{dot}{ending[:10]}" if len(plain.encode(errors="replace")) > 200 else plain
