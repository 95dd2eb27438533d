"""Models in float16 and bfloat16: what is handed on keeps its dtype, and at ratio 1 no bit changes."""

import copy
from typing import Any

import pytest
import torch

from infomerge.models import compressing
from tests.models.calls import FULL, SHORT, language_inputs, logits, tiny
from tests.tiny_models import Kind

# An image has its own way through the model; the two dtypes take turns.
HALVES = {"LlavaOnevision": torch.float16, "Qwen2_5_VL": torch.float16, "InternVL": torch.float16}


@pytest.fixture
def dtype(kind: Kind) -> torch.dtype:
    return HALVES.get(kind.name, torch.bfloat16)


@pytest.fixture
def half(kind: Kind, dtype: torch.dtype) -> Any:
    return copy.deepcopy(tiny(kind.name)).to(dtype)


def test_half_precision_stays_as_it_is(kind: Kind, half: Any, dtype: torch.dtype) -> None:
    given = kind.inputs(half, kind.prompt(8, "image"))
    inputs = {name: value.to(dtype) if value.is_floating_point() else value for name, value in given.items()}
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None}
    scores, answer = logits(half, inputs), half.generate(**inputs, **options)
    with compressing(half, FULL):
        assert torch.equal(logits(half, inputs), scores)
        assert torch.equal(half.generate(**inputs, **options), answer)
    with compressing(half, SHORT) as run, language_inputs(half) as seen:
        short = logits(half, inputs)
    assert short.dtype == seen[0]["inputs_embeds"].dtype == dtype
    assert torch.isfinite(short).all()
    video = run.last[0]
    assert video.compression.tokens.dtype == dtype
    assert torch.equal(seen[0]["inputs_embeds"][0, video.prompt_index], video.compression.tokens)
    for layer in seen[0].get("deepstack_visual_embeds") or []:
        assert layer.dtype == dtype
