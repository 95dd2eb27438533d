"""A template for an adapter: a Video-LLM of another package, whose class is built on one of transformers.

Copy the file, put your own class in place of `MyVideoLM`, and run it: `python adapter_template.py` checks whether the
adapter keeps the contract. A test of infomerge runs this file as it stands.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from transformers import LlavaOnevisionForConditionalGeneration

from infomerge.models import VideoAdapter, check_adapter, register
from infomerge.models.adapters import ProcessedFrames, VideoMetadata, VideoRows
from infomerge.models.adapters.llava import LlavaOnevisionAdapter


class MyVideoLM(LlavaOnevisionForConditionalGeneration):
    """Stands for your model. Its `forward` takes `mm_encoder_outputs`, as those of transformers do."""


class MyVideoLMAdapter(VideoAdapter):
    """Everything that infomerge must know about `MyVideoLM`."""

    class_name = "MyVideoLM"
    config_name = "LlavaOnevisionConfig"
    # Settings of preprocessing that a checkpoint may leave out.
    defaults = LlavaOnevisionAdapter.defaults
    # A model of a few thousand weights, for the checks. Write your own: see infomerge/models/adapters/llava.py.
    tiny = replace(LlavaOnevisionAdapter.tiny, video="<video>\n")

    @classmethod
    def model_class(cls) -> Any:
        """Without this method, the class of transformers that has the name."""
        return MyVideoLM

    # 1. Which rows of visual features are the tokens of a video, frame by frame?

    def videos(self, inputs: Mapping[str, Any]) -> list[VideoRows]:
        pixels = inputs.get("pixel_values_videos")
        if pixels is None:
            return []
        videos, frames, _, height, width = pixels.shape
        grid = self._grid(height, width)
        rows = frames * math.prod(grid) + 1  # a newline after each video
        return [VideoRows(number * rows, frames, grid) for number in range(videos)]

    def _grid(self, height: int, width: int) -> tuple[int, int]:
        patch = self.config.vision_config.patch_size
        return math.ceil(height // patch / 2), math.ceil(width // patch / 2)

    # 2. Whose attention says how much each token matters, and on which grid?

    def attention(self, inputs: Mapping[str, Any]) -> Any:
        block = self.chosen_block(self.base_model.vision_tower.encoder.layers, inputs)
        return None if block is None else block.self_attn

    def saliency(self, inputs: Mapping[str, Any], received: list[Tensor], videos: Sequence[VideoRows]) -> list[Tensor]:
        patches = torch.cat(received)
        side = math.isqrt(patches.shape[1])
        maps = functional.interpolate(patches.view(-1, 1, side, side), size=videos[0].grid, mode="bilinear")
        return list(maps.flatten(1).split([video.frames for video in videos]))

    # 3. What does the model's `forward` read?

    def pooled_output(self, rows: list[Tensor]) -> Any:
        return torch.cat(rows)[None]

    # 4. How does it see a clip: pixels, and the text around its tokens?

    def preprocess(self, frames: Tensor, settings: Mapping[str, Any]) -> ProcessedFrames:
        made = self.squares(frames, settings)
        return ProcessedFrames({"pixel_values_videos": made[None]}, len(made), self._grid(*made.shape[2:]))

    def video_text(self, made: ProcessedFrames, metadata: VideoMetadata) -> str:
        return self.placeholder_token * (made.frames * math.prod(made.grid) + 1)


register("MyVideoLM", MyVideoLMAdapter)

if __name__ == "__main__":
    for promise in check_adapter(MyVideoLMAdapter):
        print(f"ok: {promise}")
