"""Kept tokens that say again what another kept token says."""

from infomerge.compression import Compression, infomerge_trace
from infomerge.numerics import unit


def near_duplicates(out: Compression, threshold: float = 0.98) -> int:
    """Kept tokens that an earlier kept one resembles by a cosine above the threshold.

    Raises:
        ValueError: the threshold is no cosine.
    """
    if not -1 <= threshold <= 1:
        raise ValueError(f"threshold: got {threshold}; expected a cosine from -1 to 1")
    directions = unit(out.tokens.double())
    return int((directions @ directions.T > threshold).triu(1).any(dim=0).sum())


def salient_on_static(out: Compression) -> int:
    """Salient tokens at static candidates of their segment: what the penalty of eq. 10 is there to bring down.

    Raises:
        TypeError: the method has no static candidates.
    """
    trace = infomerge_trace(out, "salient_on_static")
    static = trace.static[trace.segment_of_frame]
    return int(static.flatten()[out.index[~out.is_context]].sum())
