"""Stock Video-LLMs of transformers with random weights, small enough to run a hundred times, and prompts for them."""

import atexit
import functools
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from infomerge.models.adapters import TinyModel, VideoAdapter, adapters

VOCABULARY = 128
PAD, VIDEO, IMAGE, START, END, GLOBAL, UTTERANCE, NEWLINE = 0, 120, 121, 122, 123, 124, 125, 10
# Ids of captions: the digits, ':', ' ', 'Frame', ' from' and what ends the sentence before SmolVLM's first frame.
ZERO, COLON, SPACE, FRAME, FROM, OPENING = 100, 110, 111, 112, 113, 114
WORDS = {
    NEWLINE: "\n",
    COLON: ":",
    SPACE: " ",
    FRAME: "Frame",
    FROM: " from",
    OPENING: " [H:MM:SS] video.",
    **{ZERO + digit: str(digit) for digit in range(10)},
}


def special_ids(tiny: TinyModel) -> dict[str, int]:
    """Ids of the special tokens of a tiny model, by what they stand for."""
    fixed = {"<video>": VIDEO, "<|video_pad|>": VIDEO, "<image>": IMAGE, "<|image_pad|>": IMAGE, "<IMG_CONTEXT>": IMAGE}
    fixed |= {"<|vision_start|>": START, "<img>": START, "<fake_token_around_image>": START}
    fixed |= {"<|vision_end|>": END, "</img>": END, "<global-img>": GLOBAL, "<end_of_utterance>": UTTERANCE}
    return {token: fixed[token] for token in tiny.special_tokens}


@dataclass
class Prompt:
    """Ids of one prompt, the videos and images in it in order, and what is needed to make pixels for them."""

    ids: list[int]
    videos: list[int]
    """Frames of each."""
    images: int = 0


@dataclass(frozen=True)
class Kind:
    """One class, how to build it, and how its prompts look."""

    name: str
    visual: Callable[[int], list[int]]
    """Ids of a video of so many frames."""
    picture: list[int]
    """Ids of one image."""
    pixels: Callable[[Any, list[Prompt], torch.Generator], dict[str, Any]]
    positions: int
    """Tokens a frame."""
    frames_per_token: int = 1
    unequal: bool = True
    """Whether videos of one batch may have different numbers of frames."""

    @property
    def adapter(self) -> type[VideoAdapter]:
        return adapters()[f"{self.name}ForConditionalGeneration"]

    def build(self, seed: int = 0, attention: str = "sdpa", **more: Any) -> Any:
        """A model with random weights; `more` changes its configuration."""
        tiny = self.adapter.tiny
        ends = {"vocab_size": VOCABULARY, "pad_token_id": PAD, "bos_token_id": 1, "eos_token_id": 2}
        options = tiny.arguments(special_ids(tiny), **ends) | {"pad_token_id": PAD}
        config = self.adapter.model_class().config_class(**_merged(options, more))
        config._attn_implementation = attention
        torch.manual_seed(seed)
        model = _spread(self.adapter.model_class()._from_config(config, attn_implementation=attention).eval().float())
        if self.adapter.modality == "image":
            model.name_or_path = str(_words_folder())
        return model

    def prompt(self, *parts: int | str, question: int = 3) -> Prompt:
        """A prompt of videos (numbers of frames), images ("image") and words."""
        ids, videos, images = [1, 5, 6], [], 0
        for number, part in enumerate(parts):
            if part == "image":
                ids += self.picture
                images += 1
            else:
                ids += self.visual(int(part))
                videos.append(int(part))
            ids += [30 + number, 31]
        return Prompt(ids + [40 + word for word in range(question)], videos, images)

    def inputs(self, model: Any, *prompts: Prompt, seed: int = 0) -> dict[str, Any]:
        """A left-padded batch."""
        width = max(len(prompt.ids) for prompt in prompts)
        rows = [[PAD] * (width - len(prompt.ids)) + prompt.ids for prompt in prompts]
        ids = torch.tensor(rows)
        mask = torch.tensor([[0] * (width - len(p.ids)) + [1] * len(p.ids) for p in prompts])
        generator = torch.Generator().manual_seed(seed)
        made = self.pixels(model, list(prompts), generator)
        if self.name.startswith("Qwen"):
            made["mm_token_type_ids"] = (ids == IMAGE).int() + 2 * (ids == VIDEO).int()
        return {"input_ids": ids, "attention_mask": mask, **made}


