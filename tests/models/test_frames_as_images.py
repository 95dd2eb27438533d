"""Videos told from images by the captions of their frames, for the models that are handed frames as images."""

import functools
import itertools
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Regex, decoders, pre_tokenizers
from transformers import AutoTokenizer

from infomerge import InfoMergeConfig
from infomerge.models import attach, compressing
from infomerge.models.adapters import ProcessedFrames, VideoMetadata, adapters
from infomerge.models.attachment import runs_of
from tests.tiny_checkpoints import tokenizer
from tests.tiny_models import END, GLOBAL, IMAGE, KINDS, START

SHORT = InfoMergeConfig.paper(0.15)
TILE = 9
ASKED = "Tell me what happens.\n"
MARKS = {
    "SmolVLM": ["<image>", "<fake_token_around_image>", "<global-img>", "<row_1_col_1>", "<row_1_col_2>"],
    "InternVL": ["<IMG_CONTEXT>", "<img>", "</img>"],
}

WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
# Where the tokenizers of published checkpoints cut a text. Of the pieces that matter here each is one token of theirs.
CUTS = {
    "SmolLM2": pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(False)]),
    "Qwen": pre_tokenizers.Split(Regex(WORDS % r"\p{N}"), "isolated"),
    "numbers whole": pre_tokenizers.Split(Regex(WORDS % r"\p{N}{1,3}"), "isolated"),
    "characters": pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated"),
}


@pytest.fixture(params=list(CUTS))
def cut(request: pytest.FixtureRequest) -> Any:
    return CUTS[request.param]


def config_of(placeholder: int) -> SimpleNamespace:
    """What both adapters read of a configuration: 6 x 6 patches, of which 2 x 2 become a token."""
    vision = SimpleNamespace(image_size=[48, 48], patch_size=[8, 8])
    return SimpleNamespace(image_token_id=placeholder, vision_config=vision, downsample_ratio=0.5, scale_factor=2)


def video(name: str, times: Any) -> str:
    """What the processor writes for frames shown at these seconds."""
    adapter = adapters()[f"{name}ForConditionalGeneration"](config_of(IMAGE), tokenizer(name))
    seconds = [float(time) for time in times]
    return adapter.video_text(ProcessedFrames({}, len(seconds), (3, 3)), VideoMetadata(seconds, seconds[-1]))


def image(name: str, tiles: int = 1) -> str:
    """What the processor writes for an image."""
    place, start, end, *further = MARKS[name]
    if name == "InternVL":
        return start + place * TILE * tiles + end
    split = "".join(start + tile + place * TILE for tile in further[: tiles - 1])
    return (f"{split}\n\n" if split else "") + start + end + place * TILE + start


def frames_of(name: str, cut: Any, *texts: str) -> list[tuple[int, int]]:
    """First placeholder and frames of each video that is found in a batch of texts."""
    numbers: dict[str, int] = {"padding": 0}
    rows = []
    for text in texts:
        parts = re.split("(" + "|".join(MARKS[name]) + ")", text)
        pieces = [
            [part] if part in MARKS[name] else [piece for piece, _ in cut.pre_tokenize_str(part)] for part in parts
        ]
        rows.append([numbers.setdefault(piece, len(numbers)) for piece in itertools.chain(*pieces)])
    width = max(map(len, rows))
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    config = config_of(numbers[MARKS[name][0]])
    if name == "SmolVLM":
        config.vision_config = SimpleNamespace(image_size=48, patch_size=8)
    adapter = adapters()[f"{name}ForConditionalGeneration"](config, Reader(list(numbers)))
    videos = adapter.videos({"input_ids": ids, "pixel_values": torch.zeros(1)})
    return [(found.start, found.frames) for found in videos]


class Reader:
    """A tokenizer that gives the pieces back as text, as those that cut at bytes have them too."""

    def __init__(self, pieces: list[str]) -> None:
        self.pieces = pieces

    def decode(self, ids: list[int], **_: Any) -> str:
        pieces = [self.pieces[number] for number in ids]
        special = "".join(pieces)
        return decoders.ByteLevel().decode(pieces) if "\u0120" in special or "\u010a" in special else special


