"""Arguments and outputs of transformers' models, by the names that its releases have for them."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

PIXELS = {"image": "pixel_values", "video": "pixel_values_videos"}

_CACHES = ("cache", "past_key_values")
"""What transformers calls a cache: from 5.24 on, and before."""


def cache_in(inputs: Mapping[str, Any]) -> Any:
    """The cache among the arguments of a call, or None."""
    return next((inputs[name] for name in _CACHES if inputs.get(name) is not None), None)


def cache_of(output: Any) -> Any:
    """The cache in what `forward` or `generate` returned, or None."""
    return next((cache for name in _CACHES if (cache := getattr(output, name, None)) is not None), None)


def checked_mask(inputs: Mapping[str, Any]) -> Int[Tensor, "batch sequence"]:
    """The mask of a prompt, of numbers; of ones where none is given.

    Raises:
        ValueError: it is not as long as the prompt.
    """
    ids, mask = inputs["input_ids"], inputs.get("attention_mask")
    mask = torch.ones_like(ids) if mask is None else mask.long()
    if mask.shape != ids.shape:
        accepted = list(ids.shape)
        raise ValueError(f"attention_mask: found shape {list(mask.shape)}; accepted is that of input_ids, {accepted}")
    return mask
