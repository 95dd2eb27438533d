"""What sets the supported kinds of Video-LLM apart: where the tokens of a video lie, and who looks at them.

All of them encode images and videos to rows of visual features, which take the places of placeholder ids in the prompt,
one after the other. A family says which of these rows are the tokens of a video, frame by frame, and how the attention
of the vision tower is brought to the same grid.
"""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from infomerge.encoders.vision_tower import probe_attention
from infomerge.models.saliency import recorded_attention, recorded_input


@dataclass(frozen=True)
class VideoRows:
    """The rows of visual features that are one video's tokens: frame after frame, row-major within a frame."""

    start: int
    """Number of the first of them among all rows of the modality."""
    frames: int
    grid: tuple[int, int]
    """Rows and columns of positions."""

    @property
    def positions(self) -> int:
        """Tokens a frame."""
        return math.prod(self.grid)

    @property
    def end(self) -> int:
        """Number of the row after the last."""
        return self.start + self.frames * self.positions


@dataclass
class Attention:
    """What a tower's attention said while it encoded."""

    source: str
    received: list[Float[Tensor, "_ _"]]
    """Of each call of the attention module, or of each input of the pooling head."""


class Family(ABC):
    """One kind of Video-LLM. Everything but `modality` and `videos` has a default that most families share."""

    modality: ClassVar[Literal["video", "image"]] = "video"
    """Which placeholders stand for the tokens of a video."""

    def has_video(self, model: Any, inputs: Mapping[str, Any]) -> bool:
        """Whether there are pixels of a video.

        Raises:
            ValueError: there are pixels, and it cannot be told what they are of.
        """
        return inputs.get("pixel_values_videos") is not None

    def check(self, inputs: Mapping[str, Any]) -> None:  # noqa: B027  most families take everything
        """Refuse what this family cannot compress.

        Raises:
            ValueError: what it is.
        """

    @abstractmethod
    def videos(self, model: Any, inputs: Mapping[str, Any], sizes: Sequence[int]) -> list[VideoRows]:
        """Where the tokens of each video lie.

        Args:
            model: the model.
            inputs: what it was called with.
            sizes: rows of each visual feature, in order.
        """

    def text_model(self, model: Any) -> Any:
        """The language model inside."""
        return model.base_model.language_model

    @abstractmethod
    def attention(self, model: Any, inputs: Mapping[str, Any]) -> Any:
        """The attention module of the block that the features come from, or None."""

    def has_cls(self, model: Any) -> bool:
        """Whether the tower's first token is [CLS], whose attention is then taken alone."""
        return False

    def pooling_head(self, model: Any) -> Any:
        """The pooling head of the tower, whose attention is preferred, or None."""
        return None

    @contextmanager
    def watched(self, model: Any, inputs: Mapping[str, Any]) -> Iterator[Attention | None]:
        """Attention of the tower, whichever it has, for what is encoded inside the block."""
        head, attention = self.pooling_head(model), self.attention(model, inputs)
        with ExitStack() as stack:
            if head is not None:
                watched = Attention("attention of the pooling head", stack.enter_context(recorded_input(head)))
                yield watched
                watched.received = [probe_attention(head, states) for states in watched.received]
            elif attention is not None:
                cls = self.has_cls(model)
                source = f"attention of {'[CLS]' if cls else 'all tokens'} in the block that the features come from"
                yield Attention(source, stack.enter_context(recorded_attention(attention, cls)))
            else:
                yield None

    @abstractmethod
    def saliency(
        self, model: Any, inputs: Mapping[str, Any], received: list[Tensor], videos: Sequence[VideoRows]
    ) -> list[Float[Tensor, "_ _"]]:
        """The attention received, [frames, positions] for each video."""

    def pooled_output(self, rows: list[Tensor]) -> Any:
        """Rows of visual features in the form that the model's `forward` reads."""
        return tuple(rows)


