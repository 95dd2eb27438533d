"""InternVL: InternViT, pixel shuffle, a projector; frames are numbered images."""

import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import UInt8
from torch import Tensor

from infomerge.models.adapters.base import ProcessedFrames, VideoMetadata
from infomerge.models.adapters.frames_as_images import FramesAsImagesAdapter
from infomerge.models.adapters.tiny import TEXT, UNEVEN, TinyModel
from infomerge.models.pixels import BICUBIC, CLIP


class InternVLAdapter(FramesAsImagesAdapter):
    """Each frame an image of one tile, after 'Frame2: ' on a line of its own.

    Where the numbers begin anew, so does a video. The words before a video may stand on the line of its first caption.
    """

    class_name = "InternVLForConditionalGeneration"
    lmms_eval_names = MappingProxyType({"internvl_hf": ("chat",)})
    defaults = MappingProxyType(BICUBIC | CLIP | {"size": {"height": 384, "width": 384}})
    marks = 1
    first_caption = re.compile(r"Frame(1): \Z")
    next_caption = re.compile(r"\nFrame(\d+): ")
    tiny = TinyModel(
        options={"image_seq_length": 9},
        vision={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "image_size": [48, 48],
            "patch_size": [8, 8],
            "layer_scale_init_value": 1.0,
        },
        text={"model_type": "qwen2", **TEXT},
        roles={"image_token_id": "<IMG_CONTEXT>"},
        tokenizer_roles={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
        settings={"size": {"height": 48, "width": 48}, **UNEVEN},
    )

    def counts_on(self, captions: Sequence[re.Match[str]], caption: re.Match[str]) -> bool:
        return int(caption[1]) == len(captions) + 1

    @property
    def tokens_per_tile(self) -> int:
        return math.prod(self._grid(self.config.vision_config.image_size))

    def _grid(self, size: Sequence[int]) -> tuple[int, int]:
        """Rows and columns of the tokens of an image of so many pixels."""
        patch = self.config.vision_config.patch_size
        sides = zip(size, patch if isinstance(patch, Sequence) else (patch, patch), strict=True)
        rows, columns = (int(side // each * self.config.downsample_ratio) for side, each in sides)
        return rows, columns

    def attention(self, inputs: Mapping[str, Any]) -> Any:
        block = self.chosen_block(self.base_model.vision_tower.encoder.layer, inputs)
        return None if block is None else block.attention

    @property
    def has_cls(self) -> bool:
        return True

    def pooled_output(self, rows: list[Tensor]) -> Any:
        return torch.cat(rows)[None]

    def preprocess(
        self, frames: UInt8[Tensor, "frames 3 height width"], settings: Mapping[str, Any]
    ) -> ProcessedFrames:
        made = self.squares(frames, settings)
        return ProcessedFrames({"pixel_values": made}, len(made), self._grid(made.shape[2:]))

    def video_text(self, made: ProcessedFrames, metadata: VideoMetadata) -> str:
        start, end = self.named_token("start_image", "<img>"), self.named_token("end_image", "</img>")
        frame = start + self.placeholder_token * math.prod(made.grid) + end
        return "\n".join(f"Frame{number + 1}: {frame}" for number in range(made.frames))
