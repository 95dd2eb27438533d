"""What a method is given: tensors of a clip, checked once, and the defaults for what is left out."""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.numerics import check_dense, wide
from infomerge.selection import frame_distinctness

LARGEST = 1e60
"""The largest number that may stand in a tensor: products of four of them, which measures of spread have, stay finite.
Every number of float32, bfloat16 and float16 is below it."""

_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


class ClipTensors(NamedTuple):
    """A clip's tensors as the steps of a method take them: float64, but for `tokens` and, if so asked, the features.

    All are contiguous: the order in which numbers are summed follows their layout in memory, and the same numbers shall
    give the same bits.
    """

    tokens: Float[Tensor, "frames positions channels"]
    """As they were given, without their gradients."""
    features: Float[Tensor, "frames positions channels"]
    """The same in float64, so that near ties do not depend on the machine."""
    saliency: Float[Tensor, "frames positions"]
    """A_l of eq. 10: as given, or each token's distance from its frame's mean."""
    frame_features: Float[Tensor, "frames features"]
    """g_l of eq. 22: as given, or the mean of each frame's tokens."""


def clip_tensors(
    tokens: Any, saliency: Any = None, frame_features: Any = None, dtype: torch.dtype = torch.float64
) -> ClipTensors:
    """Check a clip's tensors, and fill in what was not given. The features are in `dtype`.

    Raises:
        TypeError, ValueError: see `check_inputs`.
    """
    check_inputs(tokens, saliency, frame_features)
    tokens = tokens.detach().contiguous()
    features = tokens.to(dtype)
    return ClipTensors(
        tokens=tokens,
        features=features,
        saliency=wide(frame_distinctness(features) if saliency is None else saliency.detach()).contiguous(),
        frame_features=wide(features.mean(dim=1) if frame_features is None else frame_features.detach()).contiguous(),
    )


def check_inputs(tokens: Any, saliency: Any = None, frame_features: Any = None) -> None:
    """Raise the one error that tells what is wrong with a clip's tensors, as `compress` documents it."""
    for name, value in check_shapes(tokens, saliency, frame_features).items():
        _check_values(name, value)


def check_unmasked(name: str, values: Any) -> None:
    """Refuse a NumPy array of which a part is masked: a tensor has no mask, and shows what lies below."""
    if np.ma.is_masked(values):
        raise TypeError(f"{name}: got an array of which a part is masked; expected numbers alone")


def check_shapes(tokens: Any, saliency: Any = None, frame_features: Any = None) -> dict[str, Tensor]:
    """All of `check_inputs` that needs no look at a value; gives the tensors that were given, by name."""
    _check_tensor("tokens", tokens, "[frames, positions, channels]", 3)
    frames, positions, channels = tokens.shape
    if frames == 0 or positions == 0 or channels == 0:
        raise ValueError(f"tokens: got an empty clip, shape {list(tokens.shape)}; expected at least [1, 1, 1]")
    given = {"tokens": tokens}
    if saliency is not None:
        _check_tensor("saliency", saliency, "[frames, positions]", 2, tokens)
        if saliency.shape != (frames, positions):
            raise ValueError(
                f"saliency: got shape {list(saliency.shape)}; expected [frames, positions] of the tokens, "
                f"[{frames}, {positions}]"
            )
        given["saliency"] = saliency
    if frame_features is not None:
        _check_tensor("frame_features", frame_features, "[frames, features]", 2, tokens)
        if len(frame_features) != frames or frame_features.shape[1] == 0:
            raise ValueError(
                f"frame_features: got shape {list(frame_features.shape)}; expected [frames, features] with a row "
                f"for each of the {frames} frames of the tokens"
            )
        given["frame_features"] = frame_features
    return given


def check_layers(layers: Any, tokens: Float[Tensor, "frames positions channels"]) -> None:
    """Refuse hidden states of an encoder that do not fit the tokens, as `compress` documents it."""
    _check_tensor("layers", layers, "[layers, frames, positions, hidden]", 4, tokens)
    frames, positions, _ = tokens.shape
    if len(layers) < 2 or layers.shape[1:3] != (frames, positions) or layers.shape[3] == 0:
        raise ValueError(
            f"layers: got shape {list(layers.shape)}; expected [layers, frames, positions, hidden] with 2 layers or "
            f"more and the frames and positions of the tokens, [{frames}, {positions}]"
        )
    _check_values("layers", layers)


def _check_values(name: str, value: Tensor) -> None:
    # One NaN or infinity makes the sum one; a sum may overflow too, so that only then every value is looked at.
    total = value.detach().sum(dtype=torch.promote_types(value.dtype, torch.float32))
    if not math.isfinite(total) and (bad := int((~torch.isfinite(value)).sum())):
        raise ValueError(f"{name}: got {bad} values that are NaN or infinite; expected finite numbers")
    if value.dtype == torch.float64 and (largest := float(value.detach().abs().max())) > LARGEST:
        raise ValueError(f"{name}: got a value of {largest:.3g}; expected numbers from {-LARGEST:g} to {LARGEST:g}")


def _check_tensor(name: str, value: Any, shape: str, rank: int, tokens: Tensor | None = None) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: got {type(value).__name__}; expected a torch.Tensor {shape}")
    if value.dtype not in _DTYPES:
        raise TypeError(f"{name}: got dtype {value.dtype}; expected a float dtype (float16 to float64, bfloat16)")
    if tokens is not None and value.device != tokens.device:
        raise ValueError(f"{name}: got one on {value.device}; expected the device of the tokens, {tokens.device}")
    check_dense(name, value, shape)
    if value.ndim != rank:
        raise ValueError(f"{name}: got {value.ndim} dimensions, shape {list(value.shape)}; expected {shape}")
