"""A debounce: of many requests in a row only the newest is carried out."""

import asyncio
import time
from collections.abc import Callable


class LatestOnly:
    """Does something soon after it was asked to, once for however many asks, and never faster than it is shown.

    A dragged slider reports more values than can be drawn. Here they do not queue up: only the newest counts, and the
    next picture is sent when the browser has drawn the last one. Without a running event loop it is done at once.

    Args:
        act: what to do.
        busy: whether the last picture is still being drawn.
        delay: seconds between looks.
        patience: seconds after which a browser that does not answer is no longer waited for.
    """

    def __init__(
        self, act: Callable[[], None], busy: Callable[[], bool], *, delay: float = 0.01, patience: float = 0.5
    ) -> None:
        self._act, self._busy = act, busy
        self._delay, self._patience = delay, patience
        self._waiting: asyncio.TimerHandle | None = None
        self._acted = float("-inf")

    def ask(self) -> None:
        """Have it done soon."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._run()
            return
        if self._waiting is None:
            self._waiting = loop.call_later(self._delay, self._look, loop)

    def flush(self) -> None:
        """Do now what is still to be done."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._run()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._busy() and time.monotonic() - self._acted < self._patience:
            self._waiting = loop.call_later(self._delay, self._look, loop)
        else:
            self._run()

    def _run(self) -> None:
        self._waiting = None
        self._acted = time.monotonic()
        self._act()
