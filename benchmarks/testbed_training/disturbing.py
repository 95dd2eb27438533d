"""What training does to frames on the device: shake, flicker, noise and dropped frames, half of the clips mildly."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True, eq=False)
class Levels:
    """How strong each disturbance is, clip by clip: [clips]."""

    noise: Tensor
    """Standard deviation in grey levels."""
    flicker: Tensor
    """Largest change of gain, in stops."""
    shake: Tensor
    """Largest shift, in pixels."""
    dropped: Tensor
    """Expected share of frames that show the one before."""

    @classmethod
    def draw(cls, count: int, generator: torch.Generator) -> "Levels":
        """Half mild, half severe."""

        def between(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(count, device=generator.device, generator=generator)

        mild = torch.rand(count, device=generator.device, generator=generator) < 0.5
        return cls(
            torch.where(mild, between(0, 4), between(2, 12)),
            torch.where(mild, between(0, 0.1), between(0.1, 0.5)),
            torch.where(mild, between(0, 0), between(0.5, 2.5)),
            torch.where(mild, between(0, 0), between(0.03, 0.18)),
        )

    def repeat(self, frames: int) -> "Levels":
        """One level a frame of clips of so many frames."""
        return Levels(*(values.repeat_interleave(frames) for values in vars(self).values()))


def disturb_frames(frames: Tensor, levels: Levels, generator: torch.Generator) -> Tensor:
    """Pixels of the encoder, [frames 3 side side] from -1 to 1, of uint8 frames [frames side side 3]."""
    count, side = len(frames), frames.shape[1]
    pixels = frames.permute(0, 3, 1, 2).float()

    def either_way() -> Tensor:
        return 2 * torch.rand(count, device=frames.device, generator=generator) - 1

    line = (torch.arange(side, device=frames.device) + 0.5) * 2 / side - 1
    shift = 2 / side * levels.shake
    across = line[None, None, :] - (shift * either_way())[:, None, None]
    down = line[None, :, None] - (shift * either_way())[:, None, None]
    shape = (count, side, side)
    grid = torch.stack([across.expand(shape), down.expand(shape)], dim=-1)
    pixels = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    pixels = pixels * torch.exp2(levels.flicker * either_way())[:, None, None, None]
    noise = torch.randn(pixels.shape, device=frames.device, generator=generator)
    pixels = pixels + levels.noise[:, None, None, None] * noise
    return pixels.clamp(0, 255).round() / 127.5 - 1


def shown_frames(levels: Levels, frames: int, generator: torch.Generator) -> Tensor:
    """Which frame each place of a clip shows, [clips frames]: dropped ones show the one before. The first is never."""
    count = len(levels.dropped)
    luck = torch.rand((count, frames), device=generator.device, generator=generator)
    dropped = luck < levels.dropped[:, None]
    dropped[:, 0] = False
    return torch.where(dropped, 0, torch.arange(frames, device=generator.device)).cummax(dim=1).values
