"""Conversations that go on from the cache of a compressed call."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import StaticCache

from infomerge.models import compressing
from tests.models.calls import FULL, SHORT, asked, logits, pixels_of, prompts_of, steady, tiny
from tests.tiny_models import IMAGE, KINDS, VIDEO, Kind


@pytest.mark.parametrize("case", ["one video", "a batch", "image and video"])
def test_cached_and_uncached_decoding_agree(kind: Kind, model: Any, case: str) -> None:
    inputs = kind.inputs(model, *prompts_of(kind)[case])
    options = {"max_new_tokens": 5, "do_sample": False, "return_dict_in_generate": True, "output_logits": True}
    with compressing(model, SHORT):
        cached = model.generate(**inputs, **options)
        uncached = model.generate(**inputs, **options, use_cache=False)
    assert torch.equal(cached.sequences, uncached.sequences)
    torch.testing.assert_close(torch.stack(cached.logits), torch.stack(uncached.logits), atol=1e-4, rtol=0)


def test_a_cache_filled_by_forward_can_be_continued(kind: Kind, model: Any) -> None:
    inputs = steady(kind, kind.inputs(model, kind.prompt(8, question=6)))
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    types = {"mm_token_type_ids": inputs["mm_token_type_ids"]} if "mm_token_type_ids" in inputs else {}
    rest = {name: value for name, value in inputs.items() if name not in ("input_ids", "attention_mask", *types)}
    first = {name: value[:, :-3] for name, value in types.items()}
    with compressing(model, SHORT) as run, torch.no_grad():
        whole = model(**inputs).logits
        begun = model(input_ids=ids[:, :-3], attention_mask=mask[:, :-3], use_cache=True, **first, **rest)
        cache = begun.past_key_values
        assert cache.get_seq_length() == run.length
        parts = [begun.logits[:, -1]]
        for column in range(-3, 0):
            end = ids.shape[1] + column
            step = model(input_ids=ids[:, end : end + 1], past_key_values=cache, use_cache=True)
            parts.append(step.logits[:, -1])
    torch.testing.assert_close(torch.stack(parts, dim=1), whole[:, -4:], atol=1e-4, rtol=0)


def test_generate_goes_on_from_its_own_cache(kind: Kind, model: Any) -> None:
    inputs = steady(kind, kind.inputs(model, kind.prompt(8)))
    options = {"max_new_tokens": 3, "do_sample": False, "return_dict_in_generate": True, "eos_token_id": None}
    with compressing(model, SHORT):
        first = model.generate(**inputs, **options)
        ids = torch.cat([first.sequences, torch.tensor([[44, 45, 46]])], dim=1)
        second = model.generate(**asked(kind, ids), past_key_values=first.past_key_values, **options)
        third_ids = torch.cat([second.sequences, torch.tensor([[47, 48]])], dim=1)
        third = model.generate(**asked(kind, third_ids), past_key_values=second.past_key_values, **options)
        for turn, turn_ids in ((second, ids), (third, third_ids)):
            whole = model.generate(**asked(kind, turn_ids), **pixels_of(inputs), **options)
            assert turn.sequences.shape[1] == turn_ids.shape[1] + 3
            assert torch.equal(turn.sequences, whole.sequences)


@torch.no_grad()
def test_at_ratio_1_a_conversation_is_the_stock_one(kind: Kind, model: Any) -> None:
    """Steps by hand and further questions, on caches of `forward` and of `generate`, copied and with more rows."""
    inputs = kind.inputs(model, kind.prompt(8))
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None, "suppress_tokens": [VIDEO, IMAGE]}
    told = {"return_dict_in_generate": True, "output_logits": True}

    def steps(cache: Any, rows: int = 1) -> list[Tensor]:
        return [model(input_ids=torch.full((rows, 1), 44 + n), past_key_values=cache).logits for n in range(3)]

    def further(cache: Any, ids: Tensor) -> list[Tensor]:
        out = model.generate(**asked(kind, ids), past_key_values=cache, **options, **told)
        return [out.sequences, *out.logits]

    def conversation() -> list[Tensor]:
        asking = torch.tensor([[44, 45, 46, 47]])
        begun = model(**inputs, use_cache=True).past_key_values
        found = steps(begun) + further(begun, torch.cat([inputs["input_ids"], asking], dim=1))
        first = model.generate(**inputs, **options, **told)
        cache = copy.deepcopy(first.past_key_values)
        found += steps(first.past_key_values) + further(cache, torch.cat([first.sequences, asking], dim=1))
        torch.manual_seed(0)
        two = model.generate(**inputs, **options | {"do_sample": True}, **told, num_return_sequences=2)
        cache = copy.deepcopy(two.past_key_values)
        ids = torch.cat([two.sequences, asking.expand(2, -1)], dim=1)
        return found + steps(two.past_key_values, rows=2) + further(cache, ids)

    stock = conversation()
    with compressing(model, FULL) as run:
        own = conversation()
    assert run.last
    assert len(own) == len(stock) == 21
    assert all(map(torch.equal, own, stock))


def test_a_copied_or_cropped_cache_answers_every_question(kind: Kind, model: Any) -> None:
    inputs = steady(kind, kind.inputs(model, kind.prompt(8)))
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None}
    for positions in ("original", "renumbered"):
        with compressing(model, SHORT, position_mode=positions) as run, torch.no_grad():
            cache = model(**inputs, use_cache=True).past_key_values
            length = run.length
            for question in ([44, 45], [50, 51, 52], [47]):
                ids = torch.cat([inputs["input_ids"], torch.tensor([question])], dim=1)
                whole = model.generate(**asked(kind, ids), **pixels_of(inputs), **options)
                copied = copy.deepcopy(cache)
                assert torch.equal(model.generate(**asked(kind, ids), past_key_values=copied, **options), whole)
                step = model(input_ids=ids[:, -len(question) :], past_key_values=copy.deepcopy(cache)).logits[:, -1]
                assert torch.equal(step.argmax(dim=-1), whole[:, ids.shape[1]])
                # The same cache once more, without the answer and the question before.
                assert torch.equal(model.generate(**asked(kind, ids), past_key_values=cache, **options), whole)
                cache.crop(length - cache.get_seq_length())


def test_a_cache_can_lose_words_of_its_prompt(kind: Kind, model: Any) -> None:
    inputs = steady(kind, kind.inputs(model, kind.prompt(8, question=6)))
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None}
    with compressing(model, SHORT) as run, torch.no_grad():
        cache = model(**inputs, use_cache=True).past_key_values
        cache.crop(-4)
        ids = torch.cat([inputs["input_ids"][:, :-4], torch.tensor([[50, 51, 52]])], dim=1)
        whole = model.generate(**asked(kind, ids), **pixels_of(inputs), **options)
        assert torch.equal(model.generate(**asked(kind, ids), past_key_values=cache, **options), whole)
        held = int(run.last[0].prompt_index[run.last[0].kept // 2])
        cache.crop(held - cache.get_seq_length())
        with pytest.raises(ValueError, match=f"past_key_values: found a cache cropped to {held} tokens, inside"):
            model(input_ids=torch.tensor([[44]]), past_key_values=cache)
        cache.crop(2 - held)  # the first words alone
        text = torch.tensor([[1, 5, 50, 51]])
        begun = model(**asked(kind, text[:, :2]), use_cache=True).past_key_values
        expected = model(input_ids=text[:, 2:], past_key_values=begun).logits
        found = model(input_ids=text[:, 2:], past_key_values=cache).logits
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("words", [5, 120])
def test_an_emptied_cache_has_forgotten_the_video(kind: Kind, model: Any, words: int) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    text = asked(kind, torch.tensor([[1, 5, 6] + [40 + word % 50 for word in range(words)]]))
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None}
    answer, scores = model.generate(**text, **options), logits(model, text)
    with compressing(model, SHORT):
        cache = StaticCache(config=model.config.get_text_config(), max_cache_len=200)
        for last in (lambda: model.generate(**text, **options, past_key_values=cache), None):
            model.generate(**inputs, **options, past_key_values=cache)
            cache.reset()
            if last is not None:
                assert torch.equal(last(), answer)
                cache.reset()
        found = logits(model, {"input_ids": text["input_ids"]}, past_key_values=cache)
        torch.testing.assert_close(found, scores, atol=1e-4, rtol=0)


def test_several_answers_can_be_continued(kind: Kind, model: Any) -> None:
    inputs = steady(kind, kind.inputs(model, kind.prompt(8)))
    options = {"max_new_tokens": 3, "eos_token_id": None, "suppress_tokens": [VIDEO, IMAGE]}
    with compressing(model, SHORT):
        torch.manual_seed(0)
        first = model.generate(
            **inputs, **options, do_sample=True, num_return_sequences=2, return_dict_in_generate=True
        )
        cache = first.past_key_values
        ids = torch.cat([first.sequences, torch.tensor([[44, 45], [46, 47]])], dim=1)
        assert not torch.equal(*first.sequences), "the answers must differ"
        both = model.generate(**asked(kind, ids), **options, do_sample=False, past_key_values=cache)
        for row in range(2):
            own = asked(kind, ids[row : row + 1]) | pixels_of(inputs)
            assert torch.equal(model.generate(**own, **options, do_sample=False)[0], both[row])
        with pytest.raises(ValueError, match="past_key_values: found 3 rows beside the cache of a compressed call"):
            model(input_ids=torch.full((3, 1), 44), past_key_values=cache)


def test_a_conversation_must_be_given_whole() -> None:
    kind, model = KINDS["LlavaOnevision"], tiny("LlavaOnevision")
    inputs = kind.inputs(model, kind.prompt(8))
    with compressing(model, SHORT):
        out = model.generate(**inputs, max_new_tokens=3, eos_token_id=None, return_dict_in_generate=True)
        cache, least = out.past_key_values, out.sequences.shape[1]
        wrong = {
            f"input_ids: found 2 a row beside .*; accepted are .* {least} or more": {
                "input_ids": torch.tensor([[4, 5]])
            },
            f"input_ids: found {least - 1} a row": {"input_ids": out.sequences[:, :-1]},
            "input_ids: found none": {"inputs_embeds": torch.zeros(1, least, 32)},
            "attention_mask: found shape": {"input_ids": out.sequences, "attention_mask": torch.ones(1, 4)},
        }
        for message, given in wrong.items():
            with pytest.raises(ValueError, match=message):
                model.generate(**given, past_key_values=cache, max_new_tokens=1)
