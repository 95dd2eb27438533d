"""What Qwen-VL and VideoLLaMA 3 share: frames that keep their shape, of which a square of patches becomes one token."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from infomerge.models import pixels
from infomerge.models.adapters.base import ProcessedFrames, VideoAdapter, VideoMetadata, VideoRows


class GridAdapter(VideoAdapter):
    """Videos of any size; the rows and columns of patches of each are given beside its pixels."""

    sized = True

    def videos(self, inputs: Mapping[str, Any]) -> list[VideoRows]:
        if inputs.get("pixel_values_videos") is None:
            return []
        grids = inputs["video_grid_thw"].tolist()
        sides = self.merged_sides(inputs, len(grids))
        shapes = [(t, (rows // side, columns // side)) for (t, rows, columns), side in zip(grids, sides, strict=True)]
        starts = itertools.accumulate((frames * math.prod(grid) for frames, grid in shapes), initial=0)
        return [VideoRows(start, frames, grid) for start, (frames, grid) in zip(starts, shapes, strict=False)]

    def merged_sides(self, inputs: Mapping[str, Any], videos: int) -> list[int]:
        """Side of the square of patches that becomes one token, for each video."""
        return [self.config.vision_config.spatial_merge_size] * videos

    def saliency(
        self, inputs: Mapping[str, Any], received: list[Tensor], videos: Sequence[VideoRows]
    ) -> list[Float[Tensor, "_ _"]]:
        # Patches come square by square, so that those of one token are neighbors.
        patches = torch.cat([part.flatten() for part in received])
        sides = self.merged_sides(inputs, len(videos))
        parts = patches.split([(video.end - video.start) * side**2 for video, side in zip(videos, sides, strict=True)])
        tokens = torch.cat([part.view(-1, side**2).mean(dim=1) for part, side in zip(parts, sides, strict=True)])
        tokens = self.unpermuted(inputs, tokens)
        return [tokens[video.start : video.end].view(video.frames, video.tokens_per_frame) for video in videos]

    def unpermuted(self, inputs: Mapping[str, Any], tokens: Float[Tensor, "tokens"]) -> Float[Tensor, "tokens"]:
        """Tokens in the order of the frames, from the order in which the tower works on them."""
        return tokens

    def preprocess(
        self, frames: UInt8[Tensor, "frames 3 height width"], settings: Mapping[str, Any]
    ) -> ProcessedFrames:
        height, width = frames.shape[2:]
        patch, merge, together = (settings[name] for name in ("patch_size", "merge_size", "temporal_patch_size"))
        target = self.target(len(frames), height, width, settings)
        made = pixels.normalized(pixels.resized(frames, target, settings["resample"]), settings)
        rows, grid = pixels.patches(made, patch, merge, together)
        inputs = {"pixel_values_videos": rows, "video_grid_thw": torch.tensor([grid], device="cpu")}
        return ProcessedFrames(inputs, grid[0], (grid[1] // merge, grid[2] // merge))

    def settled(self, given: Mapping[str, Any]) -> dict[str, Any]:
        settings = super().settled(given)
        size = settings["size"]
        least = given.get("min_pixels") or size.get("shortest_edge")
        most = given.get("max_pixels") or size.get("longest_edge")
        if not least or not most:
            raise ValueError(
                f"size in the checkpoint's preprocessing: got {size}; expected shortest_edge and longest_edge, "
                "numbers of pixels"
            )
        return settings | {"size": {"shortest_edge": least, "longest_edge": most}}

    @staticmethod
    def limits(settings: Mapping[str, Any], frames: int) -> tuple[int, int]:
        """Least and most pixels, of as many frames as the settings' are of."""
        most, own = settings["size"]["longest_edge"], settings.get("most_pixels_per_frame")
        return settings["size"]["shortest_edge"], most if own is None else min(most, own * frames)

    def target(self, frames: int, height: int, width: int, settings: Mapping[str, Any]) -> tuple[int, int]:
        """The size that frames are resized to: the limits are of one frame."""
        least, most = self.limits(settings, 1)
        return pixels.whole_patches(height, width, settings["patch_size"] * settings["merge_size"], least, most)

    def video_text(self, made: ProcessedFrames, metadata: VideoMetadata) -> str:
        return self.placeholder_token * (made.frames * math.prod(made.grid))
