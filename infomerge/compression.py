"""What a compression is: the kept tokens, what each stands for, and what was seen on the way."""

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge import segmentation
from infomerge.config import InfoMergeConfig, Precision
from infomerge.deprecation import deprecated_names, warn_renamed
from infomerge.extras import needs
from infomerge.files import replaced
from infomerge.merging import MergePlan
from infomerge.steps import Measures

if TYPE_CHECKING:
    import pandas

TableName = Literal["tokens", "segments"]
Columns = dict[str, list[Any]]
"""A table of plain numbers and words, by the names of its columns."""


@dataclass(frozen=True, eq=False)
class ClipTrace:
    """What every method's run saw: the tokens, their saliency, and the runs of frames that it worked on.

    The measures of the paper (`tfd`, `adjacent`, `uniqueness`, `richness`) are there under every method: where the run
    did not need them they are computed when first read, in float64, from the caller's own tokens (which the trace
    refers to and does not copy).
    """

    tokens: Float[Tensor, "frames positions channels"]
    """The tokens that were compressed, as they were given."""
    segments: Int[Tensor, "segments 2"]
    """First frame and frame after the last of each; of InfoMerge those of section 3.1."""
    saliency: Float[Tensor, "frames positions"]
    """A_l[p] as given, or the distance from the frame's mean; float64."""
    measured: Mapping[str, Tensor] = field(default_factory=dict, kw_only=True, repr=False)
    """Those of the measures below that the run computed anyway, by name."""
    precision: Precision = field(default="exact", kw_only=True)
    """The precision that the run had; "exact" also where "fast" was asked for and does not cover the method."""
    arithmetic: str = field(default="float64", kw_only=True)
    """By what it was computed, in words, and why not by something faster that was asked for."""

    @property
    def bounds(self) -> list[tuple[int, int]]:
        """First frame and frame after the last of each segment, as plain numbers."""
        return [(start, end) for start, end in self.segments.tolist()]

    @property
    def lengths(self) -> Int[Tensor, "segments"]:
        """|V_k|, frames of each segment."""
        return segmentation.segment_lengths(self.segments)

    @cached_property
    def segment_of_frame(self) -> Int[Tensor, "frames"]:
        """The number of the segment that each frame lies in."""
        return segmentation.segment_of_frame(self.segments)

    @cached_property
    def tfd(self) -> Float[Tensor, "segments positions"]:
        """TFD_k(p) (eq. 2); NaN in segments of one frame."""
        return self._measure("tfd")

    @cached_property
    def adjacent(self) -> Float[Tensor, "segments positions"]:
        """DyCoke's adjacent-frame difference, the first-order prior; NaN in segments of one frame."""
        return self._measure("adjacent")

    @cached_property
    def uniqueness(self) -> Float[Tensor, "segments"]:
        """u_k (eq. 5)."""
        return self._measure("uniqueness")

    @cached_property
    def richness(self) -> Float[Tensor, "segments"]:
        """e_k (eq. 7)."""
        return self._measure("richness")

    def _measure(self, name: str) -> Tensor:
        known = self.measured.get(name)
        return Measures(self.tokens.double(), self.segments)[name] if known is None else known


@dataclass(frozen=True, eq=False)
class InfoMergeTrace(ClipTrace):
    """Every intermediate of one run of InfoMerge, on the tokens' device, in float64."""

    transition: Float[Tensor, "frames-1"]
    """t_l, similarity of each frame with the next (eq. 22)."""
    static: Bool[Tensor, "segments positions"]
    """S_k, the static candidates (section 3.2)."""
    weight: Float[Tensor, "segments"]
    """w_k (eq. 8), or |V_k| where the allocation is by length."""
    budget: Int[Tensor, "segments"]
    """B_k, context tokens of each segment (eq. 9)."""
    length_budget: Int[Tensor, "segments"]
    """What B_k would be by the segments' lengths alone: FastVID's allocation, to compare with."""
    penalized_saliency: Float[Tensor, "frames positions"]
    """A_l[p] after the penalty (eq. 10)."""
    salient: Int[Tensor, "frames salient"]
    """Positions that ATS keeps in each frame, ascending; -1 after them where a frame keeps fewer than another."""
    replaced: Bool[Tensor, "frames positions"]
    """Tokens that hold their position's segment mean (eq. 30)."""
    anchor_frames: Int[Tensor, "anchor_frames"]
    """Frames that give context anchors, ascending; where anchors are farthest points, those that came to give some."""
    anchor_quota: Int[Tensor, "anchor_frames"]
    """Anchors that each of them gives."""
    density_scores: Float[Tensor, "anchor_frames positions"]
    """Logarithm of rho_i delta_i in each anchor frame (eq. 33), of what anchors are chosen by; NaN where ATS took the
    token, and everywhere where they are farthest points."""

    @property
    def penalised_saliency(self) -> Float[Tensor, "frames positions"]:
        """The old name of `penalized_saliency`."""
        warn_renamed("penalised_saliency", "penalized_saliency")
        return self.penalized_saliency


