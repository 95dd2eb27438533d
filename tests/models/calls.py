"""Calls of tiny models, and what is to come of them."""

import functools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from infomerge import InfoMergeConfig
from infomerge.models.adapters import adapter_for
from tests.tiny_models import IMAGE, KINDS, VIDEO, Kind

FULL = InfoMergeConfig(retention_ratio=1.0)
SHORT = InfoMergeConfig.paper(0.15)


@functools.cache
def tiny(name: str, attention: str = "sdpa") -> Any:
    return KINDS[name].build(attention=attention)


@torch.no_grad()
def logits(model: Any, inputs: dict[str, Any], **more: Any) -> Tensor:
    result: Tensor = model(**inputs, **more).logits
    return result


def promised(kind: Kind, frames: int, ratio: float = 0.15) -> int:
    return max(1, math.floor(ratio * (frames // kind.frames_per_token) * kind.positions + 0.5))


def tokens_of(kind: Kind, frames: int) -> int:
    return frames // kind.frames_per_token * kind.positions


def prompts_of(kind: Kind) -> dict[str, list[Any]]:
    other = 6 if kind.unequal else 8
    return {
        "one video": [kind.prompt(8)],
        "a batch": [kind.prompt(8), kind.prompt(other, question=9)],
        "two videos": [kind.prompt(8, other)],
        "image and video": [kind.prompt("image", 8), kind.prompt(8, "image")],
        "a row of text": [kind.prompt(8), kind.prompt(question=4)],
    }


CASES = ("one video", "a batch", "two videos", "image and video", "a row of text")


def pixels_of(inputs: dict[str, Any]) -> dict[str, Any]:
    """What a call needs to encode its videos and images."""
    return {
        name: value
        for name, value in inputs.items()
        if name not in ("input_ids", "attention_mask", "mm_token_type_ids")
    }


def asked(kind: Kind, ids: Tensor) -> dict[str, Any]:
    """A call of `generate` without padding and without pixels."""
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if kind.name.startswith("Qwen"):
        given["mm_token_type_ids"] = (ids == IMAGE).int() + 2 * (ids == VIDEO).int()
    return given


def steady(kind: Kind, inputs: dict[str, Any]) -> dict[str, Any]:
    """Inputs whose words, in stock models too, count on from the last one in a later call as they do within one.

    With a second a frame those of Qwen2.5-VL do not: see `test_at_ratio_1_a_conversation_is_the_stock_one`.
    """
    return inputs | ({"second_per_grid_ts": torch.tensor([0.25])} if kind.name == "Qwen2_5_VL" else {})


def alone(together: dict[str, Any], prompts: list[Any], row: int) -> dict[str, Any]:
    """The inputs of one prompt of a left-padded batch, in which pixels come in the order of the prompts."""
    weights = [sum(prompt.videos) + 2 * prompt.images for prompt in prompts]
    own = {}
    for name, value in together.items():
        if name in ("input_ids", "attention_mask", "mm_token_type_ids"):
            own[name] = value[row : row + 1, -len(prompts[row].ids) :]
        elif len(value) == len(prompts):
            own[name] = value[row : row + 1]
        else:
            own[name] = value.split([len(value) * weight // sum(weights) for weight in weights])[row]
    return own


@contextmanager
def language_inputs(model: Any) -> Iterator[list[dict[str, Any]]]:
    """The arguments of every call of the language model inside the block."""
    seen: list[dict[str, Any]] = []
    language = adapter_for(model).text_model
    hook = language.register_forward_pre_hook(lambda _, args, kwargs: seen.append(kwargs), with_kwargs=True)
    try:
        yield seen
    finally:
        hook.remove()
