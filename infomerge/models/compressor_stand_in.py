"""Stand-in for `infomerge.methods.make_compressor`, until that is there."""

import functools
from typing import Any

from infomerge.compression import compress
from infomerge.config import InfoMergeConfig
from infomerge.methods import get_method


def make_compressor(method: Any = None, *, retention_ratio: float | None = None, **options: Any) -> Any:
    """What compresses a video."""
    if method is None or method == "infomerge":
        return functools.partial(compress, config=InfoMergeConfig.paper(retention_ratio or 0.1, **options))
    if isinstance(method, InfoMergeConfig):
        return functools.partial(compress, config=method)
    if isinstance(method, str):
        return functools.partial(get_method(method), retention_ratio=retention_ratio or 0.1, **options)
    if callable(method):
        return method
    raise TypeError(
        f"config: found {type(method).__name__}; accepted are an InfoMergeConfig and a callable "
        "(tokens, saliency=...) -> Compression"
    )
