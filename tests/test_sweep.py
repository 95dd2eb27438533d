"""Sweeps: what ends up in the table, that nothing is lost or repeated when they are interrupted, what is refused."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from tqdm import tqdm

from infomerge.encoders import EfficientNetEncoder
from infomerge.measure import sweep as sweeping
from infomerge.measure import sweep_items
from infomerge.measure.coverage import coverage
from infomerge.measure.fidelity import fidelity
from infomerge.measure.keeping import keeping
from infomerge.measure.sweep import (
    MEASURES,
    TIMINGS,
    LostWorkersError,
    Summary,
    read_results,
    read_sweep,
    run_sweep,
)
from infomerge.measure.sweep_items import Context, Measure, pattern_seed, synthetic_tokens
from infomerge.methods import METHODS
from infomerge.video import disturb, sample_clip, scene_clip
from tests.media import X264_CLOSED, write_video
from tests.test_cli import exit_code, refusal

TINY: dict[str, Any] = {
    "methods": ["infomerge", "random", {"name": "infomerge", "options": {"temperature": [0, 2]}}],
    "ratios": [0.1, 0.25],
    "clips": ["tokens:0-2", "tokens:7"],
    "seeds": [0, 1],
    "measures": ["kept", "coverage"],
    "num_frames": 6,
}
TINY_ITEMS = 4 * 2 * 4 * 2
COMMAND = Path(sysconfig.get_path("scripts")) / "infomerge"


def write_config(folder: Path, given: Mapping[str, Any] = TINY, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "sweep.yaml"
    path.write_text(yaml.safe_dump({**given, **changes}), encoding="utf-8")
    return path


def sorted_table(out: Path) -> str:
    """The table's lines without their timings, which stand last, in order."""
    lines = (out / "results.csv").read_text(encoding="utf-8").splitlines()
    return "\n".join(sorted(line.rsplit(",", len(TIMINGS))[0] for line in lines))


def run_apart(config: Path, out: Path) -> Path:
    """Run a sweep in a process of its own, where nothing checks shapes, and give its folder back."""
    subprocess.run([COMMAND, "sweep", config, "--out", out, "--jobs", "1"], capture_output=True, check=True)
    return out


def only(rows: list[dict[str, str]], **cells: str) -> dict[str, str]:
    (row,) = (row for row in rows if all(row[name] == value for name, value in cells.items()))
    return row


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

    def count(frames: np.ndarray, encoder: EfficientNetEncoder) -> Any:
        encoded.append(frames)
        return encode(frames, encoder)

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


def test_a_killed_run_goes_on_without_loss_or_repetition(tmp_path: Path) -> None:
    config = write_config(
        tmp_path, methods=["infomerge", "fastvid", "tome"], num_frames=32, clips=["tokens:0-29"], seeds=[0]
    )
    command = [COMMAND, "sweep", config, "--out"]
    table, total = tmp_path / "out" / "results.csv", 3 * 2 * 30
    # A group of its own, so that the workers die with it.
    run = subprocess.Popen(
        [*command, tmp_path / "out", "--jobs", "2"], start_new_session=True, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline and (not table.exists() or table.read_bytes().count(b"\n") < 12):
            time.sleep(0.01)
    finally:
        os.killpg(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    left = table.read_bytes()
    whole = left[: left.rfind(b"\n") + 1]
    before = whole.count(b"\n") - 1
    assert 0 < before < total

    # As a kill within a write leaves it, in the middle of a number.
    table.write_bytes(whole + whole.splitlines()[-1][:-9])
    assert len(read_results(tmp_path / "out")) == before
    done = subprocess.run([*command, tmp_path / "out", "--jobs", "1"], capture_output=True, text=True, check=True)
    assert f"{total} items, {total - before} of them run now" in done.stdout
    assert table.read_bytes().startswith(whole)
    assert len({row["key"] for row in read_results(tmp_path / "out")}) == len(read_results(tmp_path / "out")) == total

    assert sorted_table(tmp_path / "out") == sorted_table(run_apart(config, tmp_path / "unbroken"))


def test_a_bar_counts_the_items_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    at_once = {"delay": 0, "mininterval": 0, "disable": False}
    monkeypatch.setattr(sweeping, "tqdm", lambda **given: tqdm(**given | at_once))
    run_sweep(read_sweep(write_config(tmp_path)), tmp_path / "out", jobs=1)
    shown = capfd.readouterr().err.split("\r")
    counted = [int(found[1]) for line in shown if (found := re.search(rf"sweep: .* (\d+)/{TINY_ITEMS} \[", line))]
    assert counted == sorted(counted)
    assert (counted[0], counted[-1]) == (0, TINY_ITEMS)
    assert len(set(counted)) > 2
    assert shown[-1].strip() == ""


def test_a_finished_run_does_nothing_when_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = read_sweep(write_config(tmp_path))
    run_sweep(sweep, tmp_path / "out", jobs=1)
    files = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (tmp_path / "out").glob("*.*")}
    monkeypatch.setattr(sweeping, "run_group", lambda *_: pytest.fail("was run again"))
    assert run_sweep(sweep, tmp_path / "out", jobs=1) == Summary(TINY_ITEMS, 0, 0)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files} == files


