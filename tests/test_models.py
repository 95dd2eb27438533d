"""InfoMerge inside stock Video-LLMs: tiny random models of every supported class."""

import copy
import functools
import gc
import io
import itertools
import math
import threading
import tomllib
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.requirements import Requirement
from torch import Tensor, nn
from transformers import StaticCache

from infomerge import InfoMergeConfig
from infomerge.encoders.attention import recorded_attention, recorded_input
from infomerge.methods import compress, get_method
from infomerge.models import SUPPORTED, attach, attachment, cache_state, compressing, detach
from infomerge.models.adapters import adapter_for
from tests.tiny_models import IMAGE, KINDS, PAD, VIDEO, Kind

FULL = InfoMergeConfig(retention_ratio=1.0)
SHORT = InfoMergeConfig.paper(0.15)


@functools.cache
def tiny(name: str, attention: str = "sdpa") -> Any:
    return KINDS[name].build(attention=attention)


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def model(kind: Kind) -> Iterator[Any]:
    model = tiny(kind.name)
    yield model
    assert not attachment.runs_of(model), "a test left something attached"


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


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_at_ratio_1_nothing_changes(kind: Kind, attention: str, case: str) -> None:
    model = tiny(kind.name, attention)
    inputs = kind.inputs(model, *prompts_of(kind)[case])
    before = logits(model, inputs)
    answer = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    with compressing(model, FULL) as run:
        after = logits(model, inputs)
        same = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    assert run.last
    assert torch.equal(after, before)
    assert torch.equal(same, answer)


@pytest.mark.parametrize("case", CASES)
def test_the_sequence_is_as_short_as_promised(kind: Kind, model: Any, case: str) -> None:
    prompts = prompts_of(kind)[case]
    inputs = kind.inputs(model, *prompts)
    with compressing(model, SHORT) as run, language_inputs(model) as seen:
        short = logits(model, inputs)
    videos = [frames for prompt in prompts for frames in prompt.videos]
    assert [video.kept for video in run.last] == [promised(kind, frames) for frames in videos]
    assert [video.requested for video in run.last] == [promised(kind, frames) for frames in videos]
    lengths = [
        len(prompt.ids) - sum(tokens_of(kind, frames) - promised(kind, frames) for frames in prompt.videos)
        for prompt in prompts
    ]
    assert short.shape[:2] == (len(prompts), max(lengths))
    assert seen[0]["inputs_embeds"].shape[1] == run.length == max(lengths)
    assert seen[0]["attention_mask"].sum(dim=1).tolist() == lengths
    assert run.full_length == inputs["input_ids"].shape[1]


@pytest.mark.parametrize("case", CASES)
def test_the_trace_tells_what_reached_the_language_model(kind: Kind, model: Any, case: str) -> None:
    prompts = prompts_of(kind)[case]
    inputs = kind.inputs(model, *prompts)
    with language_inputs(model) as full, torch.no_grad():
        model(**inputs)
    with compressing(model, SHORT) as run, language_inputs(model) as seen, torch.no_grad():
        model(**inputs)
    embedded, positions = seen[0]["inputs_embeds"], seen[0]["position_ids"]
    given = full[0]["position_ids"]
    if given is None:
        given = torch.arange(run.full_length).expand(len(prompts), -1)
    token = VIDEO if (inputs["input_ids"] == VIDEO).any() else IMAGE
    assert len(run.last) == sum(len(prompt.videos) for prompt in prompts)
    for video in run.last:
        out = video.compression
        assert torch.equal(embedded[video.row, video.prompt_index], out.tokens)
        assert torch.equal(positions[..., video.row, video.prompt_index], given[..., video.row, video.columns])
        # Frame by frame, position by position: the n-th token of the video stood at its n-th placeholder.
        assert (inputs["input_ids"][video.row, video.columns] == token).all()
        placeholders = _video_placeholders(kind, inputs["input_ids"][video.row], video, out.trace.tokens.shape[:2])
        assert torch.equal(video.columns, placeholders[out.index])
        assert video.grid[0] * video.grid[1] == out.positions


def _video_placeholders(kind: Kind, ids: Tensor, video: Any, shape: Any) -> Tensor:
    """Columns of the tokens of the video that holds `video.columns`, found in the prompt's ids alone."""
    row: list[int] = ids.tolist()
    for frames in (8, 6):
        visual = kind.visual(frames)
        for start in range(len(row) - len(visual) + 1):
            if row[start : start + len(visual)] != visual:
                continue
            places = [start + n for n, token in enumerate(visual) if token in (VIDEO, IMAGE)]
            if int(video.columns[0]) in places and shape[0] == frames // kind.frames_per_token:
                return torch.tensor(places)[: shape[0] * shape[1]]
    raise AssertionError("no video of the prompt holds these columns")


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


