"""Sweeps: what ends up in the table, whatever becomes of single items."""

import itertools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tqdm import tqdm

from infomerge.encoders import EfficientNetEncoder
from infomerge.measure import sweep_items
from infomerge.measure.coverage import coverage
from infomerge.measure.fidelity import fidelity
from infomerge.measure.keeping import keeping
from infomerge.measure.sweep import MEASURES, Summary, read_results, read_sweep, run_sweep
from infomerge.measure.sweep_items import Context, Measure, pattern_seed, synthetic_tokens
from infomerge.methods import METHODS
from infomerge.video import disturb, progress, sample_clip, scene_clip
from tests.commands import exit_code
from tests.media import X264_CLOSED, write_video
from tests.sweeps import TINY_ITEMS, only, sorted_table, write_config


def test_every_item_is_measured_and_one_job_gives_what_two_give(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    assert run_sweep(read_sweep(config), tmp_path / "one", jobs=1) == Summary(TINY_ITEMS, TINY_ITEMS, 0)
    assert run_sweep(read_sweep(config), tmp_path / "two", jobs=2) == Summary(TINY_ITEMS, TINY_ITEMS, 0)
    assert sorted_table(tmp_path / "one") == sorted_table(tmp_path / "two")

    rows = read_results(tmp_path / "one")
    assert len({row["key"] for row in rows}) == len(rows) == TINY_ITEMS
    names = ("clip", "seed", "method", "options", "ratio")
    variants = [("infomerge", ""), ("infomerge", '{"temperature": 0}'), ("infomerge", '{"temperature": 2}')]
    expected = itertools.product(
        ("tokens:0", "tokens:1", "tokens:2", "tokens:7"), "01", [*variants, ("random", "")], ("0.1", "0.25")
    )
    assert {tuple(row[name] for name in names) for row in rows} == {(c, s, *m, r) for c, s, m, r in expected}

    for row in rows:
        tokens = synthetic_tokens(int(row["clip"].split(":")[1]), 6).tokens
        options = {"temperature": int(row["options"][-2])} if row["options"] else {}
        if row["method"] == "random":
            options = {"seed": int(row["seed"])}
        out = METHODS[row["method"]](tokens, float(row["ratio"]), **options)
        found = coverage(out)
        assert (row["coverage_mean"], row["coverage_worst"]) == (repr(found.mean), repr(found.worst))
        assert int(row["kept"]) == int(row["requested"]) == round(float(row["ratio"]) * 6 * 16)
        assert (row["tokens"], row["status"], row["error"]) == ("96", "ok", "")


def test_synthetic_tokens_come_from_the_seed_alone_and_have_still_positions() -> None:
    first = synthetic_tokens(3, 12).tokens
    assert torch.equal(first, synthetic_tokens(3, 12).tokens)
    assert not torch.equal(first, synthetic_tokens(4, 12).tokens)
    assert (tuple(first.shape), first.dtype) == ((12, 16, 16), torch.float32)
    spread = first.view(3, 4, 16, 16).std(dim=1).mean(dim=-1)
    assert ((spread < 0.1) | (spread > 0.5)).all()
    assert 0 < (spread < 0.1).sum() < spread.numel()


def test_a_real_clip_is_encoded_disturbed_and_answered_by_the_network(tmp_path: Path) -> None:
    write_config(
        tmp_path,
        methods=["fastvid"],
        ratios=[0.2],
        clips=["carphone", "tokens:0"],
        seeds=[5],
        measures=["fidelity", "coverage"],
        num_frames=4,
        image_size=224,
    )
    run_sweep(read_sweep(tmp_path / "sweep.yaml"), tmp_path / "clean", jobs=1)
    rows = read_results(tmp_path / "clean")
    assert only(rows, clip="tokens:0")["fidelity_kl_divergence"] == ""
    write_config(
        tmp_path,
        methods=["fastvid"],
        ratios=[0.2],
        clips=["carphone"],
        seeds=[5],
        disturbances={"sensor_noise": [20]},
        measures=["fidelity", "coverage"],
        num_frames=4,
        image_size=224,
    )
    run_sweep(read_sweep(tmp_path / "sweep.yaml"), tmp_path / "noisy", jobs=1)
    rows += read_results(tmp_path / "noisy")

    encoder, frames = EfficientNetEncoder(image_size=224), sample_clip("carphone", 4).frames
    for disturbance, seen in (
        ("none", frames),
        ("sensor_noise", disturb("sensor_noise", frames, 20, pattern_seed("carphone", 5))),
    ):
        encoding = encoder(seen)
        out = METHODS["fastvid"](encoding.tokens, 0.2, encoding.saliency)
        row = only(rows, clip="carphone", disturbance=disturbance)
        found = fidelity(out, encoder)
        assert float(row["fidelity_kl_divergence"]) == pytest.approx(found.kl_divergence, rel=1e-6)
        assert float(row["fidelity_top1_agreement"]) == found.top1_agreement
        assert float(row["coverage_mean"]) == pytest.approx(coverage(out).mean, rel=1e-9)


def test_a_disturbed_clip_is_encoded_once_for_all_that_is_measured_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded = []

    def count(frames: np.ndarray, *others: Any) -> Any:
        encoded.append(frames)
        return encode(frames, *others)

    encode = sweep_items._encode
    monkeypatch.setattr(sweep_items, "_encode", count)
    config = write_config(
        tmp_path,
        methods=["infomerge", "uniform-frames"],
        clips=["scene:4"],
        disturbances={"none": None, "shake": [1, 2]},
        measures=["keeping", "detection"],
        num_frames=24,
        image_size=96,
        scene_size=[48, 64],
    )
    assert run_sweep(read_sweep(config), tmp_path / "out", jobs=1) == Summary(24, 24, 0)
    # Clean once for both seeds, and shaken by two strengths from two seeds.
    assert len({frames.tobytes() for frames in encoded}) == len(encoded) == 1 + 2 * 2

    rows, clip = read_results(tmp_path / "out"), scene_clip(4, 24, (48, 64))
    shaken = EfficientNetEncoder(image_size=96)(disturb("shake", clip.frames, 2, pattern_seed("scene:4", 1)))
    out = METHODS["uniform-frames"](shaken.tokens, 0.25, shaken.saliency)
    row = only(rows, disturbance="shake", strength="2.0", seed="1", method="uniform-frames", ratio="0.25")
    for name, value in vars(keeping(out, clip.cells(shaken.grid))).items():
        assert float(row[f"keeping_{name}"]) == pytest.approx(value, nan_ok=True)
    clean = [row for row in rows if row["disturbance"] == "none"]
    assert len({row["detection_scenes_tfd_auroc"] for row in clean}) == 1
    assert 0.5 < float(clean[0]["detection_scenes_tfd_auroc"]) <= 1


def test_a_bar_counts_the_items_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    at_once = {"delay": 0, "mininterval": 0, "disable": False}
    monkeypatch.setattr(progress, "_Bar", lambda **given: tqdm(**given | at_once))
    run_sweep(read_sweep(write_config(tmp_path)), tmp_path / "out", jobs=1)
    shown = capfd.readouterr().err.split("\r")
    counted = [int(found[1]) for line in shown if (found := re.search(rf"sweep: .* (\d+)/{TINY_ITEMS} \[", line))]
    assert counted == sorted(counted)
    assert (counted[0], counted[-1]) == (0, TINY_ITEMS)
    assert len(set(counted)) > 2
    assert shown[-1].strip() == ""


def test_a_clip_that_cannot_be_read_fails_and_the_others_do_not(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.mp4").write_text("this is no film\n" * 50)
    config = write_config(tmp_path, methods=["random"], clips=["notes.mp4", "tokens:0"])
    arguments = ("sweep", config, "--out", tmp_path / "out", "--jobs", "2")
    for run in (8, 0):
        assert exit_code(*arguments) == 1
        printed, complaint = capfd.readouterr()
        assert printed.startswith(f"8 items, {run} of them run now")
        assert complaint.splitlines()[-1] == "infomerge: 4 of 8 items failed; column error says why"
        assert "Traceback" not in complaint
    rows = read_results(tmp_path / "out")
    assert {(row["clip"], row["status"]) for row in rows} == {("notes.mp4", "failed"), ("tokens:0", "ok")}
    for row in rows:
        is_film = row["clip"] == "notes.mp4"
        assert row["error"].startswith("UnreadableClipError: ") == is_film
        assert (row["kept"] == "") == is_film


def test_a_file_that_is_another_than_when_the_sweep_began_fails(tmp_path: Path) -> None:
    film = write_video(tmp_path / "film.mp4", options=X264_CLOSED)
    first = film.read_bytes()
    changes = {"clips": ["film.mp4", "tokens:0"], "methods": ["random"], "image_size": 64, "num_frames": 2}
    sweep = read_sweep(write_config(tmp_path, **changes))
    film.write_bytes(first + b"\0")  # still a film
    assert run_sweep(sweep, tmp_path / "out", jobs=1) == Summary(8, 8, 4)
    rows = read_results(tmp_path / "out")
    assert {(row["clip"], row["status"]) for row in rows} == {("film.mp4", "failed"), ("tokens:0", "ok")}
    for row in rows[:4]:
        assert row["error"].startswith("ValueError: clips: got another file under 'film.mp4' (SHA-256 ")
    film.write_bytes(first)
    assert run_sweep(sweep, tmp_path / "out", jobs=1, retry_failed=True) == Summary(8, 4, 0)


def test_failed_items_are_run_again_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = read_sweep(write_config(tmp_path))
    run_sweep(sweep, tmp_path / "sound", jobs=1)

    def break_at_a_quarter(context: Context) -> dict[str, float]:
        if context.compression.kept > 20:
            raise RuntimeError('no luck,\n  "really"')
        return kept(context)

    kept: Callable[[Context], Mapping[str, float]] = MEASURES["kept"].run
    broken = {**MEASURES, "kept": Measure(MEASURES["kept"].columns, break_at_a_quarter)}
    with monkeypatch.context() as patched:
        patched.setattr(sweep_items, "MEASURES", broken)
        assert run_sweep(sweep, tmp_path / "out", jobs=1) == Summary(TINY_ITEMS, TINY_ITEMS, TINY_ITEMS // 2)
    rows = read_results(tmp_path / "out")
    assert {row["error"] for row in rows if row["ratio"] == "0.25"} == {'RuntimeError: no luck, "really"'}
    assert {row["status"] for row in rows if row["ratio"] == "0.1"} == {"ok"}

    assert run_sweep(sweep, tmp_path / "out", jobs=1) == Summary(TINY_ITEMS, 0, TINY_ITEMS // 2)
    again = run_sweep(sweep, tmp_path / "out", jobs=1, retry_failed=True)
    assert again == Summary(TINY_ITEMS, TINY_ITEMS // 2, 0)
    assert sorted_table(tmp_path / "out") == sorted_table(tmp_path / "sound")


def test_a_truncated_clip_is_noted_once_and_measured(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    film = write_video(tmp_path / "cut.mp4", options=X264_CLOSED, container_options={"movflags": "faststart"})
    film.write_bytes(film.read_bytes()[: film.stat().st_size * 3 // 4])
    changes = {"clips": ["cut.mp4"], "disturbances": {"none": None, "fog": [0.5]}, "image_size": 64, "num_frames": 2}
    assert exit_code("sweep", write_config(tmp_path, **changes), "--out", tmp_path / "out", "--jobs", "1") == 0
    (note,) = [line for line in capfd.readouterr().err.splitlines() if "note" in line]
    assert "cut.mp4' ends early or is damaged" in note
    assert all(row["status"] == "ok" for row in read_results(tmp_path / "out"))
