"""Disturbances of whole frames, graded in strength, for pixels on their way into an encoder.

Each is a pure function of frames, strength and seed. Strength 0 gives the frames back unchanged. The same seed draws
the same pattern at any strength, so that a stronger disturbance is more of the same: noise grows, shifts lengthen, and
the frames that are bad at a low rate stay bad at a higher one.
"""

import io
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Float64, UInt8

Frames = UInt8[np.ndarray, "frames height width 3"]
Picture = UInt8[np.ndarray, "height width 3"]

_MIDDLE_GRAY = 128
_FOG_GRAY = 190
_GLARE = 0.85
_BLOCK = 16
# x264 refuses frames narrower than this.
_SMALLEST_CODED = 16
_MAX_CRF = 51


@dataclass(frozen=True)
class Disturbance:
    """One kind of disturbance.

    Attributes:
        name: as in `disturbance_names()`.
        unit: of the strength, in words for an axis.
        strengths: five, ascending, from barely visible to severe.
        maximum: the largest strength accepted.
        summary: what it does, in one sentence.
        apply: (frames, strength, seed) to disturbed frames, for a strength above 0 that has been checked.
    """

    name: str
    unit: str
    strengths: tuple[float, float, float, float, float]
    maximum: float
    summary: str
    apply: Callable[[Frames, float, int], Frames]

    def __call__(self, frames: Frames, strength: float, seed: int = 0) -> Frames:
        """The frames with this disturbance; see `disturb`."""
        _check(self, frames, strength, seed)
        return frames.copy() if strength == 0 else self.apply(frames, float(strength), seed)


def disturbance_names() -> tuple[str, ...]:
    """The names that `disturb` knows."""
    return tuple(DISTURBANCES)


def disturb(name: str, frames: Frames, strength: float, seed: int = 0) -> Frames:
    """A new array of disturbed frames, of the same number and size; the same arguments always give the same pixels.

    Args:
        name: one of `disturbance_names()`.
        frames: RGB, of any number and size.
        strength: from 0, which changes nothing, to the disturbance's maximum, in its unit.
        seed: a non-negative integer that draws the pattern.

    Raises:
        ValueError: the name is unknown, the frames are not RGB or none, the strength or the seed is out of range.
        TypeError: the frames are not a uint8 array.
    """
    if name not in DISTURBANCES:
        raise ValueError(f"name: got {name!r}; expected {', '.join(DISTURBANCES)}")
    return DISTURBANCES[name](frames, strength, seed)


def _check(disturbance: Disturbance, frames: object, strength: float, seed: int) -> None:
    accepted = "expected a uint8 array [frames, height, width, 3], RGB, not empty"
    if not isinstance(frames, np.ndarray):
        raise TypeError(f"frames: got {type(frames).__name__}; {accepted}")
    if frames.dtype != np.uint8:
        raise TypeError(f"frames: got dtype {frames.dtype}; {accepted}")
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.size == 0:
        raise ValueError(f"frames: got shape {list(frames.shape)}; {accepted}")
    if not 0 <= strength <= disturbance.maximum:
        raise ValueError(
            f"strength: got {strength}; expected for {disturbance.name} 0 to {disturbance.maximum:g} "
            f"({disturbance.unit})"
        )
    if seed < 0:
        raise ValueError(f"seed: got {seed}; expected integers from 0")


def _per_frame(change: Callable[[int, Picture], np.ndarray], frames: Frames) -> Frames:
    """Each frame changed on its own, rounded and clipped to 0 to 255; one at a time, to spare memory."""
    result = np.empty_like(frames)
    for number, frame in enumerate(frames):
        result[number] = np.clip(np.rint(change(number, frame)), 0, 255)
    return result


def _sensor_noise(frames: Frames, strength: float, seed: int) -> Frames:
    rng = np.random.default_rng(seed)
    # Half the variance at middle grey is read noise, half is shot noise, which grows with the light.
    levels = np.arange(256, dtype=np.float32)
    deviation = np.float32(strength) * np.sqrt(np.float32(0.5) + np.float32(0.5) * levels / _MIDDLE_GRAY)

    def noisy(_: int, frame: Picture) -> np.ndarray:
        return frame + deviation[frame] * rng.standard_normal(frame.shape, dtype=np.float32)

    return _per_frame(noisy, frames)


def _flicker(frames: Frames, strength: float, seed: int) -> Frames:
    gains = 2.0 ** (strength * np.random.default_rng(seed).uniform(-1, 1, len(frames)))
    return _per_frame(lambda number, frame: frame * np.float32(gains[number]), frames)


