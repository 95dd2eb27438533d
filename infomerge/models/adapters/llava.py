"""LLaVA-OneVision and LLaVA-NeXT-Video: a tower of whole images, a projector, and a grid that is shrunk for videos."""

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional

from infomerge.encoders.layers import late_entries, recorded_states
from infomerge.models.adapters.base import ProcessedFrames, VideoAdapter, VideoMetadata, VideoRows, mean_per_tile
from infomerge.models.adapters.tiny import HALF, SIGLIP, TEXT, UNEVEN, TinyModel
from infomerge.models.pixels import BICUBIC, CLIP

_ROLES = {"image_token_id": "<image>", "video_token_id": "<video>"}


class _LlavaAdapter(VideoAdapter):
    """One run of placeholders for the whole clip."""

    gives = ("layers",)
    after_video: ClassVar[int]
    """Rows and placeholders at the end of each video that are no tokens of its frames."""

    @abstractmethod
    def shrunk_grid(self, rows: int, columns: int) -> tuple[int, int]:
        """The grid of tokens that the model makes of a grid of patches."""

    @abstractmethod
    def shrunk_maps(
        self, patches: Float[Tensor, "frames patches"], grid: tuple[int, int]
    ) -> Float[Tensor, "frames tokens"]:
        """Maps on the grid of the patches, shrunk to the grid of the tokens as the model shrinks its features."""

    def videos(self, inputs: Mapping[str, Any]) -> list[VideoRows]:
        given = inputs.get("pixel_values_videos")
        if given is None:
            return []
        videos, frames, _, height, width = given.shape
        grid = self.patch_grid(height, width)
        rows = frames * math.prod(grid) + self.after_video
        return [VideoRows(number * rows, frames, grid) for number in range(videos)]

    def patch_grid(self, height: int, width: int) -> tuple[int, int]:
        """The grid of tokens of frames of so many pixels."""
        patch = self.config.vision_config.patch_size
        return self.shrunk_grid(height // patch, width // patch)

    @property
    def _tower(self) -> Any:
        tower = self.base_model.vision_tower
        return getattr(tower, "vision_model", tower)

    def attention(self, inputs: Mapping[str, Any]) -> Any:
        block = self.chosen_block(self._tower.encoder.layers, inputs)
        return None if block is None else block.self_attn

    @property
    def has_cls(self) -> bool:
        return bool(self.config.vision_config.model_type == "clip_vision_model")

    @property
    def pooling_head(self) -> Any:
        return getattr(self._tower, "head", None)

    @property
    def frame_pooling(self) -> Any:
        # CLIP pools by taking [CLS], which has a norm of its own.
        return self._tower.post_layernorm if self.has_cls else self.pooling_head

    def saliency(
        self, inputs: Mapping[str, Any], received: list[Tensor], videos: Sequence[VideoRows]
    ) -> list[Float[Tensor, "_ _"]]:
        patches = torch.cat(received)[:, int(self.has_cls) :]
        return list(self.shrunk_maps(patches, videos[0].grid).split([video.frames for video in videos]))

    @contextmanager
    def watched_layers(self, inputs: Mapping[str, Any]) -> Iterator[list[list[Tensor]]]:
        blocks = list(self._tower.encoder.layers)
        chosen = self.chosen_block(blocks, inputs)
        if chosen is None:
            raise ValueError(
                "vision_feature_layer: got the embeddings; expected a block, for a method that needs layers"
            )
        last = blocks.index(chosen) + 1
        first = min(late_entries(len(blocks), last).start, last - 1)
        with recorded_states(blocks[first:last]) as states:
            yield states

    def layers(
        self, states: Sequence[list[Tensor]], videos: Sequence[VideoRows]
    ) -> list[Float[Tensor, "layers _ _ hidden"]]:
        grid, shrunk = videos[0].grid, []
        for calls in states:
            patches = torch.cat(calls)[:, int(self.has_cls) :].transpose(1, 2)
            maps = self.shrunk_maps(patches.flatten(0, 1), grid)
            shrunk.append(maps.view(*patches.shape[:2], -1).transpose(1, 2))
        return list(torch.stack(shrunk).split([video.frames for video in videos], dim=1))

    def preprocess(
        self, frames: UInt8[Tensor, "frames 3 height width"], settings: Mapping[str, Any]
    ) -> ProcessedFrames:
        made = self.squares(frames, settings)
        return ProcessedFrames({"pixel_values_videos": made[None]}, len(made), self.patch_grid(*made.shape[2:]))

    def video_text(self, made: ProcessedFrames, metadata: VideoMetadata) -> str:
        return self.placeholder_token * (made.frames * math.prod(made.grid) + self.after_video)


class LlavaOnevisionAdapter(_LlavaAdapter):
    """SigLIP, a projector, bilinear interpolation to half the side, and a newline after the whole video."""

    class_name = "LlavaOnevisionForConditionalGeneration"
    # Its chat class hands whole files to the processor, whatever max_frames_num says.
    lmms_eval_names = MappingProxyType({"llava_hf": ("simple",)})
    defaults = MappingProxyType(BICUBIC | CLIP | {"size": {"height": 384, "width": 384}})
    after_video = 1
    tiny = TinyModel(
        options={
            "vision_feature_layer": -1,
            "vision_feature_select_strategy": "full",
            "image_grid_pinpoints": [[48, 48]],
        },
        vision=SIGLIP | {"vision_use_head": False},
        text={"model_type": "qwen2", **TEXT},
        roles=_ROLES,
        tokenizer_roles={"video_token": "<video>", "image_token": "<image>"},
        settings={"size": {"height": 48, "width": 48}, **UNEVEN},
    )
    demo = replace(
        tiny,
        options={"vision_feature_layer": -1, "vision_feature_select_strategy": "full"},
        vision={
            **tiny.vision,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "image_size": 384,
            "patch_size": 14,
        },
        text={
            **tiny.text,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 4,
            "max_position_embeddings": 32768,
        },
        tokenizer_roles={},
        settings={"size": {"height": 384, "width": 384}, **HALF},
    )

    def shrunk_grid(self, rows: int, columns: int) -> tuple[int, int]:
        return math.ceil(rows / 2), math.ceil(columns / 2)

    def shrunk_maps(
        self, patches: Float[Tensor, "frames patches"], grid: tuple[int, int]
    ) -> Float[Tensor, "frames tokens"]:
        side = math.isqrt(patches.shape[1])
        return functional.interpolate(patches.view(-1, 1, side, side), size=grid, mode="bilinear").flatten(1)

    def pooled_output(self, rows: list[Tensor]) -> Any:
        return torch.cat(rows)[None]


class LlavaNextVideoAdapter(_LlavaAdapter):
    """CLIP, pooling over small squares, a projector."""

    class_name = "LlavaNextVideoForConditionalGeneration"
    defaults = MappingProxyType(
        BICUBIC
        | CLIP
        | {"size": {"shortest_edge": 224}, "do_center_crop": True, "crop_size": {"height": 224, "width": 224}}
    )
    after_video = 0
    tiny = TinyModel(
        options={"vision_feature_layer": -2, "image_grid_pinpoints": [[48, 48]]},
        vision=SIGLIP | {"model_type": "clip_vision_model", "projection_dim": 32},
        text={"model_type": "llama", **TEXT},
        roles=_ROLES,
        settings={"size": {"shortest_edge": 48}, "crop_size": {"height": 48, "width": 48}, **UNEVEN},
    )

    def shrunk_grid(self, rows: int, columns: int) -> tuple[int, int]:
        return rows // self.config.spatial_pool_stride, columns // self.config.spatial_pool_stride

    def shrunk_maps(
        self, patches: Float[Tensor, "frames patches"], grid: tuple[int, int]
    ) -> Float[Tensor, "frames tokens"]:
        return mean_per_tile(patches, grid[0])
