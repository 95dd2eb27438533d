"""What a compression keeps of the event and repeats of still cells, against loops over all cells."""

import dataclasses
import functools
import math

import pytest
import torch
from torch import Tensor

from infomerge.compression import Compression
from infomerge.inputs import clip_tensors
from infomerge.measure.keeping import Keeping, keeping
from infomerge.methods import METHODS, methods_for
from infomerge.methods.result import Ownership, assemble
from infomerge.video.scenes import CellTruth, SceneClip, render_scenes, scene_clip

GRID = (7, 7)
FRAMES, POSITIONS = 32, 49


@pytest.fixture(scope="module")
def clip() -> SceneClip:
    return scene_clip(11)


@pytest.fixture(scope="module")
def truth(clip: SceneClip) -> CellTruth:
    return clip.cells(GRID)


@pytest.fixture(scope="module")
def tokens(clip: SceneClip) -> Tensor:
    """The mean and the deviation of the colours of each cell."""
    cells = torch.from_numpy(clip.frames / 255).reshape(FRAMES, 7, 16, 7, 16, 3)
    return torch.cat([cells.mean(dim=(2, 4)), cells.std(dim=(2, 4))], dim=-1).flatten(1, 2)


@functools.cache
def flash_pixels(clip: SceneClip) -> Tensor:
    """The share of each pixel that the flash covers; of a pixel's own objects there is never more than one."""
    truth = clip.cells(clip.script.size)
    return torch.where(truth.objects == len(clip.script.objects), truth.coverage, 0).double()


