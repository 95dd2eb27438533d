"""Random and structured clips on which a method must equal its slow reference in NumPy."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from infomerge import compress
from tests.clips import RATIOS, random_clip, structured_clips

Reference = Callable[..., dict[str, np.ndarray]]

SIZES = ((1, 1, 3), (1, 16, 5), (5, 1, 4), (2, 3, 2), (9, 9, 6), (13, 8, 7), (18, 12, 10), (6, 25, 12))
STRUCTURED = dict(structured_clips())

random_sizes = pytest.mark.parametrize("size", SIZES)
structured_names = pytest.mark.parametrize("clip", STRUCTURED)
"""Clips full of ties; for methods whose decisions hang on no last bits."""


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_tokens(size: tuple[int, int, int]) -> Tensor:
    return random_clip(torch.Generator().manual_seed(sum(size)), *size)


def direction(v: np.ndarray) -> np.ndarray:
    length = sqrt(float(v @ v))
    return v / length if length > 0 else v


def assert_equals(
    reference: Reference,
    method: str,
    tokens: Tensor,
    *,
    ratios: tuple[float, ...] = RATIOS,
    saliency: Tensor | None = None,
    layers: Tensor | None = None,
    **options: Any,
) -> None:
    """The method gives what `reference(tokens, kept, ...)` gives, at every ratio."""
    beside = {name: given for name, given in (("saliency", saliency), ("layers", layers)) if given is not None}
    for ratio in ratios:
        out = compress(tokens, method, retention_ratio=ratio, **beside, **options)
        arrays = {name: given.double().numpy() for name, given in beside.items()}
        expected = reference(tokens.double().numpy(), out.requested, **arrays, **options)
        note = f"{method} at {ratio}"
        np.testing.assert_array_equal(out.index, expected["index"], note)
        np.testing.assert_array_equal(out.is_context, expected["is_context"], note)
        np.testing.assert_array_equal(out.assignment, expected["assignment"], note)
        np.testing.assert_allclose(out.tokens, expected["tokens"], rtol=1e-9, atol=1e-12, err_msg=note)
