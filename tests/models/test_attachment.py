"""Attaching, detaching, threads, copies and errors."""

import copy
import functools
import gc
import io
import threading
import tomllib
import warnings
import weakref
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from packaging.requirements import Requirement
from torch import Tensor, nn

from infomerge.methods import compress, make_compressor
from infomerge.models import SUPPORTED, attach, attachment, cache_state, compressing, detach
from tests.models.calls import FULL, SHORT, logits, tiny
from tests.tiny_models import KINDS, PAD, VIDEO, Kind


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


def test_videos_are_compressed_fast_on_a_gpu_unless_it_is_said_otherwise() -> None:
    kind = KINDS["LlavaOnevision"]
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(8))
    for given, expected in (
        ({}, "auto"),
        ({"method": "tome"}, "auto"),
        ({"precision": "exact"}, "exact"),
        ({"method": make_compressor("fastvid")}, "exact"),
    ):
        with compressing(model, **given) as run:
            assert run.compressor.precision == expected
            logits(model, inputs)
        assert run.last[0].compression.trace.precision == "exact", "fast on a CPU without being asked"
    mine = functools.partial(compress, method="tome")
    with compressing(model, mine) as run:
        assert run.compressor is mine


def test_errors_name_what_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, model = KINDS["LlavaOnevision"], tiny("LlavaOnevision")
    inputs = kind.inputs(model, kind.prompt(8))
    with pytest.raises(TypeError, match="model: got Linear; expected InternVLForConditionalGeneration, "):
        attach(nn.Linear(2, 2))
    with pytest.raises(TypeError, match=r"model: got Qwen2_5OmniLike; expected .*VideoLlama3"):
        attach(type("Qwen2_5OmniLike", (nn.Module,), {})())
    with pytest.raises(TypeError, match="method"):  # in the words of make_compressor
        attach(model, 0.1)
    with pytest.raises(ValueError, match="model: got one with nothing attached"):
        detach(model)
    with monkeypatch.context() as patch:
        patch.setattr(attachment, "version", lambda _: "5.99.0")
        with pytest.warns(UserWarning, match=r"transformers 5\.99\.0 is not one of the releases"):
            attach(model)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            attach(model)  # it says so once
        detach(model)
        detach(model)
    with compressing(model, SHORT):
        wrong: list[tuple[Callable[[], dict[str, Any]], str]] = [
            (lambda: inputs | {"input_ids": inputs["input_ids"][:, 5:]}, "attention_mask: got shape"),
            (
                lambda: inputs | {"input_ids": inputs["input_ids"].masked_fill(inputs["input_ids"] == VIDEO, 9)},
                "input_ids: got 0 placeholders of video tokens; expected 73",
            ),
            (lambda: {k: v for k, v in inputs.items() if k != "input_ids"}, "input_ids: got none"),
            (lambda: inputs | {"inputs_embeds": torch.zeros(1, 81, 32)}, "inputs_embeds: given beside"),
            (lambda: inputs | {"mm_encoder_outputs": {"video": 1}}, "mm_encoder_outputs: given beside"),
        ]
        for made, message in wrong:
            with pytest.raises(ValueError, match=message):
                model(**made())
        cache = model(**inputs, use_cache=True).past_key_values
        with pytest.raises(ValueError, match=r"past_key_values: got \d+ tokens beside the pixels of a video"):
            model.generate(**inputs, past_key_values=cache, max_new_tokens=1)


def test_the_tested_releases_are_those_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parent.parent.parent / "pyproject.toml").read_text())["project"]
    (required,) = [
        found for found in map(Requirement, project["optional-dependencies"]["models"]) if found.name == "transformers"
    ]
    # Newer releases than the tested ones work with a warning.
    (oldest,) = required.specifier
    assert oldest.operator == ">="
    assert oldest in list(attachment.TESTED)
    assert attachment.TESTED.contains(version("transformers"))


def test_every_supported_class_is_tested() -> None:
    assert {f"{name}ForConditionalGeneration" for name in KINDS} == set(SUPPORTED)
    assert PAD == 0
