"""Wall-clock seconds of the stages of a call to a Video-LLM."""

import functools
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import torch

from infomerge.models.adapters import VideoAdapter


@dataclass(frozen=True)
class Seconds:
    """Wall-clock seconds of the stages of a call. On a GPU, each has ended on the device before the next begins."""

    encode: float
    """The vision tower and the projector; with compression, the recording of attention for saliency too."""
    compress: float
    """The compression; 0 without one."""
    prefill: float
    """The language model's first forward, over the prompt."""
    decode: float
    """From there to the last new token."""
    total: float
    """The whole of `generate`: the stages above, and what lies between them, such as positions."""


class Timer:
    """Seconds of stages, from now on."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._spent = {"encode": 0.0, "compress": 0.0, "prefill": 0.0}
        self._started: float | None = None
        self._prefilled: float | None = None
        self._begin = self._now()

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()

    def timed(self, function: Any, stage: str) -> Any:
        """The function, whose calls count for a stage."""

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            start = self._now()
            try:
                return function(*args, **kwargs)
            finally:
                self._spent[stage] += self._now() - start

        return wrapped

    def before_text(self, *_: Any) -> None:
        """A forward of the language model begins."""
        if self._started is None:
            self._started = self._now()

    def after_text(self, *_: Any) -> None:
        """A forward of the language model has ended."""
        if self._prefilled is None and self._started is not None:
            self._prefilled = self._now()
            self._spent["prefill"] = self._prefilled - self._started

    def seconds(self) -> Seconds:
        """What was spent until now."""
        end = self._now()
        decode = 0.0 if self._prefilled is None else end - self._prefilled
        return Seconds(**self._spent, decode=decode, total=end - self._begin)


@contextmanager
def timed_stages(adapter: VideoAdapter, timer: Timer) -> Iterator[None]:
    """Time the encoder and the first forward of the language model inside the block; afterwards all is as it was."""
    base, name = adapter.base_model, f"get_{adapter.modality}_features"
    own = vars(base).get(name)
    text = adapter.text_model
    hooks = [text.register_forward_pre_hook(timer.before_text), text.register_forward_hook(timer.after_text)]
    # Both routes, of stock `generate` and of the compression, encode by this method of this object.
    setattr(base, name, timer.timed(getattr(base, name), "encode"))
    try:
        yield
    finally:
        delattr(base, name)
        if own is not None:
            setattr(base, name, own)
        for hook in hooks:
            hook.remove()


def medians(calls: list[Seconds]) -> Seconds:
    """The median of each stage over several calls."""
    return Seconds(**{f.name: statistics.median(getattr(call, f.name) for call in calls) for f in fields(Seconds)})
