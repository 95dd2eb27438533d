"""Stage 1: the vision tower learns to say what every cell shows, and its pooling head what the frame shows.

The pooling head's attention becomes a saliency that means something only by a task of its own: to name, for the whole
frame, which colours and shapes are in it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.testbed_training.disturbing import Levels, disturb_frames
from benchmarks.testbed_training.drawn import COLOR_NUMBER, IGNORED, PAIRS, SHAPE_NUMBER, CellLabels, draw
from benchmarks.testbed_training.optimizing import Schedule
from infomerge.testbed.design import GRID, POSITIONS, TOWER_WIDTH, WIDTH

# A cell shows an object from the first share on; below the second it shows none; between them it may do either.
_SHOWN, _HIDDEN = 0.12, 0.02
_CHUNK = 32


class Tasks(nn.Module):
    """Heads that training alone needs."""

    def __init__(self) -> None:
        super().__init__()
        self.color = nn.Linear(WIDTH, len(COLOR_NUMBER) + 1)
        self.shape = nn.Linear(WIDTH, len(SHAPE_NUMBER) + 1)
        self.offset = nn.Linear(WIDTH, 2)
        self.tone = nn.Linear(WIDTH, 3)
        self.row = nn.Linear(WIDTH, GRID[0])
        self.column = nn.Linear(WIDTH, GRID[1])
        self.present = nn.Linear(TOWER_WIDTH, PAIRS)


def look(model: Any, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Visual tokens [frames cells channels] and the pooling head's output [frames channels]."""
    seen = model.model.vision_tower(pixels, output_hidden_states=True)
    tokens = model.model.apply_pooling(model.model.multi_modal_projector(seen.hidden_states[-1]))
    return tokens, seen.pooler_output


def tower_weights(model: Any) -> list[nn.Parameter]:
    """What this stage trains and the next one leaves alone."""
    return [*model.model.vision_tower.parameters(), *model.model.multi_modal_projector.parameters()]


def train_tower(
    model: Any,
    seeds: list[int],
    generator: torch.Generator,
    seconds: float,
    say: Callable[[str], None],
    *,
    batch: int = 256,
    steps: int | None = None,
) -> None:
    """Train tower and projector on single frames of these clips."""
    device = generator.device
    tasks = Tasks().to(device)
    with torch.no_grad():
        batches = [draw(seeds[k : k + _CHUNK], device) for k in range(0, len(seeds), _CHUNK)]
        labels = [CellLabels.of(drawn).frames_in_a_row() for drawn in batches]
        frames = torch.cat([drawn.frames.flatten(0, 1) for drawn in batches])
        truth = {name: torch.cat([part[name] for part in labels]) for name in labels[0]}
    say(f"tower: {len(frames):,} frames drawn")
    schedule = Schedule([*tower_weights(model), *tasks.parameters()], 1.2e-3, seconds, 0.35, steps)
    while schedule.done < 1:
        which = torch.randint(len(frames), (batch,), device=device, generator=generator)
        pixels = disturb_frames(frames[which], Levels.draw(batch, generator), generator)
        part = {name: values[which] for name, values in truth.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            tokens, pooled = look(model, pixels)
            said = {
                name: task(pooled if name == "present" else tokens).float() for name, task in tasks.named_children()
            }
        losses = _losses(said, part)
        schedule.descend(torch.stack(list(losses.values())).sum())
        if schedule.step % 400 == 1:
            say(f"tower step {schedule.step}: " + ", ".join(f"{n} {v.item():.3f}" for n, v in losses.items()))
    say(f"tower: {schedule.step} steps")


def _losses(said: dict[str, Tensor], truth: dict[str, Tensor]) -> dict[str, Tensor]:
    shown = truth["coverage"] > _SHOWN
    unclear = (truth["coverage"] > _HIDDEN) & ~shown
    color, shape = (
        torch.where(shown, truth[name] + 1, 0).masked_fill(unclear, IGNORED).flatten() for name in ("color", "shape")
    )
    cell = torch.arange(POSITIONS, device=shown.device).repeat(len(shown))
    tone = truth["tone"][:, None].expand(-1, POSITIONS, -1)
    return {
        "color": functional.cross_entropy(said["color"].flatten(0, 1), color),
        "shape": functional.cross_entropy(said["shape"].flatten(0, 1), shape),
        "offset": 3 * functional.smooth_l1_loss(said["offset"][shown], truth["offset"][shown], beta=0.2),
        "tone": 10 * functional.mse_loss(said["tone"][~shown], tone[~shown]),
        "row": 0.1 * functional.cross_entropy(said["row"].flatten(0, 1), cell // GRID[1]),
        "column": 0.1 * functional.cross_entropy(said["column"].flatten(0, 1), cell % GRID[1]),
        "present": 2
        * functional.binary_cross_entropy_with_logits(
            said["present"], truth["present"], pos_weight=torch.tensor(4.0, device=shown.device)
        ),
    }