def noise(generator: torch.Generator, *shape: int) -> Tensor:
    """Pixels, or patches of them, that change slowly from one to the next along the first dimension."""
    steps = torch.randn(*shape, generator=generator)
    return steps.cumsum(dim=0) * 0.3 + steps


@functools.cache
def _words_folder() -> Path:
    """A folder with a tokenizer that knows the words of captions, as a checkpoint's would."""
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    words = {number: f"<{number}>" for number in range(VOCABULARY)} | WORDS
    core = Tokenizer(models.WordLevel({word: number for number, word in words.items()}, unk_token="<3>"))
    core.decoder = decoders.Fuse()
    folder = Path(tempfile.mkdtemp(prefix="infomerge-words-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    PreTrainedTokenizerFast(tokenizer_object=core).save_pretrained(folder)
    return folder


def _digits(number: int, width: int = 1) -> list[int]:
    return [ZERO + int(digit) for digit in f"{number:0{width}d}"]


def _duration(seconds: int) -> list[int]:
    """What opens a video of SmolVLM, such as '0:00:08'."""
    hours, rest = divmod(seconds, 3600)
    return [*_digits(hours), COLON, *_digits(rest // 60, 2), COLON, *_digits(rest % 60, 2), OPENING, NEWLINE]


def _clock(second: int) -> list[int]:
    """The caption of SmolVLM, such as 'Frame from 00:07:' on a new line."""
    minutes, seconds = _digits(second // 60, 2), _digits(second % 60, 2)
    return [NEWLINE, FRAME, FROM, SPACE, *minutes, COLON, *seconds, COLON]


def _number(frame: int) -> list[int]:
    """The caption of InternVL, such as 'Frame7: ' on a new line."""
    return [NEWLINE, FRAME, *_digits(frame), COLON, SPACE]


def _cat(parts: list[Tensor]) -> Tensor:
    return torch.cat(parts)


def _llava_pixels(model: Any, prompts: list[Prompt], generator: torch.Generator) -> dict[str, Any]:
    size = model.config.vision_config.image_size
    made: dict[str, Any] = {}
    videos = [frames for prompt in prompts for frames in prompt.videos]
    if videos:
        made["pixel_values_videos"] = torch.stack([noise(generator, frames, 3, size, size) for frames in videos])
    images = sum(prompt.images for prompt in prompts)
    if images:
        made["pixel_values"] = noise(generator, images, 2, 3, size, size)
        made["image_sizes"] = torch.tensor([[size, size]] * images)
    return made


def _grid_pixels(side: int, merge: int, channels: int, temporal: int) -> Callable[..., dict[str, Any]]:
    def pixels(model: Any, prompts: list[Prompt], generator: torch.Generator) -> dict[str, Any]:
        made: dict[str, Any] = {}
        videos = [frames // temporal for prompt in prompts for frames in prompt.videos]
        if videos:
            made["pixel_values_videos"] = _cat([noise(generator, steps * side**2, channels) for steps in videos])
            made["video_grid_thw"] = torch.tensor([[steps, side, side] for steps in videos])
        images = sum(prompt.images for prompt in prompts)
        if images:
            made["pixel_values"] = noise(generator, images * side**2, channels)
            made["image_grid_thw"] = torch.tensor([[1, side, side]] * images)
        if temporal == 1:  # VideoLLaMA 3 is told its merging
            made |= {"video_merge_sizes": torch.tensor([merge] * len(videos))} if videos else {}
            made |= {"image_merge_sizes": torch.tensor([merge] * images)} if images else {}
        return made

    return pixels


def _frame_pixels(model: Any, prompts: list[Prompt], generator: torch.Generator) -> dict[str, Any]:
    """Frames and images in the order of the prompts: images of two tiles, frames of one."""
    size = model.config.vision_config.image_size
    size = size if isinstance(size, int) else size[0]
    rows = []
    for prompt in prompts:
        count = sum(prompt.videos) + 2 * prompt.images
        if count:
            rows.append(noise(generator, count, 3, size, size))
    if not rows:
        return {}
    if "SmolVLM" in type(model).__name__:
        most = max(len(row) for row in rows)
        return {
            "pixel_values": torch.stack(
                [torch.cat([row, row.new_zeros(most - len(row), 3, size, size)]) for row in rows]
            )
        }
    return {"pixel_values": _cat(rows)}


def _merged(options: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """Options with some changed, those of nested configurations too."""
    result = {name: dict(value) if isinstance(value, dict) else value for name, value in options.items()}
    for name, value in more.items():
        result[name] = {**result[name], **value} if isinstance(value, dict) else value
    return result


def _spread(model: Any) -> Any:
    """Larger weights than a fresh model's: what it says then depends visibly on what it sees."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim >= 2 and "embed_tokens" not in name:
                weight.mul_(4)
    return model


LLAVA_ONEVISION = Kind(
    "LlavaOnevision",
    visual=lambda frames: [VIDEO] * (9 * frames + 1),
    picture=[IMAGE] * (36 + 6 * 7),
    pixels=_llava_pixels,
    positions=9,
    unequal=False,
)
LLAVA_NEXT_VIDEO = Kind(
    "LlavaNextVideo",
    visual=lambda frames: [VIDEO] * (9 * frames),
    picture=[IMAGE] * (36 + 6 * 7),
    pixels=_llava_pixels,
    positions=9,
    unequal=False,
)


def _qwen(name: str, visual: Callable[[int], list[int]]) -> Kind:
    return Kind(
        name,
        visual=visual,
        picture=[START, *[IMAGE] * 9, END],
        pixels=_grid_pixels(side=6, merge=2, channels=3 * 2 * 4 * 4, temporal=2),
        positions=9,
        frames_per_token=2,
    )


QWEN2_VL = _qwen("Qwen2VL", lambda frames: [START, *[VIDEO] * (9 * (frames // 2)), END])
QWEN25_VL = _qwen("Qwen2_5_VL", lambda frames: [START, *[VIDEO] * (9 * (frames // 2)), END])
QWEN3_VL = _qwen(
    "Qwen3VL",
    lambda frames: [token for t in range(frames // 2) for token in (50 + t, 60, START, *[VIDEO] * 9, END)],
)
SMOLVLM = Kind(
    "SmolVLM",
    visual=lambda frames: (
        _duration(frames) + [i for t in range(frames) for i in (*_clock(t), START, GLOBAL, *[IMAGE] * 9, START)]
    ),
    # One tile and the whole image.
    picture=[START, 70, *[IMAGE] * 9, NEWLINE, START, 71, *[IMAGE] * 9, START],
    pixels=_frame_pixels,
    positions=9,
)
INTERNVL = Kind(
    "InternVL",
    visual=lambda frames: [i for t in range(frames) for i in (*_number(t + 1), START, *[IMAGE] * 9, END)],
    picture=[START, *[IMAGE] * 18, END],
    pixels=_frame_pixels,
    positions=9,
)
VIDEO_LLAMA_3 = Kind(
    "VideoLlama3",
    visual=lambda frames: [START, *[VIDEO] * (9 * frames), END],
    picture=[START, *[IMAGE] * 9, END],
    pixels=_grid_pixels(side=6, merge=2, channels=3 * 4 * 4, temporal=1),
    positions=9,
)

KINDS = {
    kind.name: kind
    for kind in (
        LLAVA_ONEVISION,
        LLAVA_NEXT_VIDEO,
        QWEN2_VL,
        QWEN25_VL,
        QWEN3_VL,
        SMOLVLM,
        INTERNVL,
        VIDEO_LLAMA_3,
    )
}
