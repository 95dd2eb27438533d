"""Ways to call `generate`, drawn at random: at ratio 1 all of the stock model's output, and below it what is promised.

A draw has an option of each subject: how tokens are chosen, how many answers, which cache, which lengths, which rules,
what is returned. The draws are the same in every run; INFOMERGE_DRAWS=500 makes more of them.
"""

import copy
import itertools
import os
import random
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    DynamicCache,
    EosTokenCriteria,
    LogitNormalization,
    RepetitionPenaltyLogitsProcessor,
    StaticCache,
    WatermarkingConfig,
)

from infomerge.models import compressing
from tests.models.calls import FULL, SHORT, prompts_of, tiny
from tests.models.prompts import processor_of
from tests.tiny_models import IMAGE, KINDS, VIDEO

DRAWS = int(os.environ.get("INFOMERGE_DRAWS", "16"))
NEW = 5

Options = dict[str, Any]

DECODING: list[Options] = [
    {"do_sample": False},
    {"do_sample": True, "temperature": 0.7, "top_k": 20},
    {"do_sample": True, "top_p": 0.8, "num_return_sequences": 2},
    {"do_sample": True, "min_p": 0.01, "typical_p": 0.9},
    {"do_sample": False, "num_beams": 3},
    {"do_sample": False, "num_beams": 3, "num_return_sequences": 2, "length_penalty": 0.5, "early_stopping": True},
    {"do_sample": True, "num_beams": 2},
    {"do_sample": False, "prompt_lookup_num_tokens": 2},
]
CACHES: list[Options] = [
    {},
    {"use_cache": False},
    {"cache_implementation": "static"},
    {"past_key_values": DynamicCache},
    {"past_key_values": StaticCache},
    {"prefill_chunk_size": 5},
]
LENGTHS: list[Options] = [
    {"max_new_tokens": NEW},
    {"max_length": NEW},
    {"max_new_tokens": NEW, "min_new_tokens": NEW},
    {"max_length": NEW, "min_length": 3},
    {"max_new_tokens": NEW, "stopping_criteria": [EosTokenCriteria([2, 50, 60, 70])]},
    {"max_new_tokens": NEW, "stop_strings": ["1", "from"]},
]
RULES: list[Options] = [
    {},
    {"repetition_penalty": 1.4},
    {"no_repeat_ngram_size": 2},
    {"encoder_repetition_penalty": 1.3, "encoder_no_repeat_ngram_size": 2},
    {"bad_words_ids": [[50], [31, 40], [VIDEO, VIDEO]]},
    {"sequence_bias": [[[60], 3.0], [[40, 41], -5.0]]},
    {"suppress_tokens": [VIDEO, IMAGE], "begin_suppress_tokens": [60, 61]},
    {"logits_processor": [RepetitionPenaltyLogitsProcessor(2.0), LogitNormalization()]},
    {"forced_eos_token_id": 2, "exponential_decay_length_penalty": (2, 1.2)},
    {"watermarking_config": WatermarkingConfig()},
    {"remove_invalid_values": True, "renormalize_logits": True},
    {"prefix_allowed_tokens_fn": lambda row, ids: [int(ids[0]), 40 + len(ids) % 7, 60]},
]
OUTPUTS: list[Options] = [
    {},
    {"return_dict_in_generate": True},
    {"return_dict_in_generate": True, "output_scores": True, "output_logits": True},
    {"return_dict_in_generate": True, "output_hidden_states": True, "output_attentions": True},
]


CALLS: list[Options] = [{}, {"inputs": "ids"}, {"positional": "ids"}, {"streamer": "words"}, {"config": "one"}]


class Streamer:
    """Gathers what it is given."""

    def __init__(self) -> None:
        self.given: list[Tensor] = []
        self.ended = 0

    def put(self, value: Tensor) -> None:
        self.given.append(value.flatten().clone())

    def end(self) -> None:
        self.ended += 1


def _drawn(number: int) -> tuple[str, str, list[Options]]:
    draw = random.Random(number)
    while True:
        name, case = list(KINDS)[number % len(KINDS)], draw.choice(["one video", "a batch", "image and video"])
        options = [draw.choice(subject) for subject in (DECODING, CACHES, LENGTHS, RULES, CALLS, OUTPUTS)]
        drafted, cache = "prompt_lookup_num_tokens" in options[0], options[1]
        if drafted and (case != "one video" or (cache and cache.get("past_key_values") is not DynamicCache)):
            continue  # transformers drafts for one prompt, on a cache that grows
        plain = case == "one video" and not drafted and options[0] in DECODING[:2]
        if "streamer" in options[4] and not plain:
            continue  # transformers streams one answer, without beams
        if cache.get("prefill_chunk_size") and not _reads_chunks():
            continue
        return name, case, options


