"""`infomerge run` as a user meets it: what it writes and prints, and how it refuses."""

import csv
import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from infomerge import EncodedClip, InfoMergeConfig, compress
from infomerge.encoders import EfficientNetEncoder
from infomerge.methods import make_compressor
from infomerge.video import sample_clip
from tests.commands import exit_code, refusal
from tests.media import X264_CLOSED, write_video

CHARTS = ["budget_chart.pdf", "budget_chart.png"]
FILES = [*CHARTS, "compression.json", "contact_sheet.pdf", "contact_sheet.png", "segments.csv", "tokens.csv"]
BEGINNINGS = {".pdf": b"%PDF-", ".png": b"\x89PNG\r\n", ".json": b"{"}
FASTSTART = {"movflags": "faststart"}


def read_record(folder: Path) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads((folder / "compression.json").read_text(encoding="utf-8"), parse_constant=refuse)


def table_rows(printed: str) -> list[list[str]]:
    """The printed table, without its headings."""
    rows = [line.split() for line in printed.splitlines()]
    return [row for row in rows if len(row) == 9 and row[0].isdigit()]


def expected_rows(entry: dict[str, Any]) -> list[list[str]]:
    return [
        [
            str(row["segment"]),
            f"{row['begins_seconds']:.1f}-{row['ends_seconds']:.1f}",
            f"{row['first_frame']}-{row['last_frame']}",
            f"{row['uniqueness']:.3f}",
            f"{row['richness']:.3f}",
            f"{row['weight']:.2f}",
            str(row["budget"]),
            str(row["length_budget"]),
            str(row["kept"]),
        ]
        for row in entry["segments"]
    ]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "numbers.mp4", count=24, options=X264_CLOSED)


