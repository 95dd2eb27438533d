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
from jaxtyping import Float, Int
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
        """Whether there are pixels of a video."""
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

    A video is a run of at least two images of one tile each, with captions of about the same length between them.
    Images that are cut into tiles do not look like that: their tiles follow each other at once, or after ids that tell
    the tile. Where the first caption comes back, as in 'Frame1: ', another video begins.
    """

    modality = "image"

    def has_video(self, model: Any, inputs: Mapping[str, Any]) -> bool:
        ids, pixels = inputs.get("input_ids"), inputs.get("pixel_values")
        return ids is not None and pixels is not None and bool(self.videos(model, inputs, []))

    @abstractmethod
    def tile(self, model: Any) -> int:
        """Tokens of one tile."""

    def videos(self, model: Any, inputs: Mapping[str, Any], sizes: Sequence[int]) -> list[VideoRows]:
        ids = inputs["input_ids"]
        tile = self.tile(model)
        side = math.isqrt(tile)
        found, before = [], 0
        for row in ids:
            for start, frames in _runs_of_frames(row, model.config.image_token_id, tile):
                found.append(VideoRows(before + start, frames, (side, side)))
            before += int((row == model.config.image_token_id).sum())
        return found

    def saliency(
        self, model: Any, inputs: Mapping[str, Any], received: list[Tensor], videos: Sequence[VideoRows]
    ) -> list[Tensor]:
        patches = torch.cat(received)[:, int(self.has_cls(model)) :]
        side = math.isqrt(patches.shape[1])
        stride = side // math.isqrt(self.tile(model))
        tiles = functional.avg_pool2d(patches.view(-1, 1, side, side), stride, stride).flatten(1)
        return [tiles.flatten()[video.start : video.end].view(video.frames, -1) for video in videos]


class _SmolVLM(_FramesAsImages):
    """SigLIP, pixel shuffle, a linear connector."""

    def tile(self, model: Any) -> int:
        return int(model.base_model.image_seq_len)

    def text_model(self, model: Any) -> Any:
        return model.base_model.text_model

    def attention(self, model: Any, inputs: Mapping[str, Any]) -> Any:
        return model.base_model.vision_model.encoder.layers[-1].self_attn


class _InternVL(_FramesAsImages):
    """InternViT, pixel shuffle, a projector."""

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
"""Ids between the placeholders of two frames: their marks, and a caption such as 'Frame from 00:07:'."""

_DIGITS = 1
"""Ids by which the captions of neighbouring frames may differ in length, because numbers grow."""

_CAPTION_END = 5
"""Ids before a frame that tell captions apart: 'Frame', '1', ':', ' ', '<img>'."""


@dataclass(frozen=True)
class _Run:
    """Placeholders that follow each other at once."""

    column: int
    length: int
    number: int
    """Placeholders of the prompt before it."""
    before: tuple[int, ...]
    """The last ids before it."""
    after: int | None
    """The id after it."""

    def gap(self, earlier: "_Run") -> int:
        """Ids between another run and this one."""
        return self.column - earlier.column - earlier.length


def _runs(row: list[int], token: int) -> list[_Run]:
    runs, column, number = [], 0, 0
    for is_placeholder, group in itertools.groupby(row, lambda value: value == token):
        length = len(list(group))
        if is_placeholder:
            end = column + length
            before = tuple(row[max(0, column - _CAPTION_END) : column])
            runs.append(_Run(column, length, number, before, row[end] if end < len(row) else None))
            number += length
        column += length
    return runs


def _runs_of_frames(ids: Int[Tensor, "sequence"], token: int, tile: int) -> Iterator[tuple[int, int]]:
    """Videos among the placeholders of one prompt: number of the first placeholder, and frames."""

    def continues(chain: list[_Run], run: _Run) -> bool:
        first, last = chain[0], chain[-1]
        gap = run.gap(last)
        usual = last.gap(chain[-2]) if len(chain) > 1 else gap
        alike = run.length == first.length == tile and run.before[-1:] == first.before[-1:] and run.after == first.after
        begins_anew = run.before == first.before != last.before
        return alike and gap <= _LONGEST_CAPTION and abs(gap - usual) <= _DIGITS and not begins_anew

    chains: list[list[_Run]] = []
    for run in _runs(ids.tolist(), token):
        if chains and continues(chains[-1], run):
            chains[-1].append(run)
        else:
            chains.append([run])
    for chain in chains:
        if len(chain) > 1:
            yield chain[0].number, len(chain)
