"""The clips that BudgetExplorer shows: samples, files, uploads, tokens, and what cannot be read."""

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from infomerge import EncodedClip, compress
from infomerge.video import sample_clip
from infomerge.widgets.budget_explorer import BudgetExplorer
from tests.explorer import FakeEncoder, explorer, failed, picture, said, tell, tokens


def test_a_clip_brings_pictures_and_true_cuts() -> None:
    clip = sample_clip("bikes", 20)
    shown = BudgetExplorer(clip, encoder=FakeEncoder())
    assert clip.truth is not None
    assert shown.clip["cut_times"] == list(clip.truth.cut_times)
    pictures = [np.asarray(Image.open(io.BytesIO(picture))) for picture in shown.clip["pictures"]]
    assert len(pictures) == 20
    for small, frame in zip(pictures, clip.frames, strict=True):
        assert small.shape[1] / small.shape[0] == pytest.approx(frame.shape[1] / frame.shape[0], rel=0.02)
        assert np.abs(small.mean(axis=(0, 1)) - frame.mean(axis=(0, 1))).max() < 4
    assert "bikes" in shown.clip["facts"]
    assert "brightness" in shown.clip["facts"]
    out = compress(shown.compression().trace.tokens, saliency=FakeEncoder()(clip.frames).saliency)
    assert torch.equal(shown.trace.penalized_saliency, out.trace.penalized_saliency)


def test_an_encoded_clip_is_shown_with_what_it_brings() -> None:
    encoded = EncodedClip.from_clip(sample_clip("bikes", 12), FakeEncoder())
    shown = BudgetExplorer(encoded, retention_ratio=0.5)
    read = BudgetExplorer(sample_clip("bikes", 12), encoder=FakeEncoder(), retention_ratio=0.5)
    assert read.clip["source"] == "bikes"
    # Without the encoder that made its tokens, reading it again would make others.
    assert shown.clip["source"] is None
    assert {**shown.clip, "source": "bikes"} == read.clip
    assert {**shown.shown, "python": ""} == {**read.shown, "python": ""}
    expected = encoded.compress(shown.config)
    assert torch.equal(shown.compression().tokens, expected.tokens)
    assert torch.equal(shown.trace.saliency, expected.trace.saliency)


def test_arrays_are_tokens_too() -> None:
    shown = BudgetExplorer(tokens().numpy(), timestamps=np.arange(14) / 2, name="mine")
    assert torch.equal(shown.compression().tokens, compress(tokens()).tokens)
    assert (shown.clip["name"], shown.clip["unit"]) == ("mine", "s")
    half = BudgetExplorer(tokens().numpy().astype(np.float16))
    assert half.clip["facts"] == "tokens: 14 frames x 16 tokens x 8 channels; saliency: distance from the frame's mean"


def test_a_grid_is_inferred_where_it_is_square_and_asked_for_where_it_is_not() -> None:
    assert BudgetExplorer(tokens(positions=16)).clip["grid"] == [4, 4]
    with pytest.raises(
        ValueError, match=r"grid: got none, and 12 positions make no square; expected \(rows, columns\)"
    ):
        BudgetExplorer(tokens(positions=12))
    assert BudgetExplorer(tokens(positions=12), grid=(3, 4)).clip["grid"] == [3, 4]
    assert BudgetExplorer(tokens(positions=12).reshape(14, 2, 6, 8)).clip["grid"] == [2, 6]


