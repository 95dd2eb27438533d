"""The questions that need several scenes: order, place and number, held against the pixels."""

import re
from collections import Counter

import numpy as np
import pytest
from scipy import ndimage

from infomerge.testbed.splits import asked_about
from infomerge.video import SceneClip, questions, scene_clip, write_script
from infomerge.video.questions import KINDS
from infomerge.video.script import COLORS

SEEDS = range(40, 64)


@pytest.fixture(scope="module")
def clips() -> list[SceneClip]:
    return [scene_clip(seed) for seed in SEEDS]


def of_kind(clip: SceneClip, kind: str) -> list[tuple[str, str]]:
    return [(question.text, question.answer) for question in clip.questions() if question.kind == kind]


def pixels(clip: SceneClip, color: str, frame: int) -> np.ndarray:
    """Where a frame shows exactly this color."""
    found: np.ndarray = (clip.frames[frame] == COLORS[color]).all(axis=-1)
    return found


def test_what_moves_first_is_seen_to_move_first(clips: list[SceneClip]) -> None:
    asked = 0
    for clip in clips:
        starts = [scene.start for scene in clip.script.scenes]
        for text, answer in of_kind(clip, "order"):
            colors = re.findall("|".join(COLORS), text)
            first_move = {}
            for color in colors:
                moves = [
                    f
                    for f in range(1, 32)
                    if f not in starts
                    and f - 1 not in (clip.script.flash.start - 1, clip.script.flash.stop - 1)
                    and (pixels(clip, color, f) != pixels(clip, color, f - 1)).any()
                ]
                first_move[color] = min(moves)
            assert min(first_move, key=lambda color: first_move[color]) == answer
            asked += 1
    assert asked > len(clips)


def test_places_are_those_of_the_pixels(clips: list[SceneClip]) -> None:
    asked = 0
    for clip in clips:
        flash = clip.script.flash
        for text, answer in of_kind(clip, "where"):
            if "star" in text:
                frame, color = flash.start, flash.color
            else:
                color, shape = re.findall(r"Where is the (\w+) (\w+)\?", text)[0]
                thing = next(o for o in clip.script.objects if (o.color, o.shape) == (color, shape))
                frame = thing.start
            rows, columns = np.nonzero(pixels(clip, color, frame))
            if np.ptp(rows) > 30 or np.ptp(columns) > 30:
                continue  # something else in the scene has the same color
            seen = f"{'lower' if rows.mean() > 55.5 else 'upper'}-{'right' if columns.mean() > 55.5 else 'left'}"
            assert seen == answer
            asked += 1
    assert asked > len(clips)


def test_numbers_are_those_of_the_pixels(clips: list[SceneClip]) -> None:
    for clip in clips:
        asked = of_kind(clip, "count")
        assert len({answer for _, answer in asked}) == len(asked) == 2
        for text, answer in asked:
            color = re.findall("|".join(COLORS), text)[0]
            blobs = [ndimage.label(pixels(clip, color, scene.start))[1] for scene in clip.script.scenes]
            assert str(sum(blobs)) == answer
            assert clip.script.flash.color != color


def test_answers_are_found_by_no_rule_of_the_words() -> None:
    first_named, counts = Counter[bool](), Counter[str]()
    for seed in range(600):
        for question in questions(write_script(seed), kinds=("order", "count")):
            assert question.answer in question.choices
            if question.kind == "order":
                colors = re.findall("|".join(COLORS), question.text)
                assert set(question.choices) == set(colors)
                first_named[colors[0] == question.answer] += 1
            else:
                counts[question.answer] += 1
    total = first_named.total()
    assert abs(first_named[True] - total / 2) < 4 * np.sqrt(total) / 2
    assert set(counts) == set("01234")
    assert max(counts.values()) < 0.4 * counts.total()


def test_kinds_can_be_chosen() -> None:
    script = write_script(3)
    assert {question.kind for question in questions(script)} == set(KINDS)
    assert [q for q in questions(script) if q.kind == "where"] == questions(script, kinds=["where"])
    assert {question.kind for question in asked_about(script)} == set(KINDS)
    with pytest.raises(ValueError, match="kinds: got 'who'; expected flash, motion"):
        questions(script, kinds=["who"])
