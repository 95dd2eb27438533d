"""Answers of tiny Video-LLMs, the clock, and the command."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from infomerge import InfoMergeConfig, compress
from infomerge.measure.flops import decoder_of, prefill_flops
from infomerge.models import answer, ask, compressing, load, timing
from infomerge.models.adapters import adapter_for
from infomerge.models.timing import Timer
from infomerge.video import Clip
from tests.models.prompts import FRAMES, expected_grid
from tests.stock_processors import QUESTION
from tests.test_cli import exit_code
from tests.tiny_checkpoints import CHECKPOINTS


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_the_command_answers_with_and_without_compression(
    name: str, checkpoints: dict[str, Path], video: Path, clip: Clip, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "made" / "answers.json"
    options = ["--compare", "-n", str(FRAMES), "-r", "0.15", "--max-new-tokens", "4", "--json", file]
    assert exit_code("ask", video, QUESTION, "--model", checkpoints[name], *options) == 0
    printed = capfd.readouterr().out
    entry = json.loads(file.read_text(encoding="utf-8"))
    full, short = entry["answers"].values()
    assert list(entry["answers"]) == ["all tokens", "InfoMerge at 15 %"]

    # The same by the library, and by stock transformers.
    model, processor = load(str(checkpoints[name]))
    prompt = processor(clip.frames, clip.timestamps, QUESTION, clip.metadata.duration)
    tokens = int(np.prod(expected_grid(name)))
    kept = max(1, int(0.15 * tokens + 0.5))
    limit = {"max_new_tokens": 4, "do_sample": False}
    stock = model.generate(**prompt.inputs, **limit)
    with compressing(model, InfoMergeConfig.paper(0.15)) as run:
        compressed = model.generate(**prompt.inputs, **limit)
    length = prompt.inputs["input_ids"].shape[1]
    for found, output in ((full, stock), (short, compressed)):
        new = output[0, length:]
        assert found["text"] == processor.tokenizer.decode(new, skip_special_tokens=True).strip()
        assert found["new_tokens"] == len(new)
        assert (found["visual_tokens"], found["prompt_length"]) == (tokens, length)
    assert (full["requested_tokens"], full["kept_tokens"], full["length"]) == (tokens, tokens, length)
    assert (short["requested_tokens"], short["kept_tokens"], short["length"]) == (kept, kept, length - tokens + kept)
    assert short["kept_index"] == run.last[0].compression.index.tolist()
    assert full["kept_index"] is None
    assert (full["saliency_source"], short["saliency_source"]) == (None, run.last[0].saliency_source)

    stages = {"encode", "compress", "prefill", "decode"}
    for found, own in ((full, stages - {"compress"}), (short, stages)):
        seconds = found["seconds"]
        assert {stage for stage in stages if seconds[stage] > 0} == own
        assert sum(seconds[stage] for stage in stages) < seconds["total"] < 60
        assert found["prefill_flops"] == prefill_flops(found["length"], decoder_of(model.config))
        assert found["visual_flops"] == prefill_flops(found["kept_tokens"], decoder_of(model.config))

    assert entry["model"] == {
        "name": str(checkpoints[name]),
        "class": f"{name}ForConditionalGeneration",
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "dtype": "float32",
        "device": "cpu",
    }
    assert InfoMergeConfig(**entry["config"]) == InfoMergeConfig.paper(0.15)
    rows = {line[:29].strip(): line[29:].split() for line in printed.splitlines()}
    assert rows["visual tokens requested"] == rows["visual tokens kept"] == [str(tokens), str(kept)]
    assert rows["prompt tokens"] == [str(length), str(length - tokens + kept)]
    assert rows["compress (s)"] == ["-", f"{short['seconds']['compress']:.3f}"]
    for heading, found in entry["answers"].items():
        assert f"\n{heading}: {found['text'] or '(an empty answer)'}\n" in printed
    assert f"{name}ForConditionalGeneration" in printed
    assert str(file) in printed.replace("\n", "")


def test_at_a_ratio_of_1_the_answer_is_the_stock_one(checkpoints: dict[str, Path], clip: Clip) -> None:
    model, processor = load(str(checkpoints["Qwen2VL"]))
    without = ask(model, processor, clip, QUESTION, max_new_tokens=6)
    with pytest.warns(DeprecationWarning, match="config= is deprecated"):
        assert ask(model, processor, clip, QUESTION, config=None, max_new_tokens=6).video is None
    whole = ask(model, processor, clip, QUESTION, InfoMergeConfig(retention_ratio=1), max_new_tokens=6)
    assert without.text == whole.text != ""
    assert without.length == whole.length
    assert without.video is None
    assert whole.video is not None
    assert whole.video.kept == 48


def test_a_clip_of_more_than_a_minute_is_counted_whole(checkpoints: dict[str, Path], clip: Clip) -> None:
    """SmolVLM's captions begin each minute as they began the first."""
    model, processor = load(str(checkpoints["SmolVLM"]))
    frames = clip.frames[np.arange(32) % FRAMES]
    prompt = processor(frames, np.arange(32) * 90 / 31, QUESTION, 90.0)
    found = answer(model, processor, prompt, InfoMergeConfig.paper(0.15), max_new_tokens=2)
    assert (found.visual_tokens, found.requested_tokens, found.kept_tokens) == (288, 43, 43)
    assert found.length == found.prompt_length - 288 + 43
    assert found.video is not None
    assert found.video.token_columns.numel() == 288


