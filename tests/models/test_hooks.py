"""What hooks of `generate` see while a video is compressed: the prompt as it was given, and the new ids."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import MaxLengthCriteria, MinLengthLogitsProcessor

from infomerge.models import compressing
from tests.models.calls import SHORT, prompts_of, tiny
from tests.tiny_models import IMAGE, KINDS, VIDEO, Kind

GREEDY = {"do_sample": False, "eos_token_id": None, "max_new_tokens": 12}
EOS = 2


class Watching:
    """A processor, a criterion or a streamer that writes down what it sees; it calls `then` with it."""

    def __init__(self, then: Callable[[Tensor, Any], Any]) -> None:
        self.seen: list[Tensor] = []
        self.then = then

    def __call__(self, ids: Tensor, scores: Any) -> Any:
        self.seen.append(ids.clone())
        return self.then(ids, scores)

    def put(self, value: Tensor) -> None:
        self.seen.append(value.flatten())

    def end(self) -> None:
        self.seen.append(torch.tensor([-1]))


def after(length: int, count: int) -> Watching:
    """A criterion: stop after so many new tokens."""
    return Watching(lambda ids, _: torch.full((len(ids),), ids.shape[1] - length >= count))


def counting(length: int, first: int) -> Watching:
    """A processor: the new tokens are `first`, `first + 1` and so on, counted from the prompt's length."""

    def only(ids: Tensor, scores: Tensor) -> Tensor:
        others = torch.arange(scores.shape[1]) != first + ids.shape[1] - length
        return scores.masked_fill(others, -torch.inf)

    return Watching(only)


