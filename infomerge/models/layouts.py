"""How each supported Video-LLM is shown a clip: the pixels of its frames, and the text around its tokens."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from infomerge.models import pixels

_CLIP = {
    "image_mean": (0.48145466, 0.4578275, 0.40821073),
    "image_std": (0.26862954, 0.26130258, 0.27577711),
}
_HALF = {"image_mean": (0.5, 0.5, 0.5), "image_std": (0.5, 0.5, 0.5)}
_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_BICUBIC = {"resample": 3, "rescale_factor": 1 / 255}
_LANCZOS = {"resample": 1, "rescale_factor": 1 / 255}


@dataclass(frozen=True, eq=False)
class Pixels:
    """The frames as a tower takes them, and the tokens that come of them."""

    inputs: dict[str, Tensor]
    frames: int
    grid: tuple[int, int]


@dataclass(frozen=True)
class Footage:
    """What a prompt says about a clip beside its pixels."""

    timestamps: list[float]
    duration: float


class Layout(ABC):
    """How one kind of Video-LLM is shown a clip: its pixels, and the text that holds places for its tokens."""

    defaults: ClassVar[Mapping[str, Any]]
    """Settings of preprocessing where the checkpoint has none: those of the class's video processor in transformers."""
    modality: ClassVar[Literal["video", "image"]] = "video"
    """Which placeholders stand for the clip's tokens."""
    sized: ClassVar[bool] = False
    """Whether frames keep their shape, so that their number of pixels can be limited."""
    token_types: ClassVar[bool] = False
    """Whether the model is told which ids are placeholders."""

    def settled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The checkpoint's settings, with the defaults for what it leaves out."""
        return {**self.defaults, **given}

    @abstractmethod
    def pixels(
        self, frames: UInt8[Tensor, "frames 3 height width"], settings: Mapping[str, Any], config: Any
    ) -> Pixels:
        """Resize, crop, normalise and cut the frames."""

    @abstractmethod
    def places(self, made: Pixels, footage: Footage, tokens: "Tokens") -> str:
        """The text that takes the place of the video in the prompt."""

    def timing(self, made: Pixels, footage: Footage, settings: Mapping[str, Any]) -> dict[str, Tensor]:
        """Arguments that tell the model about time."""
        return {}

    def prompt(self, tokenizer: Any, template: str | None, question: str, video: str) -> str:
        """The conversation of one question, with `video` where the video is."""
        if template is None:
            raise ValueError(
                "name_or_path: found no chat template; accepted is a checkpoint with chat_template.jinja, "
                "chat_template.json, or one in its tokenizer_config.json"
            )
        content = [{"type": "video"}, {"type": "text", "text": question}]
        rendered: str = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], chat_template=template, tokenize=False, add_generation_prompt=True
        )
        return rendered


class Tokens:
    """Special tokens by their roles: the tokenizer's own names for them, or the usual ones."""

    def __init__(self, tokenizer: Any, config: Any, modality: str) -> None:
        self._tokenizer = tokenizer
        self.place_id = int(getattr(config, f"{modality}_token_id"))
        """Id of the placeholder of one visual token."""
        found = tokenizer.convert_ids_to_tokens(self.place_id) if self.place_id < len(tokenizer) else None
        if found is None:
            raise ValueError(
                f"name_or_path: found a tokenizer of {len(tokenizer)} tokens; accepted is one with token "
                f"{self.place_id}, the {modality}_token_id of config.json"
            )
        self.place: str = found

    def named(self, role: str, usual: str) -> str:
        """The token of a role such as "vision_start"."""
        token: str = getattr(self._tokenizer, f"{role}_token", None) or usual
        return token