FRAMES = np.random.default_rng(0).integers(0, 256, (14, 8, 8, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "frames",
    [
        FRAMES,
        FRAMES.astype(np.int64),
        FRAMES.astype(np.float64),
        (FRAMES / 255).astype(np.float32),
        FRAMES.astype(np.uint16) * 257,
        torch.from_numpy(FRAMES),
        torch.from_numpy(FRAMES).permute(0, 3, 1, 2).float() / 255,
    ],
    ids=["uint8", "int64", "float64", "unit", "uint16", "torch", "channels first"],
)
def test_frames_are_taken_in_any_kind_of_number(frames: Any) -> None:
    np.testing.assert_array_equal(explorer(frames=frames).encoded.frames, FRAMES)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (FRAMES.astype(np.float32) / 127.5 - 1, "frames: got values from -1 to 1; expected 0 to 1, or 0 to 255"),
        (np.full((14, 8, 8, 3), np.nan), "frames: got NaN or infinity"),
        (FRAMES[..., 0], "frames: got 3 dimensions"),
        ("clip.mp4", "frames: got str"),
    ],
)
def test_frames_that_are_no_pictures_are_refused(frames: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        explorer(frames=frames)


def test_tokens_without_frames_have_no_pictures() -> None:
    assert explorer().clip["pictures"] == []
    assert len(explorer(frames=np.zeros((14, 8, 8, 3), dtype=np.uint8)).clip["pictures"]) == 14


def test_a_name_chooses_a_sample_and_a_path_a_file() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    assert shown.clip["source"] == "carphone"
    tell(shown, "load", source="bikes")
    assert (shown.clip["source"], shown.clip["name"]) == ("bikes", "bikes")
    path = str(sample_clip("carphone", 1).metadata.path)
    tell(shown, "load", source=f" {path} ")
    assert (shown.clip["source"], shown.clip["name"]) == (path, "carphone_pristine")


def test_a_clip_is_read_again_with_another_number_of_frames() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder(), num_frames=8)
    assert shown.clip["count"] == 8
    tell(shown, "frames", count=20)
    assert shown.clip["count"] == 20
    expected = BudgetExplorer("carphone", encoder=FakeEncoder(), num_frames=20)
    assert picture(shown) == picture(expected)
    tell(shown, "frames", count=0)
    assert failed(shown)
    assert shown.clip["count"] == 20
    given = explorer()
    with pytest.raises(ValueError, match="num_frames: got 9; expected none for a clip that has no file"):
        given.read_again(9)


def test_an_upload_is_shown_under_its_name() -> None:
    shown = BudgetExplorer(tokens(), encoder=FakeEncoder())
    content = sample_clip("carphone", 1).metadata.path.read_bytes()
    tell(shown, "upload", [memoryview(content)], name="mine.mp4")
    assert shown.clip["name"] == "mine"
    # The file was there for a moment: it cannot be read again.
    assert shown.clip["source"] is None
    assert not failed(shown)


def test_an_upload_that_is_too_large_is_named_with_its_size_and_another_way() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    before = picture(shown)
    tell(shown, "too_large", name="<b>big.mp4", size=19_412_345)
    assert "got <b>big.mp4, of 19.4 MB; expected up to 10 MB" in said(shown)
    assert "path of a larger file under “or file”. Still showing carphone" in said(shown)
    assert failed(shown)
    assert picture(shown) == before


def test_to_choose_your_own_clip_tells_how() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    tell(shown, "own")
    assert "its path under “or file”, or upload one of up to 10 MB. Still showing carphone" in said(shown)
    assert shown.clip["source"] == "carphone"
    tell(shown, "load", source="bikes")
    assert said(shown) == ""


@pytest.mark.parametrize("path", ["/no/such/<clip>.mp4", str(Path(__file__)), str(Path(__file__).parent)])
def test_what_cannot_be_read_is_named_and_the_clip_stays(path: str) -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    before = picture(shown)
    tell(shown, "load", source=path)
    assert failed(shown)
    assert "Still showing carphone" in said(shown)
    assert picture(shown) == before


def test_a_broken_upload_is_named_as_the_reader_knows_it_and_the_clip_stays() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    tell(shown, "upload", [memoryview(b"no video")], name="../notes.mp4")
    assert failed(shown)
    assert "notes.mp4" in said(shown)
    assert tempfile.gettempdir() not in said(shown)
    assert "Still showing carphone" in said(shown)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": np.zeros((3, 8, 8, 3), dtype=np.uint8)}, "frames: got 3; expected as many as"),
        ({"timestamps": [0.0, 1.0]}, r"timestamps: got shape \[2\]; expected 14 ascending"),
        ({"timestamps": [1.0] * 14}, "timestamps: got 1 after 1; expected 14 ascending"),
        ({"grid": (3, 5)}, "grid: got 3 x 5; expected rows x columns = 16"),
    ],
)
def test_what_does_not_fit_the_tokens_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(**options)


def test_what_belongs_to_tokens_is_refused_with_a_clip() -> None:
    with pytest.raises(ValueError, match="timestamps: accepted only where the source is an array or a tensor"):
        BudgetExplorer("bikes", timestamps=[0.0, 1.0], encoder=FakeEncoder())
