"""Models that the packages PEFT and accelerate have wrapped or hooked compress; what cannot be shortened says so.

Neither is needed for anything else: where one is not installed its tests are skipped, and stand-ins of what it does are
tried in test_ways_of_calling.py.
"""

from pathlib import Path
from typing import Any

import pytest
import torch

from infomerge.models import attach, attachment, compressing, detach
from tests.models.calls import SHORT, logits
from tests.tiny_models import KINDS, Kind

OPTIONS = {"max_new_tokens": 3, "do_sample": False}


@pytest.fixture
def peft() -> Any:
    return pytest.importorskip("peft", reason="peft is not installed: a stand-in for its models is tried alone")


@pytest.fixture
def accelerate() -> Any:
    return pytest.importorskip("accelerate", reason="accelerate is not installed: a stand-in for its hooks is tried")


def expected(kind: Kind) -> tuple[Any, dict[str, Any], tuple[int, Any, Any], Any]:
    """A new model, a call with a video, what that gives when compressed (length, logits, answer), and when not."""
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(8))
    with compressing(model, SHORT) as run:
        short = logits(model, inputs), model.generate(**inputs, **OPTIONS)
    return model, inputs, (run.length, *short), logits(model, inputs)


def check(wrapped: Any, run: Any, inputs: dict[str, Any], short: tuple[int, Any, Any]) -> None:
    """Both ways of calling it compress, and give what the model alone gives."""
    length, scores, answer = short
    for call in (lambda: logits(wrapped, inputs), lambda: wrapped.generate(**inputs, **OPTIONS)):
        run.call = None
        found = call()
        assert torch.equal(found, answer if found.ndim == 2 else scores)
        assert len(run.last) == 1
        assert run.length == length < inputs["input_ids"].shape[1]


@pytest.mark.parametrize("task", [None, "CAUSAL_LM"])
@pytest.mark.parametrize("first", ["PEFT", "attach"])
def test_lora_compresses(kind: Kind, peft: Any, task: str | None, first: str) -> None:
    model, inputs, short, stock = expected(kind)
    lora = peft.LoraConfig(target_modules=["q_proj", "v_proj"], task_type=task)
    run = attach(model, SHORT) if first == "attach" else None
    wrapped = peft.get_peft_model(model, lora)
    run = run or attach(wrapped, SHORT)
    check(wrapped, run, inputs, short)
    with wrapped.disable_adapter():
        check(wrapped, run, inputs, short)
    merged = wrapped.merge_and_unload()
    check(merged, run, inputs, short)
    detach(merged)
    assert attachment.runs_of(wrapped) == []
    assert torch.equal(logits(merged, inputs), stock)


def test_an_adapter_of_lora_is_trained_on_the_shorter_prompt(kind: Kind, peft: Any) -> None:
    model, inputs, (length, *_), _ = expected(kind)
    wrapped = peft.get_peft_model(model, peft.LoraConfig(target_modules=["q_proj", "v_proj"])).train()
    labels = inputs["input_ids"].clone()
    labels[:, :-3] = -100
    with compressing(wrapped, SHORT):
        output = wrapped(**inputs, labels=labels)
    output.loss.backward()
    assert output.logits.shape[1] == length
    # B begins at zero, so that only its gradient is not; the features of videos come without gradients.
    words = [
        weight
        for name, weight in wrapped.named_parameters()
        if "lora_B" in name and "visual" not in name and "vision" not in name
    ]
    assert words
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in words)


@pytest.mark.parametrize("name", ["PromptTuningConfig", "PrefixTuningConfig"])
def test_learned_prompts_are_refused(peft: Any, name: str) -> None:
    """They hand on embeddings or a filled cache in place of the prompt."""
    model, inputs, *_ = expected(KINDS["LlavaOnevision"])
    wrapped = peft.get_peft_model(model, getattr(peft, name)(task_type="CAUSAL_LM", num_virtual_tokens=3))
    message = r"^(input_ids|past_key_values): got .* beside the pixels of a video; expected"
    with compressing(wrapped, SHORT), pytest.raises(ValueError, match=message):
        wrapped(**inputs)


@pytest.mark.parametrize("first", ["accelerate", "attach"])
def test_hooks_of_accelerate_stay(kind: Kind, accelerate: Any, first: str) -> None:
    model, inputs, short, stock = expected(kind)
    run = attach(model, SHORT) if first == "attach" else None
    accelerate.hooks.add_hook_to_module(model, accelerate.hooks.AlignDevicesHook("cpu", io_same_device=True))
    run = run or attach(model, SHORT)
    check(model, run, inputs, short)
    detach(model)
    assert torch.equal(logits(model, inputs), stock)
    accelerate.hooks.remove_hook_from_module(model)
    assert torch.equal(logits(model, inputs), stock)


@pytest.mark.parametrize("first", ["accelerate", "attach"])
@pytest.mark.parametrize("where", ["cpu", "disk"])
def test_weights_that_lie_elsewhere_are_brought_in(
    kind: Kind, accelerate: Any, where: str, first: str, tmp_path: Path
) -> None:
    model, inputs, short, stock = expected(kind)
    run = attach(model, SHORT) if first == "attach" else None
    device = torch.device("cpu")
    if where == "cpu":
        accelerate.cpu_offload(model, execution_device=device)
    else:
        accelerate.disk_offload(model, str(tmp_path), execution_device=device)
    run = run or attach(model, SHORT)
    away = [name for name, weight in model.named_parameters() if weight.is_meta]
    assert away
    check(model, run, inputs, short)
    detach(model)
    assert torch.equal(logits(model, inputs), stock)
    assert [name for name, weight in model.named_parameters() if weight.is_meta] == away


def test_a_device_map_compresses(accelerate: Any, tmp_path: Path) -> None:
    model, inputs, short, _ = expected(KINDS["LlavaOnevision"])
    places = {"model.vision_tower": "disk", "model.language_model": "disk"}
    places |= dict.fromkeys(("model.multi_modal_projector", "model.image_newline", "lm_head"), "cpu")
    accelerate.dispatch_model(model, places, main_device="cpu", offload_dir=str(tmp_path), force_hooks=True)
    with compressing(model, SHORT) as run:
        check(model, run, inputs, short)


def test_a_prepared_model_compresses(kind: Kind, accelerate: Any) -> None:
    model, inputs, short, stock = expected(kind)
    prepared = accelerate.Accelerator(cpu=True).prepare(model)
    with compressing(prepared, SHORT) as run:
        check(prepared, run, inputs, short)
    assert torch.equal(logits(prepared, inputs), stock)