class _Squares(Layout):
    """Frames of one size."""

    @staticmethod
    def squares(frames: Tensor, settings: Mapping[str, Any], config: Any) -> Float[Tensor, "frames 3 rows columns"]:
        """Frames resized, cropped where the settings say so, and normalised."""
        height, width = frames.shape[2:]
        size = settings["size"]
        match size:
            case {"height": int(rows), "width": int(columns)}:
                target = (rows, columns)
            case {"shortest_edge": int(side)}:
                target = pixels.shortest_side(height, width, side)
            case _:
                raise ValueError(
                    f"size in the checkpoint's preprocessing: found {size}; accepted are height and width, and "
                    "shortest_edge"
                )
        frames = pixels.resized(frames, target, settings["resample"])
        if settings.get("do_center_crop"):
            frames = pixels.cropped(frames, settings.get("crop_size"))
        _check_size(frames, config)
        return pixels.normalised(frames, settings)


class _Llava(_Squares):
    """One run of placeholders for the whole clip."""

    newlines: ClassVar[int]
    """Placeholders after the clip's."""

    def pixels(self, frames: Tensor, settings: Mapping[str, Any], config: Any) -> Pixels:
        made = self.squares(frames, settings, config)
        rows, columns = (side // config.vision_config.patch_size for side in made.shape[2:])
        return Pixels({"pixel_values_videos": made[None]}, len(made), self.shrunk(rows, columns, config))

    @abstractmethod
    def shrunk(self, rows: int, columns: int, config: Any) -> tuple[int, int]:
        """The grid of tokens that the model makes of a grid of patches."""

    def places(self, made: Pixels, footage: Footage, tokens: Tokens) -> str:
        return tokens.place * (made.frames * math.prod(made.grid) + self.newlines)


class _LlavaOnevision(_Llava):
    defaults = MappingProxyType(_BICUBIC | _CLIP | {"size": {"height": 384, "width": 384}})
    newlines = 1

    def shrunk(self, rows: int, columns: int, config: Any) -> tuple[int, int]:
        return math.ceil(rows / 2), math.ceil(columns / 2)


class _LlavaNextVideo(_Llava):
    defaults = MappingProxyType(
        _BICUBIC
        | _CLIP
        | {"size": {"shortest_edge": 224}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}}
    )
    newlines = 0

    def shrunk(self, rows: int, columns: int, config: Any) -> tuple[int, int]:
        return rows // config.spatial_pool_stride, columns // config.spatial_pool_stride


