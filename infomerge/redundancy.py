"""Temporal redundancy (section 3.2): which positions of a segment stand still.

Taught in notebook 02.
"""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.config import StaticPrior
from infomerge.numerics import BLOCK_ELEMENTS, floor_count, ranks, rounded, unit

ADJACENT_WINDOW = 4
"""DyCoke compares neighbouring frames inside windows of this many frames."""


def fingerprints(tokens: Float[Tensor, "frames positions channels"]) -> Float[Tensor, "positions frames frames"]:
    """Every position's fingerprint matrix: the cosine of its token in each frame with that in each other (eq. 1)."""
    by_position = unit(tokens).transpose(0, 1)
    return by_position @ by_position.mT


def temporal_fingerprint_difference(
    tokens: Float[Tensor, "frames positions channels"], *, aligned: bool = False
) -> Float[Tensor, "positions"]:
    """TFD of every position of one segment: mean absolute difference of consecutive fingerprint rows (eq. 2).

    NaN for a segment of one frame, where it is undefined. Where `aligned`, a position is not compared with itself in
    another frame but with what is most like it there, of itself and its neighbors (`neighborhoods`): a camera that
    shakes by less than a position then moves nothing. Eq. 1 becomes F_p[l, m] = max_q cos(h_lp, h_mq).
    """
    frames, positions, _ = tokens.shape
    if frames == 1:
        return tokens.new_full((positions,), torch.nan)
    by_position = unit(tokens).transpose(0, 1)
    others = [by_position[near] for near in neighborhoods(positions).to(tokens.device)] if aligned else [by_position]
    total = tokens.new_zeros(positions)
    # Rows of the fingerprint matrices a block at a time: whole, they would take frames^2 * positions numbers.
    block = max(1, BLOCK_ELEMENTS // (frames * positions))
    for first in range(0, frames - 1, block):
        own = by_position[:, first : first + block + 1]
        rows = own @ others[0].mT
        for other in others[1:]:
            rows = torch.maximum(rows, own @ other.mT)
        total += rows.diff(dim=1).abs().sum(dim=(1, 2))
    return total / ((frames - 1) * frames)


def neighborhoods(positions: int) -> Int[Tensor, "9 positions"]:
    """The 3 x 3 positions around each; those beyond the edge are the position itself.

    Positions are row-major on the grid nearest a square: 196 are 14 x 14, and 28 are 4 x 7.
    """
    rows = max(height for height in range(1, math.isqrt(positions) + 1) if positions % height == 0)
    grid = torch.arange(positions, device="cpu").view(rows, -1)
    padded = torch.nn.functional.pad(grid, (1, 1, 1, 1), value=-1)
    around = padded.unfold(0, 3, 1).unfold(1, 3, 1).reshape(positions, 9).T
    return torch.where(around < 0, grid.flatten(), around)


def adjacent_difference(tokens: Float[Tensor, "frames positions channels"]) -> Float[Tensor, "positions"]:
    """First-order difference of every position of one segment, DyCoke's: the baseline that TFD is compared with.

    Mean of 1 - cosine over the adjacent frames inside each window of `ADJACENT_WINDOW` frames, then over the windows.
    NaN for a segment of one frame.
    """
    if len(tokens) == 1:
        return tokens.new_full((tokens.shape[1],), torch.nan)
    windows = [window for window in unit(tokens).split(ADJACENT_WINDOW) if len(window) > 1]
    means = [(1 - (window[:-1] * window[1:]).sum(-1)).mean(0) for window in windows]
    return torch.stack(means).mean(0)


def static_scores(
    tokens: Float[Tensor, "frames positions channels"], segments: Int[Tensor, "segments 2"], prior: StaticPrior
) -> Float[Tensor, "segments positions"]:
    """The prior's value for every position of every segment; small means static. NaN where it is undefined."""
    if prior == "none":
        return tokens.new_full((len(segments), tokens.shape[1]), torch.nan)
    if prior == "adjacent":
        return torch.stack([adjacent_difference(tokens[start:end]) for start, end in segments.tolist()])
    aligned = prior == "aligned"
    parts = (tokens[start:end] for start, end in segments.tolist())
    return torch.stack([temporal_fingerprint_difference(part, aligned=aligned) for part in parts])


def static_candidates(
    scores: Float[Tensor, "segments positions"], static_ratio: float
) -> Bool[Tensor, "segments positions"]:
    """The floor(rho N) positions of smallest score in each segment; none where the score is undefined."""
    count = floor_count(static_ratio * scores.shape[1])
    return (ranks(rounded(scores)) < count) & ~scores.isnan()
