"""The testbed's clips: three forms, each with clips to choose by and clips to report on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from infomerge.testbed.design import FRAME_SIDE, FRAMES
from infomerge.video import DISTURBANCES, Question, SceneClip, Script, disturb, questions, scene_clip

Role = Literal["dev", "test"]
EXISTENCE_PAIRS = 2
_FIRST_SEED: Mapping[Role, int] = MappingProxyType({"dev": 1_000_000, "test": 2_000_000})
TRAINING_SEEDS = 10_000_000
"""No clip of training has a smaller seed, none of a split a larger one."""
LARGEST_NUMBER = 999_999


@dataclass(frozen=True)
class Form:
    """What the clips of a split are like.

    Attributes:
        name: as in `FORMS`.
        summary: in one sentence.
        num_frames, scene_counts, object_scale: as in `infomerge.video.scene_clip`.
        strongest: the disturbances of whole frames that are laid over the clip, each with its largest strength.
        exact: every clip has these strengths, and not shares of them that its seed draws.
    """

    name: str
    summary: str
    num_frames: int = FRAMES
    scene_counts: tuple[int, int] = (2, 6)
    object_scale: float = 1.0
    strongest: tuple[tuple[str, float], ...] = ()
    exact: bool = False

    def clip(self, number: int, role: Role = "test") -> SceneClip:
        """One clip of this form; the same number always gives the same one.

        Args:
            number: from 0 to 999,999.
            role: "dev", to choose by, or "test", to report on. They share no clip, and training has none of either.

        Raises:
            ValueError: an argument is out of range.
        """
        if role not in _FIRST_SEED:
            raise ValueError(f"role: got {role!r}; expected {' or '.join(map(repr, _FIRST_SEED))}")
        if not 0 <= number <= LARGEST_NUMBER:
            raise ValueError(f"number: got {number}; expected 0 to {LARGEST_NUMBER:,}")
        seed = _FIRST_SEED[role] + number
        clip = scene_clip(
            seed,
            self.num_frames,
            (FRAME_SIDE, FRAME_SIDE),
            scene_counts=self.scene_counts,
            object_scale=self.object_scale,
        )
        if not self.strongest:
            return clip
        frames = clip.frames
        shares = np.random.default_rng([seed, 1]).random(len(self.strongest))
        if self.exact:
            shares = np.ones_like(shares)
        for share, (name, strongest) in zip(shares, self.strongest, strict=True):
            frames = disturb(name, frames, float(share) * strongest, seed)
        return replace(clip, frames=frames)


def asked_about(script: Script) -> list[Question]:
    """The testbed's questions about a clip, of all seven kinds."""
    return questions(script, EXISTENCE_PAIRS)


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        form.name: form
        for form in (
            Form("clean", "Clips as in training: 32 frames, 2 to 6 scenes."),
            Form(
                "disturbed",
                "The same under sensor noise, flicker, shake and dropped frames, each up to a strength of its own.",
                strongest=(("dropped_frames", 0.12), ("shake", 2.0), ("flicker", 0.4), ("sensor_noise", 10.0)),
            ),
            Form(
                "shifted",
                "Longer than any clip of training, up to one scene more, objects of three quarters of the size.",
                num_frames=40,
                scene_counts=(3, 7),
                object_scale=0.75,
            ),
        )
    }
)
"""The three forms of clips by name."""


def read_form(name: str) -> Form:
    """A form by its name, or by a disturbance and its strength, such as "glare=0.12", on clips as in training.

    Raises:
        ValueError: there is no such form or disturbance, or the strength is out of range.
    """
    if name in FORMS:
        return FORMS[name]
    disturbance, equals, strength = name.partition("=")
    if not equals or disturbance not in DISTURBANCES:
        known = ", ".join((*FORMS, *(f"{other}=STRENGTH" for other in DISTURBANCES)))
        raise ValueError(f"forms: got {name!r}; expected {known}")
    most = DISTURBANCES[disturbance].maximum
    try:
        number = float(strength)
    except ValueError:
        number = -1.0
    if not 0 <= number <= most:
        raise ValueError(f"forms: got {name!r}; expected a strength of {disturbance} from 0 to {most:g}")
    return Form(name, f"The same under {disturbance}.", strongest=((disturbance, number),), exact=True)
