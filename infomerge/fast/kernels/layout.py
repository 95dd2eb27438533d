"""What is known of a run before it starts: counts, and how much memory its intermediates take."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from infomerge.budget import split_budget
from infomerge.config import InfoMergeConfig
from infomerge.fast.squarings import SQUARINGS
from infomerge.numerics import floor_count

TILE = 128
"""Side of the square tiles that Gram matrices are cut into."""

Spec = dict[str, tuple[torch.dtype, tuple[int, ...]]]
"""Names, dtypes and shapes of tensors that share one block of memory."""


class Layout(NamedTuple):
    """Sizes of one run; all counts are exact, none depends on the tokens' values."""

    frames: int
    positions: int
    channels: int
    requested: int
    salient_per_frame: int
    context: int
    static_count: int
    gram_elements: int
    """Most numbers that the packed Gram matrices of all segments can take."""

    @property
    def tokens(self) -> int:
        """Tokens of the clip."""
        return self.frames * self.positions

    @property
    def free(self) -> int:
        """Tokens of a frame that ATS leaves."""
        return self.positions - self.salient_per_frame

    @property
    def frame_width(self) -> int:
        """Power of two that holds the frames."""
        return max(16, 1 << (self.frames - 1).bit_length())

    @property
    def position_width(self) -> int:
        """Power of two that holds the positions."""
        return max(16, 1 << (self.positions - 1).bit_length())

    @property
    def diagonal(self) -> int:
        """Length of all Gram matrices' diagonals, padded to tiles."""
        return self.tokens + self.frames * TILE

    @lru_cache  # noqa: B019  layouts are few, and equal ones share what is known of them
    def results(self) -> Spec:
        """What the run is asked for, the trace included."""
        frames, positions = self.frames, self.positions
        by_token, by_frame = (frames, positions), (frames,)
        return {
            "index": (torch.int64, (self.requested,)),
            "assignment": (torch.int64, (self.tokens,)),
            "source": (torch.int64, (self.tokens - self.requested,)),
            "target": (torch.int64, (self.tokens - self.requested,)),
            "bounds": (torch.int64, (frames, 2)),
            "weight": (torch.float64, by_frame),
            "uniqueness": (torch.float64, by_frame),
            "richness": (torch.float64, by_frame),
            "transition": (torch.float64, (frames - 1,)),
            "energies": (torch.float64, (frames - 1,)),
            "saliency": (torch.float32, by_token),
            "penalized": (torch.float32, by_token),
            "tfd": (torch.float32, by_token),
            "scores": (torch.float32, by_token),
            "budget": (torch.int32, by_frame),
            "quota": (torch.int32, by_frame),
            "is_anchor_frame": (torch.int32, by_frame),
            "static": (torch.int8, by_token),
            "salient": (torch.int8, by_token),
            "replaced": (torch.int8, by_token),
            "is_context": (torch.int8, (self.requested,)),
        }

    @lru_cache  # noqa: B019
    def matrices(self) -> Spec:
        """The packed Gram matrices and what is kept of their powers: most of the memory, and free before the rest."""
        return {
            "halves": (torch.float16, (2 * self.gram_elements,)),
            "low": (torch.bfloat16, (self.gram_elements,)),
            "diagonals": (torch.float32, (SQUARINGS + 1, self.diagonal)),
            "norms": (torch.float32, (self.gram_elements // TILE**2,)),
        }

    @lru_cache  # noqa: B019
    def scratch(self) -> Spec:
        """What is forgotten after the run."""
        frames, channels = self.frames, self.channels
        by_token, by_frame = (frames, self.positions), (frames,)
        return {
            "traces": (torch.float64, (SQUARINGS + 2, frames)),
            "segment_means": (torch.float64, (frames + 1, channels)),
            "mean_products": (torch.float64, (frames + 1, 2)),
            "frame_means": (torch.float32, (frames, channels)),
            "token_energy": (torch.float32, by_token),
            "feature_energy": (torch.float32, by_token),
            "spread": (torch.float32, by_token),
            "farthest": (torch.float32, by_token),
            "trace_scale": (torch.float32, by_frame),
            "segment_of": (torch.int32, by_frame),
            "start": (torch.int32, by_frame),
            "end": (torch.int32, by_frame),
            "first_anchor": (torch.int32, by_frame),
            "arrived": (torch.int32, (1,)),
            "packing": (torch.int32, (5, self.frame_width)),
            "anchor_token": (torch.int32, (self.context,)),
            "anchor_of_kept": (torch.int32, (self.requested,)),
            "counts": (torch.int32, (self.context,)),
            "first_member": (torch.int32, (self.context,)),
            "number": (torch.int32, (self.tokens,)),
            "owner": (torch.int32, (self.tokens,)),
            "anchor": (torch.int8, by_token),
        }


@lru_cache(maxsize=64)
def layout(shape: tuple[int, int, int], config: InfoMergeConfig) -> Layout:
    """The layout for tokens of this shape."""
    frames, positions, channels = shape
    split = split_budget(frames, positions, config)
    static_ratio = config.static_ratio if config.static_prior == "tfd" else 0.0
    return Layout(
        frames,
        positions,
        channels,
        split.requested,
        split.salient // frames,
        int(split.context),
        floor_count(static_ratio * positions),
        _most_gram_elements(frames, positions, channels, min(config.min_segments, frames)),
    )


def carve(spec: Spec, device: torch.device) -> dict[torch.dtype, Tensor]:
    """One block of memory for all tensors of a dtype, for each dtype of a spec."""
    sizes = {dtype: sum(pieces) for dtype, (_, pieces) in _by_dtype(spec).items()}
    return {dtype: torch.empty(size, dtype=dtype, device=device) for dtype, size in sizes.items()}


def views(spec: Spec, blocks: dict[torch.dtype, Tensor]) -> dict[str, Tensor]:
    """The tensors of a spec in blocks that `carve` made, or copies of them; flat."""
    named: dict[str, Tensor] = {}
    for dtype, (names, sizes) in _by_dtype(spec).items():
        named.update(zip(names, blocks[dtype].split(sizes), strict=True))
    return named


def shaped(spec: Spec, flat: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same in their shapes."""
    return {name: flat[name][: torch.Size(shape).numel()].view(shape) for name, (_, shape) in spec.items()}


def _by_dtype(spec: Spec) -> dict[torch.dtype, tuple[list[str], list[int]]]:
    """Names and sizes of the tensors of each dtype; rounded up, so that each begins where a GPU reads best."""
    groups: dict[torch.dtype, tuple[list[str], list[int]]] = {}
    for name, (dtype, shape) in spec.items():
        names, sizes = groups.setdefault(dtype, ([], []))
        names.append(name)
        sizes.append(-(-torch.Size(shape).numel() // 128) * 128)
    return groups


def _most_gram_elements(frames: int, positions: int, channels: int, segments: int) -> int:
    """The most that Gram matrices of at least so many segments can take, over all ways to cut the clip."""
    side = [-(-min(length * positions, channels) // TILE) * TILE for length in range(frames + 1)]
    most = {0: 0}  # by the number of segments, counted up to `segments`: the most that the first frames can take
    table = [most]
    for last in range(1, frames + 1):
        here: dict[int, int] = {}
        for first in range(last):
            for count, elements in table[first].items():
                cut = min(count + 1, segments)
                here[cut] = max(here.get(cut, 0), elements + side[last - first] ** 2)
        table.append(here)
    return table[frames][segments]
