"""The testbed's clips: apart from each other and from training, and what their names say."""

import numpy as np
import pytest

from benchmarks.testbed_training.drawn import training_seeds
from infomerge.testbed.splits import FORMS, TRAINING_SEEDS


def test_no_split_has_a_clip_of_another_or_of_training() -> None:
    ends = {role: [FORMS["clean"].clip(n, role).script.seed for n in (0, 999_999)] for role in ("dev", "test")}
    assert ends["dev"][1] < ends["test"][0]
    assert ends["test"][1] < TRAINING_SEEDS <= min(training_seeds(0, 0, 1) + training_seeds(1, 0, 1))


def test_disturbed_clips_show_the_same_script_otherwise() -> None:
    clean, disturbed = FORMS["clean"].clip(5), FORMS["disturbed"].clip(5)
    assert clean.script == disturbed.script
    assert clean.frames.shape == disturbed.frames.shape
    assert not np.array_equal(clean.frames, disturbed.frames)
    assert np.array_equal(disturbed.frames, FORMS["disturbed"].clip(5).frames)


def test_shifted_clips_are_what_training_never_had() -> None:
    scripts = [FORMS["shifted"].clip(number).script for number in range(40)]
    assert {script.num_frames for script in scripts} == {40}
    assert max(len(script.scenes) for script in scripts) == 7
    radius = [item.radius for script in scripts for item in script.objects]
    assert max(radius) < 0.115 * 0.75 * 112 + 1e-9


@pytest.mark.parametrize("number", [-1, 1_000_000])
def test_clips_out_of_range_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"number: got {number}; expected 0 to 999,999"):
        FORMS["clean"].clip(number)
