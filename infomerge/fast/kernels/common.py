"""What the kernels share: values as they are compared, and the first few of an order."""

import inspect
from collections.abc import Callable
from typing import Any

import triton
import triton.language as tl


def kernel(function: Callable[..., Any]) -> Any:
    """`triton.jit` for functions that a type checker may have wrapped: Triton compiles what stands in the file."""
    return triton.jit(inspect.unwrap(function))


@kernel
def rounded(values):
    """Values as they are compared: `numerics.rounded`."""
    return tl.floor(values * 1e6 + 0.5) / 1e6


@kernel
def inverse_root(energy):
    """1 / sqrt(energy), and 0 for 0: so that the cosine with a zero vector is 0."""
    return tl.where(energy > 0, 1 / tl.sqrt(tl.where(energy > 0, energy, 1.0)), 0.0)


@kernel
def order_key(values, index):
    """A whole number that is larger for a larger value, and among equal ones for the lower index (below 65536)."""
    bits = (values + 0.0).to(tl.int32, bitcast=True)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(tl.int64) * 65536 + (65535 - index)


@kernel
def among_largest(keys, count, WIDTH: tl.constexpr):
    """Whether each of the different keys is among the `count` largest."""
    descending = tl.sort(keys, descending=True)
    least = tl.sum(tl.where(tl.arange(0, WIDTH) == count - 1, descending, 0))
    return (keys >= least) & (count > 0)