def test_batched_and_single_agree(kind: Kind, model: Any) -> None:
    prompts = [kind.prompt(8), kind.prompt(8, question=9)]
    together = kind.inputs(model, *prompts)
    with compressing(model, SHORT):
        both = model.generate(
            **together, max_new_tokens=1, do_sample=False, return_dict_in_generate=True, output_logits=True
        )
        for row in range(2):
            single = alone(together, prompts, row)
            own = model.generate(
                **single, max_new_tokens=1, do_sample=False, return_dict_in_generate=True, output_logits=True
            )
            torch.testing.assert_close(both.logits[0][row], own.logits[0][0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("with_mask", [True, False])
def test_a_far_visual_token_still_matters(kind: Kind, model: Any, with_mask: bool) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    if not with_mask:
        del inputs["attention_mask"]
    changed = dict(inputs)
    pixels = "pixel_values_videos" if "pixel_values_videos" in inputs else "pixel_values"
    changed[pixels] = inputs[pixels].clone()
    part = changed[pixels][0] if changed[pixels].ndim == 5 else changed[pixels]
    part[: max(1, len(part) // 8)] *= -1  # the first frame
    # What the compression keeps must not depend on the change, or it would do the influencing.
    fixed = functools.cache(lambda: _first_compression(model, inputs))

    def same_tokens(tokens: Tensor, saliency: Tensor | None) -> Any:
        out = fixed()
        values = out.carry(tokens)
        return type(out)(**{**vars(out), "tokens": values})

    for options in ({"use_cache": False}, {"use_cache": True}):
        with compressing(model, same_tokens) as run:
            one, other = logits(model, inputs, **options)[0, -1], logits(model, changed, **options)[0, -1]
            first = run.last[0].columns
            steps = {"max_new_tokens": 1, "do_sample": False, "return_dict_in_generate": True, "output_logits": True}
            third, fourth = (model.generate(**given, **options, **steps).logits[0][0] for given in (inputs, changed))
        assert (first.diff() > 1).any(), "there must be gaps between positions"
        assert (one - other).abs().max() > 1e-3
        assert (third - fourth).abs().max() > 1e-3
        torch.testing.assert_close(one, third, atol=1e-4, rtol=0)


def _first_compression(model: Any, inputs: dict[str, Any]) -> Any:
    with compressing(model, SHORT) as run:
        logits(model, inputs)
    return run.last[0].compression


def test_renumbered_positions_count_through(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, *prompts_of(kind)["a batch"])
    with compressing(model, SHORT, position_mode="renumbered") as run, language_inputs(model) as seen:
        logits(model, inputs)
        answer = model.generate(**inputs, max_new_tokens=3, do_sample=False)
        uncached = model.generate(**inputs, max_new_tokens=3, do_sample=False, use_cache=False)
    mask, positions = seen[0]["attention_mask"], seen[0]["position_ids"]
    for row in range(2):
        assert torch.equal(
            positions[..., row, :][..., mask[row] == 1],
            torch.arange(int(mask[row].sum())).expand(*positions.shape[:-2], -1),
        )
    assert torch.equal(answer, uncached)
    assert run.position_mode == "renumbered"


def test_detach_leaves_no_trace(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    text = kind.inputs(model, kind.prompt())
    before = {name: value for name, value in vars(model).items() if not name.startswith("_")}
    plain, words = logits(model, inputs), logits(model, text)
    hooks = [len(module._forward_pre_hooks) + len(module._forward_hooks) for module in model.modules()]
    configs = [getattr(module, "config", None) for module in model.modules()]
    deltas = getattr(model.base_model, "rope_deltas", None)
    attach(model, SHORT)
    model.generate(**inputs, max_new_tokens=2)
    detach(model)
    assert {name: value for name, value in vars(model).items() if not name.startswith("_")} == before
    assert hooks == [len(module._forward_pre_hooks) + len(module._forward_hooks) for module in model.modules()]
    assert all(a is b for a, b in zip(configs, (getattr(m, "config", None) for m in model.modules()), strict=True))
    assert getattr(model.base_model, "rope_deltas", None) is deltas
    assert torch.equal(logits(model, inputs), plain)
    assert torch.equal(logits(model, text), words)


def test_runs_nest_and_end_by_themselves_after_errors(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    plain = logits(model, inputs)

    def broken(tokens: Tensor, saliency: Tensor | None) -> Any:
        raise RuntimeError("from the compressor")

    with compressing(model, SHORT) as outer:
        short = logits(model, inputs)
        with pytest.raises(RuntimeError, match="from the compressor"), compressing(model, broken):
            logits(model, inputs)
        with compressing(model, FULL) as inner:
            assert torch.equal(logits(model, inputs), plain)
        assert torch.equal(logits(model, inputs), short)
        assert outer.last[0].kept < inner.last[0].kept
        attach(model, FULL)
    assert torch.equal(logits(model, inputs), plain)
    assert len(attachment.runs_of(model)) == 1
    detach(model)


def test_detaching_inside_the_block_hides_no_error(model: Any) -> None:
    with pytest.raises(RuntimeError, match="from the block"), compressing(model, SHORT):  # noqa: PT012
        detach(model)
        raise RuntimeError("from the block")
    with compressing(model, SHORT) as outer:
        with compressing(model, FULL):
            detach(model)
        assert attachment.runs_of(model) == [outer]


@pytest.mark.parametrize("name", ["LlavaOnevision", "InternVL", "Qwen2VL"])
def test_threads_can_share_a_model(name: str) -> None:
    kind = KINDS[name]
    model = kind.build()
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None}
    calls = [kind.inputs(model, kind.prompt(8)), kind.inputs(model, kind.prompt(8, question=6), seed=3)]
    stock = model.generate(**calls[0], **options)
    right: list[bool] = []

    def work(inputs: dict[str, Any], expected: tuple[Tensor, Tensor]) -> None:
        for _ in range(5):
            right.append(torch.equal(model.generate(**inputs, **options), expected[0]))
            with torch.no_grad():
                begun = model(**inputs, use_cache=True).past_key_values
                step = model(input_ids=torch.tensor([[44]]), past_key_values=begun).logits
            right.append(torch.equal(step, expected[1]))

    with compressing(model, SHORT):
        expected = []
        for inputs in calls:
            answer = model.generate(**inputs, **options)
            with torch.no_grad():
                begun = model(**inputs, use_cache=True).past_key_values
                expected.append((answer, model(input_ids=torch.tensor([[44]]), past_key_values=begun).logits))
        threads = [threading.Thread(target=work, args=pair) for pair in zip(calls, expected, strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert right == [True] * 20
    assert torch.equal(model.generate(**calls[0], **options), stock)


def test_what_other_threads_encode_is_not_recorded() -> None:
    kind, model = KINDS["InternVL"], tiny("InternVL")
    images = kind.inputs(model, kind.prompt("image"))
    plain = logits(model, images)
    attention = adapter_for(model).attention(images)
    found: list[Tensor] = []
    with recorded_attention(attention, from_cls=True) as received, recorded_input(attention.q_proj) as seen:
        other = threading.Thread(target=lambda: found.append(logits(model, images)))
        other.start()
        other.join()
        assert received == []
        assert seen == []
        logits(model, images)
        assert len(received) == len(seen) == 1
    assert torch.equal(found[0], plain)


def test_text_and_images_are_left_alone(kind: Kind, model: Any) -> None:
    text = kind.inputs(model, kind.prompt(question=6))
    images = kind.inputs(model, kind.prompt("image", "image"))
    for inputs in (text, images):
        plain = logits(model, inputs)
        answer = model.generate(**inputs, max_new_tokens=3, do_sample=False)
        with compressing(model, SHORT) as run:
            assert torch.equal(logits(model, inputs), plain)
            assert torch.equal(model.generate(**inputs, max_new_tokens=3, do_sample=False), answer)
        assert run.last == []


@pytest.mark.parametrize("case", ["one video", "a batch", "image and video"])
def test_beams_are_those_of_single_prompts(kind: Kind, model: Any, case: str) -> None:
    prompts = prompts_of(kind)[case]
    inputs = kind.inputs(model, *prompts)
    options = {"max_new_tokens": 4, "do_sample": False, "num_beams": 3, "num_return_sequences": 2, "eos_token_id": None}
    scored = {"return_dict_in_generate": True, "output_scores": True}
    with compressing(model, SHORT) as run:
        out = model.generate(**inputs, **options, **scored)
        beams = out.sequences
        assert beams.shape == (2 * len(prompts), inputs["input_ids"].shape[1] + 4)
        assert torch.equal(beams[:, :-4], inputs["input_ids"].repeat_interleave(2, dim=0))
        # One beam is greedy decoding, whose score the best of three beams reaches or beats.
        best = _score(model, inputs, beams[::2])
        greedy = model.generate(**inputs, **options | {"num_beams": 1, "num_return_sequences": 1})
        assert (best >= _score(model, inputs, greedy) - 1e-4).all()
        for row in range(len(prompts)):
            single = model.generate(**alone(inputs, prompts, row), **options, **scored)
            both = slice(2 * row, 2 * row + 2)
            assert torch.equal(single.sequences[:, -4:], beams[both, -4:])
            torch.testing.assert_close(single.sequences_scores, out.sequences_scores[both], atol=1e-4, rtol=0)
        assert run.last


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("options", [{}, {"num_beams": 2}], ids=["greedy", "beams"])
def test_a_prompt_can_be_read_in_chunks(kind: Kind, model: Any, case: str, options: dict[str, Any]) -> None:
    inputs = kind.inputs(model, *prompts_of(kind)[case])
    told = {"return_dict_in_generate": True, "output_logits": True}
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None, **options, **told}
    with compressing(model, SHORT) as run:
        whole = model.generate(**inputs, **options)
        assert run.length > 12
        chunks = model.generate(**inputs, **options, prefill_chunk_size=6)
    assert torch.equal(chunks.sequences, whole.sequences)
    torch.testing.assert_close(torch.stack(chunks.logits), torch.stack(whole.logits), atol=1e-4, rtol=0)


def _score(model: Any, inputs: dict[str, Any], sequences: Tensor) -> Tensor:
    """Log-probability of the last four ids of each sequence, by one uncached pass over the whole."""
    count = sequences.shape[1] - inputs["input_ids"].shape[1]
    mask = torch.cat([inputs["attention_mask"], torch.ones(len(sequences), count, dtype=torch.long)], dim=1)
    types = {}
    if "mm_token_type_ids" in inputs:
        kinds = inputs["mm_token_type_ids"]
        types["mm_token_type_ids"] = torch.cat([kinds, kinds.new_zeros(len(kinds), count)], dim=1)
    positions = model._prepare_position_ids_for_generation(
        sequences, {**inputs, "input_ids": sequences, "attention_mask": mask, **types}
    )
    given = {**inputs, "input_ids": sequences, "attention_mask": mask, **types, "position_ids": positions}
    if positions.ndim == 3:  # answers count on from the last position of the prompt
        prompt = inputs["input_ids"].shape[1]
        last = positions[..., prompt - 1 : prompt]
        given["position_ids"] = torch.cat([positions[..., :prompt], last + 1 + torch.arange(count)], dim=-1)
    scores = logits(model, given)[:, -count - 1 : -1].log_softmax(dim=-1)
    return scores.gather(2, sequences[:, -count:, None]).sum(dim=(1, 2))


def test_sampling_is_repeatable_and_lengths_count_the_prompt_as_given(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    length = inputs["input_ids"].shape[1]
    with compressing(model, SHORT):
        answers = []
        for _ in range(2):
            torch.manual_seed(5)
            answers.append(model.generate(**inputs, do_sample=True, max_new_tokens=6, eos_token_id=None))
        assert torch.equal(answers[0], answers[1])
        assert torch.equal(answers[0][:, :length], inputs["input_ids"])
        limited = model.generate(**inputs, do_sample=False, max_length=length + 4, eos_token_id=None)
        assert limited.shape[1] == length + 4
        own = copy.deepcopy(model.generation_config)
        own.max_length, own.do_sample, own.eos_token_id = length + 4, False, None
        assert torch.equal(model.generate(**inputs, generation_config=own), limited)
        assert own.max_length == length + 4
        ids = inputs.pop("input_ids")
        assert torch.equal(
            model.generate(ids, **inputs, do_sample=False, max_length=length + 4, eos_token_id=None), limited
        )


def test_caches_streamers_and_missing_masks_change_no_answer(kind: Kind, model: Any) -> None:
    class Streamer:
        def __init__(self) -> None:
            self.seen: list[Tensor] = []

        def put(self, value: Tensor) -> None:
            self.seen.append(value.flatten())

        def end(self) -> None:
            self.ended = True

    inputs = kind.inputs(model, kind.prompt(8))
    options = {"max_new_tokens": 4, "do_sample": False, "eos_token_id": None}
    unmasked = {name: value for name, value in inputs.items() if name != "attention_mask"}
    streamer = Streamer()
    with compressing(model, SHORT):
        answer = model.generate(**inputs, **options)
        assert torch.equal(model.generate(**inputs, **options, cache_implementation="static"), answer)
        assert torch.equal(model.generate(**inputs, **options, streamer=streamer), answer)
        assert torch.equal(model.generate(**unmasked, **options), answer)
    assert torch.equal(torch.cat(streamer.seen[1:]), answer[0, -4:])
    assert streamer.ended


def test_padding_on_the_right_stays_on_the_right(kind: Kind, model: Any) -> None:
    left = kind.inputs(model, *prompts_of(kind)["a batch"])
    order = torch.sort((left["attention_mask"] == 0).byte(), dim=1, stable=True).indices
    right = {
        name: value.gather(1, order) if value.shape == order.shape and name != "pixel_values" else value
        for name, value in left.items()
    }
    # Counted from each prompt's first token, as generate counts; a stock forward counts padding on the left too.
    left["position_ids"] = (left["attention_mask"].cumsum(1) - 1).clamp(min=0)
    right["position_ids"] = torch.arange(order.shape[1]).expand(order.shape)
    with compressing(model, SHORT):
        scores = {}
        for side, inputs in (("left", left), ("right", right)):
            found = logits(model, inputs)
            call = attachment.runs_of(model)[-1].call
            assert call is not None
            mask = call.inputs["attention_mask"]
            scores[side] = [row[real == 1] for row, real in zip(found, mask, strict=True)]
    for a, b in zip(scores["left"], scores["right"], strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=0)


def test_generate_records_no_gradients(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    modes = []

    def watching(tokens: Tensor, saliency: Tensor | None) -> Any:
        modes.append((torch.is_grad_enabled(), tokens.requires_grad))
        return compress(tokens, SHORT, saliency=saliency)

    with compressing(model, watching):
        model.generate(**inputs, max_new_tokens=1)
    assert modes == [(False, False)]


@pytest.mark.parametrize("prompt", [(8,), (8, "image")], ids=["video", "video and image"])
def test_images_have_gradients_and_videos_none(kind: Kind, prompt: tuple[Any, ...]) -> None:
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(*prompt))
    given = {name: value.requires_grad_() for name, value in inputs.items() if name.startswith("pixel_values")}
    with compressing(model, SHORT) as run:
        model(**inputs, labels=inputs["input_ids"]).loss.backward()
    assert not run.last[0].compression.tokens.requires_grad
    assert adapter_for(model).text_model.layers[0].mlp.up_proj.weight.grad is not None
    tower = [part for name, part in model.named_parameters() if "vision" in name or "visual" in name]
    assert len(tower) > 20
    assert any(part.grad is not None for part in tower) == ("image" in prompt)
    videos, images = given.get("pixel_values_videos"), given.get("pixel_values")
    if videos is None:  # frames as images, before the image's two tiles
        assert images is not None
        own = None if images.grad is None else images.grad.view(-1, *images.shape[-3:])
        assert own is None or not own[:8].any()
        assert (own is not None and bool(own[8:].any())) == ("image" in prompt)
    else:
        assert videos.grad is None
        assert images is None or images.grad.any()


def test_a_mask_of_booleans_is_a_mask(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, *prompts_of(kind)["a batch"])
    true = inputs | {"attention_mask": inputs["attention_mask"].bool()}
    options = {"max_new_tokens": 3, "do_sample": False}
    for config in (SHORT, FULL):
        with compressing(model, config):
            assert torch.equal(logits(model, true), logits(model, inputs))
            assert torch.equal(model.generate(**true, **options), model.generate(**inputs, **options))


def test_further_arguments_of_forward_arrive_as_they_were_given(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    with compressing(model, SHORT) as run, language_inputs(model) as seen, torch.no_grad():
        out = model(**inputs, output_hidden_states=True, use_cache=False)
    assert len(out.hidden_states) == 4
    assert all(states.shape[1] == run.length for states in out.hidden_states)
    assert "kwargs" not in seen[0]


def test_labels_are_shortened_along(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, *prompts_of(kind)["a batch"])
    labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
    labels = labels.masked_fill((labels == VIDEO) | (labels == IMAGE), -100)
    with compressing(model, SHORT) as run, torch.no_grad():
        out = model(**inputs, labels=labels)
    kept = []
    for row, (answer, scores) in enumerate(zip(labels, out.logits, strict=True)):
        # The words after the video, whose scores stand at the end of the shorter prompt too.
        words = int((answer.flip(0) == -100).nonzero()[0])
        own = scores[-words - 1 : -1].log_softmax(dim=-1).gather(1, answer[-words:, None])
        kept.append(own[1:])
        assert run.last[row].row == row
    assert torch.isfinite(out.loss)
    assert out.loss > 0
    assert all(torch.isfinite(part).all() for part in kept)


@pytest.mark.parametrize("name", ["LlavaOnevision", "LlavaNextVideo", "SmolVLM", "InternVL"])
def test_saliency_is_the_attention_of_the_tower(name: str) -> None:
    kind, model = KINDS[name], tiny(name, "eager")
    inputs = kind.inputs(model, kind.prompt(8))
    pixels = inputs["pixel_values" if "pixel_values" in inputs else "pixel_values_videos"]
    flat = pixels.flatten(0, 1) if pixels.ndim == 5 else pixels
    with compressing(model, SHORT) as run, torch.no_grad():
        model(**inputs)
        tower = model.model.vision_model if name == "SmolVLM" else model.model.vision_tower
        more = {"patch_attention_mask": torch.ones(8, 6, 6, dtype=torch.bool)} if name == "SmolVLM" else {}
        weights = tower(pixel_values=flat, output_attentions=True, **more).attentions
    # The block that the features come from: the last one, but for LLaVA-NeXT-Video's last but one.
    block = weights[-2 if name == "LlavaNextVideo" else -1].double().numpy()
    has_cls = name in ("LlavaNextVideo", "InternVL")
    patches = block[:, :, 0, 1:].mean(axis=1) if has_cls else block.mean(axis=(1, 2))
    grid = patches.reshape(8, 3, 2, 3, 2).mean(axis=(2, 4)).reshape(8, 9)  # 2 x 2 patches a token
    found = run.last[0].compression.trace.saliency
    torch.testing.assert_close(found, torch.from_numpy(grid), atol=1e-6, rtol=1e-4)


def test_saliency_of_a_pooling_head_comes_first() -> None:
    kind = KINDS["LlavaOnevision"]
    model = kind.build(vision_config={"vision_use_head": True})
    inputs = kind.inputs(model, kind.prompt(8))
    head = model.model.vision_tower.head
    seen: list[Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    with compressing(model, SHORT) as run, torch.no_grad():
        model(**inputs)
        weights = head.attention(head.probe.repeat(8, 1, 1), seen[0], seen[0], average_attn_weights=True)[1]
    hook.remove()
    assert run.last[0].saliency_source == "attention of the pooling head"
    grid = weights[:, 0].view(8, 3, 2, 3, 2).mean(dim=(2, 4)).view(8, 9)
    torch.testing.assert_close(run.last[0].compression.trace.saliency.float(), grid, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("name", ["Qwen2VL", "Qwen2_5_VL", "Qwen3VL", "VideoLlama3"])
def test_saliency_of_towers_with_rotary_positions(name: str) -> None:
    kind, model = KINDS[name], tiny(name, "eager")
    inputs = kind.inputs(model, kind.prompt(8, 6))
    attention = adapter_for(model).attention(inputs)
    seen: list[tuple[Any, ...]] = []
    hook = attention.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append((args[0] if args else kwargs["hidden_states"], kwargs)), with_kwargs=True
    )
    with compressing(model, SHORT) as run, torch.no_grad():
        model(**inputs)
    hook.remove()
    states, given = seen[0]
    with torch.no_grad():
        if name == "VideoLlama3":
            query, key = (part(states).view(len(states), 4, 8) for part in (attention.q_proj, attention.k_proj))
        else:
            query, key, _ = attention.qkv(states).view(len(states), 3, 4, 8).unbind(1)
    cosine, sine = (part.double()[:, None] for part in given["position_embeddings"])
    query, key = (_rotated(part.double(), cosine, sine) for part in (query, key))
    received, ends = [], given["cu_seqlens"].tolist()
    for start, end in itertools.pairwise(ends):
        scores = torch.einsum("qhc,khc->hqk", query[start:end], key[start:end]) / math.sqrt(8)
        received.append(scores.softmax(dim=-1).mean(dim=(0, 1)))
    tokens = torch.cat(received).view(-1, 4).mean(dim=1)
    if name == "Qwen2_5_VL":
        # The tower puts its own tokens back into order after merging; the same order brings saliency back.
        with torch.no_grad():
            out = model.model.visual(inputs["pixel_values_videos"], grid_thw=inputs["video_grid_thw"])
            merged = model.model.visual.merger(out.last_hidden_state)
        order = [int((merged - row).abs().sum(dim=1).argmin()) for row in out.pooler_output]
        assert order != list(range(len(order))), "windows must reorder something"
        tokens = tokens[order]
    found = torch.cat([video.compression.trace.saliency.flatten() for video in run.last])
    torch.testing.assert_close(found, tokens, atol=1e-6, rtol=1e-4)


def _rotated(values: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = values.chunk(2, dim=-1)
    return values * cosine + torch.cat([-second, first], dim=-1) * sine


def test_recording_attention_costs_the_model_nothing(kind: Kind) -> None:
    inputs = kind.inputs(tiny(kind.name), kind.prompt(8))
    answers = {}
    for attention in ("sdpa", "eager"):
        with compressing(tiny(kind.name, attention), SHORT) as run:
            logits(tiny(kind.name, attention), inputs)
        answers[attention] = run.last[0].compression
    assert torch.equal(answers["sdpa"].index, answers["eager"].index)
    torch.testing.assert_close(answers["sdpa"].trace.saliency, answers["eager"].trace.saliency, atol=1e-5, rtol=1e-3)


def test_without_attention_the_fallback_is_told() -> None:
    kind, model = KINDS["LlavaOnevision"], tiny("LlavaOnevision")
    inputs = kind.inputs(model, kind.prompt(8))
    with compressing(model, SHORT) as run, torch.no_grad():
        model(**inputs, vision_feature_layer=-4)  # the embeddings, to which no block has paid attention
    assert run.last[0].saliency_source == "distance from the frame's mean token"
    tokens = run.last[0].compression.trace.tokens
    assert torch.equal(run.last[0].compression.index, compress(tokens, SHORT).index)


def test_deepstack_features_are_merged_with_the_same_owners() -> None:
    kind, model = KINDS["Qwen3VL"], tiny("Qwen3VL")
    inputs = kind.inputs(model, kind.prompt(8, 6))
    with torch.no_grad():
        layers = model.model.get_video_features(
            inputs["pixel_values_videos"], inputs["video_grid_thw"], return_dict=True
        ).deepstack_features
    with compressing(model, SHORT) as run, language_inputs(model) as seen:
        logits(model, inputs)
    assert len(layers) == len(seen[0]["deepstack_visual_embeds"]) == 2
    for layer, found in zip(layers, seen[0]["deepstack_visual_embeds"], strict=True):
        expected = []
        for video, features in zip(run.last, layer, strict=True):
            out = video.compression
            expected.append(out.carry(features.view(*out.trace.tokens.shape[:2], -1)))
        torch.testing.assert_close(found, torch.cat(expected))


def test_the_newline_after_a_llava_video_survives() -> None:
    kind, model = KINDS["LlavaOnevision"], tiny("LlavaOnevision")
    inputs = kind.inputs(model, kind.prompt(8, 8))
    with compressing(model, SHORT) as run, language_inputs(model) as seen:
        logits(model, inputs)
    embedded = seen[0]["inputs_embeds"][0]
    newlines = (embedded == model.model.image_newline).all(dim=1).nonzero().flatten().tolist()
    assert newlines == [int(video.prompt_index[-1]) + 1 for video in run.last]


@pytest.mark.parametrize("name", ["LlavaOnevision", "Qwen2_5_VL"])
def test_flash_attention_sees_one_sequence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers' own flash path, with kernels in plain torch in place of the package that is not here."""
    from transformers import modeling_flash_attention_utils as flash

    def attend(query: Tensor, key: Tensor, value: Tensor, causal: bool = False, **_: Any) -> Tensor:
        q, k, v = (part.transpose(1, 2) for part in (query, key, value))
        k, v = (part.repeat_interleave(q.shape[1] // part.shape[1], dim=1) for part in (k, v))
        mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2]) if causal else None
        return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2)

    def attend_packed(
        query: Tensor, key: Tensor, value: Tensor, cu_seqlens_q: Tensor, cu_seqlens_k: Tensor, causal: bool, **_: Any
    ) -> Tensor:
        sequences.append(len(cu_seqlens_q) - 1)
        parts = []
        ends = list(zip(cu_seqlens_q.tolist(), cu_seqlens_k.tolist(), strict=True))
        for (q0, k0), (q1, k1) in itertools.pairwise(ends):
            parts.append(attend(query[None, q0:q1], key[None, k0:k1], value[None, k0:k1], causal)[0])
        return torch.cat(parts)

    sequences: list[int] = []
    kernels = (attend, attend_packed, None, flash._pad_input, flash._unpad_input)
    for state in ("_loaded_implementation", "_flash_fn", "_flash_varlen_fn", "_flash_with_kvcache_fn", "_pad_fn"):
        monkeypatch.setattr(flash, state, None)
    monkeypatch.setattr(flash, "_lazy_imports", lambda *_, **__: kernels)
    kind = KINDS[name]
    plain, model = kind.build(), kind.build()
    for module in model.modules():
        config = getattr(module, "config", None)
        if config is not None:
            config._attn_implementation_internal = "flash_attention_2"
    inputs = kind.inputs(model, kind.prompt(8))
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None}
    with compressing(plain, SHORT):
        expected, answer = logits(plain, inputs), plain.generate(**inputs, **options)
    with compressing(model, SHORT) as run:
        for chunk in (None, 6):
            assert torch.equal(model.generate(**inputs, **options, prefill_chunk_size=chunk), answer)
        sequences.clear()
        found = logits(model, inputs, use_cache=False)
    assert (run.last[0].columns.diff() > 1).any()
    assert sequences.count(1) >= 3, "each layer of the decoder must see one sequence"
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


def test_other_methods_can_be_attached(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    for name in ("fastvid", "visionzip", "uniform-frames"):
        with compressing(model, functools.partial(get_method(name), retention_ratio=0.15)) as run:
            assert logits(model, inputs).shape[1] == run.length
        assert run.last[0].compression.method == name
        assert run.last[0].kept == promised(kind, 8)


def test_nothing_keeps_a_model_or_a_cache_alive() -> None:
    kind = KINDS["LlavaOnevision"]
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(8))
    attach(model, SHORT)
    out = model(**inputs, use_cache=True)
    memory = cache_state.load(out.past_key_values)
    assert memory is not None
    sizes = [part.numel() for part in vars(memory).values() if isinstance(part, Tensor)]
    assert max(sizes) == memory.length < memory.full_length
    cache = weakref.ref(out.past_key_values)
    del out
    gc.collect()
    assert cache() is None
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def _saved(model: Any) -> Any:
    file = io.BytesIO()
    torch.save(model, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("copied", [copy.deepcopy, _saved])
@pytest.mark.parametrize("name", ["LlavaOnevision", "Qwen2_5_VL"])
def test_copies_of_an_attached_model_are_stock_until_attached(name: str, copied: Callable[[Any], Any]) -> None:
    kind = KINDS[name]
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(8))
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None}
    with compressing(model, SHORT):
        other = copied(model)
        short, brief = logits(model, inputs), model.generate(**inputs, **options)
    plain, answer = logits(model, inputs), model.generate(**inputs, **options)
    for _ in range(2):
        assert torch.equal(logits(other, inputs), plain)
        assert torch.equal(other.generate(**inputs, **options), answer)
        with compressing(other, SHORT) as run, torch.no_grad():
            assert torch.equal(logits(other, inputs), short)
            assert torch.equal(other.generate(**inputs, **options), brief)
            cache = other(**inputs, use_cache=True).past_key_values
            assert cache_state.load(cache) is not None
            assert logits(model, inputs).shape == plain.shape
        assert len(run.last) == 1


def test_a_generate_of_its_own_stays_with_a_model_and_its_copies() -> None:
    model = KINDS["LlavaOnevision"].build()
    own = functools.partial(type(model).generate, model, max_new_tokens=2, eos_token_id=None)
    model.generate = own
    inputs = KINDS["LlavaOnevision"].inputs(model, KINDS["LlavaOnevision"].prompt(8))
    length = inputs["input_ids"].shape[1]
    with compressing(model, SHORT) as run:
        assert model.generate(**inputs).shape[1] == length + 2
        other = copy.deepcopy(model)
    assert len(run.last) == 1
    assert model.generate is own
    assert other.generate(**inputs).shape[1] == length + 2


def test_errors_name_what_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, model = KINDS["LlavaOnevision"], tiny("LlavaOnevision")
    inputs = kind.inputs(model, kind.prompt(8))
    with pytest.raises(TypeError, match="model: found Linear; accepted are LlavaOnevisionForConditionalGeneration, "):
        attach(nn.Linear(2, 2))
    with pytest.raises(TypeError, match=r"model: found Qwen2_5OmniLike; accepted are .*VideoLlama3"):
        attach(type("Qwen2_5OmniLike", (nn.Module,), {})())
    with pytest.raises(TypeError, match="config: found float; accepted are an InfoMergeConfig and a callable"):
        attach(model, 0.1)
    with pytest.raises(ValueError, match="model: found one with nothing attached"):
        detach(model)
    with monkeypatch.context() as patch:
        patch.setattr(attachment, "version", lambda _: "5.99.0")
        with pytest.raises(ImportError, match=r"transformers: found 5\.99\.0; accepted are releases .*5\.24"):
            attach(model)
    with compressing(model, SHORT):
        wrong: list[tuple[Callable[[], dict[str, Any]], str]] = [
            (lambda: inputs | {"input_ids": inputs["input_ids"][:, 5:]}, "attention_mask: found shape"),
            (
                lambda: inputs | {"input_ids": inputs["input_ids"].masked_fill(inputs["input_ids"] == VIDEO, 9)},
                "input_ids: found 0 placeholders of video tokens; accepted are 73",
            ),
            (lambda: {k: v for k, v in inputs.items() if k != "input_ids"}, "input_ids: found none"),
            (lambda: inputs | {"inputs_embeds": torch.zeros(1, 81, 32)}, "inputs_embeds: found beside"),
            (lambda: inputs | {"mm_encoder_outputs": {"video": 1}}, "mm_encoder_outputs: found beside"),
        ]
        for made, message in wrong:
            with pytest.raises(ValueError, match=message):
                model(**made())
        cache = model(**inputs, use_cache=True).past_key_values
        with pytest.raises(ValueError, match=r"past_key_values: found \d+ tokens beside the pixels of a video"):
            model.generate(**inputs, past_key_values=cache, max_new_tokens=1)


def test_video_llama_3_must_not_drop_tokens_before() -> None:
    kind, model = KINDS["VideoLlama3"], tiny("VideoLlama3")
    inputs = kind.inputs(model, kind.prompt(8))
    keep = torch.ones(72, dtype=torch.bool)
    with compressing(model, SHORT):
        all_kept = logits(model, inputs | {"video_compression_mask": keep})
        assert torch.equal(all_kept, logits(model, inputs))
        keep[3] = False
        with pytest.raises(ValueError, match="video_compression_mask: found one that drops tokens"):
            logits(model, inputs | {"video_compression_mask": keep})


def test_frames_as_images_are_told_from_images() -> None:
    for name in ("SmolVLM", "InternVL"):
        kind, model = KINDS[name], tiny(name)
        inputs = kind.inputs(model, kind.prompt("image", 5, "image", 4))
        with compressing(model, SHORT) as run:
            logits(model, inputs)
        assert [len(video.compression.trace.transition) + 1 for video in run.last] == [5, 4]


def test_the_tested_releases_are_those_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    (required,) = [found for found in map(Requirement, project["dependencies"]) if found.name == "transformers"]
    assert required.specifier == attachment.TESTED


def test_every_supported_class_is_tested() -> None:
    assert {f"{name}ForConditionalGeneration" for name in KINDS} == set(SUPPORTED)
    assert PAD == 0
