"""How the steps of the method are taken: plainly, or remembered by what they were given."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import torch
from jaxtyping import Int
from torch import Tensor

from infomerge import budget, redundancy

Result = TypeVar("Result")

REMEMBERED = 32
"""Results of each step that a `Memo` keeps, the most recently used ones."""

REMEMBERED_SEGMENTS = 1024
"""The same for what is known of single segments; a clip of 32 frames has 528 different ones."""

LARGEST_KEY = 1 << 16
"""Numbers in the largest tensor that a `Memo` knows by its content; a larger one is known as the object that it is."""


class Steps:
    """Takes each step when it is asked for, and remembers nothing."""

    def __call__(self, step: Callable[..., Result], *inputs: Any) -> Result:
        """What the step makes of its inputs."""
        return step(*inputs)

    def by_segment(
        self, step: Callable[..., Tensor], features: Tensor, segments: Int[Tensor, "segments 2"], *options: Any
    ) -> Tensor:
        """A step that gives a row for each segment, which depends on that segment's frames alone."""
        return self(step, features, segments, *options)


PLAINLY = Steps()


class Memo(Steps):
    """Takes a step again only when one of its inputs has changed since; the results are the same, bit for bit.

    A reader who drags a slider changes one option, on which few steps depend; and a segment that the cuts leave alone
    keeps its redundancy and its richness.

    Args:
        sizes: for steps of which more or fewer results than `REMEMBERED` are kept, by the function's name.
    """

    def __init__(self, sizes: Mapping[str, int] = MappingProxyType({"replace_static": 2})) -> None:
        self._sizes = sizes
        self._results: dict[Callable[..., Any], OrderedDict[Hashable, _Entry]] = {}

    def __call__(self, step: Callable[..., Result], *inputs: Any) -> Result:
        """What the step made of the same inputs before, or else makes of them now."""
        return self._recall(step, inputs, self._sizes.get(step.__name__, REMEMBERED))

    def by_segment(
        self, step: Callable[..., Tensor], features: Tensor, segments: Int[Tensor, "segments 2"], *options: Any
    ) -> Tensor:
        """The rows of segments that were met before, and new ones for the others."""
        rows = [self._recall(step, (features, row, *options), REMEMBERED_SEGMENTS) for row in segments.split(1)]
        return torch.cat(rows)

    def _recall(self, step: Callable[..., Result], inputs: tuple[Any, ...], size: int) -> Result:
        known = self._results.setdefault(step, OrderedDict())
        key = _key(inputs)
        if key not in known:
            known[key] = _Entry(step(*inputs), inputs)
        known.move_to_end(key)
        if len(known) > size:
            known.popitem(last=False)
        result: Result = known[key].result
        return result


class _Entry(NamedTuple):
    result: Any
    inputs: tuple[Any, ...]
    """Kept, so that no other object can come to have the identity that the key may hold."""


def _key(value: Any) -> Hashable:
    if isinstance(value, Tensor):
        if value.numel() > LARGEST_KEY:
            return id(value)
        return tuple(value.shape), value.dtype, value.cpu().numpy().tobytes()
    if isinstance(value, tuple):
        return tuple(map(_key, value))
    known: Hashable = value
    return known


class Measures(dict[str, Tensor]):
    """The paper's measures of a clip's segments by name, each taken when it is first asked for.

    "tfd" (eq. 2), "aligned" and "adjacent", [segments, positions]; "none", the same full of NaN; "uniqueness" (eq. 5)
    and "richness" (eq. 7), [segments]. All in float64.

    Args:
        features: tokens of the clip [frames, positions, channels], float64.
        segments: first frame and frame after the last of each.
        step: how they are taken.
    """

    def __init__(self, features: Tensor, segments: Int[Tensor, "segments 2"], step: Steps = PLAINLY) -> None:
        super().__init__()
        self._features, self._segments, self._step = features, segments, step

    def __missing__(self, name: str) -> Tensor:
        if name == "uniqueness":
            taken = self._step(budget.uniqueness, self._features, self._segments)
        elif name == "richness":
            taken = self._step.by_segment(budget.richness, self._features, self._segments)
        else:
            taken = self._step.by_segment(redundancy.static_scores, self._features, self._segments, name)
        self[name] = taken
        return taken
