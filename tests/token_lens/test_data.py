"""TokenLens: what it is given to draw."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import traitlets
from ipywidgets.widgets.widget import _remove_buffers
from PIL import Image

from infomerge import Compression, EncodedClip, InfoMergeConfig, compress
from infomerge.methods import METHODS, get_method, methods_for
from infomerge.widgets import TokenLens
from infomerge.widgets.lens_data import color_range
from tests.clips import random_clip
from tests.token_lens.squares import (
    COLUMNS,
    FRAMES,
    HEIGHT,
    ROWS,
    TIMES,
    WIDTH,
    compressed,
    drawn_frames,
    unpacked,
)


def test_every_patch_goes_to_the_token_at_its_owners_index(out: Compression, lens: TokenLens) -> None:
    owners = unpacked(lens.data, "index")[unpacked(lens.data, "assignment")]
    assert owners.tolist() == out.index[out.assignment].tolist()
    for token in range(out.kept):
        members = np.flatnonzero(unpacked(lens.data, "assignment") == token)
        assert members.tolist() == out.members(token).tolist()
    assert unpacked(lens.data, "is_context").astype(bool).tolist() == out.is_context.tolist()


def test_counts_and_maps_are_those_of_the_compression(out: Compression, lens: TokenLens) -> None:
    data = lens.data
    assert (data["frames"], data["rows"], data["columns"]) == (FRAMES, ROWS, COLUMNS)
    assert (data["kept"], data["requested"]) == (out.kept, out.requested)
    assert unpacked(data, "segments").tolist() == out.trace.segments.flatten().tolist()
    assert unpacked(data, "static").astype(bool).tolist() == out.trace.static.flatten().tolist()
    np.testing.assert_allclose(unpacked(data, "tfd"), out.trace.tfd.flatten(), rtol=1e-6)
    np.testing.assert_allclose(unpacked(data, "saliency"), out.trace.saliency.flatten(), rtol=1e-6)
    assert data["timestamps"] == TIMES
    assert InfoMergeConfig(**data["config"]) == out.config
    assert data["method"] == "infomerge"


@pytest.mark.parametrize("name", methods_for())
def test_every_method_has_its_name_and_the_configuration_that_it_has(name: str) -> None:
    tokens = random_clip(torch.Generator().manual_seed(3), FRAMES, ROWS * COLUMNS, 16)
    out = compress(tokens, name, retention_ratio=0.2)
    data = TokenLens(out, drawn_frames(), (ROWS, COLUMNS)).data
    assert data["method"] == name
    assert unpacked(data, "assignment").tolist() == out.assignment.tolist()
    if METHODS[name].group == "infomerge" or name == "fastvid":  # a configuration of InfoMerge, too
        assert InfoMergeConfig(**data["config"]) == out.config
        assert eval(data["line"], {"InfoMergeConfig": InfoMergeConfig}) == out.config
    else:
        assert data["config"] is None
        assert eval(data["line"], {"get_method": get_method}) is METHODS[name]


def test_a_clip_and_its_compression_are_drawn_as_the_arrays_that_they_consist_of(out: Compression) -> None:
    clip = EncodedClip.from_arrays(
        out.trace.tokens, grid=(ROWS, COLUMNS), frames=drawn_frames(), timestamps=TIMES, name="squares"
    )
    by_clip = TokenLens(clip, out).data
    by_arrays = TokenLens(out, drawn_frames(), (ROWS, COLUMNS), timestamps=TIMES, title="squares").data
    assert by_clip == by_arrays
    assert TokenLens(clip, out, title="moving squares").data["title"] == "moving squares"
    with pytest.raises(ValueError, match=r"clip: got one without frames; expected one with pictures"):
        TokenLens(EncodedClip.from_arrays(out.trace.tokens, grid=(ROWS, COLUMNS)), out)
    with pytest.raises(TypeError, match=r"grid, timestamps: given beside a clip"):
        TokenLens(clip, out, (ROWS, COLUMNS))


@pytest.mark.parametrize(
    "as_given",
    [
        lambda frames: frames.astype(np.float32) / 255,
        lambda frames: torch.from_numpy(frames).permute(0, 3, 1, 2),
        lambda frames: frames.astype(np.uint16) * 257,
    ],
    ids=["floats", "torch, channels first", "16 bits"],
)
def test_frames_are_taken_in_any_kind_of_number(as_given: Callable[[np.ndarray], Any]) -> None:
    out, grid = compressed(), (ROWS, COLUMNS)
    assert TokenLens(out, as_given(drawn_frames()), grid).data == TokenLens(out, drawn_frames(), grid).data


def test_pictures_are_the_frames_shrunk_to_448_pixels() -> None:
    frames = np.repeat(np.repeat(drawn_frames(), 8, axis=1), 8, axis=2)
    picture = Image.open(io.BytesIO(TokenLens(compressed(), frames, (ROWS, COLUMNS)).data["images"][5]))
    assert picture.size == (448, round(448 * HEIGHT / WIDTH))
    small = np.asarray(picture.convert("RGB"), dtype=float)
    expected = np.asarray(Image.fromarray(frames[5]).resize(picture.size, Image.Resampling.LANCZOS), dtype=float)
    assert np.abs(small - expected).mean() < 6


def test_tfd_of_a_segment_of_one_frame_has_no_colors(out: Compression, lens: TokenLens) -> None:
    ranges = lens.data["tfd_ranges"]
    lengths = (out.trace.segments[:, 1] - out.trace.segments[:, 0]).tolist()
    assert 1 in lengths
    assert [found is None for found in ranges] == [length == 1 for length in lengths]


def test_color_range_leaves_out_the_outermost_hundredths() -> None:
    assert color_range(np.arange(101.0)) == (1.0, 99.0)
    assert color_range(np.array([1.0, np.nan])) is None


def test_the_grid_is_square_unless_given() -> None:
    tokens = random_clip(torch.Generator().manual_seed(3), FRAMES, 16, 8)
    data = TokenLens(compress(tokens), drawn_frames()).data
    assert (data["rows"], data["columns"]) == (4, 4)
    with pytest.raises(ValueError, match=r"grid: got none, and 24 positions make no square"):
        TokenLens(compressed(), drawn_frames())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": drawn_frames()[1:]}, r"frames: got 11; expected the 12 frames"),
        ({"frames": drawn_frames()[:, :3]}, r"frames: got 3 x 122 pixels; expected at least .* 4 x 6"),
        ({"grid": (5, 5)}, r"grid: got 5 x 5; expected .* 24 positions"),
        ({"timestamps": TIMES[1:]}, r"timestamps: got 11; expected 12"),
        ({"timestamps": [*TIMES[1:], float("nan")]}, r"timestamps: got NaN or infinity"),
    ],
)
def test_arguments_that_do_not_fit_are_named(out: Compression, change: dict[str, Any], message: str) -> None:
    arguments = {"frames": drawn_frames(), "grid": (ROWS, COLUMNS)} | change
    with pytest.raises(ValueError, match=message):
        TokenLens(out, **arguments)


def test_frame_and_pinned_stay_within_the_clip(out: Compression) -> None:
    lens = TokenLens(out, drawn_frames(), (ROWS, COLUMNS))
    lens.frame, lens.pinned, lens.mode = FRAMES - 1, out.kept - 1, "tfd"
    for name, value in {"frame": FRAMES, "pinned": out.kept, "mode": "heat"}.items():
        with pytest.raises(traitlets.TraitError):
            setattr(lens, name, value)


def test_arrays_travel_as_binary_buffers(lens: TokenLens) -> None:
    state, _, buffers = _remove_buffers(lens.get_state())
    assert sum(map(len, buffers)) > sum(map(len, lens.data["images"]))
    assert len(json.dumps(state["data"])) < 5_000


def test_the_package_loads_no_widget_library_until_it_is_asked() -> None:
    code = "import sys, infomerge.widgets; print('anywidget' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
