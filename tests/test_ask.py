"""Questions to tiny Video-LLMs: the prompts against transformers' own parts, the answers, the clock, the command."""

import inspect
import json
import random
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from infomerge import InfoMergeConfig, compress
from infomerge.measure.flops import decoder_of, prefill_flops
from infomerge.models import asking, compressing
from infomerge.models.asking import Stopwatch, answer, ask, load
from infomerge.models.families import FAMILIES, family_of
from infomerge.models.layouts import LAYOUTS, in_words
from infomerge.models.pixels import (
    as_pixels,
    cropped,
    longest_side,
    patches,
    resized,
    shortest_side,
    whole_patches,
)
from infomerge.models.prompting import Prompter
from infomerge.video import Clip, read_clip
from tests.media import X264_CLOSED, write_video
from tests.stock_processors import QUESTION
from tests.test_cli import exit_code
from tests.tiny_checkpoints import CHECKPOINTS, FACTOR, MOST, save_checkpoint, tokenizer
from tests.tiny_models import KINDS

FRAMES = 8
HEIGHT, WIDTH = 64, 96
KINDS_IN_TIME = {"Qwen2VL": 2, "Qwen2_5_VL": 2, "Qwen3VL": 2}
SIZED = ("Qwen2VL", "Qwen2_5_VL", "Qwen3VL", "VideoLlama3")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "numbers.mp4"
    return write_video(path, count=50, options=X264_CLOSED, size=(WIDTH, HEIGHT))


@pytest.fixture(scope="module")
def clip(video: Path) -> Clip:
    return read_clip(video, FRAMES)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    return {name: save_checkpoint(name, folder / name) for name in CHECKPOINTS}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a host or connects to one fails."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def prompter_of(name: str, **settings: Any) -> Prompter:
    """The prompter of a kind, without its weights."""
    config = KINDS[name].build().config
    kind = tokenizer(name)
    return Prompter(kind, config, CHECKPOINTS[name][2] | settings, kind.chat_template)


def expected_grid(name: str) -> tuple[int, int, int]:
    """Tokens in time, rows and columns, by hand: squares of 48 pixels, or 24 x 32 of them in tokens of 8 x 8."""
    return FRAMES // KINDS_IN_TIME.get(name, 1), 3, 4 if name in SIZED else 3


def test_every_supported_class_can_be_asked() -> None:
    assert set(LAYOUTS) == set(FAMILIES)
    assert {f"{name}ForConditionalGeneration" for name in CHECKPOINTS} == set(FAMILIES)


