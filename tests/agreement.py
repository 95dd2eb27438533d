"""How far two compressions of one clip agree, and by how much their choices could have fallen the other way."""

from typing import NamedTuple

import torch

from infomerge import Compression


class Agreement(NamedTuple):
    """Of a fast compression with the exact one."""

    segments: bool
    budgets: bool
    kept: float
    """Share of the exact one's kept tokens that the fast one keeps."""
    owners: float
    """Share of the clip's tokens that have the same owner."""
    margin: float
    """Largest difference between the scores of a token that only the exact one chose and one that only the fast one
    chose in its place, as the exact run has them, over the spread of the frame's scores. Small: a near tie."""


def agreement(exact: Compression, fast: Compression) -> Agreement:
    """Compare; margins are NaN where budgets differ."""
    a, b = exact.trace, fast.trace
    segments = torch.equal(a.segments, b.segments)
    budgets = segments and torch.equal(a.budget, b.budget)
    return Agreement(
        segments,
        budgets,
        torch.isin(exact.index, fast.index).sum().item() / exact.kept,
        (exact.index[exact.assignment] == fast.index[fast.assignment]).sum().item() / len(exact.assignment),
        _margin(exact, fast) if budgets else torch.nan,
    )


def _margin(exact: Compression, fast: Compression) -> float:
    frames, positions = exact.trace.saliency.shape
    kinds = []
    for out in (exact, fast):
        salient = torch.zeros(frames * positions, dtype=torch.bool, device=out.index.device)
        salient[out.index[~out.is_context]] = True
        context = torch.zeros_like(salient)
        context[out.index[out.is_context]] = True
        kinds.append((salient.view(frames, positions), context.view(frames, positions)))
    trace, worst = exact.trace, 0.0
    rows = {int(frame): row for row, frame in enumerate(trace.anchor_frames)}
    for frame in range(frames):
        for kind in (0, 1):
            here, there = kinds[0][kind][frame], kinds[1][kind][frame]
            if torch.equal(here, there):
                continue
            scores = trace.penalized_saliency[frame] if kind == 0 else trace.density_scores[rows[frame]]
            spread = scores[~scores.isnan()].std()
            missed, taken = scores[here & ~there], scores[there & ~here]
            # Where ATS chose otherwise the candidates of DTM differ too: they have no score of both.
            if not (missed.isnan().any() or taken.isnan().any()):
                worst = max(worst, float((missed.max() - taken.min()).abs() / spread))
    return worst
