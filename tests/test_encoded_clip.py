"""A clip as one thing: what is read, rendered, or brought as arrays, and what is handed on."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from infomerge import EncodedClip, compress, plots
from infomerge.encoders import Encoding
from infomerge.video import sample_clip, scene_clip
from tests.clips import random_clip


@dataclasses.dataclass
class MeanColors:
    """Cells' mean colors on a 4 x 6 grid."""

    name: str = "mean colors"

    def __call__(self, frames: np.ndarray) -> Encoding:
        count, height, width, _ = frames.shape
        cells = frames[:, : height // 4 * 4, : width // 6 * 6].reshape(count, 4, height // 4, 6, width // 6, 3)
        tokens = torch.from_numpy(cells.mean(axis=(2, 4)).reshape(count, 24, 3).astype(np.float32)) / 255
        return Encoding(tokens, tokens.mean(-1), None, (4, 6), "brightness")


@pytest.fixture(scope="module")
def tour() -> EncodedClip:
    return EncodedClip.read("tour", MeanColors(), num_frames=12)


def test_a_clip_is_read_and_encoded_with_what_is_known_about_it(tour: EncodedClip) -> None:
    clip = sample_clip("tour", 12)
    assert (tour.name, tour.grid, tour.unit, tour.encoder) == ("tour", (4, 6), "s", "mean colors")
    assert np.array_equal(tour.frames, clip.frames)
    assert np.array_equal(tour.times, clip.timestamps)
    assert torch.equal(tour.tokens, MeanColors()(clip.frames).tokens)
    assert tour.true_cuts == tuple(clip.truth.cut_after(clip.timestamps).tolist())
    assert tour.cut_times == clip.truth.cut_times
    assert tour.metadata == clip.metadata
    assert tour.duration == clip.metadata.duration
    assert tour.facts == "tour: 12 frames x 24 tokens x 3 channels; saliency: brightness"
    assert tour.cells is None


def test_compress_takes_the_clips_saliency_and_any_method(tour: EncodedClip) -> None:
    for method in ("infomerge", "tome"):
        out = tour.compress(method, retention_ratio=0.2)
        expected = compress(tour.tokens, method, retention_ratio=0.2, saliency=tour.saliency)
        assert torch.equal(out.tokens, expected.tokens)
        assert torch.equal(out.index, expected.index)
    assert tour.compress().kept == 29


def test_a_procedural_clip_brings_the_truth_about_its_cells() -> None:
    scene = scene_clip(3, 24, (48, 48))
    encoded = EncodedClip.from_clip(scene, MeanColors())
    assert encoded.name == "scene:3"
    assert encoded.true_cuts == tuple(scene.truth.cut_after(scene.timestamps).tolist())
    assert torch.equal(encoded.cells.still, scene.cells((4, 6)).still)
    assert encoded.metadata is None


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_arrays_of_ones_own(kind: str) -> None:
    tokens = random_clip(torch.Generator().manual_seed(0), 5, 24, 8).float()
    saliency = torch.rand(5, 24, generator=torch.Generator().manual_seed(1))
    given: Any = (tokens.numpy().copy(), saliency.numpy()) if kind == "numpy" else (tokens, saliency)
    encoded = EncodedClip.from_arrays(
        given[0], grid=(4, 6), saliency=given[1], timestamps=[0, 1, 2, 3.5, 4], name="mine"
    )
    assert torch.equal(encoded.tokens, tokens)
    assert (encoded.name, encoded.unit, encoded.saliency_source) == ("mine", "s", "given")
    assert encoded.times.tolist() == [0, 1, 2, 3.5, 4]
    assert encoded.true_cuts == ()
    out = encoded.compress(retention_ratio=0.25)
    assert torch.equal(out.tokens, compress(tokens, retention_ratio=0.25, saliency=saliency).tokens)
    if kind == "numpy":
        given[0][:] = 0
        assert torch.equal(encoded.tokens, tokens), "the clip changed with the caller's array"


def test_the_grid_is_told_by_the_shape_or_is_the_square_one() -> None:
    assert EncodedClip.from_arrays(np.ones((2, 3, 5, 4))).grid == (3, 5)
    assert EncodedClip.from_arrays(np.ones((2, 16, 4))).grid == (4, 4)
    plain = EncodedClip.from_arrays(np.ones((2, 16, 4)))
    assert (plain.unit, plain.times.tolist(), plain.facts) == (
        "frame",
        [0, 1],
        "tokens: 2 frames x 16 tokens x 4 channels; saliency: distance from the frame's mean",
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"tokens": np.ones((2, 15, 4))}, ValueError, "grid: got none, and 15 positions make no square"),
        ({"tokens": np.ones((2, 16, 4)), "grid": (3, 5)}, ValueError, "grid: got 3 x 5; expected .* 16"),
        ({"tokens": np.ones((2, 16, 4), dtype=int)}, TypeError, "tokens: got dtype torch.int64"),
        ({"tokens": [[1.0]]}, TypeError, "tokens: got list"),
        ({"tokens": np.full((2, 16, 4), np.nan)}, ValueError, "tokens: got 128 values that are NaN"),
        ({"tokens": np.ones((2, 16, 4)), "saliency": np.ones((2, 9))}, ValueError, "saliency: got shape"),
        ({"tokens": np.ones((2, 16, 4)), "timestamps": [1, 1]}, ValueError, "timestamps: got 1 after 1; expected 2"),
        (
            {"tokens": np.ones((2, 16, 4)), "frames": np.zeros((3, 8, 8, 3), dtype=np.uint8)},
            ValueError,
            "frames: got 3; expected as many as the tokens have, 2",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_named(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        EncodedClip.from_arrays(**arguments)


def test_an_encoding_of_another_length_is_refused() -> None:
    scene = scene_clip(3, 24, (48, 48))
    with pytest.raises(ValueError, match="encoded: got 7 frames; expected the clip's 24"):
        EncodedClip.from_clip(scene, MeanColors()(scene.frames[:7]))


def test_a_source_that_is_not_there_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"got no file 'nowhere.mp4'; expected a video file or a sample: tour"):
        EncodedClip.read("nowhere.mp4")


def test_plots_take_the_clip_in_place_of_its_arrays(tour: EncodedClip) -> None:
    out = tour.compress(retention_ratio=0.2)
    arrays = plots.contact_sheet(tour.frames, tour.times, out, tour.grid, title="tour", true_cuts=tour.true_cuts)
    assert plots.contact_sheet(tour, out, title="tour")._repr_png_() == arrays._repr_png_()
    chart = plots.budget_chart(tour.frames, tour.times, out, title="tour", true_cuts=[], duration=tour.duration)
    assert plots.budget_chart(tour, out, title="tour", true_cuts=[])._repr_png_() == chart._repr_png_()
    with pytest.raises(ValueError, match="contact_sheet: got a clip without frames"):
        plots.contact_sheet(dataclasses.replace(tour, frames=None), out)
    with pytest.raises(TypeError, match="contact_sheet: got 6 arguments after the clip"):
        plots.contact_sheet(tour, out, "a", "b", "c", "d", "e")