class _Grids(Layout):
    """Frames that keep their shape, cut into patches of which a square becomes one token."""

    sized = True

    def pixels(self, frames: Tensor, settings: Mapping[str, Any], config: Any) -> Pixels:
        height, width = frames.shape[2:]
        patch, merge, together = (settings[name] for name in ("patch_size", "merge_size", "temporal_patch_size"))
        target = self.target(len(frames), height, width, settings)
        made = pixels.normalised(pixels.resized(frames, target, settings["resample"]), settings)
        rows, grid = pixels.patches(made, patch, merge, together)
        inputs = {"pixel_values_videos": rows, "video_grid_thw": torch.tensor([grid])}
        return Pixels(inputs, grid[0], (grid[1] // merge, grid[2] // merge))

    def settled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        settings = super().settled(given)
        size = settings["size"]
        least = given.get("min_pixels") or size.get("shortest_edge")
        most = given.get("max_pixels") or size.get("longest_edge")
        if not least or not most:
            raise ValueError(
                f"size in the checkpoint's preprocessing: found {size}; accepted are shortest_edge and longest_edge, "
                "numbers of pixels"
            )
        return settings | {"size": {"shortest_edge": least, "longest_edge": most}}

    @staticmethod
    def limits(settings: Mapping[str, Any], frames: int) -> tuple[int, int]:
        """Least and most pixels, of as many frames as the settings' are of."""
        most, own = settings["size"]["longest_edge"], settings.get("most_pixels_a_frame")
        return settings["size"]["shortest_edge"], most if own is None else min(most, own * frames)

    def target(self, frames: int, height: int, width: int, settings: Mapping[str, Any]) -> tuple[int, int]:
        """The size that frames are resized to."""
        least, most = self.limits(settings, 1)
        return pixels.whole_patches(height, width, settings["patch_size"] * settings["merge_size"], least, most)

    def places(self, made: Pixels, footage: Footage, tokens: Tokens) -> str:
        return tokens.place * (made.frames * math.prod(made.grid))


_QWEN2_SIZES = {
    "size": {"shortest_edge": 128 * 28 * 28, "longest_edge": 28 * 28 * 768},
    "patch_size": 14,
    "merge_size": 2,
}


class _Qwen2VL(_Grids):
    defaults = MappingProxyType(_BICUBIC | _CLIP | _QWEN2_SIZES | {"temporal_patch_size": 2})
    token_types = True


class _Qwen25VL(_Qwen2VL):
    def timing(self, made: Pixels, footage: Footage, settings: Mapping[str, Any]) -> dict[str, Tensor]:
        seconds = footage.duration / len(footage.timestamps)
        return {"second_per_grid_ts": torch.tensor([settings["temporal_patch_size"] * seconds])}


class _Qwen3VL(_Grids):
    """The time of every two frames before their tokens, between marks of their own."""

    defaults = MappingProxyType(
        _BICUBIC
        | _HALF
        | {
            "size": {"shortest_edge": 128 * 32 * 32, "longest_edge": 32 * 32 * 768},
            "patch_size": 16,
            "merge_size": 2,
            "temporal_patch_size": 2,
        }
    )
    token_types = True

    def target(self, frames: int, height: int, width: int, settings: Mapping[str, Any]) -> tuple[int, int]:
        least, most = self.limits(settings, frames)
        factor, together = settings["patch_size"] * settings["merge_size"], settings["temporal_patch_size"]
        if frames < together:
            raise ValueError(f"frames: found {frames}; accepted are {together} or more for this model")
        if min(height, width) < factor:
            grow = factor / min(height, width)
            height, width = int(height * grow), int(width * grow)
        return pixels.whole_patches(height, width, factor, least, most, frames, round(frames / together) * together)

    def places(self, made: Pixels, footage: Footage, tokens: Tokens) -> str:
        start, end = tokens.named("vision_start", "<|vision_start|>"), tokens.named("vision_end", "<|vision_end|>")
        frame = start + tokens.place * math.prod(made.grid) + end
        together = math.ceil(len(footage.timestamps) / made.frames)
        return "".join(f"<{time:.1f} seconds>{frame}" for time in pixels.frames_together(footage.timestamps, together))


class _VideoLlama3(_Grids):
    """The time of every frame before its tokens; all frames share a limit of pixels.

    The checkpoint's own dropping of tokens that change little stays off: InfoMerge is given all of them.
    """

    defaults = MappingProxyType(_BICUBIC | _HALF | _QWEN2_SIZES | {"temporal_patch_size": 1})

    def target(self, frames: int, height: int, width: int, settings: Mapping[str, Any]) -> tuple[int, int]:
        least, most = self.limits(settings, frames)
        factor = settings["patch_size"] * settings["merge_size"]
        return pixels.whole_patches(height, width, factor, least, most // frames)

    def pixels(self, frames: Tensor, settings: Mapping[str, Any], config: Any) -> Pixels:
        made = super().pixels(frames, settings, config)
        further = {
            "video_merge_sizes": torch.tensor([settings["merge_size"]]),
            "video_compression_mask": torch.ones(made.frames * math.prod(made.grid), dtype=torch.bool),
        }
        return Pixels(made.inputs | further, made.frames, made.grid)

    def places(self, made: Pixels, footage: Footage, tokens: Tokens) -> str:
        frame = tokens.place * math.prod(made.grid)
        return ",".join(f"Time {time:.1f}s:{frame}" for time in footage.timestamps)


class _SmolVLM(Layout):
    """Each frame an image of one tile, with its time before it; the conversation has a form of its own."""

    defaults = MappingProxyType(
        _LANCZOS | _HALF | {"size": {"longest_edge": 4 * 364}, "max_image_size": {"longest_edge": 364}}
    )
    modality = "image"
    LARGEST = 4096
    """Pixels along the longer side that the first resizing never exceeds."""

    def settled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        sampling = given.get("video_sampling")
        return super().settled({"size": sampling["video_size"], **given} if sampling else given)

    def pixels(self, frames: Tensor, settings: Mapping[str, Any], config: Any) -> Pixels:
        # The image goes to one size that keeps its shape, then to a square that does not, as in training.
        size = settings["size"]
        height, width = frames.shape[2:]
        if side := size.get("longest_edge"):
            target = pixels.longest_side(height, width, min(side, self.LARGEST))
        else:
            target = (size["height"], size["width"])
        side = settings["max_image_size"]["longest_edge"]
        square = pixels.resized(
            pixels.resized(frames, target, settings["resample"]), (side, side), settings["resample"]
        )
        _check_size(square, config)
        made = pixels.normalised(square, settings)
        tokens = side // config.vision_config.patch_size // config.scale_factor
        return Pixels({"pixel_values": made[None]}, len(made), (tokens, tokens))

    def places(self, made: Pixels, footage: Footage, tokens: Tokens) -> str:
        around, whole = (
            tokens.named("fake_image", "<fake_token_around_image>"),
            tokens.named("global_image", "<global-img>"),
        )
        frame = around + whole + tokens.place * math.prod(made.grid) + around
        captions = [f"\nFrame from {int(time // 60):02d}:{int(time % 60):02d}:" for time in footage.timestamps]
        frames, length = in_words(made.frames), timedelta(seconds=int(footage.duration))
        opening = f"You are provided the following series of {frames} frames from a {length} [H:MM:SS] video.\n"
        return opening + "".join(caption + frame for caption in captions) + "\n\n"

    def prompt(self, tokenizer: Any, template: str | None, question: str, video: str) -> str:
        # For videos transformers sets the checkpoint's template aside.
        return f"<|im_start|>User: {video}{question}<end_of_utterance>\nAssistant:"


class _InternVL(_Squares):
    """Each frame an image of one tile, numbered."""

    defaults = MappingProxyType(_BICUBIC | _CLIP | {"size": {"height": 384, "width": 384}})
    modality = "image"

    def pixels(self, frames: Tensor, settings: Mapping[str, Any], config: Any) -> Pixels:
        made = self.squares(frames, settings, config)
        patch = config.vision_config.patch_size
        sides = zip(made.shape[2:], patch if isinstance(patch, Sequence) else (patch, patch), strict=True)
        rows, columns = (int(side // each * config.downsample_ratio) for side, each in sides)
        return Pixels({"pixel_values": made}, len(made), (rows, columns))

    def places(self, made: Pixels, footage: Footage, tokens: Tokens) -> str:
        start, end = tokens.named("start_image", "<img>"), tokens.named("end_image", "</img>")
        frame = start + tokens.place * math.prod(made.grid) + end
        return "\n".join(f"Frame{number + 1}: {frame}" for number in range(made.frames))


LAYOUTS: dict[str, Layout] = {
    "LlavaOnevisionForConditionalGeneration": _LlavaOnevision(),
    "LlavaNextVideoForConditionalGeneration": _LlavaNextVideo(),
    "Qwen2VLForConditionalGeneration": _Qwen2VL(),
    "Qwen2_5_VLForConditionalGeneration": _Qwen25VL(),
    "Qwen3VLForConditionalGeneration": _Qwen3VL(),
    "SmolVLMForConditionalGeneration": _SmolVLM(),
    "InternVLForConditionalGeneration": _InternVL(),
    "VideoLlama3ForConditionalGeneration": _VideoLlama3(),
}


def _check_size(frames: UInt8[Tensor, "frames 3 rows columns"], config: Any) -> None:
    """Refuse frames that the tower was not made for: it fails on them, or their tokens are not known for a video's."""
    size = config.vision_config.image_size
    accepted = tuple(size) if isinstance(size, Sequence) else (size, size)
    if frames.shape[2:] != accepted:
        found = " x ".join(str(side) for side in frames.shape[2:])
        raise ValueError(
            f"size in the checkpoint's preprocessing: found one that makes frames of {found}; accepted is "
            f"{' x '.join(map(str, accepted))}, the vision tower's image_size"
        )


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
