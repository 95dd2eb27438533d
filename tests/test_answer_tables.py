"""The tables and sentences of the testbed's answers, from small tables whose numbers are known."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from infomerge.paper.answer_findings import kind_findings, pair_findings, swap_findings
from infomerge.paper.answer_page import COMMAND, answer_page, answer_row
from infomerge.paper.answer_tables import (
    answer_table,
    curve_panels,
    kind_panels,
    read_answers,
    robust_panels,
    swap_panels,
    swap_table,
)
from infomerge.testbed.checkpoint import CHECKPOINTS
from infomerge.testbed.scores import Answers, AnswerTable, Setting
from infomerge.testbed.splits import FORMS, asked_about
from infomerge.video.questions import KINDS

ROOT = Path(__file__).parent.parent
CLIPS = 40
FARTHEST = '{"anchors": "farthest"}'


def made(shares: dict[tuple[str, str], float], forms: tuple[str, ...] = ("clean",)) -> AnswerTable:
    """A table of ten questions a kind and clip: of a method and its options the share that is answered rightly.

    One more or less in turn, so that intervals are no points.
    """
    asked = {("subsets", form): np.full((len(KINDS), CLIPS), 10) for form in forms}
    answers = {}
    for form in forms:
        answers[Setting("subsets", form, "full").full] = Answers(asked["subsets", form], 1568, 1.0)
        for (method, options), ratio in itertools.product(shares, (0.05, 0.1)):
            right = np.full((len(KINDS), CLIPS), round(10 * shares[method, options]))
            right[:, ::2] -= 1
            answers[Setting("subsets", form, method, options, "head", ratio)] = Answers(right, 78, 0.9)
    return AnswerTable(0, asked, answers)


def test_curves_are_shares_of_the_full_accuracy_with_the_named_methods_in_color() -> None:
    table = made({("infomerge", ""): 0.6, ("dycoke", ""): 0.4}, ("shifted", "clean"))
    clean, shifted = curve_panels(table)
    assert clean.clips.startswith("clean")
    assert shifted.clips.startswith("shifted")
    assert clean.ratios.tolist() == [0.05, 0.1]
    assert clean.highlighted["InfoMerge"][0] == pytest.approx([55, 55])
    low, high = clean.highlighted["InfoMerge"][1:]
    assert (low < 55).all()
    assert (high > 55).all()
    assert list(clean.others) == ["DyCoke"]
    assert clean.others["DyCoke"] == pytest.approx([35, 35])


def test_kinds_stand_beside_all_tokens_and_chance_and_what_reaches_chance_is_framed() -> None:
    table = made({("infomerge", ""): 0.9, ("random", ""): 0.3, ("tome", ""): 1.0})
    (panel,) = kind_panels(table)
    assert panel.rows == ["all tokens", "ToMe", "InfoMerge", "random", "chance"]
    assert panel.accuracy[:4] == pytest.approx(np.array([[100.0], [95.0], [85.0], [25.0]]) * np.ones(7))
    chance = dict(zip(KINDS, panel.accuracy[-1], strict=True))
    for question in asked_about(FORMS["shifted"].clip(3).script):
        assert chance[question.kind] == pytest.approx(100 / len(question.choices))
    framed = {kind for kind, weak in zip(KINDS, panel.framed[3], strict=True) if weak}
    assert framed == {kind for kind in KINDS if chance[kind] > 24.0}
    assert not panel.framed[[0, 1, 2, 4]].any()
    said = kind_findings([panel], ["random"])
    assert "random answers least of" in said
    assert "not told from chance: motion, exists, order and where" in said


def test_changes_are_paired_differences_in_points_and_only_decided_ones_are_claimed() -> None:
    table = made({("infomerge", ""): 0.6, ("infomerge", FARTHEST): 0.8, ("infomerge", '{"merge_weight": 1}'): 0.6})
    (panel,) = swap_panels(table)
    assert panel.ratios.tolist() == [0.1, 0.05]
    assert list(panel.parts) == ["anchors as farthest points", "context tokens kept as\nthey are"]
    assert panel.parts["anchors as farthest points"] == pytest.approx(np.full((3, 2), 20.0))
    assert panel.decided["anchors as farthest points"].all()
    assert not panel.decided["context tokens kept as\nthey are"].any()
    said = swap_findings([panel])
    assert "Decided, of 2 cases each: anchors as farthest points higher in 2." in said
    assert "Decided in none of 2 cases each: context tokens kept as they are." in said


def test_disturbances_frame_what_is_told_from_infomerge() -> None:
    shares = {("infomerge", ""): 0.6, ("farthest", ""): 0.9, ("table4-none", ""): 0.6}
    low, high = robust_panels(made(shares, ("glare=0.12", "clean")))
    assert (low.title, high.title) == ("at 5 %", "at 10 %")
    assert low.rows == ["clean", "glare 0.12"]
    names = ["all tokens", "InfoMerge", "InfoMerge, neither part", "Salient farthest points"]
    assert list(low.columns) == names
    assert low.accuracy == pytest.approx(np.array([[100.0, 55.0, 55.0, 85.0]] * 2))
    assert low.framed.tolist() == [[False, False, False, True]] * 2


def test_sentences_count_what_is_decided_and_leave_out_what_was_not_measured() -> None:
    table = made({("infomerge", ""): 0.6, ("farthest", ""): 0.9, ("infomerge-adjacent", ""): 0.6})
    said = pair_findings(table)
    assert "Salient farthest points against InfoMerge: higher in 2 of 2 cases, on average +30.0 points." in said
    assert "TFD against the adjacent prior: decided in none of 2 cases, on average +0.0 points." in said
    assert "FastVID" not in said


def test_tables_say_better_worse_and_undecided() -> None:
    shares = {("infomerge", ""): 0.6, ("farthest", ""): 0.9, ("random", ""): 0.3, ("tome", ""): 0.6}
    lines = [line.strip("| ").split(" | ") for line in answer_table(made(shares)).splitlines()]
    assert lines[0] == ["clean, `subsets`", "10 %", "5 %"]
    rows = {line[0]: line[1:] for line in lines[2:]}
    assert next(iter(rows)) == "Salient farthest points"
    assert all(cell.startswith("85.0 [") and cell.endswith("] +") for cell in rows["Salient farthest points"])
    assert all(cell.startswith("25.0 [") and cell.endswith("] -") for cell in rows["random"])
    assert all(cell.endswith("] =") for cell in rows["ToMe"])
    assert all(cell.endswith("]") for cell in rows["InfoMerge"])
    changes = {("infomerge", ""): 0.6, ("infomerge", FARTHEST): 0.8}
    assert "| anchors as farthest points | +20.0 [+20.0, +20.0] + | +20.0 [+20.0, +20.0] + |" in swap_table(
        made(changes)
    )


def test_the_pages_of_answers_are_what_the_tables_give() -> None:
    assert answer_page() == (ROOT / "docs" / "a_better_method_numbers.md").read_text(encoding="utf-8"), COMMAND
    pages = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/results.md")}
    for checkpoint in CHECKPOINTS:
        assert answer_row(read_answers(), checkpoint) in pages["docs/results.md"], f"{COMMAND} prints the row"
    what = answer_row(read_answers(), "subsets").split(" | ")[0]
    assert what in pages["README.md"]  # whose results tests/test_docs.py holds against docs/results.md


def test_a_row_holds_shares_of_the_full_accuracy() -> None:
    table = AnswerTable.read(ROOT / "data" / "results" / "answers.csv")
    setting = Setting("merges", "clean", "tome", "", "head", 0.05)
    right, asked = (table.answers[one].right.sum(axis=0) for one in (setting, setting.full))
    questions = table.asked["merges", "clean"].sum(axis=0)
    share = 100 * np.mean(right / questions) / np.mean(asked / questions)
    (part,) = (part for part in answer_row(table, "merges").split("; ") if part.startswith("ToMe"))
    assert part.strip(" |").endswith(f", {share:.1f}")
