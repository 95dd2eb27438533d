"""A method in one file: the tokens that changed most since an earlier frame are kept, and the others merge into them.

Copy this file, change what it says and does, and run `check_method`. Inside the package it belongs in
infomerge/methods/, where it is found by being there; a package of your own names `METHOD` as an entry point.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.methods.registry import METHODS, owning_method
from infomerge.methods.result import Ownership, own_by_similarity
from infomerge.numerics import ranks


def check_options(distance: int = 1) -> None:
    """Refuse values that the method cannot take, when it is asked for and not only when it runs."""
    if not isinstance(distance, int) or isinstance(distance, bool):
        raise TypeError(f"distance: got {type(distance).__name__}; expected a whole number")
    if distance < 1:
        raise ValueError(f"distance: got {distance}; expected whole numbers from 1")


@owning_method(
    "most-changed",  # what people type: infomerge run tour --method most-changed
    "most changed",  # what figures and tables call it
    "the tokens that changed most since an earlier frame; the others merge into the most similar kept one",
    "common practice",  # or "Author et al., Name, arXiv 2401.00001"
    "Departures from the source are sentences like this one; a list shows them.",
    group="baseline",  # "published" for another publication's method
    check=check_options,
)
def most_changed(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    distance: int = 1,  # what follows the three arguments are the method's options
) -> Ownership:
    """Rank every token by its Euclidean distance from the token at its position `distance` frames before.

    The first `distance` frames have none before them; they count as changed entirely, and are kept first. Of equal
    changes the lower index comes first.
    """
    frames, positions, _ = features.shape
    change = torch.full((frames, positions), torch.inf, dtype=features.dtype, device=features.device)
    change[distance:] = torch.linalg.vector_norm(features[distance:] - features[:-distance], dim=-1)
    kept = ranks(change.flatten()[None], descending=True).view_as(change) < requested
    owner = own_by_similarity(features, kept)
    # A kept token that stands for others becomes the mean of all of them; one that stands for itself stays as it is.
    return Ownership(owner, merged=torch.bincount(owner, minlength=frames * positions) > 1)


METHOD = METHODS["most-changed"]
