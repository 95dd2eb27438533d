"""Checks of exercises: solutions pass, stubs and constants do not, and each likely mistake is called by its name."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from infomerge.course import EXERCISES, Verdict, check, verdict
from infomerge.course.building import read_source, stub

SOURCES = sorted((Path(__file__).parents[2] / "notebooks" / "course" / "source").glob("unit_*.py"))
SOLVED = {
    cell.name: cell.text
    for source in SOURCES
    for cell in read_source(source.read_text(encoding="utf-8"))
    if cell.kind == "exercise"
}
MISTAKES = [(name, mistake) for name, exercise in EXERCISES.items() for mistake in exercise.mistakes]


def defined(code: str) -> Callable[..., Any]:
    """The function that a cell of a notebook defines."""
    names: dict[str, Any] = {"torch": torch}
    exec("import math\n" + code, names)
    (function,) = (node for node in ast.parse(code).body if isinstance(node, ast.FunctionDef))
    return names[function.name]


def test_every_exercise_is_in_a_unit_and_has_three_likely_mistakes() -> None:
    assert list(SOLVED) == list(EXERCISES)
    for name, exercise in EXERCISES.items():
        assert exercise.name == name
        assert len(exercise.mistakes) >= 3
        assert exercise.by_hand


@pytest.mark.parametrize("name", EXERCISES)
def test_the_units_solution_passes(name: str) -> None:
    found = verdict(name, defined(SOLVED[name]))
    assert found, found.message


@pytest.mark.parametrize("name", EXERCISES)
def test_a_stub_fails_with_help(name: str) -> None:
    found = verdict(name, defined(stub(SOLVED[name])))
    assert not found
    assert "nothing is written yet" in found.message


@pytest.mark.parametrize("name", EXERCISES)
def test_no_constant_and_no_input_given_back_passes(name: str) -> None:
    for value in (None, 0, 1, 0.5, "0", [], torch.zeros(()), *map(torch.zeros, range(1, 8)), *map(torch.ones, (2, 3))):
        assert not verdict(name, lambda *_, value=value: value)
    assert not verdict(name, lambda *inputs: inputs[0])


@pytest.mark.parametrize(
    ("name", "mistake"), MISTAKES, ids=lambda value: value if isinstance(value, str) else value.wrong.__name__
)
def test_a_likely_mistake_is_recognised_and_no_other(name: str, mistake: Any) -> None:
    found = verdict(name, mistake.wrong)
    assert not found
    assert found.mistake is mistake
    assert found.message == mistake.says


def test_an_exception_is_told_in_one_sentence_with_its_line() -> None:
    def student(tokens: torch.Tensor) -> torch.Tensor:
        directions = tokens
        return directions @ tokens[0, 0, 0, 0]

    message = verdict("tfd", student).message
    assert message.startswith("on still, glitch and drift by hand it stopped: IndexError in line 3 of your function (")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "gives None; does it end with `return`?"),
        ("three", "gives something of type str; it should give a tensor of shape [3]"),
        (torch.zeros(4), "gives a tensor of shape [4]; it should give a tensor of shape [3]"),
        (torch.full((3,), torch.nan), "gives 3 numbers that are NaN"),
        (torch.tensor([0.0, 0.5, 0.5]), "2 of 3 numbers differ, first at [1]: yours is 0.5."),
    ],
)
def test_what_is_off_is_said_and_what_is_right_is_not(answer: Any, said: str) -> None:
    message = verdict("tfd", lambda _: answer).message
    assert said in message
    assert "0.6" not in message  # TFD of the glitch


def test_a_function_that_changes_its_input_is_told_so() -> None:
    def student(tokens: torch.Tensor) -> torch.Tensor:
        tokens /= tokens.norm(dim=-1, keepdim=True)
        tokens *= 2
        return EXERCISES["tfd"].reference(tokens)

    assert "changes the input" in verdict("tfd", student).message


def test_check_prints_the_verdict_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("tfd", EXERCISES["tfd"].reference) is True
    assert check("tfd", lambda tokens: tokens) is False
    right, wrong = capsys.readouterr().out.splitlines()
    assert right == "tfd: ✓ right: it agrees with infomerge on still, glitch and drift by hand, a real clip."
    assert wrong.startswith("tfd: ✗ not yet: ")
    assert str(Verdict(False, "so.")) == "✗ not yet: so."


def test_what_is_no_exercise_or_no_function_is_told() -> None:
    with pytest.raises(ValueError, match="exercise: got 'TFD'; expected one of neighbor_similarity, "):
        check("TFD", len)
    assert "give the function itself" in verdict("tfd", torch.zeros(3)).message