TIMES = {
    "seconds": range(8),
    "over a minute": range(64),
    "whole minutes": range(0, 240, 60),
    "uneven": [30, 59, 90, 119],
    "between": np.arange(32) * 18.75,
    "four a second": np.arange(300) / 4,
    "over an hour": range(3590, 3610),
    "over 100 minutes": [5990, 6000, 6010],
    "over 16 hours": range(59940, 60060, 7),
    "a day": np.arange(96) * 900.5,
    "all alike": [0.1, 0.2, 0.3],
    "two": [0, 75],
}


@pytest.mark.parametrize("name", MARKS)
@pytest.mark.parametrize("case", TIMES)
def test_a_clip_is_one_video_however_long(name: str, case: str, cut: Any) -> None:
    clip = video(name, TIMES[case])
    for before in ("User: ", f"user\n{ASKED}", "Look at this:"):
        assert frames_of(name, cut, before + clip + "\n" + ASKED) == [(0, len(TIMES[case]))]


@pytest.mark.parametrize("name", MARKS)
def test_two_videos_stay_two(name: str, cut: Any) -> None:
    found = functools.partial(frames_of, name, cut)
    for one, two in ((3, 5), (12, 12), (120, 11), (2, 2)):
        first, second = video(name, range(one)), video(name, range(two))
        for between in ("\n", "", "and\n", f"\n{ASKED}"):
            assert found("user\n" + first + between + second + ASKED) == [(0, one), (TILE * one, two)]
        assert found("user\n" + first + ASKED, "user\n" + second) == [(0, one), (TILE * one, two)]
    # What has one frame is left alone, and does not join the next.
    assert found("user\n" + video(name, [0]) + "\n" + video(name, range(4))) == [(TILE, 4)]


BETWEEN = {
    "nothing": ("", "", ""),
    "a new line": ("", "\n", "\n"),
    "words": ("One.", "Another one, quite like it.", "And the last."),
    "the same words": ("Look:\n", "Look:\n", "Look:\n"),
    "numbers": ("Image-1: ", "\nImage-2: ", "\nImage-3: "),
    "more numbers": ("Picture 1: ", "\nPicture 2: ", "\nPicture 3: "),
    "numbers alone": ("1: ", "\n2: ", "\n3: "),
    "clocks": ("From 00:10:", "\nFrame from 00:20:", "\nFrame from 00:30:"),
    "numbers in words": ("The first: ", "\nThe second one: ", "\nThe third one: "),
}


@pytest.mark.parametrize("name", MARKS)
@pytest.mark.parametrize("case", BETWEEN)
def test_images_of_one_tile_stay_images(name: str, case: str, cut: Any) -> None:
    captions = BETWEEN[case]
    for count in (2, 3):
        text = "".join(caption + image(name) for caption in captions[:count])
        assert frames_of(name, cut, f"user\n{text}\n{ASKED}") == []
    clip = video(name, range(58, 63))
    before = f"user\n{captions[0]}{image(name)}{captions[1]}{image(name)}\n"
    assert frames_of(name, cut, before + clip + "\n" + ASKED) == [(2 * TILE, 5)]
    after = f"{captions[1]}{image(name)}{captions[2]}{image(name)}\n"
    assert frames_of(name, cut, "user\n" + clip + after + ASKED) == [(0, 5)]


@pytest.mark.parametrize("name", MARKS)
def test_images_of_more_tiles_stay_images(name: str, cut: Any) -> None:
    images = [image(name, tiles) for tiles in (3, 1, 3, 2)]
    assert frames_of(name, cut, "user\n" + "\n".join(images) + ASKED) == []
    clip = video(name, range(4))
    assert frames_of(name, cut, f"user\n{images[0]}\n{clip}\n{images[2]}{clip}") == [(3 * TILE, 4), (10 * TILE, 4)]


def test_an_image_after_a_video_is_no_frame_of_it() -> None:
    clip = video("InternVL", range(3))
    for caption in ("Frame of another film: ", "Frame", "Frame4:", "Frame5: ", "Image4: ", "The other: "):
        assert frames_of("InternVL", CUTS["Qwen"], f"user\n{clip}\n{caption}{image('InternVL')}") == [(0, 3)]
    two_tiles = "\n".join(f"Frame{number}: {image('InternVL', 2)}" for number in (1, 2))
    assert frames_of("InternVL", CUTS["Qwen"], f"user\n{two_tiles}\n{ASKED}") == []


LENGTH = "from a 0:00:30 [H:MM:SS] video.\n"