@pytest.mark.parametrize("case", ["one video", "a batch"])
def test_hooks_count_from_the_prompts_length(kind: Kind, model: Any, case: str) -> None:
    inputs = kind.inputs(model, *prompts_of(kind)[case])
    rows, length = inputs["input_ids"].shape
    for options in ({}, {"num_beams": 2, "num_return_sequences": 2}, {"do_sample": True, "num_return_sequences": 2}):
        stop, count = after(length, 3), counting(length, 40)
        with compressing(model, SHORT) as run:
            out = model.generate(**inputs, **{**GREEDY, **options}, stopping_criteria=[stop], logits_processor=[count])
        assert run.length < length
        times = options.get("num_return_sequences", 1)
        full = inputs["input_ids"].repeat_interleave(times, dim=0)
        assert torch.equal(out, torch.cat([full, torch.tensor([[40, 41, 42]]).expand(rows * times, -1)], dim=1))
        for ids in (*stop.seen, *count.seen):
            expected = inputs["input_ids"].repeat_interleave(len(ids) // rows, dim=0)
            assert torch.equal(ids[:, :length], expected), "a hook saw another prompt"
        assert [ids.shape[1] - length for ids in count.seen] == [0, 1, 2]


def test_prefix_functions_and_streamers_see_the_prompt(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    length = inputs["input_ids"].shape[1]
    stream = Watching(lambda *_: None)

    def allowed(row: int, ids: Tensor) -> list[int]:
        assert row == 0
        assert torch.equal(ids[:length], inputs["input_ids"][0])
        return [60 + len(ids) - length]

    with compressing(model, SHORT):
        out = model.generate(**inputs, **GREEDY, prefix_allowed_tokens_fn=allowed, streamer=stream)
    assert out[0, length:].tolist() == list(range(60, 72))
    assert torch.equal(torch.cat(stream.seen), torch.cat([out[0], torch.tensor([-1])]))


@pytest.mark.parametrize("name", ["LlavaOnevision", "Qwen2_5_VL", "SmolVLM"])
def test_lengths_count_the_prompt_as_it_was_given(name: str) -> None:
    """Options, and processors and criteria of transformers that users make themselves."""
    kind, model = KINDS[name], tiny(name)
    inputs = kind.inputs(model, kind.prompt(8))
    length = inputs["input_ids"].shape[1]
    eager = {"do_sample": False, "eos_token_id": EOS, "sequence_bias": {(EOS,): 1e4}}
    ways: list[tuple[dict[str, Any], int]] = [
        ({"max_new_tokens": 9, "min_length": length + 5}, 6),
        ({"max_new_tokens": 9, "min_new_tokens": 5}, 6),
        ({"max_new_tokens": 9, "min_length": length - 1}, 1),
        ({"max_new_tokens": 9, "logits_processor": [MinLengthLogitsProcessor(length + 5, EOS)]}, 6),
        ({"max_length": length + 4, "min_length": length + 4}, 4),
        ({"max_new_tokens": 9, "min_length": length + 9, "stopping_criteria": [MaxLengthCriteria(length + 4)]}, 4),
    ]
    with compressing(model, SHORT):
        for options, count in ways:
            assert model.generate(**inputs, **eager, **options).shape[1] == length + count, options
        with pytest.raises(ValueError, match=f"max_length: got {length} for a prompt of {length} tokens"):
            model.generate(**inputs, max_length=length)


def test_words_of_the_prompt_are_remembered_with_the_video_between_them() -> None:
    """No two ids may follow each other that do so in the full prompt, and dropped tokens make no new neighbors."""
    kind, model = KINDS["InternVL"], tiny("InternVL")
    inputs = kind.inputs(model, kind.prompt(8))
    full = inputs["input_ids"][0].tolist()
    pairs = set(itertools.pairwise(full))
    with compressing(model, "uniform-frames", retention_ratio=0.15) as run:
        model.generate(**inputs, max_new_tokens=1)
        assert run.call is not None
        short = run.call.inputs["input_ids"][0].tolist()
        first, second = next(pair for pair in itertools.pairwise(short) if pair not in pairs)
        # Made to say the two: the rule against pairs of the prompt must not hold for one that is not in it.
        says = {1: first, 2: second}
        length = len(full)
        force = Watching(lambda ids, scores: _said(scores, says.get(ids.shape[1] - length + 1)))
        out = model.generate(
            **inputs, **{**GREEDY, "max_new_tokens": 2}, no_repeat_ngram_size=2, logits_processor=[force]
        )
    assert out[0, length:].tolist() == [first, second]


def _said(scores: Tensor, token: int | None) -> Tensor:
    """Scores with which a token is chosen unless it is ruled out."""
    assert token is not None
    return torch.where(torch.arange(scores.shape[1]) == token, scores + 1e4, scores)


@pytest.mark.parametrize("name", ["LlavaOnevision", "Qwen2_5_VL", "InternVL"])
def test_drafted_tokens_change_no_answer_and_no_count(name: str) -> None:
    kind, model = KINDS[name], tiny(name)
    inputs = kind.inputs(model, kind.prompt(8))
    length = inputs["input_ids"].shape[1]
    with compressing(model, SHORT):
        plain = model.generate(**inputs, **GREEDY)
        for options in ({"prompt_lookup_num_tokens": 3}, {"assistant_model": kind.build(seed=3)}):
            assert torch.equal(model.generate(**inputs, **GREEDY, **options), plain)
            stop = after(length, 1)
            begun = model.generate(**inputs, **GREEDY, **options, stopping_criteria=[stop])
            assert torch.equal(begun, plain[:, : begun.shape[1]])
            assert len(stop.seen) == 1
            assert torch.equal(stop.seen[0], begun)


def test_a_hook_may_generate_something_else_meanwhile() -> None:
    kind, model = KINDS["LlavaOnevision"], tiny("LlavaOnevision")
    inputs = kind.inputs(model, kind.prompt(8))
    words = torch.tensor([[1, 5, 44, 45]])
    expected = model.generate(input_ids=words, **{**GREEDY, "max_new_tokens": 2})
    inner = after(4, 2)

    def asking(ids: Tensor, scores: Tensor) -> Tensor:
        found = model.generate(input_ids=words, **GREEDY, stopping_criteria=[inner])
        assert torch.equal(found, expected)
        return scores

    outer = Watching(asking)
    length = inputs["input_ids"].shape[1]
    with compressing(model, SHORT):
        model.generate(**inputs, **{**GREEDY, "max_new_tokens": 2}, logits_processor=[outer])
    assert [ids.shape[1] for ids in outer.seen] == [length, length + 1]
    assert {ids.shape[1] for ids in inner.seen} == {5, 6}


def test_what_a_shortened_call_cannot_do_is_said() -> None:
    kind, model = KINDS["Qwen2VL"], tiny("Qwen2VL")
    inputs = kind.inputs(model, kind.prompt(8))
    options = {**GREEDY, "max_new_tokens": 2, "suppress_tokens": [VIDEO, IMAGE]}

    def own_loop(model: Any, input_ids: Tensor, **given: Any) -> Tensor:
        return type(model)._sample(model, input_ids, **given)

    with compressing(model, SHORT):
        with pytest.raises(ValueError, match="token_healing: got True beside a compressed video; expected False"):
            model.generate(**inputs, token_healing=True)
        with pytest.warns(UserWarning, match="custom_generate: got a function, which is given the shorter prompt"):
            found = model.generate(**inputs, **options, custom_generate=own_loop)
        assert torch.equal(found, model.generate(**inputs, **options))
        with pytest.raises(ValueError, match=r"(?s)`inputs`: .*alongside input_ids which is not allowed"):
            model.generate(inputs["input_ids"], **inputs, **options)
