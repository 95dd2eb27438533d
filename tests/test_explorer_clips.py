"""The clips that BudgetExplorer shows: samples, files, uploads, tokens, and what cannot be read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from infomerge.widgets.film_strip import strip_images

from infomerge import EncodedClip, compress
from infomerge.video import sample_clip
from infomerge.widgets.budget_explorer import BudgetExplorer
from tests.explorer import FakeEncoder, drawn, explorer, tokens, whole_figure


def test_a_clip_brings_film_strip_and_true_cuts() -> None:
    clip = sample_clip("bikes", 20)
    shown = BudgetExplorer(clip, encoder=FakeEncoder())
    assert clip.truth is not None
    assert drawn(shown, "true cuts", "x") == clip.truth.cut_times
    images = shown.figure.layout.images
    assert all(image.source.startswith("data:image/jpeg;base64,") for image in images)
    assert images[0].x - images[0].sizex / 2 >= shown.figure.layout.xaxis.range[0]
    assert "bikes" in shown._panel.facts.value
    assert "brightness" in shown._panel.facts.value
    out = compress(shown.compression().trace.tokens, saliency=FakeEncoder()(clip.frames).saliency)
    assert torch.equal(shown.trace.penalized_saliency, out.trace.penalized_saliency)


def test_an_encoded_clip_is_shown_with_what_it_brings() -> None:
    encoded = EncodedClip.from_clip(sample_clip("bikes", 12), FakeEncoder())
    shown = BudgetExplorer(encoded, retention_ratio=0.5)
    read = BudgetExplorer(sample_clip("bikes", 12), encoder=FakeEncoder(), retention_ratio=0.5)
    assert shown._panel.facts.value == read._panel.facts.value
    assert shown._panel.clip.value == "(your own)"
    assert strip_uids(whole_figure(shown)) == strip_uids(whole_figure(read))
    expected = encoded.compress(shown.config)
    assert torch.equal(shown.compression().tokens, expected.tokens)
    assert torch.equal(shown.trace.saliency, expected.trace.saliency)


def strip_uids(figures: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Figures without the names that plotly makes up for their traces."""
    return [figure | {"data": [trace | {"uid": ""} for trace in figure["data"]]} for figure in figures]


def test_arrays_are_tokens_too() -> None:
    shown = BudgetExplorer(tokens().numpy(), timestamps=np.arange(14) / 2)
    assert torch.equal(shown.compression().tokens, compress(tokens()).tokens)
    assert shown.figure.layout.xaxis.title.text == "time (s)"


def test_positions_that_make_no_square_are_drawn_in_one_row() -> None:
    shown = BudgetExplorer(tokens(positions=12))
    assert np.array(shown._maps.trace("map").z).shape == (1, 12)
    assert np.array(BudgetExplorer(tokens(positions=12), grid=(3, 4))._maps.trace("map").z).shape == (3, 4)


def test_tokens_without_frames_say_that_there_is_no_film_strip() -> None:
    shown = explorer()
    assert all(image.source in (None, "") for image in shown.figure.layout.images)
    assert shown._times.part("no strip").visible
    with_frames = explorer(frames=np.zeros((14, 8, 8, 3), dtype=np.uint8))
    assert not with_frames._times.part("no strip").visible


def test_the_film_strip_is_evenly_spaced() -> None:
    frames = np.repeat(np.arange(0, 200, 10, dtype=np.uint8), 8 * 8 * 3).reshape(20, 8, 8, 3)
    edges = np.arange(21) - 0.5
    assert len(set(strip_images(frames, edges, 5))) == 5


def test_a_name_chooses_a_sample_and_a_path_a_file() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    assert shown._panel.clip.value == "carphone"
    shown._panel.clip.value = "bikes"
    assert "bikes:" in shown._panel.facts.value
    shown._panel.path.value = str(sample_clip("carphone", 1).metadata.path)
    assert "carphone_pristine:" in shown._panel.facts.value
    assert shown._panel.clip.value == "(your own)"


def test_an_upload_is_shown_under_its_name() -> None:
    shown = BudgetExplorer(tokens(), encoder=FakeEncoder())
    content = sample_clip("carphone", 1).metadata.path.read_bytes()
    sent_by_the_browser(shown, {"name": "mine.mp4", "size": len(content), "sent": True}, [memoryview(content)])
    assert "mine:" in shown._panel.facts.value


def sent_by_the_browser(shown: BudgetExplorer, content: dict[str, Any], buffers: list[memoryview]) -> None:
    shown._panel.upload._handle_custom_msg(content, buffers)


def test_an_upload_that_is_too_large_is_named_with_its_size_and_another_way() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    before = whole_figure(shown)
    sent_by_the_browser(shown, {"name": "<b>big.mp4", "size": 19_412_345, "sent": False}, [])
    assert "got &lt;b&gt;big.mp4, of 19.4 MB; expected up to 10 MB" in shown._panel.message.value
    assert "path of a larger file under “or file”. Still showing carphone" in shown._panel.message.value
    assert "failed" in shown._panel.message.value
    assert whole_figure(shown) == before


def test_to_choose_your_own_clip_tells_how_and_the_list_keeps_naming_what_is_shown() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    shown._panel.clip.value = "(your own)"
    assert (
        "its path under “or file”, or upload one of up to 10 MB. Still showing carphone" in shown._panel.message.value
    )
    assert shown._panel.clip.value == "carphone"
    shown._panel.clip.value = "bikes"
    assert "bikes:" in shown._panel.facts.value
    assert "(your own)" not in shown._panel.message.value
    assert "or file" not in shown._panel.message.value


@pytest.mark.parametrize("path", ["/no/such/<clip>.mp4", str(Path(__file__)), str(Path(__file__).parent)])
def test_what_cannot_be_read_is_named_and_the_clip_stays(path: str) -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    before = whole_figure(shown)
    shown._panel.path.value = path
    assert "failed" in shown._panel.message.value
    assert "Still showing carphone" in shown._panel.message.value
    assert "<clip>" not in shown._panel.message.value
    assert shown._panel.clip.value == "carphone"
    assert whole_figure(shown) == before


def test_a_broken_upload_is_named_and_the_clip_stays() -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder())
    sent_by_the_browser(shown, {"name": "../notes.mp4", "size": 8, "sent": True}, [memoryview(b"no video")])
    assert "notes.mp4" in shown._panel.message.value
    assert "Still showing carphone" in shown._panel.message.value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": np.zeros((3, 8, 8, 3), dtype=np.uint8)}, "frames: got 3; expected as many as"),
        ({"timestamps": [0.0, 1.0]}, "timestamps: expected 14 ascending"),
        ({"timestamps": [1.0] * 14}, "timestamps: expected 14 ascending"),
        ({"grid": (3, 5)}, "grid: got 3 x 5; expected rows x columns = 16"),
    ],
)
def test_what_does_not_fit_the_tokens_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explorer(**options)


def test_what_belongs_to_tokens_is_refused_with_a_clip() -> None:
    with pytest.raises(ValueError, match="timestamps: accepted only where the source is a tensor"):
        BudgetExplorer("bikes", timestamps=[0.0, 1.0], encoder=FakeEncoder())
