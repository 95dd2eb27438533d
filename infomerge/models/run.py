"""What is attached to a model: the runs, the state of its calls, and what of the model they stand in for."""

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infomerge.deprecation import warn_renamed
from infomerge.models.adapters import VideoAdapter
from infomerge.models.compressed_call import (
    CompressedCall,
    CompressedVideo,
    PositionMode,
    compress_call,
)
from infomerge.models.full_prompt import FullPrompt
from infomerge.models.visuals import Compressor

_NAME = "_infomerge"
"""The attribute of a model, and of the one below its head, that holds its `Attachment`."""


@dataclass(eq=False)
class Run:
    """A compression that is attached to a model: its options, and what the last call with a video did."""

    compressor: Compressor
    position_mode: PositionMode
    call: CompressedCall | None = None
    """The last call with a video: its arguments as the language model got them, and where they came from."""

    @property
    def positions(self) -> PositionMode:
        """The older name of `position_mode`."""
        warn_renamed("Run.positions", "Run.position_mode")
        return self.position_mode

    @property
    def last(self) -> list[CompressedVideo]:
        """Every video of the last call that had any, in the order of the prompts."""
        return [] if self.call is None else self.call.videos

    @property
    def full_length(self) -> int:
        """Length of that call's prompts as they were given, padding counted."""
        return 0 if self.call is None else self.call.full_position_ids.shape[-1]

    @property
    def length(self) -> int:
        """Length of its prompts as they reached the language model."""
        return 0 if self.call is None else self.call.source.shape[1]


class ThreadState(threading.local):
    """Per-thread state of the calls of one model."""

    forwarding: bool = False
    """Whether a stock `forward` goes on, with all that it calls."""
    prompt: FullPrompt | None = None
    """What hooks are shown while a shortened `generate` goes on."""


@dataclass(eq=False)
class Attachment:
    """What is attached to one model, and how to take it off. It lies on the model, whose copies get an idle one."""

    runs: list[tuple[Run, VideoAdapter]] = field(default_factory=list)
    """The last entry is active; without one, calls are stock."""
    rope_deltas: Any = None
    """What the model remembered of its last prompt's positions."""
    stand_ins: list[tuple[Any, str, Any, Any]] = field(default_factory=list)
    """Module, name, what it had under that name beside its class's, and what stands in for it.

    Empty where the model is a copy of an attached one, which brought its stand-ins along.
    """
    thread: ThreadState = field(default_factory=ThreadState)
    lock: Any = field(default_factory=threading.RLock)

    def __reduce__(self) -> Any:
        return Attachment, ()

    def stand_in(self, module: Any, name: str, function: Callable[..., Any]) -> None:
        """Put `function`(module, own, ...) in place of a method of one module; `own` is what it had there itself."""
        own = vars(module).get(name)
        # Partial, not a method: it can be copied and saved together with the module. It has the method's signature.
        made: Any = functools.partial(function, module, own)
        made.__wrapped__ = getattr(module, name)
        setattr(module, name, made)
        setattr(module, _NAME, self)
        self.stand_ins.append((module, name, own, made))

    def take_off(self) -> None:
        """Leave every module as it was. What others put on top of a stand-in stays, and goes on to the stock method."""
        for module, name, own, made in reversed(self.stand_ins):
            if vars(module).get(name) is made:
                delattr(module, name)
                if own is not None:
                    setattr(module, name, own)
            vars(module).pop(_NAME, None)

    def compress(self, inputs: Mapping[str, Any], full_position_ids: Any) -> CompressedCall | None:
        """The call of the active run, shortened; None where it has no video."""
        run, adapter = self.runs[-1]
        with self.lock:  # the attention of the tower can be watched for one thread at a time
            call = compress_call(adapter, run.compressor, run.position_mode, inputs, full_position_ids)
            run.call = call or run.call
        return call


def attachment_of(module: Any) -> Attachment | None:
    """What is attached to a model."""
    attachment: Attachment | None = vars(module).get(_NAME)
    return attachment


def active_on(module: Any) -> tuple[Attachment, VideoAdapter] | None:
    """What is at work on a model; None on a copy of an attached one."""
    attachment = attachment_of(module)
    return (attachment, attachment.runs[-1][1]) if attachment is not None and attachment.runs else None


def stock_method(module: Any, own: Any, name: str) -> Any:
    """A method as the module would have it without a stand-in."""
    return own or functools.partial(getattr(type(module), name), module)