def test_a_sweep_that_only_adds_items_goes_on_in_the_same_folder(tmp_path: Path) -> None:
    small = read_sweep(write_config(tmp_path))
    run_sweep(small, tmp_path / "out", jobs=1)
    large = read_sweep(write_config(tmp_path, clips=["tokens:7", "tokens:0-3"], ratios=[0.5, 0.1, 0.25]))
    assert run_sweep(large, tmp_path / "out", jobs=1) == Summary(120, 120 - TINY_ITEMS, 0)
    hashes = [row["config"] for row in read_results(tmp_path / "out")]
    assert set(hashes[:TINY_ITEMS]) == {small.hash}
    assert set(hashes[TINY_ITEMS:]) == {large.hash} != {small.hash}
    with pytest.raises(ValueError, match=r"56 of whose items this one has not \(it differs in ratios, clips\)"):
        run_sweep(small, tmp_path / "out", jobs=1)


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "a ratio less": ({"ratios": [0.1]}, "ratios"),
    "another length": ({"num_frames": 7}, "num_frames"),
    "another measure": ({"measures": ["kept"]}, "measures"),
    "other options": ({"methods": ["infomerge", "random"]}, "methods"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_the_folder_of_another_sweep_is_refused(case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    run_sweep(read_sweep(write_config(tmp_path)), out, jobs=1)
    before = {path: path.read_bytes() for path in out.glob("*.*")}
    changes, named = OTHERS[case]
    line = refusal(capfd, "sweep", write_config(tmp_path, **changes), "--out", out)
    assert f"it differs in {named})" in line
    assert "accepted is the same sweep" in line
    assert {path: path.read_bytes() for path in out.glob("*.*")} == before


def test_a_folder_without_the_sweep_s_own_files_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    config, out = write_config(tmp_path), tmp_path / "out"
    out.mkdir()
    (out / "results.csv").write_text("mine\n")
    assert "without config.json" in refusal(capfd, "sweep", config, "--out", out)
    (out / "config.json").write_text('{"schema": 0}')
    assert "it is of schema 0" in refusal(capfd, "sweep", config, "--out", out)
    assert (out / "results.csv").read_text() == "mine\n"
    shutil.rmtree(out)
    run_sweep(read_sweep(config), out, jobs=1)
    damaged = (out / "results.csv").read_bytes().replace(b",ok,", b",ok", 1)
    (out / "results.csv").write_bytes(damaged)
    assert "cells in line 2" in refusal(capfd, "sweep", config, "--out", out)
    assert (out / "results.csv").read_bytes() == damaged


def test_two_runs_in_one_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = read_sweep(write_config(tmp_path, clips=["tokens:0"]))
    run_group = sweeping.run_group

    def intrude(*arguments: Any) -> Any:
        with pytest.raises(ValueError, match="found another sweep at work"):
            run_sweep(sweep, tmp_path / "out", jobs=1)
        return run_group(*arguments)

    monkeypatch.setattr(sweeping, "run_group", intrude)
    assert run_sweep(sweep, tmp_path / "out", jobs=1).failed == 0


BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an unknown key": ({"ratio": [0.1]}, ["ratio: unknown key", "methods, ratios, clips"]),
    "an unknown key of a method": (
        {"methods": [{"name": "tome", "ratio": 1}]},
        ["methods.0", "ratio: unknown key", "name, options"],
    ),
    "an unknown method": ({"methods": ["infomerg"]}, ["methods.0", "'infomerg'", "fastvid"]),
    "an unknown option": (
        {"methods": [{"name": "tome", "options": {"speed": 1}}]},
        ["tome", "speed: not an option"],
    ),
    "a bad option": (
        {"methods": [{"name": "infomerge", "options": {"temperature": [1, -1]}}]},
        ["methods: infomerge: temperature", "found -1"],
    ),
    "a method twice": ({"methods": ["tome", "tome"]}, ["methods", "'tome' 2 times"]),
    "no method": ({"methods": []}, ["methods", "at least 1 item"]),
    "a ratio of 0": ({"ratios": [0.1, 0]}, ["ratios.1", "greater than 0", "found 0"]),
    "a ratio of 2": ({"ratios": [2]}, ["ratios.0", "less than or equal to 1", "found 2"]),
    "a ratio alone": ({"ratios": 0.1}, ["ratios", "valid list", "found 0.1"]),
    "a ratio twice": ({"ratios": [0.1, 0.10]}, ["ratios: found 0.1 2 times"]),
    "no such clip": ({"clips": ["film.mp4"]}, ["clips", "no file 'film.mp4'", "scene:FIRST-LAST"]),
    "a clip of two lines": ({"clips": ["a\nb"]}, ["clips", "no file 'a\\nb'"]),
    "a range backwards": ({"clips": ["tokens:3-1"]}, ["clips", "'tokens:3-1'", "lower number to the higher"]),
    "a clip in two ranges": ({"clips": ["tokens:0-3", "tokens:2"]}, ["clips: found 'tokens:2' 2 times"]),
    "an unknown disturbance": ({"disturbances": {"rain": [1]}}, ["rain: unknown disturbance", "sensor_noise"]),
    "too strong": (
        {"clips": ["carphone"], "disturbances": {"fog": [0.5, 1.5]}},
        ["disturbances.fog: found strength 1.5", "0 to 1"],
    ),
    "a strength in words": ({"disturbances": {"fog": ["thick"]}}, ["disturbances.fog.0", "valid number", "'thick'"]),
    "noise on tokens": ({"disturbances": {"fog": [0.5]}}, ["disturbances", "no pixels to disturb"]),
    "a seed below 0": ({"seeds": [-1]}, ["seeds.0", "greater than or equal to 0", "found -1"]),
    "half a seed": ({"seeds": [0.5]}, ["seeds.0", "valid integer", "found 0.5"]),
    "an unknown measure": ({"measures": ["speed"]}, ["measures", "'speed'", "coverage"]),
    "a seed that torch cannot take": ({"seeds": [0, 2**63]}, ["seeds.1", "less than or equal to 9223372036854775807"]),
    "a seed of 30 digits": ({"seeds": [10**29]}, ["seeds.0", "less than or equal to 9223372036854775807"]),
    "a method's seed of yes or no": (
        {"methods": [{"name": "random", "options": {"seed": True}}]},
        ["methods: random: seed: found bool; accepted is a whole number"],
    ),
    "a method's seed that torch cannot take": (
        {"methods": [{"name": "random", "options": {"seed": [0, 2**64]}}]},
        ["methods: random: seed: found 18446744073709551616; accepted are whole numbers from 0 to"],
    ),
    "an option's value twice": (
        {"methods": [{"name": "infomerge", "options": {"temperature": [1, 0.5, 1.0]}}]},
        ["methods: found 'infomerge {\"temperature\": 1}' 2 times, as 'infomerge {\"temperature\": 1.0}' too"],
    ),
    "a measure of nothing": ({"measures": ["keeping"]}, ["measures", "keeping needs truth"]),
    "too few frames": ({"clips": ["scene:0"]}, ["num_frames: found 6", "accepted are 24 or more"]),
    "an odd size": ({"image_size": 100}, ["image_size", "multiple of 32", "found 100"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_configuration_is_refused_in_one_line(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    changes, expected = BAD[case]
    line = refusal(capfd, "sweep", write_config(tmp_path, **changes), "--out", tmp_path / "out")
    for part in expected:
        assert part in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("other", ["./a,b.mp4", "inner/../a,b.mp4", "link.mp4", "{folder}/a,b.mp4"])
def test_one_file_under_two_names_is_refused(other: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a,b.mp4").write_bytes(b"film")
    (tmp_path / "inner").mkdir()
    (tmp_path / "link.mp4").symlink_to("a,b.mp4")
    name = other.format(folder=tmp_path)
    config = write_config(tmp_path, clips=["a,b.mp4", name], measures=["kept"])
    line = refusal(capfd, "sweep", config, "--out", tmp_path / "out")
    assert f"clips: found 'a,b.mp4' 2 times, as {name!r} too; accepted is each once" in line
    (tmp_path / "copy.mp4").write_bytes(b"film")
    assert len(read_sweep(write_config(tmp_path, clips=["a,b.mp4", "copy.mp4"], measures=["kept"])).digests) == 2


def test_files_that_are_no_configuration_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sweep.yaml"
    for content, part in (
        ("methods: [", "found no YAML"),
        ("just words", "found no keys"),
        ("ratios: [0.1]\nratios: [0.2]", "key 'ratios' found twice"),
    ):
        path.write_text(content)
        assert part in refusal(capfd, "sweep", path, "--out", tmp_path / "out")
    assert "does not exist" in refusal(capfd, "sweep", tmp_path / "none.yaml", "--out", tmp_path / "out")
    good = write_config(tmp_path)
    assert "--jobs" in refusal(capfd, "sweep", good, "--out", tmp_path / "out", "--jobs", "0")
    assert "--scheduler" in refusal(capfd, "sweep", good, "--out", tmp_path / "out", "--backend", "dask")
    assert "--scheduler" in refusal(capfd, "sweep", good, "--out", tmp_path / "out", "--scheduler", "tcp://there:1")
    assert not (tmp_path / "out").exists()


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    sweep = read_sweep(config)
    config.write_text("# a note\n" + config.read_text().replace("- 0.1\n", "- 1.0e-1\n"))
    assert read_sweep(config).hash == sweep.hash
    assert read_sweep(write_config(tmp_path, seeds=[0])).hash != sweep.hash

    film = write_video(tmp_path / "film.mp4", options=X264_CLOSED)
    first = read_sweep(write_config(tmp_path, clips=["film.mp4"], measures=["kept"]))
    film.write_bytes(film.read_bytes() + b"\0")
    second = read_sweep(config)
    assert first.hash != second.hash
    assert not first.keys() & second.keys()


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
        assert row["error"].startswith("ValueError: clips: found another file under 'film.mp4' (SHA-256 ")
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


def test_a_worker_that_dies_ends_the_run_in_one_error_and_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = write_config(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(sweeping, "run_group", _die)
        with pytest.raises(LostWorkersError, match="a worker process died"):
            run_sweep(read_sweep(config), tmp_path / "out", jobs=2)
    assert run_sweep(read_sweep(config), tmp_path / "out", jobs=1) == Summary(TINY_ITEMS, TINY_ITEMS, 0)


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
