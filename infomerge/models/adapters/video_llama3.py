"""VideoLLaMA 3: SigLIP with rotary positions, bilinear interpolation, a projector."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from infomerge.models import pixels
from infomerge.models.adapters.base import ProcessedFrames, VideoMetadata, VideoRows
from infomerge.models.adapters.grids import GridAdapter
from infomerge.models.adapters.tiny import HALF, TEXT, TinyModel
from infomerge.models.pixels import BICUBIC, HALF_UNIT


class VideoLlama3Adapter(GridAdapter):
    """The time of every frame before its tokens; all frames share a limit of pixels.

    The checkpoint's own dropping of tokens that change little stays off: InfoMerge is given all of them.
    """

    class_name = "VideoLlama3ForConditionalGeneration"
    defaults = MappingProxyType(
        BICUBIC
        | HALF_UNIT
        | {
            "size": {"shortest_edge": 128 * 28 * 28, "longest_edge": 28 * 28 * 768},
            "patch_size": 14,
            "merge_size": 2,
            "temporal_patch_size": 1,
        }
    )
    processor_options = MappingProxyType({"use_token_compression": False})
    tiny = TinyModel(
        options={},
        vision={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "patch_size": 4,
        },
        text={"model_type": "qwen2", **TEXT},
        roles={"image_token_id": "<image>", "video_token_id": "<|video_pad|>"},
        tokenizer_roles={"video_token": "<|video_pad|>"},
        settings={
            "size": {"shortest_edge": 64, "longest_edge": 8 * 1024},
            "temporal_patch_size": 1,
            "patch_size": 4,
            "merge_size": 2,
            **HALF,
        },
        video="<|video_pad|>\n",
    )

    def videos(self, inputs: Mapping[str, Any]) -> list[VideoRows]:
        mask = inputs.get("video_compression_mask")
        if mask is not None and not mask.all():
            raise ValueError(
                "video_compression_mask: got one that drops tokens before InfoMerge sees them; expected none, "
                "and one that keeps all (the processor's use_token_compression=False)"
            )
        return super().videos(inputs)

    def merged_sides(self, inputs: Mapping[str, Any], videos: int) -> list[int]:
        sides: list[int] = inputs["video_merge_sizes"].tolist()
        return sides

    def attention(self, inputs: Mapping[str, Any]) -> Any:
        return self.base_model.vision_model.encoder.layers[-1].self_attn

    def target(self, frames: int, height: int, width: int, settings: Mapping[str, Any]) -> tuple[int, int]:
        least, most = self.limits(settings, frames)
        factor = settings["patch_size"] * settings["merge_size"]
        return pixels.whole_patches(height, width, factor, least, most // frames)

    def preprocess(
        self, frames: UInt8[Tensor, "frames 3 height width"], settings: Mapping[str, Any]
    ) -> ProcessedFrames:
        made = super().preprocess(frames, settings)
        further = {
            "video_merge_sizes": torch.tensor([settings["merge_size"]], device="cpu"),
            "video_compression_mask": torch.ones(made.frames * math.prod(made.grid), dtype=torch.bool, device="cpu"),
        }
        return ProcessedFrames(made.inputs | further, made.frames, made.grid)

    def video_text(self, made: ProcessedFrames, metadata: VideoMetadata) -> str:
        frame = self.placeholder_token * math.prod(made.grid)
        return ",".join(f"Time {time:.1f}s:{frame}" for time in metadata.timestamps)
