"""What compression changes in the answer of a pretrained network that reads the tokens."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from infomerge.compression import Compression


@runtime_checkable
class Classifier(Protocol):
    """An encoder with a head of its own, such as `EfficientNetEncoder`."""

    def classify(self, tokens: Float[Tensor, "frames positions channels"]) -> Float[Tensor, "frames classes"]:
        """Class logits for a feature map."""


@dataclass(frozen=True)
class Fidelity:
    """The network's answers for a compressed clip against those for all of its tokens."""

    top1_agreement: float
    """Share of frames whose highest class is the same."""
    kl_divergence: float
    """Mean over the frames of KL(full || compressed), in nats."""


def reconstruct(out: Compression) -> Float[Tensor, "frames positions channels"]:
    """The clip's feature map with every token replaced by the kept token that stands for it."""
    return out.plan.unmerge(out.tokens)


@torch.no_grad()
def fidelity(
    out: Compression, classifier: Classifier, full_logits: Float[Tensor, "frames classes"] | None = None
) -> Fidelity:
    """Put each token's owner back into the feature map and run the network's own head on it.

    Args:
        out: a compression of the classifier's tokens.
        classifier: the encoder that made them.
        full_logits: `classifier.classify` of all tokens, to compute it once for many compressions of one clip.

    Raises:
        ValueError: the tokens do not fit the classifier's head, or `full_logits` the clip.
    """
    full = classifier.classify(out.trace.tokens) if full_logits is None else full_logits
    compressed = classifier.classify(reconstruct(out))
    if full.shape != compressed.shape:
        raise ValueError(f"full_logits: got shape {list(full.shape)}; expected {list(compressed.shape)}")
    before, after = (functional.log_softmax(logits.double(), dim=1) for logits in (full, compressed))
    # Sums of rounded terms can fall below zero, which a divergence cannot.
    divergence = (before.exp() * (before - after)).sum(dim=1).clamp(min=0)
    same = full.argmax(dim=1) == compressed.argmax(dim=1)
    return Fidelity(float(same.double().mean()), float(divergence.mean()))
