"""Questions about a procedural clip, whose answers are certain because the script says them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from infomerge.video.script import COLORS, DIRECTIONS, SHAPES, SceneObject, Script

QUADRANTS = ("upper-left", "upper-right", "lower-left", "lower-right")
"""Where something is, by the halves of the frame."""
MOST_COUNTED = 4
"""No question about how many has a larger answer."""

# Keep these draws apart from those that made the script out of the same seed, and from each other.
_EXISTENCE, _ORDER, _PLACE, _COUNT = range(1, 5)
# In shares of the frame: nearer to its middle lines, nobody could say which half it is.
_MIDDLE = 0.03

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Question:
    """A question with one right answer.

    Attributes:
        text: the question in words.
        answer: the right one of the choices, a single word or digit.
        kind: one of `KINDS`.
        choices: every answer that the question leaves open, always in the same order.
    """

    text: str
    answer: str
    kind: str
    choices: tuple[str, ...]


def questions(script: Script, existence_pairs: int = 3, kinds: Sequence[str] | None = None) -> list[Question]:
    """What can be asked about a clip; the same script always gives the same questions.

    Over many seeds the answers of each kind are equally frequent, except of "count", where small numbers are more
    frequent, since few clips have four objects of one colour.

    - "flash": the colour of the star that lights up for two frames.
    - "motion": one for each colour that moves in exactly one scene, which way.
    - "exists": `existence_pairs` times two, as many true as false. The false ones name, as far as possible, a colour
      and a shape that do occur, only not together.
    - "order": up to two, which of two moving colours comes first.
    - "where": in which quarter of the frame the star is, and up to two of the still objects that exist only once.
    - "count": up to two, how many objects of a colour all scenes have together. Never the star's colour.
    - "scenes": how many scenes there are.

    Args:
        script: of the clip.
        existence_pairs: how many questions with the answer yes, and with the answer no; from 0 to 6.
        kinds: of `KINDS`; all of them without it. The questions stand in the order above.

    Raises:
        ValueError: `existence_pairs` is out of range, or a kind is unknown.
    """
    if not 0 <= existence_pairs <= 6:
        raise ValueError(f"existence_pairs: got {existence_pairs}; expected 0 to 6")
    for kind in kinds or ():
        if kind not in KINDS:
            raise ValueError(f"kinds: got {kind!r}; expected {', '.join(KINDS)}")
    asked: list[Question] = []
    for kind, ask in _ASK.items():
        if kinds is None or kind in kinds:
            asked += ask(script, existence_pairs)
    return asked


def _about_flash(script: Script, _: int) -> list[Question]:
    return [Question("What colour is the star that flashes?", script.flash.color, "flash", tuple(COLORS))]


def _about_motion(script: Script, _: int) -> list[Question]:
    return [
        Question(f"Which way does the {item.color} object move?", item.direction, "motion", tuple(DIRECTIONS))
        for item in _lone_movers(script)
        if item.direction is not None
    ]


def _lone_movers(script: Script) -> list[SceneObject]:
    """What moves in a colour that moves in no other scene, in the order of the scenes."""
    moving = [scene.moving for scene in script.scenes]
    times = Counter(item.color for item in moving)
    return [item for item in moving if times[item.color] == 1]


def _about_existence(script: Script, pairs: int) -> list[Question]:
    present = {(item.color, item.shape) for item in script.objects if item.shape in SHAPES}
    colors, shapes = {color for color, _ in present}, {shape for _, shape in present}
    absent = [(color, shape) for color in COLORS for shape in SHAPES if (color, shape) not in present]
    rng = _draws(script, _EXISTENCE)
    near = [pair for pair in absent if pair[0] in colors and pair[1] in shapes]
    far = [pair for pair in absent if pair not in near]
    count = min(pairs, len(present), len(absent))
    false = [*_shuffled(rng, near), *_shuffled(rng, far)][:count]
    true = _shuffled(rng, sorted(present))[:count]
    asked = _shuffled(rng, [*((*pair, "yes") for pair in true), *((*pair, "no") for pair in false)])
    return [Question(f"Is there a {color} {shape}?", answer, "exists", ("yes", "no")) for color, shape, answer in asked]


def _about_order(script: Script, _: int) -> list[Question]:
    movers = [item.color for item in _lone_movers(script)]
    pairs = [(first, later) for k, first in enumerate(movers) for later in movers[k + 1 :]]
    rng = _draws(script, _ORDER)
    asked = []
    for first, later in _shuffled(rng, pairs)[:2]:
        one, other = _shuffled(rng, [first, later])
        choices = tuple(color for color in COLORS if color in (first, later))
        asked.append(Question(f"Which moves first, the {one} or the {other} object?", first, "order", choices))
    return asked


def _about_place(script: Script, _: int) -> list[Question]:
    things = Counter((item.color, item.shape) for item in script.objects)
    lone = [item for item in script.objects if item.direction is None and things[item.color, item.shape] == 1]
    placed = [(item, quadrant) for item in lone if (quadrant := _quadrant(item, script.size)) is not None]
    star = [
        Question("Where is the star that flashes?", q, "where", QUADRANTS) for item, q in placed if item.shape == "star"
    ]
    still = [(item, q) for item, q in placed if item.shape != "star"]
    return star + [
        Question(f"Where is the {item.color} {item.shape}?", quadrant, "where", QUADRANTS)
        for item, quadrant in _shuffled(_draws(script, _PLACE), still)[:2]
    ]


def _quadrant(item: SceneObject, size: tuple[int, int]) -> str | None:
    """Which quarter of the frame a still object is in; None where that is hard to say."""
    height, width = size
    right, down = item.x / width - 0.5, item.y / height - 0.5
    if min(abs(right), abs(down)) < _MIDDLE:
        return None
    return QUADRANTS[2 * (down > 0) + (right > 0)]


def _about_count(script: Script, _: int) -> list[Question]:
    numbers = Counter(item.color for item in script.objects if item.shape in SHAPES)
    colors = defaultdict(list)
    for color in COLORS:
        if color != script.flash.color and numbers[color] <= MOST_COUNTED:
            colors[numbers[color]].append(color)
    rng = _draws(script, _COUNT)
    # One colour for each of two different numbers, so that rare numbers are asked for as often as they can be.
    drawn = _shuffled(rng, sorted(colors))[:2]
    choices = tuple(str(number) for number in range(MOST_COUNTED + 1))
    return [
        Question(f"How many {_shuffled(rng, colors[number])[0]} objects are there?", str(number), "count", choices)
        for number in drawn
    ]


def _about_scenes(script: Script, _: int) -> list[Question]:
    fewest, most = script.scene_counts
    choices = tuple(str(number) for number in range(fewest, most + 1))
    return [Question("How many scenes are there?", str(len(script.scenes)), "scenes", choices)]


def _draws(script: Script, stream: int) -> np.random.Generator:
    return np.random.default_rng([script.seed, stream])


def _shuffled(rng: np.random.Generator, items: list[_Item]) -> list[_Item]:
    return [items[i] for i in rng.permutation(len(items))]


_ASK: Mapping[str, Callable[[Script, int], list[Question]]] = MappingProxyType(
    {
        "flash": _about_flash,
        "motion": _about_motion,
        "exists": _about_existence,
        "order": _about_order,
        "where": _about_place,
        "count": _about_count,
        "scenes": _about_scenes,
    }
)
KINDS = tuple(_ASK)
"""The kinds of questions, in the order in which `questions` asks them."""
