"""A view whose page asks the kernel, one ask at a time, and is told of each that it was answered."""

from collections.abc import Mapping
from typing import Any

import traitlets

from infomerge.widgets.view import View

EXPECTED = (ValueError, TypeError, OSError, ImportError, traitlets.TraitError)
"""Errors that tell the reader what is wrong with what was asked for."""


class AskedView(View):
    """A view that does what its page asks; `asking.js` is the other end.

    Attributes:
        message: what is said in its own place, `{"text": ..., "failed": ...}`.
        answered: which page's which ask was answered last.
    """

    message = traitlets.Dict().tag(sync=True)
    answered: Any = traitlets.List().tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._hear)

    def _hear(self, _: Any, content: Mapping[str, Any], buffers: list[memoryview]) -> None:
        """Do what a page asks, and say in `answered` which ask it was, in the message that shows the result.

        `content` has the page's `view`, the ask's `number` there, its name, `ask`, and more.
        """
        if self.closed:
            return
        try:
            with self.hold_sync():
                self._asked(content, buffers)
                self.answered = [content["view"], content["number"]]
        except EXPECTED as error:
            self._say(f"{error}{self._still_shown(content)}", failed=True)
            self.answered = [content["view"], content["number"]]

    def _asked(self, content: Mapping[str, Any], buffers: list[memoryview]) -> None:
        """Do what is asked."""
        raise NotImplementedError

    def _still_shown(self, content: Mapping[str, Any]) -> str:
        """What an error is followed by."""
        return ""

    def _say(self, text: str, *, failed: bool = False) -> None:
        """Show a message in its place, or take away the last one."""
        self.message = {"text": " ".join(text.split()), "failed": failed}
