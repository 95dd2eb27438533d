"""Farthest points on the GPU: the loop of `fast.farthest.choose` as one kernel, and who is nearest to whom."""

from typing import Any

import torch
import triton.language as tl
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.fast.kernels.common import kernel, order_key


@kernel
def likeness(products, inverse, decay, token, other, inside, tokens, positions):
    """F3 between one token and others, in millionths: `fast.farthest._likeness`."""
    product = tl.load(products + token.to(tl.int64) * tokens + other, mask=inside, other=0)
    own = tl.load(inverse + token)
    theirs = tl.load(inverse + other, mask=inside, other=0)
    cosine = tl.where(own + theirs == 0, 1.0, tl.maximum(product * own * theirs, 0.0))
    apart = tl.abs(other // positions - token // positions)
    k = cosine * tl.load(decay + apart, mask=inside, other=0)
    return tl.minimum(tl.floor(k * 1e6 + 0.5), 1e6).to(tl.int32)


@kernel
def nearest(products, inverse, decay, chosen, near, owner, tokens, positions, BITS: tl.constexpr, WIDTH: tl.constexpr):
    """The chosen token that is most like this one: `fast.farthest.nearest_chosen`. Programs: tokens."""
    token = tl.program_id(0)
    other = tl.arange(0, WIDTH)
    inside = other < tokens
    k = likeness(products, inverse, decay, token, other, inside, tokens, positions)
    largest = (1 << BITS) - 1
    apart = tl.abs(other // positions - token // positions)
    key = (((k.to(tl.int64) << BITS) + largest - apart) << BITS) + largest - other
    is_chosen = tl.load(chosen + other, mask=inside, other=0) != 0
    best = tl.max(tl.where(is_chosen, key, largest), 0)
    tl.store(near + token, (best >> (2 * BITS)).to(tl.int32))
    tl.store(owner + token, largest - (best & largest))


@kernel
def farthest(products, inverse, decay, weight, near, chosen, count, tokens, positions, WIDTH: tl.constexpr):
    """The next `count` farthest points, one after the other: `fast.farthest.choose`. One program."""
    token = tl.arange(0, WIDTH)
    inside = token < tokens
    w = tl.load(weight + token, mask=inside, other=0)
    k = tl.load(near + token, mask=inside, other=0)
    taken = tl.load(chosen + token, mask=inside, other=1).to(tl.int32)
    for _ in range(count):
        score = w * tl.maximum(1000000 - k, 1).to(tl.float32)
        key = tl.where(taken == 0, order_key(score, token), -(1 << 62))
        best = 65535 - (tl.max(key, 0) & 65535).to(tl.int32)
        taken = tl.where(token == best, 1, taken)
        k = tl.maximum(k, likeness(products, inverse, decay, best, token, inside, tokens, positions))
    tl.store(chosen + token, taken.to(tl.int8), mask=inside)


def nearest_chosen(pairs: Any, chosen: Bool[Tensor, "tokens"]) -> tuple[Int[Tensor, "tokens"], Int[Tensor, "tokens"]]:
    """As `fast.farthest.nearest_chosen`."""
    tokens = len(chosen)
    near = torch.empty(tokens, dtype=torch.int32, device=chosen.device)
    owner = torch.empty(tokens, dtype=torch.int64, device=chosen.device)
    nearest[(tokens,)](
        pairs.products, pairs.inverse, pairs.decay, chosen.view(torch.int8), near, owner, tokens, pairs.positions,
        BITS=20, WIDTH=_width(tokens), num_warps=8,
    )  # fmt: skip
    return near, owner


def choose(
    pairs: Any,
    weight: Float[Tensor, "tokens"],
    likeness: Int[Tensor, "tokens"],
    chosen: Bool[Tensor, "tokens"],
    count: int,
) -> Bool[Tensor, "tokens"]:
    """As `fast.farthest.choose`."""
    chosen, tokens = chosen.clone(), len(chosen)
    width = _width(tokens)
    farthest[(1,)](
        pairs.products, pairs.inverse, pairs.decay, weight, likeness, chosen.view(torch.int8), count, tokens,
        pairs.positions, WIDTH=width, num_warps=min(32, max(4, width // 256)),
    )  # fmt: skip
    return chosen


def _width(tokens: int) -> int:
    """Power of two that holds the tokens."""
    return max(16, 1 << (tokens - 1).bit_length())
