"""Ways to call `forward`, drawn at random: at ratio 1 the stock model's output, below it that of the plain call."""

import inspect
import os
import random
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import DynamicCache

from infomerge.models import compressing
from tests.models.calls import CASES, FULL, SHORT, logits, prompts_of, tiny
from tests.tiny_models import KINDS

DRAWS = int(os.environ.get("INFOMERGE_DRAWS", "16"))

WAYS = ["by name", "ids first", "all that is known by place", "the part below the head"]
CACHES: list[dict[str, Any]] = [{}, {"use_cache": False}, {"use_cache": True}, {"past_key_values": DynamicCache}]
COLUMNS: list[Any] = [None, 0, 1, 3, "last", "words"]
OUTPUTS: list[dict[str, Any]] = [
    {},
    {"return_dict": False},
    {"output_hidden_states": True},
    {"output_hidden_states": True, "output_attentions": True},
]


def tensors(output: Any) -> list[Tensor]:
    """All tensors of an output in order, without caches and what was put in the places of frames.

    That is `image_hidden_states` of SmolVLM and InternVL: the features of the encoder as they were handed on.
    """
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, dict):
        output = [value for name, value in output.items() if name != "image_hidden_states"]
    return [tensor for part in output for tensor in tensors(part)] if isinstance(output, (list, tuple)) else []


def called(model: Any, inputs: dict[str, Any], way: str, options: dict[str, Any]) -> Any:
    options = dict(options)
    if "past_key_values" in options:
        options["past_key_values"] = DynamicCache(config=model.config.get_text_config())
    rest = {name: value for name, value in inputs.items() if name != "input_ids"}
    if way == "ids first":
        return model(inputs["input_ids"], **rest, **options)
    if way == "all that is known by place":
        names = list(inspect.signature(type(model).forward).parameters)[1:]
        first = [name for name in names if name in inputs]
        places = first[: next((i for i, name in enumerate(first) if names[i] != name), len(first))]
        later = {name: value for name, value in inputs.items() if name not in places}
        return model(*[inputs[name] for name in places], **later, **options)
    if way == "the part below the head":
        options.pop("logits_to_keep", None)
        return model.model(**inputs, **options)
    return model(**inputs, **options)


@pytest.mark.parametrize("number", range(DRAWS))
@torch.no_grad()
def test_any_way_to_call_forward(number: int) -> None:
    draw = random.Random(number)
    name, case = list(KINDS)[number % len(KINDS)], draw.choice(CASES)
    way, cache, columns, outputs = (draw.choice(WAYS), draw.choice(CACHES), draw.choice(COLUMNS), draw.choice(OUTPUTS))
    if "return_dict" in outputs and name in ("SmolVLM", "InternVL"):
        outputs = {}  # a tuple that ends with `image_hidden_states`
    kind, model = KINDS[name], tiny(name, "eager" if "output_attentions" in outputs else "sdpa")
    inputs = kind.inputs(model, *prompts_of(kind)[case])
    length = inputs["input_ids"].shape[1]
    chosen = {"last": torch.tensor([length - 1]), "words": torch.tensor([-2, -1])}.get(columns, columns)
    options = cache | outputs | ({} if columns is None else {"logits_to_keep": chosen})

    stock = called(model, inputs, way, options)
    with compressing(model, FULL):
        same = called(model, inputs, way, options)
    assert type(same) is type(stock)
    assert len(tensors(same)) == len(tensors(stock))
    assert all(map(torch.equal, tensors(same), tensors(stock))), (way, case, options)

    with compressing(model, SHORT) as run:
        plain = logits(model, inputs)
        run.call = None
        short = called(model, inputs, way, options)
        assert run.last, (way, case, options)
        assert run.length == plain.shape[1] < length
    assert len(tensors(short)) == len(tensors(stock))
    first = tensors(short)[0]
    if way == "the part below the head":
        first = model.lm_head(first)
    elif name != "VideoLlama3" and columns not in (None, 0):  # whose forward makes all logits whatever it is asked
        plain = plain[:, -first.shape[1] :]
        assert first.shape[1] == (chosen if isinstance(chosen, int) else len(chosen))
    torch.testing.assert_close(first, plain)