def test_a_run_on_the_tour_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFOMERGE_CACHE", str(tmp_path / "cache"))
    command = Path(sysconfig.get_path("scripts")) / "infomerge"
    arguments = ["run", "tour", "--retention-ratio", "0.15", "--out", "made/here", "--num-frames", "4"]
    run = subprocess.run([command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    made = tmp_path / "made" / "here"
    assert sorted(path.name for path in made.iterdir()) == FILES
    for name in FILES:
        assert (made / name).read_bytes().startswith(BEGINNINGS.get(Path(name).suffix, b""))

    clip = sample_clip("tour", 4)
    encoding = EfficientNetEncoder()(clip.frames)
    out = compress(encoding.tokens, InfoMergeConfig.paper(0.15), saliency=encoding.saliency)
    entry = read_record(made)
    assert entry["kept_index"] == out.index.tolist()
    assert entry["kept_is_context"] == out.is_context.int().tolist()
    with (made / "tokens.csv").open() as file:
        tokens = list(csv.DictReader(file))
    assert [int(row["index"]) for row in tokens] == out.index.tolist()
    assert [row["kind"] == "context" for row in tokens] == out.is_context.tolist()
    assert sum(int(row["stands_for"]) for row in tokens) == 4 * 196
    with (made / "segments.csv").open() as file:
        segments = list(csv.DictReader(file))
    assert [int(row["budget"]) for row in segments] == [row["budget"] for row in entry["segments"]]
    ends = [float(row["ends_seconds"]) for row in segments]
    assert [float(row["begins_seconds"]) for row in segments] == [0, *ends[:-1]]
    assert max(map(len, run.stdout.splitlines()[:-1])) <= 80
    assert (entry["clip"]["name"], entry["tokens"], entry["kept"]) == ("tour", 4 * 196, round(0.15 * 4 * 196))
    assert InfoMergeConfig(**entry["config"]) == InfoMergeConfig.paper(0.15)

    assert clip.truth is not None
    cuts = set(clip.truth.cut_after(clip.timestamps).tolist())
    boundaries = {row["last_frame"] for row in entry["segments"][:-1]}
    assert {name: set(frames) for name, frames in entry["cuts_after_frames"].items()} == {
        "found": cuts & boundaries,
        "missed": cuts - boundaries,
        "added": boundaries - cuts,
    }
    assert table_rows(run.stdout) == expected_rows(entry)
    assert "tour: kept 118 of 784 tokens, requested 118" in run.stdout
    hits, further = len(cuts & boundaries), len(boundaries - cuts)
    assert f"true cuts found: {hits} of {len(cuts)}; extra boundaries: {further}" in run.stdout
    assert "made/here" in run.stdout.splitlines()[-1]


BAD = {
    "no such file": (["{tmp}/nothing.mp4"], ["no file", "nothing.mp4", "video file", "tour, bigbuckbunny"]),
    "a text file": (["{tmp}/notes.txt"], ["notes.txt", "expected: a video file", "mp4"]),
    "an empty file": (["{tmp}/empty.mp4"], ["empty.mp4", "it is empty", "expected: a video file"]),
    "a folder": (["{tmp}"], ["it is a directory", "expected: a video file"]),
    "a ratio of 0": (["{video}", "-r", "0"], ["--retention-ratio: ", "greater than 0", "got 0.0"]),
    "a ratio of 1.5": (["{video}", "-r", "1.5"], ["--retention-ratio: ", "less than or equal to 1", "got 1.5"]),
    "a ratio of NaN": (["{video}", "-r", "nan"], ["--retention-ratio: ", "finite number", "got nan"]),
    "a ratio in words": (["{video}", "-r", "a few"], ["--retention-ratio", "'a few'", "valid float"]),
    "an unknown option": (["{video}", "--set", "temprature=2"], ["--set temprature: ", "did you mean 'temperature'"]),
    "an option of nothing": (["{video}", "--set", "temperature"], ["--set", "'temperature'", "OPTION=VALUE"]),
    "an option in words": (["{video}", "--set", "temperature=hot"], ["temperature", "valid number", "'hot'"]),
    "an option's wrong name": (["{video}", "--set", "rounding=up"], ["rounding", "'exact' or 'paper'", "'up'"]),
    "the ratio as an option": (["{video}", "--set", "retention_ratio=0.2"], ["--set", "--retention-ratio 0.2"]),
    "no frames": (["{video}", "-n", "0"], ["--num-frames: 0 is not in the range x>=1"]),
    "half a frame": (["{video}", "-n", "1.5"], ["--num-frames", "'1.5'", "valid integer"]),
    "an unknown method": (["{video}", "--method", "best"], ["--method: ", "'best'", "fastvid", "visionzip"]),
    "an option of another method": (
        ["{video}", "--method", "tome", "--set", "temperature=2"],
        ["temperature", "'tome'"],
    ),
    "an unknown preset": (["{video}", "--preset", "best"], ["--preset", "'best'", "'paper', 'fastvid'"]),
    "no encoder there": (["{video}", "--encoder", "{tmp}/model"], ["/model'", "expected a folder"]),
    "no encoder in it": (["{video}", "--encoder", "{tmp}/hollow"], ["hollow'", "expected a folder"]),
    # A ratio outside Table 7 gives a note, which must not stand beside the error.
    "an unusual ratio too": (["{tmp}/nothing.mp4", "-r", "0.3"], ["no file", "nothing.mp4"]),
    "an unusual ratio, and": (["{video}", "-r", "0.3", "--set", "neighbors=0"], ["neighbors", "1", "got 0"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_line(
    case: str, video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("this is no film\n" * 50)
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "hollow").mkdir()
    arguments, expected = BAD[case]
    filled = [argument.format(tmp=tmp_path, video=video) for argument in arguments]
    line = refusal(capfd, "run", *filled, "--out", tmp_path / "out")
    for part in expected:
        assert part in line
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(
    video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("mine")
    assert "--out" in (line := refusal(capfd, "run", video, "--out", tmp_path / "out"))
    assert "is a file" in line
    assert "out" in refusal(capfd, "run", video, "--out", tmp_path / "out" / "further", "--force")
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize("there", FILES)
def test_no_file_is_replaced_unasked(
    there: str, video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / there).write_text("mine")
    before = (tmp_path / there).stat().st_mtime_ns
    line = refusal(capfd, "run", video, "--out", tmp_path)
    assert line == f"--out: {tmp_path / there} already exists; choose another folder or pass --force"
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"
    assert (tmp_path / there).stat().st_mtime_ns == before


def test_force_replaces_its_own_files_and_no_others(video: Path, tmp_path: Path) -> None:
    for name in ("notes.txt", *FILES):
        (tmp_path / name).write_text("mine")
    assert exit_code("run", video, "--out", tmp_path, "-n", "2", "-r", "0.1", "--force") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["notes.txt", *FILES])
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert all(not (tmp_path / name).read_bytes().startswith(b"mine") for name in FILES)
    assert read_record(tmp_path)["kept"] == round(0.1 * 2 * 196)


def test_a_folder_that_cannot_be_written_is_refused(
    video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # Even the superuser cannot put a file in the place of this folder.
    (tmp_path / "contact_sheet.pdf").mkdir()
    line = refusal(capfd, "run", video, "--out", tmp_path, "-n", "1", "-r", "0.1", "--force")
    assert "contact_sheet.pdf" in line
    assert [path.name for path in tmp_path.iterdir()] == ["contact_sheet.pdf"]


def test_a_truncated_clip_is_noted_and_run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    whole = write_video(tmp_path / "whole.mp4", options=X264_CLOSED, container_options=FASTSTART).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) * 3 // 4])
    assert exit_code("run", tmp_path / "cut.mp4", "--out", tmp_path / "out", "-n", "2", "-r", "0.1") == 0
    notes = [line for line in capfd.readouterr().err.splitlines() if line.startswith("infomerge: ")]
    assert len(notes) == 1
    assert notes[0].startswith("infomerge: note: ")
    assert "cut.mp4' ends early or is damaged" in notes[0]
    assert read_record(tmp_path / "out")["clip"]["truncated"] is True


def test_any_name_of_a_file_and_another_method(video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # Brackets and colons are rich's mark-up, dollars are matplotlib's.
    name = r"Größe und $\frac$ [bold] :cat: 日本"
    clip = tmp_path / f"{name}.mp4"
    clip.write_bytes(video.read_bytes())
    out = tmp_path / "où aller"
    options = ["--method", "fastvid", "-r", "0.3", "-n", "4", "--set", "neighbors=2", "--set", " min_segments = 2"]
    assert exit_code("run", clip, "--out", out, *options) == 0
    printed = capfd.readouterr().out
    entry = read_record(out)
    assert entry["clip"]["name"] == name
    assert InfoMergeConfig(**entry["config"]) == InfoMergeConfig.fastvid(0.3, neighbors=2, min_segments=2)
    assert [row["budget"] for row in entry["segments"]] == [row["length_budget"] for row in entry["segments"]]
    assert table_rows(printed) == expected_rows(entry)
    assert f"{name}: kept 235 of 784 tokens" in printed
    assert "budgets by length" in " ".join(printed.split())
    assert "true cuts" not in printed
    assert sorted(path.name for path in out.iterdir()) == FILES


def test_a_method_without_budgets_has_a_sheet_and_no_chart(
    video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = ("run", video, "--out", tmp_path, "-n", "4", "-r", "0.1")
    assert exit_code(*arguments) == 0
    capfd.readouterr()
    # The chart that is there shows the other method's run.
    assert exit_code(*arguments, "--method", "tome", "--force") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [name for name in FILES if name not in CHARTS]
    printed = capfd.readouterr().out
    assert "No budget_chart: the method (ToMe) has no budgets.\n" in printed
    assert f"Wrote contact_sheet (PDF, PNG), compression.json, segments.csv and tokens.csv to {tmp_path}" in printed
    entry = read_record(tmp_path)
    assert entry["method"] == {"method": "tome", "retention_ratio": 0.1}
    (segment,) = entry["segments"]
    measures = [f"{segment['uniqueness']:.3f}", f"{segment['richness']:.3f}"]
    assert [line.split() for line in printed.splitlines() if line.strip().startswith("1 ")] == [
        ["1", f"0.0-{segment['ends_seconds']:.1f}", "0-3", *measures, str(entry["kept"])]
    ]
    out = EncodedClip.read(video, num_frames=4).compress("tome", retention_ratio=0.1)
    assert entry["kept_index"] == out.index.tolist()


def test_titles_are_the_method_s_label(video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from infomerge import plots

    titles = []
    for name in ("contact_sheet", "budget_chart"):
        draw = getattr(plots, name)
        monkeypatch.setattr(plots, name, lambda *a, draw=draw, **k: titles.append(k["title"]) or draw(*a, **k))
    assert exit_code("run", video, "--out", tmp_path, "-n", "2", "-r", "0.1", "--method", "table4-tfd") == 0
    assert titles == [f"numbers: {make_compressor('table4-tfd', retention_ratio=0.1).label}"] * 2


def test_a_vision_tower_from_a_folder_encodes_the_clip(video: Path, tmp_path: Path) -> None:
    import torch
    from transformers import SiglipVisionConfig, SiglipVisionModel

    torch.manual_seed(0)
    config = SiglipVisionConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=8
    )
    SiglipVisionModel(config).save_pretrained(tmp_path / "tower")
    out = tmp_path / "out"
    assert exit_code("run", video, "--encoder", tmp_path / "tower", "--out", out, "-n", "2", "-r", "0.1") == 0
    assert read_record(out)["encoder"] == {
        "name": str(tmp_path / "tower"),
        "saliency": "pooling-head attention",
        "grid": [4, 4],
    }