def test_a_prompt_with_more_than_one_video_is_refused(checkpoints: dict[str, Path], clip: Clip) -> None:
    model, processor = load(str(checkpoints["InternVL"]))
    prompt = processor(clip.frames, clip.timestamps, QUESTION, 2.0)
    ids, pixels = (prompt.inputs[name] for name in ("input_ids", "pixel_values"))
    for times in (0, 2):
        inputs = {"input_ids": ids.repeat(1, times), "pixel_values": pixels.repeat(times, 1, 1, 1)}
        if not times:
            inputs = {"input_ids": ids[:, :4]}
        with pytest.raises(ValueError, match=f"prompt: found {times} videos in it; accepted is a prompt with one"):
            answer(model, processor, replace(prompt, inputs=inputs), InfoMergeConfig.paper(0.15), max_new_tokens=1)


class StandingTime:
    """A clock that moves by the pauses that are made on it, and by nothing else."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> StandingTime:
    standing = StandingTime()
    monkeypatch.setattr(timing, "time", standing)
    return standing


def test_the_clock_gives_each_stage_its_own_time(checkpoints: dict[str, Path], clip: Clip, time: StandingTime) -> None:
    """A pause in one stage is found in that stage and in the total, and nowhere else."""
    pause = 0.4
    model, processor = load(str(checkpoints["LlavaOnevision"]))
    text = adapter_for(model).text_model
    first = 15  # more than any later input of the language model has

    def wait(*_: Any, **__: Any) -> None:
        time.sleep(pause)

    def wait_for(at_prefill: bool) -> Any:
        def hook(_: Any, __: Any, given: dict[str, Any]) -> None:
            if (given["inputs_embeds"].shape[1] > first) == at_prefill:
                time.sleep(pause)

        return lambda: text.layers[0].register_forward_pre_hook(
            lambda module, args, kwargs: hook(
                module, args, {"inputs_embeds": args[0] if args else kwargs["hidden_states"]}
            ),
            with_kwargs=True,
        )

    def slow(tokens: torch.Tensor, saliency: torch.Tensor | None = None) -> Any:
        time.sleep(pause)
        return compress(tokens, InfoMergeConfig.paper(0.15), saliency=saliency)

    starts = {
        "encode": lambda: model.base_model.vision_tower.register_forward_pre_hook(wait),
        "prefill": wait_for(at_prefill=True),
        "decode": wait_for(at_prefill=False),
        "compress": None,
    }
    for stage, start in starts.items():
        hook = start() if start else None
        config = InfoMergeConfig.paper(0.15) if start else slow
        seconds = ask(model, processor, clip, QUESTION, config, max_new_tokens=2).seconds
        if hook is not None:
            hook.remove()
        spent = {name: getattr(seconds, name) for name in starts}
        assert spent == pytest.approx(dict.fromkeys(starts, 0.0) | {stage: pause})
        assert seconds.total == pytest.approx(pause)


def test_on_a_gpu_the_clock_waits_for_the_device_at_every_border(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    watch = Timer(torch.device("cuda:1"))
    watch.timed(lambda: None, "encode")()
    watch.before_text()
    watch.after_text()
    watch.before_text()  # decoding: no border, so no waiting
    watch.after_text()
    watch.seconds()
    assert waited == [torch.device("cuda:1")] * 6


def test_repeats_leave_the_first_call_out_and_the_model_as_it_was(
    checkpoints: dict[str, Path], clip: Clip, time: StandingTime
) -> None:
    model, processor = load(str(checkpoints["Qwen2_5_VL"]))
    base, text = model.base_model, adapter_for(model).text_model
    before = dict(vars(base)), dict(vars(model)), list(text._forward_hooks), list(text._forward_pre_hooks)
    pauses = iter([0.5, 0.0, 0.0, 0.0])
    hook = base.visual.register_forward_pre_hook(lambda *_: time.sleep(next(pauses)))
    found = ask(model, processor, clip, QUESTION, max_new_tokens=2, repeats=3)
    hook.remove()
    assert found.seconds.encode == 0
    assert next(pauses, None) is None
    with pytest.raises(RuntimeError, match="broken"):
        ask(model, processor, clip, QUESTION, lambda tokens, saliency: (_ for _ in ()).throw(RuntimeError("broken")))
    assert vars(base).keys() == before[0].keys()
    assert vars(model).keys() == before[1].keys()
    assert [list(text._forward_hooks), list(text._forward_pre_hooks)] == [before[2], before[3]]


def test_half_precision_takes_pixels_along(checkpoints: dict[str, Path], clip: Clip) -> None:
    model, processor = load(str(checkpoints["Qwen2_5_VL"]), dtype=torch.bfloat16)
    assert model.dtype == torch.bfloat16
    assert ask(model, processor, clip, QUESTION, InfoMergeConfig.paper(0.15), max_new_tokens=2).kept_tokens == 7