@pytest.mark.parametrize(
    ("name", "captions", "found"),
    [
        ("InternVL", ("Frame1: ", "\nFrame2: "), True),
        ("InternVL", ("Image1: ", "\nImage2: "), False),
        ("InternVL", ("The one: ", "\nThe other: "), False),
        ("InternVL", ("Frame1: ", "\nFrame3: "), False),
        ("InternVL", ("Frame2: ", "\nFrame3: "), False),
        ("InternVL", ("Frame1: ", " and Frame2: "), False),
        ("SmolVLM", (f"{LENGTH}\nFrame from 00:10:", "\nFrame from 00:20:"), True),
        ("SmolVLM", ("At 0:00:10 and later.\nFrame from 00:10:", "\nFrame from 00:20:"), False),
        ("SmolVLM", (f"{LENGTH}\nSeen from 00:10:", "\nSeen from 00:20:"), False),
        ("SmolVLM", (f"{LENGTH}\nFrame from afar:", "\nFrame from 00:20:"), False),
        ("SmolVLM", (f"{LENGTH}\nFrame from 00:10:", "\nand Frame from 00:20:"), False),
    ],
)
def test_only_the_captions_of_the_processor_make_images_a_video(
    name: str, captions: tuple[str, str], found: bool, cut: Any
) -> None:
    text = "".join(caption + image(name) for caption in captions)
    assert frames_of(name, cut, f"user\n{text}\n{ASKED}") == ([(0, 2)] if found else [])


@pytest.mark.parametrize("name", MARKS)
def test_the_tokenizer_is_handed_over_or_found(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(4))
    words = AutoTokenizer.from_pretrained(model.name_or_path)
    for folder, given in (
        (model.name_or_path, {}),
        ("", {"tokenizer": words}),
        ("", {"processor": SimpleNamespace(tokenizer=words)}),
    ):
        model.name_or_path = folder
        with compressing(model, SHORT, **given) as run, torch.no_grad():
            model(**inputs)
        assert len(run.last) == 1
    for folder, found in (("", "says not where it was loaded from"), (str(tmp_path), "none that can be read in")):
        model.name_or_path = folder
        with pytest.raises(ValueError, match=rf"tokenizer: found none .*{found}.*attach\(model, ..., tokenizer=...\)"):
            attach(model, SHORT)
        assert not runs_of(model)


@pytest.mark.parametrize("name", MARKS)
@pytest.mark.parametrize("gap", [[], [10], [60, 61, 10]], ids=["nothing", "a new line", "words"])
def test_a_model_sees_images_of_one_tile_as_ever(name: str, gap: list[int]) -> None:
    kind = KINDS[name]
    model = kind.build()
    one = [START, GLOBAL, *[IMAGE] * TILE, START] if name == "SmolVLM" else [START, *[IMAGE] * TILE, END]
    ids = torch.tensor([[1, 5, 6, *one, *gap, *one, *gap, 30, 31, 40, 41]])
    pixels = torch.randn(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    inputs = {"input_ids": ids, "pixel_values": pixels[None] if name == "SmolVLM" else pixels}
    with torch.no_grad():
        plain = model(**inputs).logits
        with compressing(model, SHORT) as run:
            assert torch.equal(model(**inputs).logits, plain)
    assert run.last == []


def test_a_model_sees_a_clip_of_more_than_a_minute_as_one_video() -> None:
    kind = KINDS["SmolVLM"]
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(64))
    with compressing(model, SHORT) as run, torch.no_grad():
        model(**inputs)
    (only,) = run.last
    assert only.kept == round(0.15 * 64 * TILE)


@pytest.mark.parametrize("name", MARKS)
def test_pixels_without_ids_are_refused(name: str) -> None:
    """Embeddings do not tell frames from images, so that a video would be left as it is."""
    kind = KINDS[name]
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(4))
    embeddings = model.get_input_embeddings()(inputs.pop("input_ids"))
    with torch.no_grad():
        plain = model(**inputs, inputs_embeds=embeddings).logits
        for call in (model, lambda **given: model.generate(**given, max_new_tokens=1)):
            with (
                compressing(model, SHORT),
                pytest.raises(ValueError, match="input_ids: found none beside pixels; accepted are the prompt's ids"),
            ):
                call(**inputs, inputs_embeds=embeddings)
        words = {name: value for name, value in inputs.items() if name == "attention_mask"}
        with compressing(model, SHORT):  # without pixels they pass
            assert model(**words, inputs_embeds=embeddings).logits.shape == plain.shape
