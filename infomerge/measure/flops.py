"""FLOPs of a language model's prefill over visual tokens, counted as the paper counts them (Tables 1 and 2)."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Decoder:
    """The sizes of a decoder-only language model that its prefill cost depends on."""

    layers: int
    hidden: int
    feed_forward: int
    heads: int
    key_value_heads: int
    head_size: int | None = None
    """Channels of one head. Without it, hidden / heads; Qwen3's are larger."""

    @property
    def channels_a_head(self) -> float:
        """Channels of one head."""
        return self.hidden / self.heads if self.head_size is None else self.head_size


QWEN2_7B = Decoder(layers=28, hidden=3584, feed_forward=18944, heads=28, key_value_heads=4)
"""The language model of LLaVA-OneVision-7B and LLaVA-Video-7B."""


def decoder_of(config: Any) -> Decoder:
    """The sizes in the configuration of a language model of transformers, or of a model that has one inside.

    Every layer is taken for one of full attention and a gated feed-forward network, as in Llama and Qwen.

    Raises:
        ValueError: the configuration names no such sizes, or has experts, of which a token visits only some.
    """
    text = config.get_text_config()
    names = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "num_key_value_heads")
    missing = [name for name in names if not isinstance(getattr(text, name, None), int)]
    if missing or getattr(text, "num_experts", None):
        found = f"no {missing[0]}" if missing else f"{text.num_experts} experts"
        raise ValueError(
            f"config: got {found} in {type(text).__name__}; expected dense decoders with {', '.join(names)}"
        )
    layers, hidden, feed_forward, heads, key_value_heads = (int(getattr(text, name)) for name in names)
    return Decoder(layers, hidden, feed_forward, heads, key_value_heads, getattr(text, "head_dim", None))


def layer_flops(tokens: int, decoder: Decoder = QWEN2_7B) -> float:
    """Multiply-accumulates of one decoder layer over `tokens` visual tokens.

    n d^2 (2 + 2 H_kv / H) for the projections of attention, 2 n^2 d for attention itself, 3 n d d_ff for the gated
    feed-forward network. Where heads have a size of their own, the width of all of them, H times that size, takes the
    place of one d in the projections and of the d in attention.
    """
    n, d = tokens, decoder.hidden
    width = decoder.heads * decoder.channels_a_head
    projections = n * d * width * (2 + 2 * decoder.key_value_heads / decoder.heads)
    attention = 2 * n**2 * width
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
        raise ValueError(f"full_layers: got {full_layers}; expected 0 to {decoder.layers}, the decoder's layers")
    if full_layers and full_tokens is None:
        raise ValueError("full_tokens: got None; expected a number of tokens, as full_layers is not 0")
    before = full_layers * layer_flops(full_tokens or 0, decoder)
    return before + (decoder.layers - full_layers) * layer_flops(tokens, decoder)
