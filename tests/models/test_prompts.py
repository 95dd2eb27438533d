"""Prompts to tiny Video-LLMs, against transformers' own processors."""

import inspect
import math
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from infomerge.models import SUPPORTED, Processor
from infomerge.models.adapters import adapters
from infomerge.models.adapters.smolvlm import in_words
from infomerge.models.pixels import as_pixels, cropped, longest_side, patches, resized, shortest_side, whole_patches
from infomerge.video import Clip, read_clip
from tests.models.prompts import HEIGHT, KINDS_IN_TIME, SIZED, WIDTH, processor_of
from tests.stock_processors import QUESTION
from tests.tiny_checkpoints import CHECKPOINTS, FACTOR, MOST, settings_of, tokenizer
from tests.tiny_models import KINDS


def test_every_supported_class_can_be_asked() -> None:
    assert {f"{name}ForConditionalGeneration" for name in CHECKPOINTS} == set(SUPPORTED)


@pytest.fixture(scope="module")
def stock(video: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[Any, Any], dict[str, Any]]:
    """What transformers' own processors make of seven frames and the question."""
    folder = tmp_path_factory.mktemp("stock")
    clip = read_clip(video, 7)
    facts = clip.metadata
    np.savez(
        folder / "clip.npz",
        frames=clip.frames,
        timestamps=clip.timestamps,
        indices=facts.frame_indices,
        frame_count=facts.frame_count,
        frame_rate=facts.frame_rate,
        duration=facts.duration,
    )
    # In a process of its own, because a part of torchvision is put there in its place.
    command = [sys.executable, "-m", "tests.stock_processors", folder / "clip.npz", folder / "prompts.pt"]
    run = subprocess.run(command, cwd=Path(__file__).parent.parent.parent, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    prompts, answers = torch.load(folder / "prompts.pt", weights_only=True)
    return prompts, answers


@pytest.mark.parametrize("given", [True, False], ids=["own settings", "default settings"])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_prompts_are_those_of_transformers_processors_to_the_bit(
    name: str, given: bool, stock: tuple[dict[Any, Any], dict[str, Any]], video: Path
) -> None:
    clip = read_clip(video, 7)
    kind = tokenizer(name)
    sizes = {"LlavaOnevision": 384, "LlavaNextVideo": 224, "SmolVLM": 364, "InternVL": [384, 384]}
    tower = {} if given or name not in sizes else {"vision_config": {"image_size": sizes[name]}}
    config = KINDS[name].build(**tower).config
    processor = Processor(kind, config, settings_of(name) if given else {}, kind.chat_template)
    prompt = processor(clip.frames, clip.timestamps, QUESTION, clip.metadata.duration)
    expected = stock[0][name, given]
    if name == "SmolVLM":  # all of it is seen, which is what the model takes without a mask
        assert expected.pop("pixel_attention_mask").all()
    assert prompt.inputs.keys() == expected.keys()
    for key, value in prompt.inputs.items():
        assert torch.equal(value, expected[key].to(value.dtype)), key
    places = prompt.inputs["input_ids"] == (121 if name in ("SmolVLM", "InternVL") else 120)
    assert int(places.sum()) == prompt.visual_tokens + (name == "LlavaOnevision")
    assert prompt.frames == (4 if name in KINDS_IN_TIME else 7)


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_processor_of_transformers_is_taken_in_place_of_ours(
    name: str, stock: tuple[dict[Any, Any], dict[str, Any]], video: Path
) -> None:
    inputs, shape, counts = stock[1][name]
    clip = read_clip(video, 7)
    ours = processor_of(name)(clip.frames, clip.timestamps, QUESTION, clip.metadata.duration)
    expected = stock[0][name, True]
    assert inputs.keys() >= expected.keys()
    for key, value in expected.items():
        assert torch.equal(inputs[key], value), key
    assert shape == (ours.frames, *ours.grid)
    assert counts == (math.prod(shape), round(math.prod(shape) / 4))


def image_processor(name: str) -> Any:
    """The Pillow image processor of transformers that treats one frame as the kind's video processor does."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
    from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
    from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

    settings = dict(settings_of(name))
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
    prompt = processor_of(name)(frames, np.arange(len(frames)) / 2.0, QUESTION, 4.0)
    if name == "SmolVLM":  # its first step leaves these frames as they are
        assert longest_side(HEIGHT, WIDTH, 96) == (HEIGHT, WIDTH)
    made = image_processor(name)(list(frames), return_tensors="pt")["pixel_values"]
    ours = prompt.inputs["pixel_values" if name in ("SmolVLM", "InternVL") else "pixel_values_videos"]
    ours = ours.reshape(-1, *made.shape[1:])
    if name in SIZED and name != "VideoLlama3":
        # The first of every two equal frames.
        patches_per_frame = 6 * 8
        made = made.view(-1, patches_per_frame, made.shape[1])[::2].flatten(0, 1)
    assert ours.shape == made.shape
    # Pillow and torch round a few pixels to neighbouring values.
    levels = (ours - made).abs() * 255 * torch.tensor(settings_of(name)["image_std"]).min()
    assert levels.max() < 1.1
    assert (levels > 0.01).float().mean() < 0.05


def test_sizes_are_those_of_transformers() -> None:
    from transformers.image_transforms import get_resize_output_image_size as by_shortest
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import Qwen3VLVideoProcessor
    from transformers.models.qwen3_vl.video_processing_qwen3_vl import smart_resize as with_time
    from transformers.models.smolvlm.video_processing_smolvlm import get_resize_output_image_size as by_longest

    draw = random.Random(0)
    adapter: Any = adapters()["Qwen3VLForConditionalGeneration"](KINDS["Qwen3VL"].build().config)
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
        assert adapter.target(frames, height, width, settings) == with_time(
            frames, height, width, 2, factor, least, most
        )
        frame = torch.empty(3, height, width, device="meta")
        assert longest_side(height, width, most % 999 + 1) == by_longest(frame, most % 999 + 1)
        short = by_shortest(
            np.empty((height, width, 3)), 48, default_to_square=False, input_data_format="channels_last"
        )
        assert shortest_side(height, width, 48) == short
    assert len(seen) == 4
    with pytest.raises(ValueError, match="got 10 x 4000 pixels; expected sides of which one is at most 200 times"):
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
        with pytest.raises(ValueError, match="for frames resized to 13 x 40; expected a height and a width that fit"):
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
    with pytest.raises(ValueError, match=re.escape("resample in the checkpoint's preprocessing: got 5")):
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
    with pytest.raises(ValueError, match="frames: got 1000; expected up to 999"):
        in_words(1000)


def test_settings_of_preprocessing_as_transformers_reads_them(clip: Clip) -> None:
    """Older files: limits of pixels with names of their own, and SmolVLM's size of a sampled video."""
    processor = processor_of("Qwen2_5_VL", size=None, min_pixels=64, max_pixels=256)
    assert processor.settings["size"] == {"shortest_edge": 64, "longest_edge": 256}
    sampling = {"video_size": {"longest_edge": 60}}
    assert processor_of("SmolVLM", size=None, video_sampling=sampling).settings["size"] == {"longest_edge": 60}
    assert processor_of("SmolVLM", video_sampling=sampling).settings["size"] == {"longest_edge": 96}
    given = dict.fromkeys(settings_of("VideoLlama3"))
    assert processor_of("VideoLlama3", **given).settings["patch_size"] == 14
    for setting, found in (("do_normalize", False), ("do_resize", False), ("cap_pixels_per_frame", True)):
        with pytest.raises(ValueError, match=f"{setting} in the checkpoint's preprocessing: got {found}"):
            processor_of("Qwen3VL", **{setting: found})
    with pytest.raises(ValueError, match=r"size in the checkpoint's preprocessing: got \{'height': 9\}"):
        processor_of("Qwen2VL", size={"height": 9}, min_pixels=None, max_pixels=None)
    kinds = {
        "size": ([48, 48], "an object"),
        "patch_size": ("4", "a number"),
        "image_mean": ([1], "3 numbers"),
    }
    for setting, (wrong, accepted) in kinds.items():
        with pytest.raises(ValueError, match=rf"{setting} in .* got {re.escape(repr(wrong))}; expected {accepted}"):
            processor_of("Qwen2VL", **{setting: wrong})
    call = (clip.frames, clip.timestamps, QUESTION, 2.0)
    with pytest.raises(ValueError, match=r"size in the checkpoint's preprocessing: got \{'height': 9\}"):
        processor_of("InternVL", size={"height": 9})(*call)
    for name, other in (
        ("InternVL", {"size": {"height": 40, "width": 48}}),
        ("SmolVLM", {"max_image_size": {"longest_edge": 40}}),
    ):
        with pytest.raises(ValueError, match=r"frames of 40 x 4[08]; expected 48 x 48, the vision tower's image_size"):
            processor_of(name, **other)(*call)


@pytest.mark.parametrize("name", SIZED)
def test_a_limit_of_pixels_makes_fewer_tokens(name: str, clip: Clip) -> None:
    kind = tokenizer(name)
    config = KINDS[name].build().config
    limited = Processor(kind, config, settings_of(name), kind.chat_template, max_pixels=2 * FACTOR**2)
    prompt = limited(clip.frames, clip.timestamps, QUESTION, clip.metadata.duration)
    assert prompt.grid == (1, 1)
    with pytest.raises(ValueError, match="max_pixels: got 63; expected 64 or more"):
        Processor(kind, config, settings_of(name), kind.chat_template, max_pixels=63)


def test_bad_prompts_are_refused(clip: Clip) -> None:
    frames, times = clip.frames, clip.timestamps
    processor = processor_of("Qwen3VL")
    for question, found in ((" ", "got ' '; expected words"), ("<|video_pad|>?", "special tokens")):
        with pytest.raises(ValueError, match=re.escape(found)):
            processor(frames, times, question, 2.0)
    # Under the type-checking import hook the method itself is one layer down.
    call = inspect.unwrap(Processor.__call__)
    with pytest.raises(ValueError, match=r"timestamps: got shape \[3\]; expected \[8\]"):
        call(processor, frames, times[:3], QUESTION, 2.0)
    with pytest.raises(TypeError, match="frames: got dtype float32"):
        call(processor, frames.astype(np.float32), times, QUESTION, 2.0)
    with pytest.raises(ValueError, match="frames: got 1; expected 2 or more for this model"):
        processor(frames[:1], times[:1], QUESTION, 2.0)
    with pytest.raises(ValueError, match="frames: got 1; expected 2 or more for this model"):
        processor_of("InternVL")(frames[:1], times[:1], QUESTION, 2.0)
    kind, config = tokenizer("Qwen3VL"), KINDS["Qwen3VL"].build().config
    for template, found in ((None, "no chat template"), ("{{ messages[0].role }}", "gives '<|video_pad|>' 0 times")):
        with pytest.raises(ValueError, match=re.escape(found)):
            Processor(kind, config, settings_of("Qwen3VL"), template)(frames, times, QUESTION, 2.0)
    config.video_token_id = 500
    with pytest.raises(ValueError, match="a tokenizer of 128 tokens; expected one with token 500, the video_token_id"):
        Processor(kind, config, {})
