"""EvoCut (arXiv 2606.01756): keep the tokens that go their own way through the encoder's layers."""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor

from infomerge.methods.kmeans import cosine_kmeans
from infomerge.methods.options import check_number, check_whole
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Ownership, prune
from infomerge.methods.spacing import share_evenly, spread_order
from infomerge.numerics import ranks, rounded, unit, wide


def check_evocut(clusters: object = 8, decay: object = 0.95, iterations: object = 10) -> None:
    """Refuse values that the method cannot take."""
    check_whole("clusters", clusters)
    check_number("decay", decay, 0, 1, below=True)
    check_whole("iterations", iterations)


@owning_method(
    "evocut",
    "EvoCut",
    "the tokens of each frame that leave its common directions from layer to layer of the encoder; needs its layers",
    "EvoCut, arXiv 2606.01756; no published code",
    "Needs the encoder's hidden states (layers=...), for tokens alone do not tell how they came about. Which layers "
    "there are is up to who gives them: the source begins in the middle of the encoder.",
    "A method for images: here every frame is one, and the clip's tokens are shared evenly among its frames.",
    "k-means by cosine from evenly spread positions, 10 rounds at most; the paper names neither start nor metric.",
    "Where the encoder pools its grid, the layers come pooled as the tokens do; the paper pools nothing.",
    ROUNDED,
    check=check_evocut,
    needs=("layers",),
)
def evocut(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    layers: Float[Tensor, "layers frames positions hidden"],
    clusters: int = 8,
    decay: float = 0.95,
    iterations: int = 10,
) -> Ownership:
    """Of every frame, keep the tokens whose hidden states deviate most, and for longest, from its common directions.

    Args:
        features: the clip's tokens.
        saliency: not looked at.
        requested: tokens to keep.
        layers: hidden states h^l, from the layer before the first that counts to the one that gives the tokens.
        clusters: M, common directions of a frame.
        decay: beta, how much of the score of the layers before stays.
        iterations: rounds of k-means at most.
    """
    frames, positions, _ = features.shape
    score = deviation(layers, min(clusters, positions), decay, iterations)
    counts = share_evenly(requested, frames).to(features.device)
    return prune(features, ranks(rounded(score), descending=True) < counts[:, None])


def deviation(
    layers: Float[Tensor, "layers frames positions hidden"], clusters: int, decay: float, iterations: int
) -> Float[Tensor, "frames positions"]:
    """s^L: how far each token's steps from layer to layer lie from the common directions of its frame.

    e^l = unit(h^l - h^(l-1)); v^l = 1 - its largest cosine with the mean direction of any of `clusters` groups;
    s^l = decay s^(l-1) + (1 - decay) v^l, from s = 0.
    """
    frames, positions = layers.shape[1:3]
    starts = spread_order(positions)[:clusters].expand(frames, -1).to(layers.device)
    score = wide(layers.new_zeros(frames, positions))
    for before, after in pairwise(layers):
        steps = unit(wide(after) - wide(before))
        _, directions = cosine_kmeans(steps, starts, iterations)
        common = (steps @ directions.transpose(1, 2)).amax(dim=2)
        score = decay * score + (1 - decay) * (1 - common)
    return score