def slow_keeping(out: Compression, truth: CellTruth, clip: SceneClip) -> Keeping:
    """Cell by cell, from the script where it says it."""
    columns = GRID[1]
    kept = set(out.index.tolist())
    owner = [out.index.tolist()[number] for number in out.assignment.tolist()]

    def shows_flash(index: int) -> bool:
        frame, position = divmod(index, POSITIONS)
        return bool(truth.event[frame, position // columns, position % columns])

    cells = [index for index in range(FRAMES * POSITIONS) if shows_flash(index)]
    owned = [shows_flash(owner[index]) for index in cells]
    area = []
    for index in cells:
        frame, position = divmod(index, POSITIONS)
        top, left = 16 * (position // columns), 16 * (position % columns)
        area.append(float(flash_pixels(clip)[frame, top : top + 16, left : left + 16].mean()))

    flash = clip.script.flash
    scene = clip.script.scenes[clip.script.flash_scene]
    in_scene = range(scene.start, scene.stop)
    in_segment = [
        frame
        for start, end in out.trace.segments.tolist()
        if any(start <= lit < end for lit in range(flash.start, flash.stop))
        for frame in range(start, end)
    ]
    context = [i for i, merged in zip(out.index.tolist(), out.is_context.tolist(), strict=True) if merged]

    seen, static, repeated = set(), 0, 0
    for index in sorted(kept):
        frame, position = divmod(index, POSITIONS)
        if truth.still[frame, position // columns, position % columns]:
            place = (int(truth.scene[frame]), position)
            static += 1
            repeated += place in seen
            seen.add(place)
    return Keeping(
        event_kept=sum(index in kept for index in cells) / len(cells),
        event_owned=sum(owned) / len(cells),
        event_area_owned=sum(a for a, there in zip(area, owned, strict=True) if there) / sum(area),
        segment_frames=len(in_segment) / FRAMES,
        segment_context=sum(i // POSITIONS in in_segment for i in context) / len(context) if context else math.nan,
        scene_frames=len(in_scene) / FRAMES,
        scene_kept=sum(i // POSITIONS in in_scene for i in kept) / len(kept),
        static_kept=static / len(kept),
        static_duplicates=repeated / len(kept),
    )


@pytest.mark.parametrize("name", sorted(methods_for()))
@pytest.mark.parametrize("ratio", [0.05, 0.3])
def test_every_method_against_loops(name: str, ratio: float, clip: SceneClip, truth: CellTruth, tokens: Tensor) -> None:
    out = METHODS[name](tokens, ratio)
    ours, expected = keeping(out, truth), slow_keeping(out, truth, clip)
    assert dataclasses.asdict(ours) == pytest.approx(dataclasses.asdict(expected), abs=1e-12, nan_ok=True)
    assert ours.event_kept <= ours.event_owned


def test_budgets_are_those_of_the_trace(tokens: Tensor, truth: CellTruth, clip: SceneClip) -> None:
    out = METHODS["infomerge"](tokens, 0.1)
    flash = clip.script.flash
    lit = torch.unique(out.trace.segment_of_frame[flash.start : flash.stop])
    expected = out.trace.budget[lit].sum() / out.trace.budget.sum()
    assert keeping(out, truth).segment_context == pytest.approx(float(expected))


def own(tokens: Tensor, owner: Tensor) -> Compression:
    kept = int((owner == torch.arange(len(owner))).sum())
    merged = torch.zeros(len(owner), dtype=torch.bool)
    return assemble(clip_tensors(tokens), Ownership(owner, merged), kept, "by hand")


def test_everything_kept(tokens: Tensor, truth: CellTruth, clip: SceneClip) -> None:
    found = keeping(METHODS["infomerge"](tokens, 1.0), truth)
    assert found.event_kept == found.event_owned == found.event_area_owned == 1
    assert found.scene_kept == found.scene_frames
    still = truth.still.flatten(1)
    copies = sum(
        (scene.stop - scene.start - 1) * int(still[scene.start].sum()) for scene in clip.script.scenes
    )  # all but the first of each
    assert found.static_kept == pytest.approx(float(still.double().mean()))
    assert found.static_duplicates == copies / still.numel()


def test_an_event_that_only_its_own_tokens_stand_for(tokens: Tensor, truth: CellTruth) -> None:
    event = truth.event.flatten()
    first = int(event.nonzero()[0])
    elsewhere = int((~event).nonzero()[0])
    merged = keeping(own(tokens, torch.where(event, first, elsewhere)), truth)
    assert merged.event_kept == 1 / int(event.sum())
    assert merged.event_owned == merged.event_area_owned == 1
    lost = keeping(own(tokens, torch.full_like(event, elsewhere, dtype=torch.int64)), truth)
    assert lost.event_kept == lost.event_owned == lost.event_area_owned == 0
    assert math.isnan(lost.segment_context)


@pytest.mark.parametrize("side", [1, 2, 3])
def test_the_flash_weighs_by_its_own_area_where_other_objects_cover_more(side: int) -> None:
    outdone = 0
    for seed in range(6):
        clip = scene_clip(seed, size=(96, 96))
        truth = clip.cells((side, side))
        outdone += int((truth.event & (truth.objects != len(clip.script.objects))).sum())
        area = flash_pixels(clip).unfold(1, 96 // side, 96 // side).unfold(2, 96 // side, 96 // side).mean(dim=(3, 4))
        area, event = area.flatten(), truth.event.flatten()
        # The event's first cell is lost, the others stand for themselves.
        first, elsewhere = int(event.nonzero()[0]), int((~event).nonzero()[0])
        owner = torch.where(event, torch.arange(len(event)), elsewhere)
        owner[first] = elsewhere
        found = keeping(own(torch.zeros(FRAMES, side * side, 1), owner), truth).event_area_owned
        assert found == pytest.approx(float(1 - area[first] / area.sum()), abs=1e-6)
    assert outdone, "the clips do not suit the test"


def test_truth_of_another_grid_or_of_a_batch(tokens: Tensor, clip: SceneClip) -> None:
    out = METHODS["uniform-frames"](tokens, 0.2)
    with pytest.raises(ValueError, match=r"truth: got frames and cells of shape \[32, 196\]; .*\[32, 49\]"):
        keeping(out, clip.cells((14, 14)))
    with pytest.raises(ValueError, match=r"truth: got frames and cells of shape \[2, 32, 49\]"):
        keeping(out, render_scenes([1, 2]).cells(GRID))