class _LlavaFamily(Family):
    """A tower of whole images, a projector, and a square grid that is shrunk for videos."""

    after_video: ClassVar[int]
    """Rows at the end of each video that are no tokens of its frames."""

    def videos(self, model: Any, inputs: Mapping[str, Any], sizes: Sequence[int]) -> list[VideoRows]:
        frames = inputs["pixel_values_videos"].shape[1]
        starts = itertools.accumulate(sizes, initial=0)
        side = math.isqrt((sizes[0] - self.after_video) // frames)
        return [VideoRows(start, frames, (side, side)) for start, _ in zip(starts, sizes, strict=False)]

    def attention(self, model: Any, inputs: Mapping[str, Any]) -> Any:
        block = _chosen_block(_unwrapped(model.base_model.vision_tower).encoder.layers, model, inputs)
        return None if block is None else block.self_attn

    def has_cls(self, model: Any) -> bool:
        return model.config.vision_config.model_type == "clip_vision_model"

    def pooling_head(self, model: Any) -> Any:
        return getattr(_unwrapped(model.base_model.vision_tower), "head", None)

    def saliency(
        self, model: Any, inputs: Mapping[str, Any], received: list[Tensor], videos: Sequence[VideoRows]
    ) -> list[Tensor]:
        patches = torch.cat(received)[:, int(self.has_cls(model)) :]
        side = math.isqrt(patches.shape[1])
        grid = videos[0].grid
        pooled = self.shrunk(patches.view(-1, 1, side, side), grid).flatten(1)
        return list(pooled.split([video.frames for video in videos]))

    @abstractmethod
    def shrunk(
        self, maps: Float[Tensor, "frames 1 side side"], grid: tuple[int, int]
    ) -> Float[Tensor, "frames 1 rows columns"]:
        """Maps on the grid of the tokens, shrunk as the model shrinks its features."""


class _LlavaOnevision(_LlavaFamily):
    """SigLIP, a projector, bilinear interpolation to half the side, and a newline after the whole video."""

    after_video = 1

    def shrunk(self, maps: Tensor, grid: tuple[int, int]) -> Tensor:
        return functional.interpolate(maps, size=grid, mode="bilinear")

    def pooled_output(self, rows: list[Tensor]) -> Any:
        return torch.cat(rows)[None]


class _LlavaNextVideo(_LlavaFamily):
    """CLIP, pooling over small squares, a projector."""

    after_video = 0

    def shrunk(self, maps: Tensor, grid: tuple[int, int]) -> Tensor:
        stride = maps.shape[-1] // grid[0]
        return functional.avg_pool2d(maps, stride, stride)


class _GridFamily(Family):
    """Videos of any size; the rows and columns of each are given beside its pixels."""

    def videos(self, model: Any, inputs: Mapping[str, Any], sizes: Sequence[int]) -> list[VideoRows]:
        starts = itertools.accumulate(sizes, initial=0)
        grids = inputs["video_grid_thw"].tolist()
        merged = self.merged_side(model, inputs, len(grids))
        return [
            VideoRows(start, frames, (rows // side, columns // side))
            for start, (frames, rows, columns), side in zip(starts, grids, merged, strict=False)
        ]

    def merged_side(self, model: Any, inputs: Mapping[str, Any], videos: int) -> list[int]:
        """Side of the square of patches that becomes one token, for each video."""
        return [model.config.vision_config.spatial_merge_size] * videos

    def attention(self, model: Any, inputs: Mapping[str, Any]) -> Any:
        return model.base_model.visual.blocks[-1].attn

    def saliency(
        self, model: Any, inputs: Mapping[str, Any], received: list[Tensor], videos: Sequence[VideoRows]
    ) -> list[Tensor]:
        # Patches come square by square, so that those of one token are neighbours.
        patches = torch.cat([part.flatten() for part in received])
        sides = self.merged_side(model, inputs, len(videos))
        parts = patches.split([(video.end - video.start) * side**2 for video, side in zip(videos, sides, strict=True)])
        tokens = torch.cat([part.view(-1, side**2).mean(dim=1) for part, side in zip(parts, sides, strict=True)])
        tokens = self.unpermuted(model, inputs, tokens)
        return [tokens[video.start : video.end].view(video.frames, video.positions) for video in videos]

    def unpermuted(self, model: Any, inputs: Mapping[str, Any], tokens: Float[Tensor, "tokens"]) -> Tensor:
        """Tokens in the order of the frames, from the order in which the tower works on them."""
        return tokens


class _Qwen2VL(_GridFamily):
    """Qwen2-VL and Qwen3-VL: M-RoPE, two frames a token in time, and in Qwen3-VL DeepStack features."""


class _Qwen25VL(_GridFamily):
    """Qwen2.5-VL: as Qwen2-VL, with attention in windows in most blocks."""

    def unpermuted(self, model: Any, inputs: Mapping[str, Any], tokens: Float[Tensor, "tokens"]) -> Tensor:
        from transformers.vision_utils import get_vision_window_index

        vision = model.config.vision_config
        windows, _ = get_vision_window_index(
            inputs["video_grid_thw"],
            spatial_merge_size=vision.spatial_merge_size,
            window_size=vision.window_size,
            patch_size=vision.patch_size,
        )
        return torch.empty_like(tokens).scatter_(0, windows.to(tokens.device), tokens)


class _VideoLlama3(_GridFamily):
    """SigLIP with rotary positions, bilinear interpolation, a projector."""

    def check(self, inputs: Mapping[str, Any]) -> None:
        mask = inputs.get("video_compression_mask")
        if mask is not None and not mask.all():
            raise ValueError(
                "video_compression_mask: found one that drops tokens before InfoMerge sees them; accepted are none, "
                "and one that keeps all (the processor's use_token_compression=False)"
            )

    def merged_side(self, model: Any, inputs: Mapping[str, Any], videos: int) -> list[int]:
        sides: list[int] = inputs["video_merge_sizes"].tolist()
        return sides

    def attention(self, model: Any, inputs: Mapping[str, Any]) -> Any:
        return model.base_model.vision_model.encoder.layers[-1].self_attn


class _FramesAsImages(Family):
    """Models that are given a video as a row of images, each after a caption and between the same marks.

    Nothing but the captions says that images are frames. A video is at least two images in a row of one tile each,
    with nothing but the caption that the class's processor writes between them. The tokenizer is not at hand, so the
    caption is known by what its ids have in common, whether the tokenizer makes one id of a number or one a digit.
    Images stay images, unless a prompt gives images of one tile captions of that very form.
    """

    modality = "image"

    marks: ClassVar[int]
    """Ids between a caption and the placeholders."""

    def has_video(self, model: Any, inputs: Mapping[str, Any]) -> bool:
        if inputs.get("pixel_values") is None:
            return False
        if inputs.get("input_ids") is None:
            raise ValueError(
                "input_ids: found none beside pixels; accepted are the prompt's ids, which tell frames from images"
            )
        return bool(self.videos(model, inputs, []))

    @abstractmethod
    def tile(self, model: Any) -> int:
        """Tokens of one tile."""

    @abstractmethod
    def continues(self, frames: Sequence["_Run"], run: "_Run") -> bool:
        """Whether the caption of a run is the next one of the video that some runs are the first frames of.

        Args:
            frames: of a video, or one run of which that is not known yet.
            run: the one after them.
        """

    def videos(self, model: Any, inputs: Mapping[str, Any], sizes: Sequence[int]) -> list[VideoRows]:
        ids = inputs["input_ids"]
        tile = self.tile(model)
        side = math.isqrt(tile)
        found, before = [], 0
        for row in ids:
            for frames in self._chains(_runs(row.tolist(), model.config.image_token_id), tile):
                found.append(VideoRows(before + frames[0].number, len(frames), (side, side)))
            before += int((row == model.config.image_token_id).sum())
        return found

    def _chains(self, runs: Sequence["_Run"], tile: int) -> list[list["_Run"]]:
        """The videos among the runs of one prompt, as their frames."""

        def look(run: _Run) -> tuple[Any, ...]:
            return run.length, run.before[-self.marks :], run.after

        chains: list[list[_Run]] = []
        for run in runs:
            alike = bool(chains) and run.length == tile and look(run) == look(chains[-1][0])
            if alike and self.continues(chains[-1], run):
                chains[-1].append(run)
            else:
                chains.append([run])
        return [chain for chain in chains if len(chain) > 1]

    def saliency(
        self, model: Any, inputs: Mapping[str, Any], received: list[Tensor], videos: Sequence[VideoRows]
    ) -> list[Tensor]:
        patches = torch.cat(received)[:, int(self.has_cls(model)) :]
        side = math.isqrt(patches.shape[1])
        stride = side // math.isqrt(self.tile(model))
        tiles = functional.avg_pool2d(patches.view(-1, 1, side, side), stride, stride).flatten(1)
        return [tiles.flatten()[video.start : video.end].view(video.frames, -1) for video in videos]


class _SmolVLM(_FramesAsImages):
    """SigLIP, pixel shuffle, a linear connector.

    Between two frames stand a mark, a new line, 'Frame from 01:07:', and two marks. What tells that is the clock:
    seconds of two digits between two colons. It may stand still, when there is more than one frame a second. Before the
    first frame a sentence gives the duration, as in '0:02:30'. So images after clocks stay images, unless such a time
    comes not far before them. The sentence keeps two videos apart.
    """

    marks = 2

    def continues(self, frames: Sequence["_Run"], run: "_Run") -> bool:
        clock = self._clock(run.before)
        if clock is None or clock != self._clock(frames[-1].before):
            return False
        colon, seconds = clock
        end = 1 + seconds + 1 + self.marks  # from the minutes on
        if not 5 + seconds + end <= len(run.before) <= _LONGEST_CAPTION:
            return False
        if len(frames) == 1:
            opening = frames[0].before[-_OPENING:-end]
            return (colon, colon) in zip(opening, opening[seconds + 1 :], strict=False)
        # Between two frames nothing changes but the clock, whose minutes have up to four digits: they count hours too.
        one, two = frames[1].before, run.before
        words = max(len(one), len(two)) - (seconds + 2) - end
        return one[:words] == two[:words]

    def _clock(self, before: tuple[int, ...]) -> tuple[int, int] | None:
        """Id of the colon and number of ids of the seconds in what ends with ':07:' and the marks, or None."""
        caption = before[: -self.marks]
        for seconds in (1, 2):
            colons = caption[-seconds - 2 :: seconds + 1]
            if len(caption) > seconds + 2 and colons == caption[-1:] * 2:
                return caption[-1], seconds
        return None

    def tile(self, model: Any) -> int:
        return int(model.base_model.image_seq_len)

    def text_model(self, model: Any) -> Any:
        return model.base_model.text_model

    def attention(self, model: Any, inputs: Mapping[str, Any]) -> Any:
        return model.base_model.vision_model.encoder.layers[-1].self_attn


class _InternVL(_FramesAsImages):
    """InternViT, pixel shuffle, a projector.

    Between two frames stand a mark, a new line, 'Frame2: ', and a mark. What tells that is the number of ids: one for
    the new line, one or one a letter for 'Frame', one or one a digit for the number, two for ': '. So what stands after
    'Image-2: ' is an image, but after 'Image2: ' or 'The other: ' it counts as a frame. Where the number of the first
    frame comes back, another video begins. In the first caption 'Frame' may have another id, where words stand before
    it on the same line; with fewer than two ids of them, that frame counts as an image.
    """

    marks = 1

    def continues(self, frames: Sequence["_Run"], run: "_Run") -> bool:
        first = frames[0].before[-_LONGEST_CAPTION:]
        second = frames[1].before if len(frames) > 1 else run.before
        # What ends both captions alike is ': ' and the mark; before it are the numbers 1 and 2, of one id each.
        end = _in_common(first[::-1], second[::-1])
        words = len(second) - end - 1
        if end - self.marks != 2 or words not in _WORDS or end == len(first):
            return False
        newline, *frame = second[1:words]
        opening = first[: -end - 1]
        if opening[-len(frame) :] != tuple(frame) and (len(frame) > 1 or newline in opening[-3:]):
            return False
        number = run.before[words:-end]
        alike = run.before == second[:words] + number + second[-end:]
        return alike and 1 <= len(number) <= len(str(len(frames) + 1)) and number != first[-end - 1 : -end]

    def tile(self, model: Any) -> int:
        vision = model.config.vision_config
        rows, columns = (size // patch for size, patch in zip(vision.image_size, vision.patch_size, strict=True))
        return int(rows * columns * model.config.downsample_ratio**2)

    def attention(self, model: Any, inputs: Mapping[str, Any]) -> Any:
        block = _chosen_block(model.base_model.vision_tower.encoder.layer, model, inputs)
        return None if block is None else block.attention

    def has_cls(self, model: Any) -> bool:
        return True

    def pooled_output(self, rows: list[Tensor]) -> Any:
        return torch.cat(rows)[None]


FAMILIES: dict[str, Family] = {
    "LlavaOnevisionForConditionalGeneration": _LlavaOnevision(),
    "LlavaNextVideoForConditionalGeneration": _LlavaNextVideo(),
    "Qwen2VLForConditionalGeneration": _Qwen2VL(),
    "Qwen2_5_VLForConditionalGeneration": _Qwen25VL(),
    "Qwen3VLForConditionalGeneration": _Qwen2VL(),
    "SmolVLMForConditionalGeneration": _SmolVLM(),
    "InternVLForConditionalGeneration": _InternVL(),
    "VideoLlama3ForConditionalGeneration": _VideoLlama3(),
}
"""The supported classes of transformers, by name."""


def family_of(model: Any) -> Family:
    """The family of a model.

    Raises:
        TypeError: its class is not supported.
    """
    for kind in type(model).__mro__:
        if kind.__name__ in FAMILIES and kind.__module__.startswith("transformers."):
            return FAMILIES[kind.__name__]
    raise TypeError(f"model: found {type(model).__name__}; accepted are {', '.join(FAMILIES)}, of transformers")


def _chosen_block(blocks: Any, model: Any, inputs: Mapping[str, Any]) -> Any:
    """The block of a tower that the features come from, or None for its embeddings."""
    chosen = inputs.get("vision_feature_layer")
    chosen = model.config.vision_feature_layer if chosen is None else chosen
    # Entry 0 of the hidden states is the embedding, so that entry l comes from block l - 1.
    number = (chosen if isinstance(chosen, int) else chosen[-1]) % (len(blocks) + 1) - 1
    return blocks[number] if number >= 0 else None


def _unwrapped(tower: Any) -> Any:
    return getattr(tower, "vision_model", tower)


_LONGEST_CAPTION = 32
"""Ids between the placeholders of two frames: 21 with one id a letter, and more in the sentence that opens a video."""

_OPENING = 64
"""Ids before SmolVLM's first frame, among which its duration stands: the 45th at most with one id a letter."""

_WORDS = (3, 7)
"""Ids of a mark, a new line and 'Frame', with one id a word and with one a letter."""


@dataclass(frozen=True)
class _Run:
    """Placeholders that follow each other at once."""

    length: int
    number: int
    """Placeholders of the prompt before it."""
    before: tuple[int, ...]
    """All ids between the last run, or the start of the prompt, and this one."""
    after: int | None
    """The id after it."""


def _runs(row: list[int], token: int) -> list[_Run]:
    runs: list[_Run] = []
    column, number = 0, 0
    before: tuple[int, ...] = ()
    for is_placeholder, group in itertools.groupby(row, lambda value: value == token):
        part = tuple(group)
        column += len(part)
        if is_placeholder:
            runs.append(_Run(len(part), number, before, row[column] if column < len(row) else None))
            number += len(part)
        before = () if is_placeholder else part
    return runs


def _in_common(one: Sequence[int], two: Sequence[int]) -> int:
    """How many ids two sequences begin with alike."""
    return next((place for place, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
