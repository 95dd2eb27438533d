"""Tokens that time like a clip's: scenes of given lengths, mostly still, in a few hundred shared directions."""

import torch
from torch import Tensor

SCENES = {
    "even": (4,) * 8,
    "tour": (2, 1, 1, 1, 1, 3, 4, 8, 7, 4),
    "long": (4, 1, 1, 1, 2, 1, 1, 21),
}
"""Lengths of the segments: all alike; of the sample clip `tour`; with one long still shot, as bigbuckbunny has."""


def scenes(
    lengths: tuple[int, ...],
    positions: int,
    channels: int,
    seed: int = 0,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    """A clip [sum(lengths), positions, channels] that is cut where the scenes change.

    200 directions with energies by a power law, a mean of the clip's and one of the scene's, and at every position a
    motion of its own strength.
    """
    g = torch.Generator(device=device).manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, device=device)

    directions = normal(200, channels) * torch.arange(1, 201, device=device)[:, None] ** -0.7
    common, frames = 0.5 * normal(channels), []
    for length in lengths:
        scene = common + 0.6 * normal(channels) + normal(positions, 200) @ directions
        strength = 0.5 * torch.rand(positions, 1, generator=g, device=device)
        for _ in range(length):
            moved = strength * (normal(positions, 200) @ directions)
            frames.append((scene + moved + 0.1 * normal(positions, channels)).to(dtype))
    return torch.stack(frames)
