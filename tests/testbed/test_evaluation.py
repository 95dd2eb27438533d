"""Evaluations: rows against answers asked one by one, resuming, and the tables that come of them."""

import csv
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from infomerge import compress
from infomerge.cli import main as infomerge
from infomerge.measure.resumable import complete
from infomerge.measure.statistics import compare
from infomerge.measure.sweep_table import read_results
from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.evaluation import Evaluation, EvaluationConfig
from infomerge.testbed.scores import AnswerTable, Setting
from infomerge.testbed.splits import FORMS, asked_about
from infomerge.testbed.vocabulary import ANSWERS
from infomerge.video.questions import KINDS

GIVEN: dict[str, Any] = {
    "methods": ["infomerge", {"name": "infomerge", "options": {"static_prior": "none"}}, "random"],
    "ratios": [0.05, 0.02],
    "checkpoints": ["subsets"],
    "clips": 3,
    "first": 7,
}


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return Evaluation(EvaluationConfig(**GIVEN))


@pytest.fixture(scope="module")
def folder(evaluation: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("evaluation") / "out"
    summary = complete(evaluation, out, jobs=1)
    assert (summary.items, summary.run, summary.failed) == (21, 21, 0)
    return out


@pytest.fixture(scope="module")
def rows(folder: Path) -> list[dict[str, str]]:
    return read_results(folder)


def test_a_row_holds_what_asking_one_by_one_gives(rows: list[dict[str, str]]) -> None:
    testbed = load_testbed("subsets")
    clip = FORMS["clean"].clip(8, "dev")
    seen = testbed.see(clip.frames)
    out = compress(
        seen.tokens, retention_ratio=0.05, saliency=seen.saliency["head"], frame_features=seen.frame_features
    )
    right: dict[str, int] = defaultdict(int)
    asked: dict[str, int] = defaultdict(int)
    for question in asked_about(clip.script):
        (row,) = testbed.read(out.tokens, out.index, 1568, [question])
        asked[question.kind] += 1
        right[question.kind] += ANSWERS[int(row.argmax())] == question.answer
    (found,) = [
        row
        for row in rows
        if (row["number"], row["method"], row["options"], row["ratio"]) == ("8", "infomerge", "", "0.05")
    ]
    assert {kind: int(found[f"right_{kind}"]) for kind in KINDS} == {kind: right[kind] for kind in KINDS}
    assert {kind: int(found[f"asked_{kind}"]) for kind in KINDS} == {kind: asked[kind] for kind in KINDS}
    assert int(found["kept"]) == len(out.index) == 78


def test_an_interrupted_evaluation_gives_the_same_table(
    evaluation: Evaluation, folder: Path, rows: list[dict[str, str]], tmp_path: Path
) -> None:
    lines = (folder / "results.csv").read_bytes().splitlines(keepends=True)
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    (tmp_path / "results.csv").write_bytes(b"".join(lines[:9]) + lines[9][:20])
    assert complete(evaluation, tmp_path, jobs=1).run == 13
    timings = ("method_seconds", "answer_seconds")
    same = [
        [{k: v for k, v in row.items() if k not in timings} for row in table]
        for table in (rows, read_results(tmp_path))
    ]
    assert sorted(same[0], key=lambda row: row["key"]) == sorted(same[1], key=lambda row: row["key"])


def test_another_evaluation_does_not_go_on_in_its_folder(folder: Path) -> None:
    other = Evaluation(EvaluationConfig(**GIVEN | {"first": 20}))
    with pytest.raises(ValueError, match=r"holds another evaluation.*differs in first"):
        complete(other, folder, jobs=1)


def test_tables_are_the_sums_of_their_rows(rows: list[dict[str, str]], tmp_path: Path) -> None:
    table = AnswerTable.from_rows(rows)
    table.write(tmp_path / "answers.csv")
    again = AnswerTable.read(tmp_path / "answers.csv")
    for made in (table, again):
        assert len(made.settings) == 6
        for setting in made.settings:
            own = [
                row
                for row in rows
                if (row["method"], row["options"], float(row["ratio"]))
                == (setting.method, setting.options, setting.ratio)
            ]
            shares = [
                sum(int(row[f"right_{kind}"]) for kind in KINDS) / sum(int(row[f"asked_{kind}"]) for kind in KINDS)
                for row in sorted(own, key=lambda row: int(row["number"]))
            ]
            np.testing.assert_allclose(made.shares(setting), shares)
            full = [row for row in rows if row["method"] == "full"]
            whole = np.mean(
                [
                    sum(int(row[f"right_{k}"]) for k in KINDS) / sum(int(row[f"asked_{k}"]) for k in KINDS)
                    for row in full
                ]
            )
            assert made.relative(setting).mean == pytest.approx(np.mean(shares) / whole)
            assert made.answers[setting].kept == np.mean([int(row["kept"]) for row in own])
    a, b = (Setting("subsets", "clean", name, ratio=0.05) for name in ("infomerge", "random"))
    alone = compare(table.shares(a), table.shares(b))
    assert again.compare([(a, b)])[a, b].difference == alone.difference


def test_tables_of_other_clips_are_joined(rows: list[dict[str, str]]) -> None:
    whole = AnswerTable.from_rows(rows)
    early, late = (
        AnswerTable.from_rows(row for row in rows if (row["number"] == "9") == late) for late in (False, True)
    )
    joined = early.joined(late)
    assert joined.settings == whole.settings
    for setting in whole.settings:
        np.testing.assert_array_equal(joined.shares(setting), whole.shares(setting))
        assert joined.answers[setting].probability == pytest.approx(whole.answers[setting].probability)
    assert joined.questions(whole.settings[0]) == whole.questions(whole.settings[0])


def test_a_failing_item_has_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch, evaluation: Evaluation) -> None:
    import infomerge.testbed.evaluation as module

    def broken(*_: Any, **__: Any) -> torch.Tensor:
        raise RuntimeError("no\nanswer")

    monkeypatch.setattr(module, "answered", broken)
    group = next(evaluation.groups())
    outcome = evaluation.run(group)
    assert {row["status"] for row in outcome.rows} == {"failed"}
    assert {row["error"] for row in outcome.rows} == {"RuntimeError: no answer"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"forms": ["foggy"]}, "forms: got 'foggy'; expected clean, disturbed, shifted"),
        ({"forms": ["glare=2"]}, "forms: got 'glare=2'; expected a strength of glare from 0 to 1"),
        ({"methods": ["infomrge"]}, "got 'infomrge'; expected infomerge"),
        (
            {"methods": [{"name": "random", "options": {"temperature": 1}}]},
            "methods: random: temperature: not an option",
        ),
        ({"first": 999_999}, "clips: got 3 from 999999"),
    ],
)
def test_bad_configurations_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EvaluationConfig(**GIVEN | change)


def test_the_command_prints_what_its_table_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "-m", "infomerge", "--variant", "random seed=3", "-r", "0.05", "-n", "2", "-j", "1"]
    infomerge([*arguments, "--by-kind", "-o", str(tmp_path)])
    printed = capsys.readouterr().out
    table = AnswerTable.read(tmp_path / "answers.csv")
    setting = Setting("subsets", "clean", "random", json.dumps({"seed": 3}), "head", 0.05)
    assert f"{100 * table.relative(setting).mean:.1f} [" in printed
    assert "random seed=3" in printed
    assert "scenes" in printed
    with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 6
