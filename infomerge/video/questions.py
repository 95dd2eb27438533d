"""Questions about a procedural clip, whose answers are certain because the script says them."""

from collections import Counter
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from infomerge.video.script import COLORS, DIRECTIONS, SHAPES, Script

# Keeps these draws apart from those that made the script out of the same seed.
_STREAM = 1

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Question:
    """A question with one right answer.

    Attributes:
        text: the question in words.
        answer: the right one of the choices, a single word or digit.
        kind: "flash", "motion", "exists" or "scenes".
        choices: every possible answer, in an order that depends on the kind alone.
    """

    text: str
    answer: str
    kind: str
    choices: tuple[str, ...]


def questions(script: Script, existence_pairs: int = 3) -> list[Question]:
    """What can be asked about a clip; the same script always gives the same questions.

    Over many seeds the answers of each kind are equally frequent. One question asks for the flash's colour and one
    for the number of scenes; one for each colour that moves in exactly one scene asks which way; and
    `existence_pairs` times two, as many true as false, ask whether an object exists. The false ones name, as far as
    possible, a colour and a shape that do occur, only not together.

    Args:
        script: of the clip.
        existence_pairs: how many questions with the answer yes, and with the answer no; from 0 to 6.

    Raises:
        ValueError: `existence_pairs` is out of range.
    """
    if not 0 <= existence_pairs <= 6:
        raise ValueError(f"existence_pairs: got {existence_pairs}; expected 0 to 6")
    return [_about_flash(script), *_about_motion(script), *_about_existence(script, existence_pairs), _count(script)]


def _about_flash(script: Script) -> Question:
    return Question("What colour is the star that flashes?", script.flash.color, "flash", tuple(COLORS))


def _about_motion(script: Script) -> list[Question]:
    moving = [scene.moving for scene in script.scenes]
    times = Counter(item.color for item in moving)
    return [
        Question(f"Which way does the {item.color} object move?", item.direction, "motion", tuple(DIRECTIONS))
        for item in moving
        if times[item.color] == 1 and item.direction is not None
    ]


def _about_existence(script: Script, pairs: int) -> list[Question]:
    present = {(item.color, item.shape) for item in script.objects if item.shape in SHAPES}
    colors, shapes = {color for color, _ in present}, {shape for _, shape in present}
    absent = [(color, shape) for color in COLORS for shape in SHAPES if (color, shape) not in present]
    rng = np.random.default_rng([script.seed, _STREAM])
    near = [pair for pair in absent if pair[0] in colors and pair[1] in shapes]
    far = [pair for pair in absent if pair not in near]
    count = min(pairs, len(present), len(absent))
    false = [*_shuffled(rng, near), *_shuffled(rng, far)][:count]
    true = _shuffled(rng, sorted(present))[:count]
    asked = _shuffled(rng, [*((*pair, "yes") for pair in true), *((*pair, "no") for pair in false)])
    return [Question(f"Is there a {color} {shape}?", answer, "exists", ("yes", "no")) for color, shape, answer in asked]


def _shuffled(rng: np.random.Generator, items: list[_Item]) -> list[_Item]:
    return [items[i] for i in rng.permutation(len(items))]


def _count(script: Script) -> Question:
    fewest, most = script.scene_counts
    choices = tuple(str(number) for number in range(fewest, most + 1))
    return Question("How many scenes are there?", str(len(script.scenes)), "scenes", choices)
