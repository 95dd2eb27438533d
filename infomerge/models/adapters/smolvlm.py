"""SmolVLM: SigLIP, pixel shuffle, a linear connector; frames are images with clocks."""

import math
import re
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from jaxtyping import UInt8
from torch import Tensor

from infomerge.models import pixels
from infomerge.models.adapters.base import ProcessedFrames, VideoMetadata
from infomerge.models.adapters.frames_as_images import FramesAsImagesAdapter
from infomerge.models.adapters.tiny import HALF, SIGLIP, TEXT, TinyModel
from infomerge.models.pixels import HALF_UNIT, LANCZOS

_CLOCK = r"\nFrame from \d{2,}:\d\d:"
_LARGEST = 4096
"""Pixels along the longer side that the first resizing never exceeds."""
_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


class SmolVLMAdapter(FramesAsImagesAdapter):
    """Each frame an image of one tile, after 'Frame from 01:07:' on a line of its own.

    A sentence with the duration opens a video, and keeps two of them apart. The conversation has a form of its own.
    """

    class_name = "SmolVLMForConditionalGeneration"
    defaults = MappingProxyType(
        LANCZOS | HALF_UNIT | {"size": {"longest_edge": 4 * 364}, "max_image_size": {"longest_edge": 364}}
    )
    marks = 2
    first_caption = re.compile(rf"\[H:MM:SS\] video\.\n{_CLOCK}\Z")
    next_caption = re.compile(_CLOCK)
    tiny = TinyModel(
        options={"scale_factor": 2},
        vision=SIGLIP | {"model_type": "smolvlm_vision"},
        text={"model_type": "llama", **TEXT},
        roles={"image_token_id": "<image>"},
        tokenizer_roles={"image_token": "<image>", "fake_image_token": "<fake_token_around_image>"},
        marks=("<global-img>", "<end_of_utterance>"),
        settings={"size": {"longest_edge": 96}, "max_image_size": {"longest_edge": 48}, **HALF},
        video="<video>",
    )

    @classmethod
    def tiny_config(cls, ids: Mapping[str, int], tiny: TinyModel | None = None, **text: Any) -> Any:
        config = super().tiny_config(ids, tiny, **text)
        config.pad_token_id = text.get("pad_token_id")  # its own default lies beyond a small vocabulary
        return config

    @property
    def tokens_per_tile(self) -> int:
        vision = self.config.vision_config
        return int((vision.image_size // vision.patch_size // self.config.scale_factor) ** 2)

    @property
    def text_model(self) -> Any:
        return self.base_model.text_model

    def attention(self, inputs: Mapping[str, Any]) -> Any:
        return self.base_model.vision_model.encoder.layers[-1].self_attn

    def settled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        sampling = given.get("video_sampling")
        return super().settled({"size": sampling["video_size"], **given} if sampling else given)

    def preprocess(
        self, frames: UInt8[Tensor, "frames 3 height width"], settings: Mapping[str, Any]
    ) -> ProcessedFrames:
        # The image goes to one size that keeps its shape, then to a square that does not, as in training.
        size = settings["size"]
        height, width = frames.shape[2:]
        if side := size.get("longest_edge"):
            target = pixels.longest_side(height, width, min(side, _LARGEST))
        else:
            target = (size["height"], size["width"])
        side, resample = settings["max_image_size"]["longest_edge"], settings["resample"]
        square = pixels.resized(pixels.resized(frames, target, resample), (side, side), resample)
        self.check_size(square)
        made = pixels.normalized(square, settings)
        tokens = side // self.config.vision_config.patch_size // self.config.scale_factor
        return ProcessedFrames({"pixel_values": made[None]}, len(made), (tokens, tokens))

    def video_text(self, made: ProcessedFrames, metadata: VideoMetadata) -> str:
        around = self.named_token("fake_image", "<fake_token_around_image>")
        whole = self.named_token("global_image", "<global-img>")
        frame = around + whole + self.placeholder_token * math.prod(made.grid) + around
        captions = [f"\nFrame from {int(time // 60):02d}:{int(time % 60):02d}:" for time in metadata.timestamps]
        frames, length = in_words(made.frames), timedelta(seconds=int(metadata.duration))
        opening = f"You are provided the following series of {frames} frames from a {length} [H:MM:SS] video.\n"
        return opening + "".join(caption + frame for caption in captions) + "\n\n"

    def prompt_text(self, template: str | None, question: str, video: str) -> str:
        # For videos transformers sets the checkpoint's template aside.
        return f"<|im_start|>User: {video}{question}<end_of_utterance>\nAssistant:"


def in_words(number: int) -> str:
    """A number from 0 to 999 in English, as SmolVLM's prompt has the number of frames.

    Raises:
        ValueError: the number is larger.
    """
    if not 0 <= number <= 999:
        raise ValueError(f"frames: found {number}; accepted are up to 999 for this model")
    if number < 20:
        return _SMALL[number]
    if number < 100:
        rest = f"-{_SMALL[number % 10]}" if number % 10 else ""
        return _TENS[number // 10 - 2] + rest
    rest = f" and {in_words(number % 100)}" if number % 100 else ""
    return f"{_SMALL[number // 100]} hundred{rest}"
