"""FLOPs of a language model's prefill over visual tokens, counted as the paper counts them (Tables 1 and 2)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Decoder:
    """The sizes of a decoder-only language model that its prefill cost depends on."""

    layers: int
    hidden: int
    feed_forward: int
    heads: int
    key_value_heads: int


QWEN2_7B = Decoder(layers=28, hidden=3584, feed_forward=18944, heads=28, key_value_heads=4)
"""The language model of LLaVA-OneVision-7B and LLaVA-Video-7B."""


def layer_flops(tokens: int, decoder: Decoder = QWEN2_7B) -> float:
    """Multiply-accumulates of one decoder layer over `tokens` visual tokens.

    n d^2 (2 + 2 H_kv / H) for the projections of attention, 2 n^2 d for attention itself, 3 n d d_ff for the gated
    feed-forward network.
    """
    n, d = tokens, decoder.hidden
    projections = n * d**2 * (2 + 2 * decoder.key_value_heads / decoder.heads)
    attention = 2 * n**2 * d
    feed_forward = 3 * n * d * decoder.feed_forward
    return projections + attention + feed_forward


def prefill_flops(
    tokens: int, decoder: Decoder = QWEN2_7B, *, full_tokens: int | None = None, full_layers: int = 0
) -> float:
    """Multiply-accumulates of a whole prefill over `tokens` visual tokens.

    Methods that prune inside the language model run its first `full_layers` layers on `full_tokens` tokens: FastV two
    of them.

    Raises:
        ValueError: `full_layers` is negative or above the decoder's, or is given without `full_tokens`.
    """
    if not 0 <= full_layers <= decoder.layers:
        raise ValueError(f"full_layers: found {full_layers}; accepted is 0 to {decoder.layers}, the decoder's layers")
    if full_layers and full_tokens is None:
        raise ValueError("full_tokens: found None; accepted is a number of tokens, as full_layers is not 0")
    before = full_layers * layer_flops(full_tokens or 0, decoder)
    return before + (decoder.layers - full_layers) * layer_flops(tokens, decoder)
