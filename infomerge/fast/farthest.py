"""Salient farthest points at precision "fast": on a GPU, without ever waiting for it.

One product of all tokens with each other, once; then tokens are chosen one after the other by reading a row of it. With
Triton that loop is one kernel. Without, and in the tests, it is the same steps in torch. Likeness is counted in whole
millionths, as the exact core rounds it, so that equal tokens stay equal: only near ties may fall differently.
"""

from functools import lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.budget import salient_total
from infomerge.compression import ClipTrace, Compression
from infomerge.farthest import FarthestOptions, saliency_log_weight
from infomerge.fast.products import products
from infomerge.fast.unread import Unread
from infomerge.inputs import check_inputs
from infomerge.merging import MergePlan
from infomerge.selection import frame_distinctness, most_salient, salient_counts

MOST_TOKENS = 16384
"""Tokens of the largest clip: all pairs of them take 1 GiB."""

MOST_EXPONENT = 4
"""The largest gamma whose weights float32 still holds."""

MILLION = 1_000_000
"""Likeness 1, in millionths."""

BITS = 20
"""Of a key: likeness, then nearness in time, then the lower index, each in as many bits."""

ROWS = 512
"""Rows of all pairs that torch holds keys of at once."""

DTYPES = (torch.bfloat16, torch.float16, torch.float32)


class Sizes(NamedTuple):
    """What is known of a run before it starts."""

    frames: int
    positions: int
    requested: int
    salient: int


class Pairs(NamedTuple):
    """What likeness is computed from."""

    products: Float[Tensor, "tokens tokens"]
    """x_i . x_j."""
    inverse: Float[Tensor, "tokens"]
    """1 / |x_i|; 0 for tokens that are zero."""
    decay: Float[Tensor, "frames"]
    """exp(-d^2 / (2 tau_t^2)) for d frames."""
    positions: int


def not_covered(tokens: Tensor, requested: int, options: FarthestOptions) -> str | None:
    """Why this run has no fast form; None where it has one."""
    frames, positions, _ = tokens.shape
    if not tokens.is_cuda:
        return "no CUDA"
    if tokens.dtype not in DTYPES:
        return f"tokens in {tokens.dtype}"
    if frames * positions > MOST_TOKENS:
        return f"more than {MOST_TOKENS} tokens"
    if requested == frames * positions:
        return "retention_ratio=1"
    if options.scope != "clip":
        return f"scope={options.scope!r}"
    if options.merge_weight < 1:
        return f"merge_weight={options.merge_weight:g}"
    if options.place_directions:
        return f"place_directions={options.place_directions}"
    if options.place_scale is not None:
        return f"place_scale={options.place_scale:g}"
    if options.saliency_exponent > MOST_EXPONENT:
        return f"saliency_exponent={options.saliency_exponent:g}"
    return None


def compress(
    tokens: Tensor,
    saliency: Tensor | None,
    frame_features: Tensor | None,
    requested: int,
    options: FarthestOptions,
    *,
    graphs: bool = False,
) -> Compression | str:
    """A compression that the host has not waited for, or why there is none.

    Bad values in the tensors are told when its trace is read.
    """
    why_not = not_covered(tokens, requested, options)
    if why_not is not None:
        return why_not
    frames, positions, _ = tokens.shape
    salient = salient_total(frames, requested / frames, options.context_fraction, options.salient_split)
    sizes = Sizes(frames, positions, requested, salient)
    given = (
        tokens.detach().contiguous(),
        None if saliency is None else saliency.detach().contiguous(),
        None,
        options,
        sizes,
    )
    if graphs:
        from infomerge.fast.kernels.graph import Graphs

        kept, out = _graphs(Graphs).replay(*given)
    else:
        kept, out = run(*given)
    nothing = out["index"][:0]
    plan = MergePlan(out["index"], out["is_context"], out["assignment"], positions, nothing, nothing, 1.0)

    def read() -> dict[str, Any]:
        if not (out["energy"].isfinite().all() and out["saliency"].isfinite().all()):
            check_inputs(tokens, saliency, frame_features)
        segments = torch.tensor([[0, frames]], device=tokens.device)
        return {"segments": segments, "saliency": out["saliency"].double(), "measured": {}}

    return Compression(kept, plan, requested, UnreadClipTrace(tokens.detach(), arithmetic(), read))


class UnreadClipTrace(Unread, ClipTrace):
    """A `ClipTrace` that waits for the GPU when it is read."""


@lru_cache
def _graphs(make: Any) -> Any:
    return make(run)


