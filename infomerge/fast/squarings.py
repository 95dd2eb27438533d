"""Spectral entropy without eigenvalues: by repeated squaring of the scaled Gram matrix (eq. 7).

H = tr f(A) for f(x) = -x log x, with A the Gram matrix over its trace. F_0 = A and F_{j+1} = 2 F_j - F_j^2 have the
eigenvalues 1 - (1 - x)^(2^j) for those x of A. Sums of exponentials with doubling rates come close to f, so that
H = sum_j c_j tr F_j with fixed coefficients: no eigenvector, no probe, no loop that has to converge, and rows of zeros
change nothing.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.numerics import wide

COEFFICIENTS = (
    -1.00793424, 0.560423409, 0.268700191, 0.0842183606, 0.0509249458, 0.0220174428, 0.00994824608, 0.00661586898,
    0.00183761057, 0.00194703171, 0.000295619267, 0.000589097531, -2.47569885e-06, 0.000209515122, -5.3801804e-05,
    9.78870119e-05, -5.04784075e-05, 5.04113232e-05, -2.4596186e-05, 1.15389936e-05,
)  # fmt: skip
"""c_j, by linear programming: least t with |f(x) - sum_j c_j (1 - (1 - x)^(2^j))| <= t (x + 1/1024) on [0, 1]."""

SQUARINGS = len(COEFFICIENTS) - 2
"""Products that are computed: the last trace is known without its matrix, tr F_{j+1} = 2 tr F_j - |F_j|^2."""

ERROR_BOUND = {1024: 3.7e-4, 3584: 8.1e-4}
"""Largest error of H for every spectrum up to a rank, in exact arithmetic: of e_k, which is H over the logarithm of the
rank, 5.3e-5 at rank 1024 and 1.0e-4 at 3584."""

NEGLIGIBLE = 1e-4
"""Segments whose e_k deviate by less than this count as equally rich: more than the squarings are off by."""


def squared_spectral_entropy(tokens: Float[Tensor, "tokens channels"]) -> Float[Tensor, ""]:
    """Spectral entropy of the tokens by squarings, in float32; within `ERROR_BOUND` of `budget.spectral_entropy`."""
    gram = smaller_gram(tokens)
    if len(gram) == 1:
        return wide(gram.new_zeros(()))
    energy = gram.diagonal().sum()
    entropy = entropy_by_squarings(gram / torch.where(energy > 0, energy, 1))
    return entropy / math.log(len(gram))


def entropy_by_squarings(scaled_gram: Float[Tensor, "rank rank"]) -> Float[Tensor, ""]:
    """sum_j c_j tr F_j of a Gram matrix of trace 1 (or 0)."""
    power = scaled_gram
    traces = [power.diagonal().sum()]
    for _ in range(SQUARINGS):
        power = 2 * power - power @ power
        traces.append(power.diagonal().sum())
    traces.append(2 * traces[-1] - power.square().sum())
    total = wide(torch.stack(traces))
    return total @ total.new_tensor(COEFFICIENTS)


def smaller_gram(tokens: Float[Tensor, "tokens channels"]) -> Float[Tensor, "rank rank"]:
    """The products of the tokens, or of the channels where there are fewer: both have the same eigenvalues."""
    return tokens.mT @ tokens if tokens.shape[0] > tokens.shape[1] else tokens @ tokens.mT