def _bad_frames(count: int, rate: float, rng: np.random.Generator) -> Bool[np.ndarray, "frames"]:
    """Each frame with probability `rate`, and at least one."""
    luck = rng.random(count)
    return (luck < rate) | (luck == luck.min(initial=1.0))


def _glare(frames: Frames, strength: float, seed: int) -> Frames:
    bad = _bad_frames(len(frames), strength, np.random.default_rng(seed))

    def lit(number: int, frame: Picture) -> np.ndarray:
        return frame + bad[number] * np.float32(_GLARE) * (255 - frame)

    return _per_frame(lit, frames)


def _black_frames(frames: Frames, strength: float, seed: int) -> Frames:
    bad = _bad_frames(len(frames), strength, np.random.default_rng(seed))
    return np.where(bad[:, None, None, None], np.uint8(0), frames)


def _dropped_frames(frames: Frames, strength: float, seed: int) -> Frames:
    # The first frame has none before it that could be shown in its stead.
    bad = np.append(False, _bad_frames(len(frames) - 1, strength, np.random.default_rng(seed)))
    shown = np.maximum.accumulate(np.where(bad, 0, np.arange(len(frames))))
    return frames[shown]


def _block_noise(frames: Frames, strength: float, seed: int) -> Frames:
    rng = np.random.default_rng(seed)
    bad = _bad_frames(len(frames), strength, rng)
    height, width = frames.shape[1:3]
    blocks = (-(-height // _BLOCK), -(-width // _BLOCK))
    result = frames.copy()
    # Drawn for good frames too, so that a bad frame looks the same at any rate.
    for number in range(len(frames)):
        hit = rng.random(blocks) < 0.5
        hit.flat[int(rng.integers(hit.size))] = True
        colors = rng.integers(0, 256, (*blocks, 3), dtype=np.uint8)
        if bad[number]:
            where = np.kron(hit, np.ones((_BLOCK, _BLOCK), dtype=np.bool_))[:height, :width]
            spread = colors.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)[:height, :width]
            result[number][where] = spread[where]
    return result


def _shake(frames: Frames, strength: float, seed: int) -> Frames:
    offsets = strength * np.random.default_rng(seed).uniform(-1, 1, (len(frames), 2))
    return _per_frame(lambda number, frame: _shifted(frame, *offsets[number].tolist()), frames)


def _jitter(frames: Frames, strength: float, seed: int) -> Frames:
    angle = np.random.default_rng(seed).uniform(0, 2 * math.pi)
    down, right = strength * math.sin(angle), strength * math.cos(angle)

    def swung(number: int, frame: Picture) -> np.ndarray:
        side = -1 if number % 2 else 1
        return _shifted(frame, side * down, side * right)

    return _per_frame(swung, frames)


def _shifted(frame: Picture, down: float, right: float) -> np.ndarray:
    """A picture moved by parts of a pixel, bilinear; the border's pixels go on outside."""
    moved = frame.astype(np.float32)
    for axis, offset in enumerate((down, right)):
        places = np.arange(moved.shape[axis]) - offset
        before = np.floor(places)
        share = np.expand_dims((places - before).astype(np.float32), tuple({0, 1, 2} - {axis}))
        last = moved.shape[axis] - 1
        first, second = (np.clip(before + step, 0, last).astype(np.int64) for step in (0, 1))
        moved = moved.take(first, axis) * (1 - share) + moved.take(second, axis) * share
    return moved


def _compression(frames: Frames, strength: float, _: int) -> Frames:
    from infomerge.video.h264 import decode, encode  # The only disturbance that needs PyAV.

    height, width = frames.shape[1:3]
    # Colour at half resolution needs even sides.
    padding = [max(side + side % 2, _SMALLEST_CODED) - side for side in (height, width)]
    padded = np.pad(frames, ((0, 0), (0, padding[0]), (0, padding[1]), (0, 0)), mode="edge")
    with io.BytesIO() as file:
        encode(padded, file, frame_rate=25, crf=strength)
        file.seek(0)
        return np.ascontiguousarray(decode(file)[:, :height, :width])


def _slow_wave(count: int, seed: int) -> Float64[np.ndarray, "frames"]:
    """A smooth rise and fall between 0 and 1, once or twice over all frames; it comes to 1 in some frame."""
    rng = np.random.default_rng(seed)
    turns, phase = rng.uniform(1, 2), rng.random()
    wave = 0.5 - 0.5 * np.cos(2 * np.pi * (turns * np.arange(count) / max(count, 2) + phase))
    return wave / wave.max() if wave.max() > 0 else np.ones(count)


def _fog(frames: Frames, strength: float, seed: int) -> Frames:
    density = strength * _slow_wave(len(frames), seed)
    return _per_frame(
        lambda number, frame: frame + np.float32(density[number]) * (_FOG_GRAY - frame.astype(np.float32)), frames
    )


def _defocus(frames: Frames, strength: float, seed: int) -> Frames:
    deviations = strength * _slow_wave(len(frames), seed)
    return _per_frame(lambda number, frame: _blurred(frame, float(deviations[number])), frames)


def _blurred(frame: Picture, deviation: float) -> np.ndarray:
    reach = math.ceil(3 * deviation)
    weights = np.exp(-0.5 * (np.arange(reach + 1) / max(deviation, 1e-6)) ** 2)
    weights = (weights / (2 * weights.sum() - weights[0])).astype(np.float32)
    blurred = frame.astype(np.float32)
    for axis in (0, 1):
        side = blurred.shape[axis]
        margin = [(0, 0)] * 3
        margin[axis] = (reach, reach)
        padded = np.moveaxis(np.pad(blurred, margin, mode="edge"), axis, 0)
        total = padded[reach : reach + side] * weights[0]
        for step in range(1, reach + 1):
            total += (
                padded[reach - step : reach - step + side] + padded[reach + step : reach + step + side]
            ) * weights[step]
        blurred = np.moveaxis(total, 0, axis)
    return blurred


def _registry(*disturbances: Disturbance) -> Mapping[str, Disturbance]:
    return MappingProxyType({disturbance.name: disturbance for disturbance in disturbances})


_RATES = (0.03, 0.06, 0.12, 0.25, 0.5)
_RATE_UNIT = "expected share of frames"

DISTURBANCES: Mapping[str, Disturbance] = _registry(
    Disturbance(
        "sensor_noise",
        "standard deviation at middle grey, in grey levels of 255",
        (2, 5, 10, 20, 40),
        255,
        "Gaussian noise, new in every pixel of every frame: half read noise, half shot noise that grows with light.",
        _sensor_noise,
    ),
    Disturbance(
        "flicker",
        "largest change of gain, in stops",
        (0.1, 0.2, 0.4, 0.8, 1.6),
        8,
        "Each frame is brighter or darker as a whole by a random number of stops, applied to pixel values.",
        _flicker,
    ),
    Disturbance("glare", _RATE_UNIT, _RATES, 1, "Single frames are nearly washed out to white.", _glare),
    Disturbance("black_frames", _RATE_UNIT, _RATES, 1, "Single frames are black.", _black_frames),
    Disturbance(
        "dropped_frames",
        _RATE_UNIT,
        _RATES,
        1,
        "Single frames are lost and the last frame before them is shown again; never the first frame.",
        _dropped_frames,
    ),
    Disturbance(
        "block_noise",
        _RATE_UNIT,
        _RATES,
        1,
        "In single frames about half of all blocks of 16 x 16 pixels turn into random plain colours.",
        _block_noise,
    ),
    Disturbance(
        "shake",
        "largest shift along each axis, in pixels",
        (0.5, 1, 2, 4, 8),
        1024,
        "Each frame is shifted as a whole by a random offset of its own, in parts of pixels.",
        _shake,
    ),
    Disturbance(
        "jitter",
        "shift to either side, in pixels",
        (0.5, 1, 2, 4, 8),
        1024,
        "The frame swings back and forth along one line, to the other side in every frame.",
        _jitter,
    ),
    Disturbance(
        "compression",
        "x264's constant rate factor",
        (23, 30, 37, 44, 51),
        _MAX_CRF,
        "The frames are encoded with H.264 and decoded again; there is nothing random in it.",
        _compression,
    ),
    Disturbance(
        "fog",
        "largest share of grey",
        (0.15, 0.3, 0.45, 0.6, 0.8),
        1,
        "A veil of even grey that slowly thickens and thins.",
        _fog,
    ),
    Disturbance(
        "defocus",
        "largest standard deviation of the blur, in pixels",
        (0.5, 1, 2, 3, 4),
        64,
        "A Gaussian blur that slowly comes and goes.",
        _defocus,
    ),
)
