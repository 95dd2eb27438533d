"""Qwen2-VL, Qwen2.5-VL and Qwen3-VL: M-RoPE, two frames a token in time, and in Qwen3-VL DeepStack features."""

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.models import pixels
from infomerge.models.adapters.base import ProcessedFrames, VideoMetadata
from infomerge.models.adapters.grids import GridAdapter
from infomerge.models.adapters.tiny import HALF, TEXT, UNEVEN, TinyModel
from infomerge.models.pixels import BICUBIC, CLIP, HALF_UNIT

_VISION = {
    "depth": 3,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_heads": 4,
    "patch_size": 4,
    "spatial_merge_size": 2,
    "temporal_patch_size": 2,
    "out_hidden_size": 32,
    "in_channels": 3,
}
_MROPE = {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]}}
_ROLES = {
    "vision_start_token_id": "<|vision_start|>",
    "vision_end_token_id": "<|vision_end|>",
    "image_token_id": "<|image_pad|>",
    "video_token_id": "<|video_pad|>",
}
_PATCHES = {"temporal_patch_size": 2, "patch_size": 4, "merge_size": 2}
_TINY = TinyModel(
    options={},
    vision=_VISION,
    text=TEXT | _MROPE,
    roles=_ROLES,
    settings={"size": {"shortest_edge": 64, "longest_edge": 1024}, **_PATCHES, **UNEVEN},
    video="<|vision_start|><|video_pad|><|vision_end|>",
)
_SIZES = {
    "size": {"shortest_edge": 128 * 28 * 28, "longest_edge": 28 * 28 * 768},
    "patch_size": 14,
    "merge_size": 2,
    "temporal_patch_size": 2,
}


class Qwen2VLAdapter(GridAdapter):
    """Qwen2-VL."""

    class_name = "Qwen2VLForConditionalGeneration"
    lmms_eval_names = MappingProxyType({"qwen2_vl": ("simple",)})
    defaults = MappingProxyType(BICUBIC | CLIP | _SIZES)
    token_types = True
    tiny = replace(
        _TINY,
        vision=_VISION | {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2},
        settings={"min_pixels": 64, "max_pixels": 1024, **_PATCHES, **UNEVEN},
    )

    def attention(self, inputs: Mapping[str, Any]) -> Any:
        return self.base_model.visual.blocks[-1].attn


class Qwen25VLAdapter(Qwen2VLAdapter):
    """Qwen2.5-VL: attention in windows in most blocks, and positions that count seconds."""

    class_name = "Qwen2_5_VLForConditionalGeneration"
    lmms_eval_names = MappingProxyType({"qwen2_5_vl": ("simple", "chat")})
    tiny = replace(_TINY, vision=_VISION | {"window_size": 16, "fullatt_block_indexes": [1], "tokens_per_second": 4})
    demo = TinyModel(
        options={},
        vision={
            "depth": 2,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_heads": 4,
            "out_hidden_size": 64,
            "fullatt_block_indexes": [1],
            "tokens_per_second": 2,
        },
        text={
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 4,
            "max_position_embeddings": 32768,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
        },
        roles=_ROLES,
        settings={
            "size": {"shortest_edge": 128 * 28 * 28, "longest_edge": 128 * 28 * 28},
            **HALF,
            "patch_size": 14,
            "merge_size": 2,
            "temporal_patch_size": 2,
        },
        video=_TINY.video,
    )

    def unpermuted(self, inputs: Mapping[str, Any], tokens: Float[Tensor, "tokens"]) -> Float[Tensor, "tokens"]:
        from transformers.vision_utils import get_vision_window_index

        vision = self.config.vision_config
        windows, _ = get_vision_window_index(
            inputs["video_grid_thw"],
            spatial_merge_size=vision.spatial_merge_size,
            window_size=vision.window_size,
            patch_size=vision.patch_size,
        )
        return torch.empty_like(tokens).scatter_(0, windows.to(tokens.device), tokens)

    def timing(self, made: ProcessedFrames, metadata: VideoMetadata, settings: Mapping[str, Any]) -> dict[str, Tensor]:
        seconds = metadata.duration / len(metadata.timestamps)
        return {
            "second_per_grid_ts": torch.tensor(
                [settings["temporal_patch_size"] * seconds], dtype=torch.float32, device="cpu"
            )
        }


class Qwen3VLAdapter(Qwen2VLAdapter):
    """Qwen3-VL: the time of every two frames before their tokens, between marks of their own; DeepStack features."""

    class_name = "Qwen3VLForConditionalGeneration"
    lmms_eval_names = MappingProxyType({"qwen3_vl": ("simple", "chat")})
    defaults = MappingProxyType(
        BICUBIC
        | HALF_UNIT
        | {
            "size": {"shortest_edge": 128 * 32 * 32, "longest_edge": 32 * 32 * 768},
            "patch_size": 16,
            "merge_size": 2,
            "temporal_patch_size": 2,
        }
    )
    tiny = replace(
        _TINY,
        vision=_VISION | {"deepstack_visual_indexes": [0, 1], "num_position_embeddings": 36},
        text=TEXT | _MROPE | {"head_dim": 8},
        settings={"size": {"shortest_edge": 64, "longest_edge": 8 * 1024}, **_PATCHES, **HALF},
    )

    def target(self, frames: int, height: int, width: int, settings: Mapping[str, Any]) -> tuple[int, int]:
        least, most = self.limits(settings, frames)
        factor, together = settings["patch_size"] * settings["merge_size"], settings["temporal_patch_size"]
        if frames < together:
            raise ValueError(f"frames: got {frames}; expected {together} or more for this model")
        if min(height, width) < factor:
            grow = factor / min(height, width)
            height, width = int(height * grow), int(width * grow)
        return pixels.whole_patches(height, width, factor, least, most, frames, round(frames / together) * together)

    def video_text(self, made: ProcessedFrames, metadata: VideoMetadata) -> str:
        start = self.named_token("vision_start", "<|vision_start|>")
        end = self.named_token("vision_end", "<|vision_end|>")
        frame = start + self.placeholder_token * math.prod(made.grid) + end
        together = math.ceil(len(metadata.timestamps) / made.frames)
        return "".join(f"<{time:.1f} seconds>{frame}" for time in pixels.frames_together(metadata.timestamps, together))