@dataclass(frozen=True, eq=False)
class Compression:
    """The kept tokens of a clip, where each came from, and which tokens it stands for."""

    tokens: Float[Tensor, "kept channels"]
    """Kept tokens in temporal order, in the dtype that the clip's tokens had."""
    plan: MergePlan
    """Which tokens are kept, and how the others go into them; it merges any other features of the tokens alike."""
    requested: int
    """Tokens that the retention ratio asks for."""
    trace: ClipTrace
    """What the run saw; an `InfoMergeTrace` where the method is InfoMerge or a configuration of it."""
    config: InfoMergeConfig | None = None
    """The options of InfoMerge; None where the method is not a configuration of it."""
    method: str = "infomerge"
    """The name of what made it, as in `infomerge.methods`."""

    @property
    def index(self) -> Int[Tensor, "kept"]:
        """Flat index frame * positions + position of each kept token, ascending, without repeats."""
        return self.plan.index

    @property
    def is_context(self) -> Bool[Tensor, "kept"]:
        """True for context tokens (merged), False for salient ones."""
        return self.plan.is_context

    @property
    def assignment(self) -> Int[Tensor, "tokens"]:
        """For every token of the clip, which kept token (0..kept-1) stands for it; a kept token's own number."""
        return self.plan.assignment

    @property
    def positions(self) -> int:
        """Tokens per frame before compression."""
        return self.plan.positions

    @property
    def kept(self) -> int:
        """Number of kept tokens."""
        return self.plan.kept

    @property
    def frame(self) -> Int[Tensor, "kept"]:
        """The frame of each kept token."""
        return self.index // self.positions

    @property
    def position(self) -> Int[Tensor, "kept"]:
        """The position of each kept token within its frame, row-major."""
        return self.index % self.positions

    @property
    def record(self) -> dict[str, Any]:
        """The run in plain numbers and words, for JSON: counts, options, and what came of every segment.

        `infomerge.report.record` says more, where there is a clip.
        """
        return {
            "method": self.method,
            "config": None if self.config is None else self.config.to_dict(),
            "tokens": len(self.assignment),
            "requested": self.requested,
            "kept": self.kept,
            "salient": int((~self.is_context).sum()),
            "context": int(self.is_context.sum()),
            "segments": rows_of(self.to_columns("segments")),
        }

    def to_columns(
        self,
        table: TableName = "tokens",
        *,
        grid: tuple[int, int] | None = None,
        timestamps: Float[np.ndarray, "frames"] | None = None,
        duration: float | None = None,
    ) -> Columns:
        """A table of the kept tokens, or of the segments, as plain lists by the names of their columns.

        Kept tokens are counted from 0, as frames and positions are; segments from 1.

        Args:
            table: "tokens", one line for each kept token: where it lies, what kind it is, its segment, and how many
                tokens of the clip it stands for; or "segments": their place in the clip, what their budgets come from
                (InfoMerge's alone), and how many tokens are kept.
            grid: rows and columns of positions, for the token's own row and column.
            timestamps: of the frames in seconds, for columns of time.
            duration: of the clip in seconds, beyond which no segment reaches.

        Raises:
            ValueError: there is no such table, or the grid or the timestamps are of another clip.
        """
        if table not in ("tokens", "segments"):
            raise ValueError(f"table: got {table!r}; expected tokens or segments")
        if timestamps is not None and len(timestamps) != len(self.trace.tokens):
            raise ValueError(f"timestamps: got {len(timestamps)}; expected {len(self.trace.tokens)}, one a frame")
        if table == "segments":
            return _segment_columns(self, timestamps, duration)
        if grid is not None and grid[0] * grid[1] != self.positions:
            raise ValueError(f"grid: got {grid[0]} x {grid[1]}; expected rows x columns = {self.positions} positions")
        columns: Columns = {
            "token": list(range(self.kept)),
            "index": self.index.tolist(),
            "frame": self.frame.tolist(),
            "position": self.position.tolist(),
        }
        if grid is not None:
            columns |= {"row": (self.position // grid[1]).tolist(), "column": (self.position % grid[1]).tolist()}
        if timestamps is not None:
            columns["seconds"] = timestamps[self.frame.cpu().numpy()].tolist()
        return columns | {
            "kind": ["context" if context else "salient" for context in self.is_context.tolist()],
            "segment": (self.trace.segment_of_frame[self.frame] + 1).tolist(),
            "stands_for": self.assignment.bincount(minlength=self.kept).tolist(),
        }

    def to_frame(self, table: TableName = "tokens", **clip: Any) -> "pandas.DataFrame":
        """`to_columns` as a pandas data frame, with the same arguments.

        Raises:
            MissingExtraError: (an ImportError) pandas is not installed.
            ValueError: as `to_columns`.
        """
        with needs("tables"):
            from pandas import DataFrame
        return DataFrame(self.to_columns(table, **clip))

    def to_csv(self, path: str | os.PathLike[str], table: TableName = "tokens", **clip: Any) -> None:
        """Write `to_columns` as CSV, whole or not at all, with the same arguments; it needs no pandas.

        Raises:
            OSError: the file cannot be written.
            ValueError: as `to_columns`.
        """
        write_columns(path, self.to_columns(table, **clip))

    def members(self, token: int) -> Int[Tensor, "members"]:
        """Flat indices of all tokens that kept token number `token` stands for, itself included."""
        return (self.assignment == token).nonzero().squeeze(1)

    def carry(self, features: Float[Tensor, "frames positions features"]) -> Float[Tensor, "kept features"]:
        """Other features of the same tokens, merged as the tokens were: `plan.merge(features)`."""
        return self.plan.merge(features)


def _segment_columns(
    out: Compression, timestamps: Float[np.ndarray, "frames"] | None, duration: float | None
) -> Columns:
    trace = out.trace
    starts, ends = zip(*trace.bounds, strict=True)
    columns: Columns = {
        "segment": list(range(1, len(starts) + 1)),
        "first_frame": list(starts),
        "last_frame": [end - 1 for end in ends],
    }
    if timestamps is not None:
        edges = np.round(segmentation.frame_edges(timestamps, duration), 6).tolist()
        columns |= {
            "first_seconds": [float(timestamps[start]) for start in starts],
            "last_seconds": [float(timestamps[end - 1]) for end in ends],
            "begins_seconds": [edges[start] for start in starts],
            "ends_seconds": [edges[end] for end in ends],
        }
    columns |= {"uniqueness": trace.uniqueness.tolist(), "richness": trace.richness.tolist()}
    if isinstance(trace, InfoMergeTrace):
        columns |= {
            "weight": trace.weight.tolist(),
            "budget": trace.budget.tolist(),
            "length_budget": trace.length_budget.tolist(),
            "static_candidates": trace.static.sum(1).tolist(),
        }
    columns["kept"] = trace.segment_of_frame[out.frame].bincount(minlength=len(starts)).tolist()
    return columns


def rows_of(columns: Columns) -> list[dict[str, Any]]:
    """The lines of a table, each by the names of its columns."""
    return [dict(zip(columns, line, strict=True)) for line in zip(*columns.values(), strict=True)]


def write_columns(path: str | os.PathLike[str], columns: Columns) -> None:
    """Write a table as CSV, whole or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    with replaced(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def infomerge_trace(out: Compression, wanted_by: str) -> InfoMergeTrace:
    """The trace of a compression whose method has InfoMerge's stages: budgets, static candidates, anchors.

    Raises:
        TypeError: its method has none; the message names `wanted_by`, what asks for them.
    """
    if not isinstance(out.trace, InfoMergeTrace):
        raise TypeError(
            f"{wanted_by}: got a compression by {out.method!r}, which has no budgets; expected one by InfoMerge "
            "or a configuration of it"
        )
    return out.trace


__getattr__ = deprecated_names(
    __name__,
    {"Trace": ("infomerge.compression", "InfoMergeTrace"), "compress": ("infomerge.methods", "compress")},
)
