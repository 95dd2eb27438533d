"""Traces of runs that the host has not waited for."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from infomerge.compression import ClipTrace


class Unread(ClipTrace):
    """A trace whose fields are taken off the GPU when the first of them is read: only then the host waits.

    Raises:
        ValueError: on reading, the clip's tensors hold NaN or infinity; its kept tokens are of no use then.
    """

    def __init__(self, tokens: Tensor, arithmetic: str, read: Callable[[], dict[str, Any]]) -> None:
        object.__setattr__(self, "tokens", tokens)
        object.__setattr__(self, "precision", "fast")
        object.__setattr__(self, "arithmetic", arithmetic)
        object.__setattr__(self, "_read", read)

    def __getattr__(self, name: str) -> Any:
        if name not in type(self).__dataclass_fields__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        for field, value in self.__dict__["_read"]().items():
            object.__setattr__(self, field, value)
        return self.__dict__[name]
