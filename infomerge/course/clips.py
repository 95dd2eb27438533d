"""The real tokens that exercises are tried on, read once."""

from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.encoded_clip import EncodedClip


@cache
def bikes() -> EncodedClip:
    """Eight frames of the sample clip "bikes", encoded."""
    return EncodedClip.read("bikes", num_frames=8)


def real_tokens() -> Float[Tensor, "frames positions channels"]:
    """[8, 28, 320]: every seventh position of `bikes`, float32."""
    return bikes().tokens[:, ::7].clone()


def real_segments() -> Int[Tensor, "segments 2"]:
    """Three segments of unequal length in the eight frames, start and end of each."""
    return torch.tensor([[0, 2], [2, 5], [5, 8]])
