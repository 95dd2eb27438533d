"""Disturbances: each does what its name says, by the amount that its unit says."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from infomerge.video.noise import DISTURBANCES, disturb, disturbance_names
from infomerge.video.scenes import scene_clip

NAMES = disturbance_names()
BAD_FRAMES = ("glare", "black_frames", "dropped_frames", "block_noise")


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return scene_clip(6, size=(64, 96)).frames


def plain(level: int, count: int = 16, size: tuple[int, int] = (48, 48)) -> np.ndarray:
    return np.full((count, *size, 3), level, dtype=np.uint8)


def ramps(count: int = 24) -> np.ndarray:
    """Red grows by 4 a column, green by 4 a row, so that a shift can be read off."""
    picture = np.zeros((48, 48, 3), dtype=np.uint8)
    picture[..., 0] = 20 + 4 * np.arange(48)
    picture[..., 1] = (20 + 4 * np.arange(48))[:, None]
    return np.repeat(picture[None], count, axis=0)


def measured_shifts(moved: np.ndarray) -> np.ndarray:
    """How far each frame of `ramps` went right and down, in pixels, from its inner part."""
    inner = (moved.astype(float) - ramps(len(moved)))[:, 12:-12, 12:-12, :2]
    return -inner.mean(axis=(1, 2)) / 4


def mean_change(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.abs(a.astype(float) - b).mean(axis=(1, 2, 3))


@pytest.mark.parametrize("name", NAMES)
def test_strength_zero_is_the_identity(name: str, frames: np.ndarray) -> None:
    same = disturb(name, frames, 0, seed=3)
    assert np.array_equal(same, frames)
    assert not np.shares_memory(same, frames)


@pytest.mark.parametrize("name", NAMES)
def test_disturbances_are_pure_functions(name: str, frames: np.ndarray) -> None:
    before = frames.copy()
    frozen = frames.copy()
    frozen.flags.writeable = False
    strength = DISTURBANCES[name].strengths[2]
    once, twice = (disturb(name, frozen, strength, seed=5) for _ in range(2))
    assert np.array_equal(once, twice)
    assert np.array_equal(frozen, before)
    assert once.dtype == np.uint8
    assert once.shape == frames.shape
    other = disturb(name, frames, strength, seed=6)
    assert np.array_equal(once, other) == (name == "compression")


@pytest.mark.parametrize("name", NAMES)
def test_default_strengths_are_graded(name: str, frames: np.ndarray) -> None:
    disturbance = DISTURBANCES[name]
    assert disturbance.name == name
    assert len(disturbance.strengths) == 5
    assert disturbance.strengths[0] > 0
    assert disturbance.strengths[-1] <= disturbance.maximum
    # Over several seeds, since among 32 frames a small share may be one frame at two strengths.
    change = [
        np.mean([mean_change(disturbance(frames, strength, seed), frames) for seed in range(5)])
        for strength in disturbance.strengths
    ]
    assert change[0] > 0
    assert all(low < high for low, high in pairwise(change))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (1, 17, 33, 3), (5, 3, 70, 3), (2, 40, 16, 3)])
def test_any_number_and_size_of_frames(name: str, shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    for strength in (DISTURBANCES[name].strengths[0], DISTURBANCES[name].strengths[-1]):
        assert disturb(name, noise[:, ::-1], strength).shape == shape


def test_sensor_noise_has_the_deviation_that_is_asked_for() -> None:
    noise = disturb("sensor_noise", plain(128), 8).astype(float) - 128
    assert noise.std() == pytest.approx(8, rel=0.02)
    assert abs(noise.mean()) < 0.1
    for other in (noise[1], np.roll(noise[0], 1, axis=2)):
        assert abs(np.corrcoef(noise[0].ravel(), other.ravel())[0, 1]) < 0.05


@pytest.mark.parametrize("level", [40, 215])
def test_shot_noise_grows_with_the_light(level: int) -> None:
    noise = disturb("sensor_noise", plain(level), 8).astype(float)
    assert noise.std() == pytest.approx(8 * math.sqrt(0.5 + 0.5 * level / 128), rel=0.02)


def test_flicker_changes_each_frame_as_a_whole_within_its_stops() -> None:
    levels = disturb("flicker", plain(100, count=200), 0.5)
    assert (levels == levels[:, :1, :1, :1]).all()
    stops = np.log2(levels[:, 0, 0, 0] / 100)
    assert np.abs(stops).max() <= 0.51
    assert stops.std() == pytest.approx(0.5 / math.sqrt(3), rel=0.1)


@pytest.mark.parametrize("name", BAD_FRAMES)
def test_bad_frames_have_their_share_and_the_rest_is_untouched(name: str) -> None:
    frames = np.random.default_rng(1).integers(1, 255, (600, 18, 20, 3), dtype=np.uint8)
    bad = {rate: mean_change(disturb(name, frames, rate, seed=2), frames) > 0 for rate in (1e-9, 0.1, 0.3, 1.0)}
    assert bad[1e-9].sum() == 1
    assert bad[0.1].mean() == pytest.approx(0.1, abs=0.04)
    assert bad[0.3].mean() == pytest.approx(0.3, abs=0.06)
    assert bad[1.0].sum() == 600 - (name == "dropped_frames")
    assert not (bad[0.1] & ~bad[0.3]).any()


def test_what_bad_frames_look_like(frames: np.ndarray) -> None:
    glare, black, dropped = (disturb(name, frames, 0.4, seed=4) for name in BAD_FRAMES[:3])
    washed = mean_change(glare, frames) > 0
    assert glare[washed].min() > 200
    lost = mean_change(black, frames) > 0
    assert not black[lost].any()
    assert np.array_equal(washed, lost)
    held = mean_change(dropped, frames) > 0
    assert not held[0]
    assert all(np.array_equal(dropped[k], dropped[k - 1]) for k in np.flatnonzero(held))


def test_a_lone_frame_cannot_be_dropped(frames: np.ndarray) -> None:
    assert np.array_equal(disturb("dropped_frames", frames[:1], 1.0), frames[:1])


def test_block_noise_is_made_of_plain_blocks() -> None:
    gray = plain(128, count=40, size=(64, 96))
    noisy = disturb("block_noise", gray, 1.0)
    blocks = noisy.reshape(40, 4, 16, 6, 16, 3).transpose(0, 1, 3, 2, 4, 5)
    assert (blocks == blocks[:, :, :, :1, :1]).all()
    hit = (blocks[:, :, :, 0, 0] != 128).any(axis=-1)
    assert hit.mean() == pytest.approx(0.5, abs=0.06)


def test_shake_shifts_each_frame_on_its_own() -> None:
    shifts = measured_shifts(disturb("shake", ramps(200), 5))
    assert np.abs(shifts).max() <= 5.05
    assert shifts.std(axis=0) == pytest.approx(5 / math.sqrt(3), rel=0.15)
    assert abs(np.corrcoef(shifts[1:, 0], shifts[:-1, 0])[0, 1]) < 0.25
    assert abs(np.corrcoef(shifts[:, 0], shifts[:, 1])[0, 1]) < 0.25


def test_jitter_swings_to_either_side_by_its_strength() -> None:
    shifts = measured_shifts(disturb("jitter", ramps(), 3, seed=2))
    assert np.hypot(*shifts.T) == pytest.approx(np.full(24, 3), abs=0.15)
    assert np.ptp(shifts[::2], axis=0).max() == 0
    assert shifts[1::2] == pytest.approx(-shifts[::2], abs=0.15)


def test_a_shifted_frame_repeats_its_border() -> None:
    moved = disturb("jitter", ramps(1), 6, seed=3)
    right, down = measured_shifts(moved)[0]
    assert min(abs(right), abs(down)) > 1
    near, far = (0, -1) if right > 0 else (-1, 0)
    left_behind = moved[0, 24, :, 0].astype(int)
    assert left_behind[near] == ramps(1)[0, 24, near, 0]
    assert left_behind[far] != ramps(1)[0, 24, far, 0]
    near, far = (0, -1) if down > 0 else (-1, 0)
    left_behind = moved[0, :, 24, 1].astype(int)
    assert left_behind[near] == ramps(1)[0, near, 24, 1]
    assert left_behind[far] != ramps(1)[0, far, 24, 1]


def test_compression_keeps_the_order_of_frames() -> None:
    levels = np.array([20, 200, 60, 240, 100, 180, 40, 120, 220, 80])
    frames = np.repeat(levels, 33 * 47 * 3).reshape(10, 33, 47, 3).astype(np.uint8)
    coded = disturb("compression", frames, 40)
    assert coded.mean(axis=(1, 2, 3)) == pytest.approx(levels, abs=8)


def test_slight_compression_is_nearly_invisible_and_severe_is_not(frames: np.ndarray) -> None:
    errors = [mean_change(disturb("compression", frames, crf), frames).mean() for crf in (1, 51)]
    assert errors[0] < 2
    assert errors[1] > 4
    # A codec throws fine detail away: its frames have less of it, where noise would add some.
    detail = [np.abs(np.diff(f.astype(int), axis=2)).mean() for f in (frames, disturb("compression", frames, 51))]
    assert detail[1] < 0.7 * detail[0]


def test_fog_takes_away_contrast_slowly() -> None:
    frames = plain(50, count=64)
    frames[:, 24:] = 150
    foggy = disturb("fog", frames, 0.6, seed=3).astype(float)
    contrast = (foggy[:, 24:].mean(axis=(1, 2, 3)) - foggy[:, :24].mean(axis=(1, 2, 3))) / 100
    assert contrast.min() == pytest.approx(0.4, abs=0.01)
    assert contrast.max() > 0.9
    assert np.abs(np.diff(contrast)).max() < 0.08


def test_defocus_spreads_a_line_by_its_deviation() -> None:
    frames = plain(0, count=32, size=(65, 65))
    frames[:, :, 32] = 255
    blurred = disturb("defocus", frames, 3, seed=1).astype(float)[:, 32, :, 0]
    places = np.arange(65) - 32
    deviation = np.sqrt((blurred * places**2).sum(axis=1) / blurred.sum(axis=1))
    assert deviation.max() == pytest.approx(3, rel=0.05)
    assert blurred.sum(axis=1) == pytest.approx(np.full(32, 255), rel=0.03)
    assert np.abs(np.diff(deviation)).max() < 0.8


@pytest.mark.parametrize("level", [0, 37, 255])
@pytest.mark.parametrize("name", ["shake", "jitter", "defocus", "dropped_frames"])
def test_what_only_moves_light_leaves_plain_frames_alone(name: str, level: int) -> None:
    assert np.array_equal(disturb(name, plain(level), DISTURBANCES[name].strengths[-1]), plain(level))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "fgo"}, "name: got 'fgo'; expected sensor_noise"),
        ({"strength": -0.1}, "strength: got -0.1; expected for fog 0 to 1"),
        ({"strength": 1.5}, "strength: got 1.5"),
        ({"strength": math.nan}, "strength: got nan"),
        ({"seed": -2}, "seed: got -2"),
    ],
)
def test_bad_arguments_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        disturb(**{"name": "fog", "frames": plain(5), "strength": 0.5, **change})


@pytest.mark.parametrize("bad", [plain(5).astype(np.float32), plain(5)[0], plain(5)[..., :2], [1, 2]])
def test_frames_that_are_not_frames_are_refused(bad: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        disturb("fog", bad, 0.5)