# --- prompts ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stock_prompts(video: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, bool], dict[str, Any]]:
    """What transformers' own processors make of seven frames and the question."""
    folder = tmp_path_factory.mktemp("stock")
    clip = read_clip(video, 7)
    facts = clip.metadata
    np.savez(
        folder / "clip.npz",
        frames=clip.frames,
        indices=facts.frame_indices,
        frame_count=facts.frame_count,
        frame_rate=facts.frame_rate,
        duration=facts.duration,
    )
    # In a process of its own, because a part of torchvision is put there in its place.
    command = [sys.executable, "-m", "tests.stock_processors", folder / "clip.npz", folder / "prompts.pt"]
    run = subprocess.run(command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    prompts: dict[tuple[str, bool], dict[str, Any]] = torch.load(folder / "prompts.pt", weights_only=True)
    return prompts


@pytest.mark.parametrize("given", [True, False], ids=["own settings", "default settings"])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_prompts_are_those_of_transformers_processors_to_the_bit(
    name: str, given: bool, stock_prompts: dict[tuple[str, bool], dict[str, Any]], video: Path
) -> None:
    clip = read_clip(video, 7)
    kind = tokenizer(name)
    sizes = {"LlavaOnevision": 384, "LlavaNextVideo": 224, "SmolVLM": 364, "InternVL": [384, 384]}
    tower = {} if given or name not in sizes else {"vision_config": {"image_size": sizes[name]}}
    config = KINDS[name].build(**tower).config
    prompter = Prompter(kind, config, CHECKPOINTS[name][2] if given else {}, kind.chat_template)
    prompt = prompter(clip.frames, clip.timestamps, QUESTION, clip.metadata.duration)
    stock = stock_prompts[name, given]
    if name == "SmolVLM":  # all of it is seen, which is what the model takes without a mask
        assert stock.pop("pixel_attention_mask").all()
    assert prompt.inputs.keys() == stock.keys()
    for key, value in prompt.inputs.items():
        assert torch.equal(value, stock[key].to(value.dtype)), key
    places = prompt.inputs["input_ids"] == (121 if name in ("SmolVLM", "InternVL") else 120)
    assert int(places.sum()) == prompt.visual_tokens + (name == "LlavaOnevision")
    assert prompt.frames == (4 if name in KINDS_IN_TIME else 7)


def image_processor(name: str) -> Any:
    """The Pillow image processor of transformers that treats one frame as the kind's video processor does."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    settings = dict(CHECKPOINTS[name][2])
    if name in ("LlavaOnevision", "InternVL", "SmolVLM"):
        kind = GotOcr2ImageProcessorPil if name == "InternVL" else SiglipImageProcessorPil
        settings |= {"resample": 3}
        if name == "SmolVLM":  # its second step alone
            settings |= {"resample": 1, "size": {"height": 48, "width": 48}}
        return kind(**settings)
    if name == "LlavaNextVideo":
        return CLIPImageProcessorPil(**settings)
    return Qwen2VLImageProcessorPil(**settings | {"size": {"shortest_edge": 64, "longest_edge": MOST}})


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_pixels_are_those_of_transformers_image_processors(name: str, clip: Clip) -> None:
    rng = np.random.default_rng(0)
    # Every frame twice, because an image stands for as many frames as a patch has.
    frames = np.repeat(rng.integers(0, 256, (2, HEIGHT, WIDTH, 3), dtype=np.uint8), 2, axis=0)
    if name in ("Qwen3VL", "VideoLlama3"):
        frames = frames.repeat(2, axis=0)  # the limit is one of 8 frames
    prompt = prompter_of(name)(frames, np.arange(len(frames)) / 2.0, QUESTION, 4.0)
    if name == "SmolVLM":  # its first step leaves these frames as they are
        assert longest_side(HEIGHT, WIDTH, 96) == (HEIGHT, WIDTH)
    made = image_processor(name)(list(frames), return_tensors="pt")["pixel_values"]
    ours = prompt.inputs["pixel_values" if name in ("SmolVLM", "InternVL") else "pixel_values_videos"]
    ours = ours.reshape(-1, *made.shape[1:])
    if name in SIZED and name != "VideoLlama3":
        # The first of every two equal frames.
        patches_a_frame = 6 * 8
        made = made.view(-1, patches_a_frame, made.shape[1])[::2].flatten(0, 1)
    assert ours.shape == made.shape
    # Pillow and torch round a few pixels to neighbouring values.
    levels = (ours - made).abs() * 255 * torch.tensor(CHECKPOINTS[name][2]["image_std"]).min()
    assert levels.max() < 1.1
    assert (levels > 0.01).float().mean() < 0.05


def test_sizes_are_those_of_transformers() -> None:
    from transformers.image_transforms import get_resize_output_image_size as by_shortest
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import smart_resize as with_time
    from transformers.models.smolvlm.video_processing_smolvlm import get_resize_output_image_size as by_longest

    draw = random.Random(0)
    layout: Any = LAYOUTS["Qwen3VLForConditionalGeneration"]
    seen = set()
    for _ in range(500):
        height, width, frames = draw.randint(5, 900), draw.randint(5, 900), draw.randint(2, 40)
        factor, least = draw.choice([8, 28, 32]), draw.choice([64, 3136, 100352])
        most = least * draw.choice([2, 4, 128])
        size = {"shortest_edge": least, "longest_edge": most}
        expected = smart_resize(height, width, factor, least, most)
        assert whole_patches(height, width, factor, least, most) == expected
        seen.add((expected[0] * expected[1] > height * width, expected[0] % 32 == 0))
        settings = {"size": size, "patch_size": factor // 2, "merge_size": 2, "temporal_patch_size": 2}
        assert layout.target(frames, height, width, settings) == with_time(
            frames, height, width, 2, factor, least, most
        )
        frame = torch.empty(3, height, width, device="meta")
        assert longest_side(height, width, most % 999 + 1) == by_longest(frame, most % 999 + 1)
        short = by_shortest(
            np.empty((height, width, 3)), 48, default_to_square=False, input_data_format="channels_last"
        )
        assert shortest_side(height, width, 48) == short
    assert len(seen) == 4
    with pytest.raises(
        ValueError, match="found 10 x 4000 pixels; accepted are sides of which one is at most 200 times"
    ):
        whole_patches(10, 4000, 8, 64, 1024)
    five = torch.randn(5, 3, 16, 24)
    expected, *grid = Qwen3VLVideoProcessor.patchify(None, five[None], 4, 2, 2)
    ours, own_grid = patches(five, 4, 2, 2)
    assert own_grid == tuple(grid)
    assert torch.equal(ours, expected[0])


def test_crops_are_those_of_transformers() -> None:
    from transformers.image_transforms import center_crop

    frames = torch.randint(0, 256, (2, 3, 13, 40), dtype=torch.uint8)
    for size in ((13, 13), (10, 21), (13, 40), (1, 1)):
        expected = center_crop(
            frames[0].numpy(), size, data_format="channels_first", input_data_format="channels_first"
        )
        named = dict(zip(("height", "width"), size, strict=True))
        assert np.array_equal(cropped(frames, named)[0].numpy(), expected), size
    for bad in ({"height": 14, "width": 8}, {"height": 13, "width": 41}, 13):
        with pytest.raises(
            ValueError, match="for frames resized to 13 x 40; accepted are a height and a width that fit"
        ):
            cropped(frames, bad)


def test_resizing_rounds_to_whole_pixel_values_and_knows_three_filters() -> None:
    # Without black and white, where torch and Pillow clip what a filter overshoots at different steps.
    images = np.random.default_rng(1).integers(64, 192, (2, 40, 30, 3), dtype=np.uint8)
    frames = as_pixels(images)
    for resample in Image.Resampling.LANCZOS, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC:
        for rows, columns in ((16, 20), (64, 45), (10, 90)):
            expected = [np.asarray(Image.fromarray(image).resize((columns, rows), resample)) for image in images]
            made = resized(frames, (rows, columns), int(resample))
            assert made.dtype == torch.uint8
            assert (made.int() - as_pixels(np.stack(expected)).int()).abs().max() <= 1
    assert resized(frames, (40, 30), 3) is frames
    with pytest.raises(ValueError, match=re.escape("resample in the checkpoint's preprocessing: found 5")):
        resized(frames, (16, 20), 5)


def test_numbers_in_words() -> None:
    words = {0: "zero", 8: "eight", 13: "thirteen", 20: "twenty", 32: "thirty-two", 64: "sixty-four", 99: "ninety-nine"}
    words |= {
        100: "one hundred",
        101: "one hundred and one",
        128: "one hundred and twenty-eight",
        340: "three hundred and forty",
    }
    assert {number: in_words(number) for number in words} == words
    assert len({in_words(number) for number in range(1000)}) == 1000
    with pytest.raises(ValueError, match="frames: found 1000; accepted are up to 999"):
        in_words(1000)


def test_settings_of_preprocessing_as_transformers_reads_them(clip: Clip) -> None:
    """Older files: limits of pixels with names of their own, and SmolVLM's size of a sampled video."""
    prompter = prompter_of("Qwen2_5_VL", size=None, min_pixels=64, max_pixels=256)
    assert prompter.settings["size"] == {"shortest_edge": 64, "longest_edge": 256}
    sampling = {"video_size": {"longest_edge": 60}}
    assert prompter_of("SmolVLM", size=None, video_sampling=sampling).settings["size"] == {"longest_edge": 60}
    assert prompter_of("SmolVLM", video_sampling=sampling).settings["size"] == {"longest_edge": 96}
    given = dict.fromkeys(CHECKPOINTS["VideoLlama3"][2])
    assert prompter_of("VideoLlama3", **given).settings["patch_size"] == 14
    for setting, found in (("do_normalize", False), ("do_resize", False), ("cap_pixels_per_frame", True)):
        with pytest.raises(ValueError, match=f"{setting} in the checkpoint's preprocessing: found {found}"):
            prompter_of("Qwen3VL", **{setting: found})
    with pytest.raises(ValueError, match=r"size in the checkpoint's preprocessing: found \{'height': 9\}"):
        prompter_of("Qwen2VL", size={"height": 9}, min_pixels=None, max_pixels=None)
    kinds = {
        "size": ([48, 48], "is an object"),
        "patch_size": ("4", "is a number"),
        "image_mean": ([1], "are 3 numbers"),
    }
    for setting, (wrong, accepted) in kinds.items():
        with pytest.raises(ValueError, match=rf"{setting} in .* found {re.escape(repr(wrong))}; accepted {accepted}"):
            prompter_of("Qwen2VL", **{setting: wrong})
    call = (clip.frames, clip.timestamps, QUESTION, 2.0)
    with pytest.raises(ValueError, match=r"size in the checkpoint's preprocessing: found \{'height': 9\}"):
        prompter_of("InternVL", size={"height": 9})(*call)
    for name, other in (
        ("InternVL", {"size": {"height": 40, "width": 48}}),
        ("SmolVLM", {"max_image_size": {"longest_edge": 40}}),
    ):
        with pytest.raises(
            ValueError, match=r"frames of 40 x 4[08]; accepted is 48 x 48, the vision tower's image_size"
        ):
            prompter_of(name, **other)(*call)


@pytest.mark.parametrize("name", SIZED)
def test_a_limit_of_pixels_makes_fewer_tokens(name: str, clip: Clip) -> None:
    kind = tokenizer(name)
    config = KINDS[name].build().config
    limited = Prompter(kind, config, CHECKPOINTS[name][2], kind.chat_template, max_pixels=2 * FACTOR**2)
    prompt = limited(clip.frames, clip.timestamps, QUESTION, clip.metadata.duration)
    assert prompt.grid == (1, 1)
    with pytest.raises(ValueError, match="max_pixels: found 63; accepted are 64 or more"):
        Prompter(kind, config, CHECKPOINTS[name][2], kind.chat_template, max_pixels=63)


def test_bad_prompts_are_refused(clip: Clip) -> None:
    frames, times = clip.frames, clip.timestamps
    prompter = prompter_of("Qwen3VL")
    for question, found in ((" ", "found ' '; accepted are words"), ("<|video_pad|>?", "special tokens")):
        with pytest.raises(ValueError, match=re.escape(found)):
            prompter(frames, times, question, 2.0)
    # Under the type-checking import hook the method itself is one layer down.
    call = inspect.unwrap(Prompter.__call__)
    with pytest.raises(ValueError, match=r"timestamps: found shape \[3\]; accepted is \[8\]"):
        call(prompter, frames, times[:3], QUESTION, 2.0)
    with pytest.raises(TypeError, match="frames: found dtype float32"):
        call(prompter, frames.astype(np.float32), times, QUESTION, 2.0)
    with pytest.raises(ValueError, match="frames: found 1; accepted are 2 or more for this model"):
        prompter(frames[:1], times[:1], QUESTION, 2.0)
    with pytest.raises(ValueError, match="frames: found 1; accepted are 2 or more for this model"):
        prompter_of("InternVL")(frames[:1], times[:1], QUESTION, 2.0)
    kind, config = tokenizer("Qwen3VL"), KINDS["Qwen3VL"].build().config
    for template, found in ((None, "no chat template"), ("{{ messages[0].role }}", "gives '<|video_pad|>' 0 times")):
        with pytest.raises(ValueError, match=re.escape(found)):
            Prompter(kind, config, CHECKPOINTS["Qwen3VL"][2], template)(frames, times, QUESTION, 2.0)
    config.video_token_id = 500
    with pytest.raises(
        ValueError, match="a tokenizer of 128 tokens; accepted is one with token 500, the video_token_id"
    ):
        Prompter(kind, config, {})


# --- answers ----------------------------------------------------------------------------------------------------------


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
    model, prompter = load(str(checkpoints[name]))
    prompt = prompter(clip.frames, clip.timestamps, QUESTION, clip.metadata.duration)
    tokens = int(np.prod(expected_grid(name)))
    kept = max(1, int(0.15 * tokens + 0.5))
    limit = {"max_new_tokens": 4, "do_sample": False}
    stock = model.generate(**prompt.inputs, **limit)
    with compressing(model, InfoMergeConfig.paper(0.15)) as run:
        compressed = model.generate(**prompt.inputs, **limit)
    length = prompt.inputs["input_ids"].shape[1]
    for found, output in ((full, stock), (short, compressed)):
        new = output[0, length:]
        assert found["text"] == prompter.tokenizer.decode(new, skip_special_tokens=True).strip()
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
    model, prompter = load(str(checkpoints["Qwen2VL"]))
    without = ask(model, prompter, clip, QUESTION, max_new_tokens=6)
    whole = ask(model, prompter, clip, QUESTION, InfoMergeConfig(retention_ratio=1), max_new_tokens=6)
    assert without.text == whole.text != ""
    assert without.length == whole.length
    assert without.video is None
    assert whole.video is not None
    assert whole.video.kept == 48


def test_a_clip_of_more_than_a_minute_is_counted_whole(checkpoints: dict[str, Path], clip: Clip) -> None:
    """SmolVLM's captions begin each minute as they began the first."""
    model, prompter = load(str(checkpoints["SmolVLM"]))
    frames = clip.frames[np.arange(32) % FRAMES]
    prompt = prompter(frames, np.arange(32) * 90 / 31, QUESTION, 90.0)
    found = answer(model, prompter, prompt, InfoMergeConfig.paper(0.15), max_new_tokens=2)
    assert (found.visual_tokens, found.requested_tokens, found.kept_tokens) == (288, 43, 43)
    assert found.length == found.prompt_length - 288 + 43
    assert found.video is not None
    assert found.video.token_columns.numel() == 288


def test_a_prompt_with_more_than_one_video_is_refused(checkpoints: dict[str, Path], clip: Clip) -> None:
    model, prompter = load(str(checkpoints["InternVL"]))
    prompt = prompter(clip.frames, clip.timestamps, QUESTION, 2.0)
    ids, pixels = (prompt.inputs[name] for name in ("input_ids", "pixel_values"))
    for times in (0, 2):
        inputs = {"input_ids": ids.repeat(1, times), "pixel_values": pixels.repeat(times, 1, 1, 1)}
        if not times:
            inputs = {"input_ids": ids[:, :4]}
        with pytest.raises(ValueError, match=f"prompt: found {times} videos in it; accepted is a prompt with one"):
            answer(model, prompter, replace(prompt, inputs=inputs), InfoMergeConfig.paper(0.15), max_new_tokens=1)


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
    monkeypatch.setattr(asking, "time", standing)
    return standing


def test_the_clock_gives_each_stage_its_own_time(checkpoints: dict[str, Path], clip: Clip, time: StandingTime) -> None:
    """A pause in one stage is found in that stage and in the total, and nowhere else."""
    pause = 0.4
    model, prompter = load(str(checkpoints["LlavaOnevision"]))
    text = family_of(model).text_model(model)
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
        seconds = ask(model, prompter, clip, QUESTION, config, max_new_tokens=2).seconds
        if hook is not None:
            hook.remove()
        spent = {name: getattr(seconds, name) for name in starts}
        assert spent == pytest.approx(dict.fromkeys(starts, 0.0) | {stage: pause})
        assert seconds.total == pytest.approx(pause)


def test_on_a_gpu_the_clock_waits_for_the_device_at_every_border(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "synchronize", waited.append)
    watch = Stopwatch(torch.device("cuda:1"))
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
    model, prompter = load(str(checkpoints["Qwen2_5_VL"]))
    base, text = model.base_model, family_of(model).text_model(model)
    before = dict(vars(base)), dict(vars(model)), list(text._forward_hooks), list(text._forward_pre_hooks)
    pauses = iter([0.5, 0.0, 0.0, 0.0])
    hook = base.visual.register_forward_pre_hook(lambda *_: time.sleep(next(pauses)))
    found = ask(model, prompter, clip, QUESTION, max_new_tokens=2, repeats=3)
    hook.remove()
    assert found.seconds.encode == 0
    assert next(pauses, None) is None
    with pytest.raises(RuntimeError, match="broken"):
        ask(model, prompter, clip, QUESTION, lambda tokens, saliency: (_ for _ in ()).throw(RuntimeError("broken")))
    assert vars(base).keys() == before[0].keys()
    assert vars(model).keys() == before[1].keys()
    assert [list(text._forward_hooks), list(text._forward_pre_hooks)] == [before[2], before[3]]


def test_half_precision_takes_pixels_along(checkpoints: dict[str, Path], clip: Clip) -> None:
    model, prompter = load(str(checkpoints["Qwen2_5_VL"]), dtype=torch.bfloat16)
    assert model.dtype == torch.bfloat16
    assert ask(model, prompter, clip, QUESTION, InfoMergeConfig.paper(0.15), max_new_tokens=2).kept_tokens == 7


# --- what is refused --------------------------------------------------------------------------------------------------


def refusal(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    capfd.readouterr()
    assert exit_code(*arguments) == 2
    printed, complaint = capfd.readouterr()
    assert printed == ""
    lines = [line for line in complaint.splitlines() if line.startswith("infomerge: ")]
    (line,) = lines
    assert "Traceback" not in complaint
    return line


BAD: dict[str, tuple[list[str], list[str]]] = {
    "no such folder": (["-m", "./nothing"], ["no folder './nothing'", "accepted is a folder with a saved model"]),
    "a file": (["-m", "{video}"], ["a file", "accepted is a folder"]),
    "an empty folder": (["-m", "{tmp}/empty"], ["empty' without config.json", "accepted is a folder"]),
    "another model": (["-m", "{tmp}/tower"], ["SiglipVisionConfig", "LlavaOnevisionForConditionalGeneration"]),
    "no tokenizer": (["-m", "{tmp}/mute"], ["mute' without a tokenizer", "tokenizer.json"]),
    "no preprocessing": (
        ["-m", "{tmp}/blind"],
        ["blind' without settings of preprocessing", "video_preprocessor_config"],
    ),
    "bad preprocessing": (["-m", "{tmp}/garbled"], ["video_preprocessor_config.json'", "not JSON"]),
    "no template": (["-m", "{tmp}/wordless"], ["no chat template", "chat_template.jinja"]),
    "no weights": (["-m", "{tmp}/hollow"], ["hollow'", "lacks 1 weights", "among them"]),
    "weights cut off": (["-m", "{tmp}/cut"], ["cut' that can be loaded", "deserializing header"]),
    "weights of another shape": (["-m", "{tmp}/wide"], ["has shape [", "; accepted is [", "config.json"]),
    "a configuration of another kind": (["-m", "{tmp}/odd"], ["odd' that can be loaded", "'text_config'"]),
    "a tokenizer of another kind": (["-m", "{tmp}/stammering"], ["without a tokenizer that can be read"]),
    "a template cut off": (["-m", "{tmp}/unended"], ["a chat template that cannot be filled in (Expected"]),
    "a template for other messages": (["-m", "{tmp}/curt"], ["cannot be filled in ('list object' has no attribute"]),
    "a template that adds words": (["-m", "{tmp}/joining"], ["cannot be filled in (can only concatenate list"]),
    "a list of preprocessing": (
        ["-m", "{tmp}/listed"],
        ["found ['size'] as video_preprocessor_config.json; accepted is a JSON object"],
    ),
    "a list of a part": (
        ["-m", "{tmp}/nested"],
        ["found [1] as video_processor of processor_config.json; accepted is a JSON object"],
    ),
    "no weights file": (["-m", "{tmp}/light"], ["light' that can be loaded", "model.safetensors"]),
    "no such device": (["-m", "{good}", "--device", "gpu"], ["device: found 'gpu'", "cuda:N"]),
    "a device without float64": (["-m", "{good}", "--device", "mps"], ["'mps'", "float64"]),
    "no such GPU": (["-m", "{good}", "--device", "cuda:63"], ["'cuda:63'", "CUDA devices"]),
    "no such dtype": (["-m", "{good}", "--dtype", "int8"], ["--dtype", "'int8'", "'bfloat16'"]),
    "positions": (["-m", "{good}", "--positions", "none"], ["--positions", "'none'", "'renumbered'"]),
    "no new tokens": (["-m", "{good}", "--max-new-tokens", "0"], ["--max-new-tokens: 0 is not in the range x>=1"]),
    "no repeats": (["-m", "{good}", "--repeats", "0"], ["--repeats: 0 is not in the range x>=1"]),
    "pixels": (["-m", "{good}", "--max-pixels", "9999"], ["--max-pixels: found 9999", "LlavaOnevision", "one size"]),
    "a ratio of 2": (["-m", "{good}", "-r", "2"], ["--retention-ratio: ", "found 2.0"]),
    "an option": (["-m", "{good}", "--set", "temprature=2"], ["--set temprature: ", "did you mean 'temperature'"]),
    "no model": ([], ["Missing option '--model' / '-m'"]),
    "a JSON file in a file": (
        ["-m", "{good}", "--json", "{tmp}/there.json/new.json"],
        ["--json: ", "there.json cannot be written (File exists)", "choose another place"],
    ),
    "a JSON file there": (
        ["-m", "{good}", "--json", "{tmp}/there.json"],
        ["--json: ", "there.json already exists; choose another file or pass --force"],
    ),
}


@pytest.fixture(scope="module")
def broken(checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of which one part is missing or damaged each."""
    from safetensors.torch import load_file, save_file
    from transformers import SiglipVisionConfig

    folder = tmp_path_factory.mktemp("broken")
    (folder / "empty").mkdir()
    (folder / "there.json").write_text("mine")
    SiglipVisionConfig().save_pretrained(folder / "tower")
    missing = {
        "mute": ["tokenizer.json", "tokenizer_config.json"],
        "blind": ["video_preprocessor_config.json"],
        "wordless": ["chat_template.jinja"],
        "light": ["model.safetensors"],
        **dict.fromkeys(("garbled", "listed", "nested", "stammering", "unended", "curt", "joining"), ()),
        **dict.fromkeys(("hollow", "cut", "wide", "odd"), ()),
    }
    for name, files in missing.items():
        shutil.copytree(checkpoints["LlavaOnevision"], folder / name)
        for file in files:
            (folder / name / file).unlink()
    texts = {
        ("garbled", "video_preprocessor_config.json"): "{",
        ("listed", "video_preprocessor_config.json"): '["size"]',
        ("nested", "processor_config.json"): '{"video_processor": [1]}',
        ("stammering", "tokenizer_config.json"): "[]",
        ("unended", "chat_template.jinja"): "{% for %}",
        ("curt", "chat_template.jinja"): "{{ messages[0].content.strip() }}",
        ("joining", "chat_template.jinja"): "{{ messages[0].content + ' ' }}",
    }
    for (name, file), text in texts.items():
        (folder / name / file).write_text(text)
    for name, changed in (("wide", {"hidden_size": 64}), ("odd", None)):
        config = json.loads((folder / name / "config.json").read_text())
        config["text_config"] = config["text_config"] | changed if changed else 5
        (folder / name / "config.json").write_text(json.dumps(config))
    whole = (folder / "cut" / "model.safetensors").read_bytes()
    (folder / "cut" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    weights = load_file(folder / "hollow" / "model.safetensors")
    del weights[next(name for name in weights if "multi_modal_projector.linear_1.weight" in name)]
    save_file(weights, folder / "hollow" / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_line(
    case: str, broken: Path, checkpoints: dict[str, Path], video: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = BAD[case]
    filled = [part.format(tmp=broken, video=video, good=checkpoints["LlavaOnevision"]) for part in arguments]
    line = refusal(capfd, "ask", video, QUESTION, "-n", "2", *filled)
    for part in expected:
        assert part in line
    assert (broken / "there.json").read_text() == "mine"


def test_a_name_on_the_hub_is_looked_for_and_said_so(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    line = refusal(capfd, "ask", video, QUESTION, "-n", "2", "-m", "nobody/no-such-model")
    assert "no folder and no model 'nobody/no-such-model' that can be loaded" in line
    assert "accepted is a folder with a saved model or a model's name on the Hugging Face hub" in line


def test_a_bad_question_or_clip_is_refused(
    checkpoints: dict[str, Path], video: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = checkpoints["InternVL"]
    assert "QUESTION: found ''" in refusal(capfd, "ask", video, "", "-m", model, "-n", "2")
    assert "--num-frames: found 1; accepted are 2 or more" in refusal(
        capfd, "ask", video, QUESTION, "-m", model, "-n", "1"
    )
    assert "no file 'no.mp4'" in refusal(capfd, "ask", "no.mp4", QUESTION, "-m", model)


def test_chat_templates_of_older_checkpoints(checkpoints: dict[str, Path], clip: Clip, tmp_path: Path) -> None:
    """In chat_template.json, which goes before the tokenizer's, and settings inside processor_config.json."""
    from transformers import AutoConfig

    folder = shutil.copytree(checkpoints["LlavaNextVideo"], tmp_path / "older")
    settings = json.loads((folder / "video_preprocessor_config.json").read_text())
    (folder / "video_preprocessor_config.json").unlink()
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [9, 9, 9]}))
    (folder / "processor_config.json").write_text(json.dumps({"video_processor": settings}))
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": "older <video>"}))
    prompter = Prompter.from_pretrained(str(folder), AutoConfig.from_pretrained(folder), local_files_only=True)
    assert prompter.settings["image_mean"] == settings["image_mean"]
    ids = prompter(clip.frames, clip.timestamps, QUESTION, 2.0).inputs["input_ids"]
    assert prompter.tokenizer.decode(ids[0, :6]) == "older "


