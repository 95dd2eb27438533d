"""Tokens small enough to travel in a page: few directions, one byte a number.

The page and Python take the method's input from the same bytes: what `Reduced.features` gives here,
`infomerge/page/js/clip.js` gives there, to the last bit.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Int8, UInt16
from torch import Tensor

from infomerge.budget import richness
from infomerge.encoded_clip import EncodedClip
from infomerge.inputs import clip_tensors
from infomerge.segmentation import transition_similarity

DIRECTIONS = 48
"""Principal directions that are kept of wider tokens."""

LEVELS = 127
"""Largest whole number of a reduced token's entry; they are symmetric about zero."""

SALIENCY_LEVELS = 65535


@dataclass(frozen=True, eq=False)
class Reduced:
    """A clip's numbers as the page gets them. Everything that the method needs, and nothing that a knob changes."""

    levels: Int8[np.ndarray, "frames positions directions"]
    """Tokens along the directions, in whole steps."""
    step: Float64[np.ndarray, "directions"]
    """The size of one step along each direction."""
    saliency_levels: UInt16[np.ndarray, "frames positions"]
    """A_l of eq. 10 above the clip's least, in whole steps."""
    saliency_step: float
    saliency_least: float
    frame_features: Float[Tensor, "frames features"]
    """g_l of eq. 22, of the whole tokens where the encoder gives none: the cuts are those of the whole clip."""
    transition: Float64[np.ndarray, "frames-1"]
    """t_l (eq. 22)."""
    richness: Float64[np.ndarray, "runs"]
    """e (eq. 7) of every run of frames: all that begin with frame 0, the shortest first, then those of frame 1."""
    energy: float
    """Share of the tokens' squared length that the directions hold, from 0 to 1."""

    @property
    def features(self) -> Float[Tensor, "frames positions directions"]:
        """The tokens as the page computes with them: step times level, float64."""
        return torch.from_numpy(self.levels.astype(np.float64) * self.step)

    @property
    def saliency(self) -> Float[Tensor, "frames positions"]:
        """The saliency as the page computes with it, float64."""
        return torch.from_numpy(self.saliency_levels.astype(np.float64) * self.saliency_step + self.saliency_least)


def reduce(clip: EncodedClip, directions: int = DIRECTIONS) -> Reduced:
    """A clip's tokens along their principal directions, not centered, rounded to one byte with a step per direction.

    Means, cosines and energy refer to the origin, which centering would move. Tokens are scaled by
    sqrt(directions / channels), so that a distance over the root of the directions (section 3.4) is what the same
    distance over the root of the channels was. Tokens of no more channels than `directions` keep theirs.

    Raises:
        ValueError: the clip's tensors do not fit each other, or hold NaN; see `infomerge.compress`.
    """
    tensors = clip_tensors(clip.tokens.cpu(), _on_cpu(clip.saliency), _on_cpu(clip.frame_features))
    flat = tensors.features.flatten(0, 1)
    channels = flat.shape[1]
    kept = flat
    if channels > directions:
        kept = flat @ principal_directions(flat, directions) * (directions / channels) ** 0.5
    energy = float(kept.square().sum() / flat.square().sum().clamp(min=1e-300))
    if channels > directions:
        energy *= channels / directions
    step = kept.abs().amax(0).numpy() / LEVELS
    step[step == 0] = 1.0
    levels = np.rint(kept.numpy() / step).astype(np.int8).reshape(*tensors.features.shape[:2], -1)
    least = float(tensors.saliency.min())
    saliency_step = (float(tensors.saliency.max()) - least) / SALIENCY_LEVELS or 1.0
    saliency_levels = np.rint((tensors.saliency.numpy() - least) / saliency_step).astype(np.uint16)
    transition = transition_similarity(tensors.frame_features).numpy()
    features = torch.from_numpy(levels.astype(np.float64) * step)
    return Reduced(
        levels=levels,
        step=step,
        saliency_levels=saliency_levels,
        saliency_step=saliency_step,
        saliency_least=least,
        frame_features=tensors.frame_features,
        transition=transition,
        richness=richness(features, runs_of_frames(len(levels))).numpy(),
        energy=min(1.0, energy),
    )


def principal_directions(tokens: Float[Tensor, "tokens channels"], count: int) -> Float[Tensor, "channels count"]:
    """The directions that hold most of the tokens' squared length, largest first, each of length 1.

    The entry of largest size is positive, so that a direction does not depend on the solver's choice of sign.
    """
    vectors = torch.linalg.eigh(tokens.mT @ tokens).eigenvectors.flip(1)[:, :count]
    largest = vectors.abs().argmax(0)
    return vectors * vectors.gather(0, largest[None]).sign()


def runs_of_frames(frames: int) -> Tensor:
    """Every run of consecutive frames as a row (start, end), the end exclusive: all of frame 0 first, ascending."""
    return torch.tensor([(start, end) for start in range(frames) for end in range(start + 1, frames + 1)], device="cpu")


def _on_cpu(values: Tensor | None) -> Tensor | None:
    return None if values is None else values.cpu()
