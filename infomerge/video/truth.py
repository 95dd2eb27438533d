"""Ground truth about a clip: where it cuts and what stands still, in its own time and in sampled frames."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int64

# Timestamps are compared with a slack far below any frame distance, so that rounding never moves an event by a frame.
_SLACK_S = 1e-6


@dataclass(frozen=True)
class Shot:
    """A stretch of video, start_s <= t < end_s in seconds. `kind` is "motion", "freeze" or "pan".

    A freeze goes on with the picture before it, so that no cut precedes it.
    """

    name: str
    kind: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class StillRegion:
    """Pixels that do not change while start_s <= t < end_s. `box`: (x0, y0, x1, y1), its end outside; None: all."""

    start_s: float
    end_s: float
    box: tuple[int, int, int, int] | None = None


class Event(NamedTuple):
    """A stretch of time in which something happens, start_s <= t < end_s in seconds."""

    start_s: float
    end_s: float


@dataclass(frozen=True)
class GroundTruth:
    """What is known for certain about a clip.

    Attributes:
        cut_frames: the first frame of each new shot, counted over all frames of the source, ascending.
        cut_times: when those frames are first shown, in seconds.
        shots: every shot in order, without gaps.
        still_regions: pixels known to stand still; what is outside of them may do either.
        events: when something happens, of clips whose owner says so.
    """

    cut_frames: tuple[int, ...]
    cut_times: tuple[float, ...]
    shots: tuple[Shot, ...]
    still_regions: tuple[StillRegion, ...] = ()
    events: tuple[Event, ...] = ()

    def in_event(self, timestamps: Float64[np.ndarray, "frames"]) -> Bool[np.ndarray, "frames"]:
        """Which sampled frames are first shown while something happens.

        Args:
            timestamps: of the sampled frames in seconds.
        """
        inside = np.zeros(len(timestamps), dtype=np.bool_)
        for start, end in self.events:
            inside |= (timestamps >= start - _SLACK_S) & (timestamps < end - _SLACK_S)
        return inside

    def cut_after(self, timestamps: Float64[np.ndarray, "frames"]) -> Int64[np.ndarray, "cuts"]:
        """The sampled frames l, ascending and unique, such that a cut lies between sampled frames l and l + 1.

        Args:
            timestamps: of the sampled frames in seconds, ascending. Cuts outside their span are left out.
        """
        after = np.searchsorted(timestamps, np.asarray(self.cut_times) - _SLACK_S) - 1
        inside = (after >= 0) & (after < len(timestamps) - 1)
        return np.unique(after[inside]).astype(np.int64)

    def still_cells(
        self, grid: tuple[int, int], timestamps: Float64[np.ndarray, "frames"], size: tuple[int, int]
    ) -> Bool[np.ndarray, "frames rows columns"]:
        """Which cells of a token grid lie wholly inside one still region when each sampled frame is shown.

        Args:
            grid: rows and columns of equal cells, laid over the whole frame.
            timestamps: of the sampled frames in seconds.
            size: height and width of the frame in the pixels that the boxes are given in.
        """
        rows, columns = grid
        height, width = size
        top, left = np.arange(rows) * height / rows, np.arange(columns) * width / columns
        bottom, right = top + height / rows, left + width / columns
        still = np.zeros((len(timestamps), rows, columns), dtype=np.bool_)
        for region in self.still_regions:
            x0, y0, x1, y1 = region.box or (0, 0, width, height)
            during = (timestamps >= region.start_s - _SLACK_S) & (timestamps < region.end_s - _SLACK_S)
            inside_rows = (top >= y0 - _SLACK_S) & (bottom <= y1 + _SLACK_S)
            inside_columns = (left >= x0 - _SLACK_S) & (right <= x1 + _SLACK_S)
            still |= during[:, None, None] & inside_rows[:, None] & inside_columns
        return still