def arithmetic() -> str:
    """By what it is computed on this machine."""
    return "GPU kernels" if find_spec("triton") else "float32 on the GPU; not GPU kernels: Triton is not installed"


def run(
    tokens: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"] | None,
    frame_features: None,
    options: FarthestOptions,
    sizes: Sizes,
) -> tuple[Float[Tensor, "kept channels"], dict[str, Tensor]]:
    """The kept tokens, and by name the rest of what a compression holds; no look at a value on the way."""
    saliency = (frame_distinctness(tokens.float()) if saliency is None else saliency).float()
    salient = most_salient(saliency, salient_counts(saliency, sizes.salient, options.salient_split)).flatten()
    flat = tokens.flatten(0, 1)
    pairs = all_pairs(flat, sizes, options.time_scale)
    log_weight = saliency_log_weight(saliency, options.saliency_exponent).flatten()
    nearest, choose = _stages(tokens)

    likeness, _ = nearest(pairs, salient)
    chosen = choose(pairs, (log_weight - log_weight.max()).exp(), likeness, salient, sizes.requested - sizes.salient)
    _, owner = nearest(pairs, chosen)

    number = chosen.cumsum(0) - 1
    place = torch.where(chosen, number, sizes.requested)
    every = torch.arange(len(place), device=place.device)
    index = every.new_empty(sizes.requested + 1).scatter_(0, place, every)[:-1]
    return flat[index], {
        "index": index,
        "is_context": ~salient[index],
        "assignment": torch.where(chosen, number, number[owner]),
        "saliency": saliency,
        "energy": pairs.products.diagonal().clone(),
    }


def all_pairs(flat: Float[Tensor, "tokens channels"], sizes: Sizes, time_scale: float | None) -> Pairs:
    """What F3 is made of, for all pairs of tokens."""
    product = products(flat[None])[0]
    energy = product.diagonal()
    inverse = torch.where(energy > 0, energy, 1).rsqrt() * (energy > 0)
    distance = torch.arange(sizes.frames, device=flat.device, dtype=torch.float32)
    decay = torch.ones_like(distance) if time_scale is None else torch.exp(-((distance / time_scale) ** 2) / 2)
    return Pairs(product, inverse, decay, sizes.positions)


def _stages(tokens: Tensor) -> tuple[Any, Any]:
    if tokens.is_cuda and find_spec("triton"):
        from infomerge.fast.kernels import farthest as kernels

        return kernels.nearest_chosen, kernels.choose
    return nearest_chosen, choose


def nearest_chosen(pairs: Pairs, chosen: Bool[Tensor, "tokens"]) -> tuple[Int[Tensor, "tokens"], Int[Tensor, "tokens"]]:
    """For each token the largest likeness to a chosen one, in millionths, and which that is (F6); 0 where none is."""
    token = torch.arange(len(chosen), device=chosen.device)
    largest = (1 << BITS) - 1
    best = []
    for rows in token.split(ROWS):
        apart = (rows[:, None] // pairs.positions - token // pairs.positions).abs()
        keys = ((_likeness(pairs, rows).long() << BITS) + largest - apart << BITS) + largest - token
        best.append(torch.where(chosen, keys, largest).amax(dim=1))
    key = torch.cat(best)
    return (key >> 2 * BITS).int(), largest - (key & largest)


def choose(
    pairs: Pairs,
    weight: Float[Tensor, "tokens"],
    likeness: Int[Tensor, "tokens"],
    chosen: Bool[Tensor, "tokens"],
    count: int,
) -> Bool[Tensor, "tokens"]:
    """`count` farthest points beside the chosen tokens (F4 and F5); `likeness` is that to the chosen ones."""
    chosen = chosen.clone()
    for _ in range(count):
        distance = (MILLION - likeness).clamp(min=1)
        best = torch.where(chosen, -1.0, weight * distance).argmax().view(1)
        chosen.index_fill_(0, best, True)
        likeness = torch.maximum(likeness, _likeness(pairs, best)[0])
    return chosen


def _likeness(pairs: Pairs, rows: Int[Tensor, "rows"]) -> Int[Tensor, "rows tokens"]:
    """F3 between some tokens and all, in millionths. Tokens that are zero are alike."""
    product, inverse, decay, positions = pairs
    frame = torch.arange(len(inverse), device=inverse.device) // positions
    cosine = product[rows] * inverse[rows][:, None] * inverse
    both_zero = (inverse[rows][:, None] == 0) & (inverse == 0)
    apart = (frame[rows][:, None] - frame).abs()
    k = torch.where(both_zero, 1.0, cosine.clamp(min=0)) * decay[apart]
    return (k * MILLION + 0.5).floor().clamp(max=MILLION).int()
