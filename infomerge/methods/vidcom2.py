"""VidCom2 (arXiv 2505.14454): keep what lies far from the mean of the video and of its frame."""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.budget import allocate
from infomerge.methods.options import check_number
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership, prune
from infomerge.numerics import ranks, rounded, unit

WIDTHS = tuple(2.0**k for k in range(-3, 2))
"""alpha of the Gaussian kernels exp(-d^2 / (2 alpha)) that are added up."""


def check_vidcom2(temperature: object = 0.01) -> None:
    """Refuse values that the method cannot take."""
    check_number("temperature", temperature, 0, above=True)


@owning_method(
    "vidcom2",
    "VidCom2",
    "more tokens for frames unlike the video, and in each the tokens unlike both video and frame",
    "Video Compression Commander (VidCom2), arXiv 2505.14454; code: Apache-2.0",
    "Frames share the exact count in proportion to their scales by largest remainder, at least one token each while "
    "there are enough; the published code rounds every frame's count alone.",
    "Of an odd number of channels the smaller half is looked at, of one channel that one.",
    ROUNDED,
    check=check_vidcom2,
)
def vidcom2(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    temperature: float = 0.01,
) -> Ownership:
    """Keep, in every frame, the tokens of least likeness to the mean of the video and to that of the frame.

    Looked at is the half of the channels that varies least over the clip, scaled to length 1. Likeness is the sum of
    Gaussian kernels of the distance. A frame's scale is 1 + p - mean(p), where p is the softmax over the frames of
    minus their mean likeness to the video, divided by the temperature.

    Args:
        features: the clip's tokens.
        saliency: not looked at.
        requested: tokens to keep.
        temperature: of the softmax; lower gives more to the frame that is least like the video.
    """
    frames, positions, channels = features.shape
    variance = features.flatten(0, 1).var(dim=0, correction=0)
    directions = unit(features[:, :, ranks(rounded(variance)[None])[0] < max(1, channels // 2)])
    to_video = likeness(directions, directions.mean(dim=(0, 1), keepdim=True))
    to_frame = likeness(directions, directions.mean(dim=1, keepdim=True))
    share = torch.softmax(-to_video.mean(dim=1) / temperature, dim=0)
    room = torch.full((frames,), positions, device=features.device)
    counts = allocate(1 + share - share.mean(), requested, room, "exact")
    return prune(features, ranks(rounded(to_video + to_frame)) < counts[:, None])


def likeness(
    directions: Float[Tensor, "frames positions channels"], center: Float[Tensor, "any 1 channels"]
) -> Float[Tensor, "frames positions"]:
    """Sum of the Gaussian kernels of every token's distance from a center."""
    squared = (directions - center).square().sum(dim=2)
    return torch.stack([torch.exp(-squared / (2 * width)) for width in WIDTHS]).sum(dim=0)
