"""Arguments and outputs of transformers' models, by the names that its releases have for them."""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from infomerge.models.full_prompt import FullPrompt

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
        raise ValueError(f"attention_mask: got shape {list(mask.shape)}; expected that of input_ids, {accepted}")
    return mask


def with_lengths(model: Any, inputs: dict[str, Any], full: FullPrompt) -> dict[str, Any]:
    """The arguments of a shortened call, with lengths that count the prompt less by what it lost.

    Raises:
        ValueError: the prompt is as long as an answer with it may be.
    """
    inputs = dict(inputs)
    own = inputs.get("generation_config")
    for length, new in (("max_length", "max_new_tokens"), ("min_length", "min_new_tokens")):
        limit = option_of(length, inputs, own, model.generation_config)
        if not limit or option_of(new, inputs, own, model.generation_config) is not None:
            continue
        if length == "max_length" and limit <= full.ids.shape[1]:
            raise ValueError(
                f"max_length: got {limit} for a prompt of {full.ids.shape[1]} tokens, counted as it was given; "
                "expected more, or max_new_tokens"
            )
        shorter = max(limit - full.lost, 0)
        if own is not None and length not in inputs:
            own = inputs["generation_config"] = copy.deepcopy(own)
            setattr(own, length, shorter)
        else:
            inputs[length] = shorter
    return inputs


def option_of(name: str, inputs: Mapping[str, Any], *configs: Any) -> Any:
    """An option of `generate`, from where it takes it: an argument, the given configuration, the model's own."""
    values = [inputs.get(name), *(getattr(config, name, None) for config in configs)]
    return next((value for value in values if value is not None), None)