def test_help_names_all_options(capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_code("ask", "--help") == 0
    printed, complaint = capfd.readouterr()
    assert complaint == ""
    options = "model retention-ratio compare num-frames method set positions max-new-tokens max-pixels repeats device"
    for option in [*options.split(), "dtype", "json", "force"]:
        assert f"--{option}" in printed


def test_another_release_of_transformers_is_refused(
    checkpoints: dict[str, Path], video: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("infomerge.models.attachment.version", lambda _: "4.57.1")
    line = refusal(capfd, "ask", video, QUESTION, "-m", checkpoints["Qwen2VL"], "-n", "2")
    assert "transformers: found 4.57.1" in line


def test_names_without_brackets_of_their_own_are_printed_as_they_are(
    checkpoints: dict[str, Path], video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(checkpoints["VideoLlama3"], tmp_path / "[bold] :cat:")
    options = ["-n", "4", "--max-new-tokens", "1", "--set", "temperature=0", "--method", "fastvid", "--repeats", "2"]
    assert exit_code("ask", video, QUESTION, "-m", folder, *options, "--positions", "renumbered") == 0
    printed = capfd.readouterr().out
    assert "[bold] :cat:" in " ".join(printed.split())
    assert "FastVID at 15 %" in printed
    assert "all tokens:" not in printed
    assert "medians of 2 calls" in printed
