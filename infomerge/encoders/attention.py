"""How much each visual token matters, from the attention that a vision tower pays it (A_l of eq. 10)."""

import copy
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from infomerge.numerics import BLOCK_ELEMENTS


def attention_received(
    query: Float[Tensor, "batch heads queries channels"],
    key: Float[Tensor, "batch heads tokens channels"],
    scaling: float,
    mask: Tensor | None = None,
) -> Float[Tensor, "batch tokens"]:
    """Softmax attention that each token receives, averaged over heads and queries, in float32.

    Args:
        query: of the tokens that look; those of [CLS] alone, or of all tokens.
        key: of the tokens that are looked at.
        scaling: of the products, before the softmax.
        mask: added to the scaled products, or False where a token must not be looked at; it broadcasts to [batch,
            heads, queries, tokens].
    """
    batch, heads, queries, _ = query.shape
    received = []
    # A few images at a time: the weights of a whole clip would take gigabytes.
    step = max(1, BLOCK_ELEMENTS // (heads * queries * key.shape[2]))
    for start in range(0, batch, step):
        part = slice(start, start + step)
        scores = query[part].float() @ key[part].float().transpose(-1, -2) * scaling
        if mask is not None:
            own = mask if len(mask) == 1 else mask[part]
            scores = scores.masked_fill(~own, -torch.inf) if own.dtype == torch.bool else scores + own.float()
        received.append(scores.softmax(dim=-1).mean(dim=(1, 2)))
    return torch.cat(received)


@contextmanager
def recorded_attention(attention: Any, from_cls: bool) -> Iterator[list[Float[Tensor, "_ _"]]]:
    """What tokens receive in each call of one attention module of transformers that this thread makes in the block.

    transformers looks its attention function up by the name in the module's configuration. Inside the block this one
    module has a copy of its configuration, with the name of a function that takes the queries and keys, after rotary
    embeddings and norms, and then calls the function that was named before. So it works under every attention
    implementation, and needs the products of this module alone. One thread at a time may be in such a block of one
    module; calls by other threads go through it unrecorded.

    Args:
        attention: the module, which has a `config`.
        from_cls: the attention of the first token, [CLS], alone; else of all tokens.
    """
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    functions: Any = ALL_ATTENTION_FUNCTIONS

    records: list[Tensor] = []
    thread = threading.get_ident()
    config = attention.config
    eager: Any = getattr(sys.modules[type(attention).__module__], "eager_attention_forward", None)
    function = functions.get_interface(config._attn_implementation, eager)

    def recording(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Any:
        if threading.get_ident() != thread:
            return function(module, query, key, value, *args, **kwargs)
        mask = kwargs.get("attention_mask", args[0] if args else None)
        scaling = kwargs.get("scaling") or query.shape[-1] ** -0.5
        with torch.no_grad():
            looking = query[:, :, :1] if from_cls else query
            looked_at = mask[:, :, : looking.shape[2]] if isinstance(mask, Tensor) and mask.ndim == 4 else None
            records.append(attention_received(looking, key, scaling, looked_at))
        return function(module, query, key, value, *args, **kwargs)

    name = f"recording_{uuid.uuid4().hex}"
    functions[name] = recording
    attention.config = copy.copy(config)
    attention.config._attn_implementation = name
    try:
        yield records
    finally:
        attention.config = config
        del functions[name]


@contextmanager
def recorded_input(module: nn.Module) -> Iterator[list[Tensor]]:
    """The first argument of each call of a module that this thread makes inside the block."""
    records: list[Tensor] = []
    thread = threading.get_ident()

    def record(_: nn.Module, args: tuple[Tensor, ...]) -> None:
        if threading.get_ident() == thread:
            records.append(args[0].detach())

    hook = module.register_forward_pre_hook(record)
    try:
        yield records
    finally:
        hook.remove()


def probe_attention(head: Any, states: Float[Tensor, "batch positions channels"]) -> Float[Tensor, "batch positions"]:
    """Attention of a SigLIP pooling head's probe over the positions, in float32."""
    attention = head.attention
    weights, biases = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)
    query = functional.linear(head.probe[:, 0:1], weights[0], biases[0])
    key = functional.linear(states, weights[1], biases[1])
    query, key = (part.unflatten(-1, (attention.num_heads, -1)).transpose(1, 2) for part in (query, key))
    return attention_received(query.expand(len(key), -1, -1, -1), key, query.shape[-1] ** -0.5)
