"""Inner products in float32, by the fastest way that rounds no product."""

import torch
from jaxtyping import Float
from torch import Tensor


def products(vectors: Float[Tensor, "batch n channels"]) -> Float[Tensor, "batch n n"]:
    """All inner products of each batch in float32; of half-precision vectors on a GPU by the tensor cores."""
    if vectors.is_cuda and vectors.dtype != torch.float32:
        return torch.bmm(vectors, vectors.mT, out_dtype=torch.float32)
    return _full_float32_products(vectors.float())


def _full_float32_products(vectors: Float[Tensor, "batch n channels"]) -> Float[Tensor, "batch n n"]:
    """Without the rounding to 10 bits that a program may have allowed for its own products."""
    allowed = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        return vectors @ vectors.mT
    finally:
        torch.backends.cuda.matmul.allow_tf32 = allowed
