"""Clips for training: frames on the device, what every cell shows, and sixteen questions with answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infomerge.testbed.design import FRAME_SIDE, GRID
from infomerge.testbed.reading import question_ids
from infomerge.testbed.splits import TRAINING_SEEDS, asked_about
from infomerge.video import SceneBatch, Script, render_scenes
from infomerge.video.script import COLORS, DIRECTIONS, SHAPES

COLOR_NUMBER = {name: k for k, name in enumerate(COLORS)}
SHAPE_NUMBER = {name: k for k, name in enumerate((*SHAPES, "star"))}
PAIRS = len(COLOR_NUMBER) * len(SHAPE_NUMBER)

QUESTIONS, WORDS = 16, 15
"""Questions of a clip that training asks, and the words of each with its answer."""
IGNORED = -100
# What is hard to learn counts for more. Those of a kind that a clip has are taken in turn.
_SHARE = {
    "flash": (1, 2.0),
    "motion": (3, 1.0),
    "exists": (4, 0.8),
    "order": (2, 1.5),
    "where": (3, 1.0),
    "count": (2, 2.0),
    "scenes": (1, 2.0),
}
KIND_NAMES = tuple(_SHARE)


def training_seeds(seed: int, first: int, count: int) -> list[int]:
    """Seeds of clips that no split has; another `seed` gives others."""
    begin = TRAINING_SEEDS + seed * 10_000_000 + first
    return list(range(begin, begin + count))


@dataclass(frozen=True, eq=False)
class CellLabels:
    """What each cell of the token grid shows, frame by frame: [clips frames cells] but where said otherwise."""

    coverage: Tensor
    """The share that the foremost object covers."""
    color: Tensor
    shape: Tensor
    offset: Tensor
    """[clips frames cells 2]: from the cell's centre to the object's, in cells."""
    tone: Tensor
    """[clips frames 3]: the background's colour."""
    present: Tensor
    """[clips frames pairs]: 1 where a colour and shape is in the frame."""

    @classmethod
    def of(cls, batch: SceneBatch) -> "CellLabels":
        """The labels of a batch, on its device."""
        device = batch.frames.device
        cells = batch.cells(GRID)
        objects = cells.objects.flatten(2)
        frames = objects.shape[1]
        most = max(len(script.objects) for script in batch.scripts) + 1
        centers = np.zeros((len(batch.scripts), most, frames, 2), dtype=np.float32)
        kinds = np.zeros((len(batch.scripts), most, 2), dtype=np.int64)
        tones = np.zeros((len(batch.scripts), frames, 3), dtype=np.float32)
        present = np.zeros((len(batch.scripts), frames, PAIRS), dtype=np.float32)
        for k, script in enumerate(batch.scripts):
            for number, item in enumerate(script.objects, start=1):
                pair = COLOR_NUMBER[item.color], SHAPE_NUMBER[item.shape]
                kinds[k, number] = pair
                right, down = DIRECTIONS[item.direction] if item.direction else (0, 0)
                way = item.speed * (np.arange(frames) - item.start)
                centers[k, number] = np.stack([item.x + right * way, item.y + down * way], axis=1)
                present[k, item.start : item.stop, pair[0] * len(SHAPE_NUMBER) + pair[1]] = 1
            for scene in script.scenes:
                tones[k, scene.start : scene.stop] = np.mean(scene.tones, axis=0) / 255
        which = torch.arange(len(batch.scripts), device=device)[:, None, None]
        frame = torch.arange(frames, device=device)[None, :, None]
        middle = torch.tensor(
            [((column + 0.5), (row + 0.5)) for row in range(GRID[0]) for column in range(GRID[1])], device=device
        )
        cell = FRAME_SIDE / GRID[0]
        kind = torch.from_numpy(kinds).to(device)[which, objects]
        return cls(
            coverage=cells.coverage.flatten(2),
            color=kind[..., 0],
            shape=kind[..., 1],
            offset=torch.from_numpy(centers).to(device)[which, objects, frame] / cell - middle,
            tone=torch.from_numpy(tones).to(device),
            present=torch.from_numpy(present).to(device),
        )

    def frames_in_a_row(self) -> dict[str, Tensor]:
        """Every label with clips and frames as one dimension."""
        return {name: values.flatten(0, 1) for name, values in vars(self).items()}


@dataclass(frozen=True, eq=False)
class Lessons:
    """Questions of clips, each followed by its answer: [clips questions ...]."""

    ids: Tensor
    """[... words]: the question, its answer, the end mark, padding."""
    labels: Tensor
    """[... words]: the id that is due after each word; only the answer and the end mark count."""
    weights: Tensor
    """How much each counts; 0 where a clip has fewer questions."""
    kinds: Tensor
    """Numbers of the kinds, as in `KIND_NAMES`."""

    @classmethod
    def about(cls, scripts: Sequence[Script], tokenizer: Any) -> "Lessons":
        """Sixteen questions for each clip."""
        shape = (len(scripts), QUESTIONS, WORDS)
        ids, labels = torch.zeros(shape, dtype=torch.long), torch.full(shape, IGNORED)
        weights, kinds = torch.zeros(shape[:2]), torch.zeros(shape[:2], dtype=torch.long)
        end = tokenizer.eos_token_id
        for k, script in enumerate(scripts):
            left = {kind: share for kind, (share, _) in _SHARE.items()}
            chosen = []
            for question in asked_about(script):
                if left[question.kind]:
                    left[question.kind] -= 1
                    chosen.append(question)
            rows, last = question_ids(tokenizer, chosen, WORDS)
            for n, question in enumerate(chosen):
                answer = tokenizer.convert_tokens_to_ids(question.answer)
                rows[n, last[n] + 1] = answer
                labels[k, n, last[n]] = answer
                labels[k, n, last[n] + 1] = end
                weights[k, n] = _SHARE[question.kind][1]
                kinds[k, n] = KIND_NAMES.index(question.kind)
            ids[k, : len(chosen)] = rows
        return cls(ids, labels, weights, kinds)


def draw(seeds: Sequence[int], device: torch.device, **options: Any) -> SceneBatch:
    """Clips as `render_scenes` draws them, of the testbed's size."""
    return render_scenes(seeds, size=(FRAME_SIDE, FRAME_SIDE), device=device, **options)