def _reads_chunks() -> bool:
    import transformers
    from packaging.version import Version

    return Version(transformers.__version__) >= Version("5.23")


def _called(model: Any, inputs: dict[str, Any], parts: list[Options], tokenizer: Any) -> Any:
    options = {name: value for part in parts if part not in CALLS[1:] for name, value in part.items()}
    length = inputs["input_ids"].shape[1]
    for name in ("max_length", "min_length"):
        if name in options:
            options[name] += length
    if (kind := options.get("past_key_values")) is not None:
        config = model.config.get_text_config()
        options["past_key_values"] = (
            kind(config=config, max_cache_len=length + NEW + 1) if kind is StaticCache else kind(config=config)
        )
    if "stop_strings" in options:
        options["tokenizer"] = tokenizer
    torch.manual_seed(7)
    return _by_way(model, inputs, options, parts[4])


def _by_way(model: Any, inputs: dict[str, Any], options: Options, way: Options) -> Any:
    rest = {name: value for name, value in inputs.items() if name != "input_ids"}
    if "inputs" in way:
        return model.generate(inputs=inputs["input_ids"], **rest, **options)
    if "positional" in way:
        return model.generate(inputs["input_ids"], **rest, **options)
    if "streamer" in way:
        streamer = Streamer()
        result = model.generate(**inputs, **options, streamer=streamer)
        ids = result if isinstance(result, Tensor) else result.sequences
        assert streamer.ended == 1
        assert torch.equal(torch.cat(streamer.given), ids[0]), "a streamer is given the full prompt and all new ids"
        return result
    if "config" in way:
        config = copy.deepcopy(model.generation_config)
        given = {name: options.pop(name) for name in list(options) if hasattr(config, name)}
        config.update(**given)
        return model.generate(**inputs, **options, generation_config=config)
    return model.generate(**inputs, **options)


def _tensors(result: Any) -> list[Tensor]:
    """All tensors of a result, in order; caches aside, whose first tensors are as long as the prompt."""
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, dict):
        result = [value for name, value in result.items() if name != "past_key_values"]
    return [tensor for part in result for tensor in _tensors(part)] if isinstance(result, (list, tuple)) else []


@pytest.mark.parametrize("number", range(DRAWS))
def test_any_way_to_generate(number: int) -> None:
    name, case, parts = _drawn(number)
    kind, model = KINDS[name], tiny(name, "eager" if "output_attentions" in parts[-1] else "sdpa")
    inputs = kind.inputs(model, *prompts_of(kind)[case])
    words = processor_of("LlavaOnevision").tokenizer if "stop_strings" in parts[2] else None
    stock = _called(model, inputs, parts, words)
    with compressing(model, FULL):
        same = _called(model, inputs, parts, words)
    assert type(same) is type(stock)
    assert len(_tensors(same)) == len(_tensors(stock))
    assert all(map(torch.equal, _tensors(same), _tensors(stock))), parts

    with compressing(model, SHORT) as run:
        short, again = (_called(model, inputs, parts, words) for _ in range(2))
    assert all(map(torch.equal, _tensors(short), _tensors(again)))
    ids, length = inputs["input_ids"], inputs["input_ids"].shape[1]
    sequences = short if isinstance(short, Tensor) else short.sequences
    times = parts[0].get("num_return_sequences", 1)
    assert torch.equal(sequences[:, :length], ids.repeat_interleave(times, dim=0))
    least = NEW if "min_new_tokens" in parts[2] else parts[2].get("min_length", 1)
    assert least <= sequences.shape[1] - length <= NEW
    assert run.length < length
    if not isinstance(short, Tensor):
        assert set(short) == set(stock)
        _check_rules(sequences, length, short, parts)


def _check_rules(sequences: Tensor, length: int, short: Any, parts: list[Options]) -> None:
    new, rules = sequences[:, length:], parts[3]
    if "suppress_tokens" in rules:
        assert not torch.isin(new, torch.tensor([VIDEO, IMAGE])).any()
        assert not torch.isin(new[:, 0], torch.tensor([60, 61])).any()
    if "bad_words_ids" in rules:
        assert not (new == 50).any()
    if "no_repeat_ngram_size" in rules:
        for row in sequences.tolist():
            end = row.index(2, length) if 2 in row[length:] else len(row)
            pairs = list(itertools.pairwise(row[:end]))
            assert not set(pairs[length - 1 :]) & set(pairs[: length - 1]), "a pair of the full prompt came again"
    if "scores" in short:
        assert len(short.logits) == len(short.scores) >= new.shape[1]  # beams may go on after the best has ended
