"""What the build makes: reduced tokens, numbers of the page, files that hold everything and let nothing in."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from infomerge import EncodedClip
from infomerge.measure.flops import prefill_flops
from infomerge.page import build
from infomerge.page.answers import Answers
from infomerge.page.clip_data import CREDITS, TITLES, clip_data
from infomerge.page.costs import measured_prefill, prefill_polynomial
from infomerge.page.reduction import LEVELS, reduce, runs_of_frames
from infomerge.resources import data_file
from tests.commands import exit_code, refusal
from tests.page.made import small_clip

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&<!--"

ANSWERS: dict[str, Any] = {
    "model": "a model of two neurons",
    "note": "Right on 7 of 9 clips.",
    "questions": [
        {
            "clip": "small",
            "text": "What color flashed?",
            "options": ["red", "blue"],
            "truth": 1,
            "grids": [
                {
                    "method": "infomerge",
                    "label": "InfoMerge",
                    "ratios": [0.05, 0.15, 1.0],
                    "probabilities": [[0.75, 0.25], [0.25, 0.75], [0.0, 1.0]],
                }
            ],
        }
    ],
}


def test_reduced_tokens_are_the_best_few_directions_in_whole_steps() -> None:
    clip = small_clip(frames=20, grid=(4, 4), channels=30)
    flat = clip.tokens.double().flatten(0, 1).numpy()
    reduced = reduce(clip, directions=8)
    assert reduced.levels.shape == (20, 16, 8)
    assert np.abs(reduced.levels).max(axis=(0, 1)).tolist() == [LEVELS] * 8
    _, singular, directions = np.linalg.svd(flat, full_matrices=False)
    assert reduced.energy == pytest.approx((singular[:8] ** 2).sum() / (singular**2).sum())
    wanted = flat @ directions[:8].T * (8 / 30) ** 0.5
    found = reduced.features.flatten(0, 1).numpy()
    signs = np.sign((wanted * found).sum(0))
    assert np.abs(wanted * signs - found).max(0).tolist() <= (0.5 * reduced.step + 1e-9).tolist()


def test_few_channels_are_only_rounded() -> None:
    clip = small_clip(channels=6)
    reduced = reduce(clip)
    assert reduced.energy == 1
    assert (reduced.features - clip.tokens.double()).abs().amax((0, 1)).tolist() <= (reduced.step * 0.5 + 1e-9).tolist()


def test_saliency_keeps_its_order_and_range() -> None:
    clip = small_clip()
    saliency = torch.linspace(-3, 5, 9 * 12).reshape(9, 12)
    reduced = reduce(EncodedClip.from_arrays(clip.tokens, grid=clip.grid, saliency=saliency))
    assert (reduced.saliency.flatten().diff() > 0).all()
    assert reduced.saliency.min() == -3
    assert float(reduced.saliency.max()) == pytest.approx(5)


def test_richness_is_there_for_every_run_of_frames_in_the_order_that_the_page_reads() -> None:
    runs = runs_of_frames(4).tolist()
    assert runs == [[0, 1], [0, 2], [0, 3], [0, 4], [1, 2], [1, 3], [1, 4], [2, 3], [2, 4], [3, 4]]
    # The place that clip.js works out.
    for place, (start, end) in enumerate(runs):
        assert start * 4 - start * (start - 1) // 2 + end - start - 1 == place
    assert len(reduce(small_clip(frames=9)).richness) == 45


def test_flops_are_a_polynomial_in_whole_numbers() -> None:
    linear, quadratic = prefill_polynomial()
    for tokens in (0, 1, 2, 313, 941, 6272, 10816):
        assert linear * tokens + quadratic * tokens**2 == prefill_flops(tokens)


def test_prefill_times_are_those_of_the_measured_table() -> None:
    shown = measured_prefill()
    with data_file("results/first_token.csv").open(encoding="utf-8", newline="") as file:
        rows = [(int(row["visual_tokens"]), float(row["prefill_ms"])) for row in csv.DictReader(file)]
    assert set(shown["points"]) <= set(rows)
    assert [tokens for tokens, _ in shown["points"]] == [314, 627, 941, 6272]
    assert shown["source"] == "data/results/first_token.csv"
    assert shown["gpu"] in shown["device"]


def test_one_file_holds_everything_and_asks_for_nothing() -> None:
    text = build.page(build.page_parts([clip_data(small_clip())]))
    outside = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r"<script\b[^>]*\bsrc|<link\b[^>]*stylesheet|@import|url\((?!data:)", text)
    assert re.findall(r"""(?:src|href)=["'](?!data:)[^"']*""", outside) == []
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|importScripts|\bimport\(|\beval\(|innerHTML", text)
    assert not re.search(r"^import\b|^export\b", text, re.MULTILINE)


def test_the_folder_has_the_same_parts_under_their_names(tmp_path: Path) -> None:
    clips = [clip_data(small_clip()), clip_data(small_clip(name="other"))]
    written = build.write_page(tmp_path, clips)
    assert sorted(path.relative_to(tmp_path).as_posix() for path in written) == [
        "index.html",
        "infomerge.html",
        *(f"parts/{name}" for name in ("clip-1.js", "clip-2.js", "data.js", "page.js", "style.css")),
    ]
    index, whole = ((tmp_path / name).read_text(encoding="utf-8") for name in ("index.html", "infomerge.html"))
    assert re.findall(r'(?:src|href)="(parts/[^"]*)"', index) == [
        f"parts/{name}" for name in ("style.css", "data.js", "clip-1.js", "clip-2.js", "page.js")
    ]
    for path in (tmp_path / "parts").iterdir():
        assert path.read_text(encoding="utf-8") in whole


def test_names_of_a_user_stay_text(tmp_path: Path) -> None:
    data = clip_data(small_clip(name=HOSTILE))
    text = build.page(build.page_parts([data]))
    assert HOSTILE not in text
    assert "<img" not in text
    assert text.count("</script>") == text.count("<script>")
    (literal,) = re.findall(r"^window\.infomergePage\.clips\.push\((.*)\);$", text, re.MULTILINE)
    assert json.loads(literal)["title"] == HOSTILE


def test_nothing_is_replaced_unasked_and_an_old_clip_goes(tmp_path: Path) -> None:
    clips = [clip_data(small_clip()), clip_data(small_clip(name="other"))]
    build.write_page(tmp_path, clips)
    with pytest.raises(FileExistsError, match=r"infomerge\.html"):
        build.write_page(tmp_path, clips)
    build.write_page(tmp_path, clips[:1], force=True)
    assert not (tmp_path / "parts" / "clip-2.js").exists()
    other = tmp_path / "mine"
    other.mkdir()
    (other / "index.html").write_text("my site")
    with pytest.raises(FileExistsError, match=r"index\.html"):
        build.write_page(other, clips)
    assert (other / "index.html").read_text() == "my site"
    assert [path.name for path in other.iterdir()] == ["index.html"]


def test_a_page_without_clips_or_beyond_its_size_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="clips: got none"):
        build.write_page(tmp_path, [])
    monkeypatch.setattr(build, "LARGEST", 1000)
    with pytest.raises(ValueError, match="clips: got a page of"):
        build.write_page(tmp_path, [clip_data(small_clip())])
    assert list(tmp_path.iterdir()) == []


def test_samples_have_titles_and_credits_and_own_clips_of_these_names_have_not() -> None:
    assert set(TITLES) == set(CREDITS)
    own = clip_data(small_clip(name="tour"))
    assert (own["title"], own["credit"]) == ("tour", "")
    assert clip_data(small_clip(name="tour"), is_sample=True)["credit"] == CREDITS["tour"]


def test_the_command_takes_own_tokens(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    tokens = small_clip().tokens.numpy()
    file = tmp_path / "my tokens.npz"
    np.savez(file, tokens=tokens, grid=np.array([3, 4]))
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(ANSWERS))
    assert exit_code("page", file, "--out", tmp_path / "out", "--answers", answers) == 0
    assert "infomerge.html" in capfd.readouterr().out
    text = (tmp_path / "out" / "parts" / "clip-1.js").read_text(encoding="utf-8")
    assert '"name":"my tokens"' in text
    assert "a model of two neurons" in (tmp_path / "out" / "parts" / "data.js").read_text(encoding="utf-8")
    assert "already exists" in refusal(capfd, "page", file, "--out", tmp_path / "out")
    assert exit_code("page", file, "--out", tmp_path / "out", "--force") == 0


def test_what_the_command_cannot_use_it_refuses_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    np.savez(tmp_path / "words.npz", words=np.zeros(3))
    assert refusal(capfd, "page", tmp_path / "gone.mp4", "--out", out).startswith("CLIP: ")
    assert "has words; tokens, and any of" in refusal(capfd, "page", tmp_path / "words.npz", "--out", out)
    np.savez(tmp_path / "flat.npz", tokens=np.zeros((4, 5), dtype=np.float32))
    assert refusal(capfd, "page", tmp_path / "flat.npz", "--out", out).startswith("CLIP: tokens: got 2 dimensions")
    (tmp_path / "broken.npz").write_text("no archive")
    assert "cannot be read" in refusal(capfd, "page", tmp_path / "broken.npz", "--out", out)
    np.savez(tmp_path / "good.npz", tokens=np.ones((4, 4, 5), dtype=np.float32))
    (tmp_path / "answers.json").write_text('{"model": "x"}')
    complaint = refusal(capfd, "page", tmp_path / "good.npz", "--out", out, "--answers", tmp_path / "answers.json")
    assert complaint.startswith("--answers: ")
    assert "questions" in complaint
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"truth": 2}, "truth: got 2; expected 0 to 1"),
        ({"options": ["red"]}, "at least 2"),
        ({"colour": "red"}, "Extra inputs"),
        ({"grids": []}, "at least 1"),
    ],
)
def test_answers_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    wrong = json.loads(json.dumps(ANSWERS))
    wrong["questions"][0] |= change
    with pytest.raises(ValidationError, match=message):
        Answers.model_validate(wrong)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ratios": [0.15, 0.05, 1.0]}, "ascending"),
        ({"ratios": [0.05, 0.15]}, "expected 2 of 2"),
        ({"probabilities": [[0.5, 0.6, 0.1]] * 3}, r"got rows of \[3, 3, 3\]"),
        ({"probabilities": [[2.0, 0.0]] * 3}, "less than or equal to 1"),
    ],
)
def test_grids_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    wrong = json.loads(json.dumps(ANSWERS))
    wrong["questions"][0]["grids"][0] |= change
    with pytest.raises(ValidationError, match=message):
        Answers.model_validate(wrong)


def test_no_module_or_style_sheet_of_the_page_is_over_400_lines() -> None:
    page = Path(build.__file__).parent
    for path in (*page.glob("*.html"), *(page / "css").iterdir(), *(page / "js").iterdir()):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path.name
