"""Whether a student's function is right, and if not, what is wrong with it, in one sentence."""

import copy
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from infomerge.course.exercise import Exercise, Inputs, Mistake
from infomerge.course.exercises import EXERCISES

TOLERANCE = 1e-4
"""Two numbers are the same up to this, absolutely or as a share of the larger: float32 in another order of sums."""
HEAD = "your function "
"""How most sentences about it begin."""


@dataclass(frozen=True)
class Verdict:
    """What came of a check; true where the function is right."""

    right: bool
    message: str
    """For the student, without the solution."""
    mistake: Mistake | None = None
    """The anticipated mistake, where one was recognised."""

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        return f"{'✓ right' if self.right else '✗ not yet'}: {self.message}"


def check(exercise: str, function: Any) -> bool:
    """Try a function on tiny numbers and on a real clip, and print what is right or wrong with it.

    Args:
        exercise: its name, one of `EXERCISES`.
        function: what the student wrote; it is called with copies of the inputs.

    Returns:
        Whether it is right, so that `if check(...):` can go on with it.

    Raises:
        ValueError: there is no such exercise.
    """
    found = verdict(exercise, function)
    print(f"{exercise}: {found}")
    return bool(found)


def verdict(exercise: str, function: Any) -> Verdict:
    """As `check`, without printing: for grading many students.

    Raises:
        ValueError: there is no such exercise.
    """
    if exercise not in EXERCISES:
        raise ValueError(f"exercise: got {exercise!r}; expected one of {', '.join(EXERCISES)}")
    if not callable(function):
        return Verdict(False, f"you gave {_kind(function)}; give the function itself, without brackets after its name.")
    asked = EXERCISES[exercise]
    trials = asked.trials()
    answers: dict[str, Any] = {}
    for name, inputs in trials.items():
        given = copy.deepcopy(inputs)
        try:
            answers[name] = function(*given)
        except NotImplementedError:
            return Verdict(False, "nothing is written yet: put your code in place of `raise NotImplementedError`.")
        except Exception as error:
            return Verdict(False, f"on {name} it stopped: {_told(error, function)}.")
        if not _same(given, inputs):
            return Verdict(False, f"{HEAD}changes the input that it is given; work on a copy of it.")
    if all(_alike(answers[name], asked.reference(*inputs)) for name, inputs in trials.items()):
        return Verdict(True, f"it agrees with infomerge on {', '.join(trials)}.")
    for mistake in asked.mistakes:
        if all(_alike(answers[name], mistake.wrong(*inputs)) for name, inputs in trials.items()):
            return Verdict(False, mistake.says, mistake)
    return Verdict(False, _difference(asked, trials, answers))


def _difference(asked: Exercise, trials: dict[str, Inputs], answers: dict[str, Any]) -> str:
    """Where the first answer is off; what would be right there is not told."""
    for name, inputs in trials.items():
        answer, expected = answers[name], _numbers(asked.reference(*inputs))
        assert expected is not None
        if answer is None:
            return f"{HEAD}gives None; does it end with `return`?"
        numbers = _numbers(answer)
        if numbers is None:
            return f"{HEAD}gives {_kind(answer)}; it should give {_shape(expected)}."
        if numbers.shape != expected.shape:
            return f"on {name} it gives {_shape(numbers)}; it should give {_shape(expected)}."
        if numbers.isnan().any():
            return f"on {name} it gives {int(numbers.isnan().sum())} numbers that are NaN; was something divided by 0?"
        off = ~_close(numbers, expected)
        if off.any():
            first = tuple(off.nonzero()[0].tolist())
            place = f", first at {list(first)}" if first else ""
            return f"on {name} {int(off.sum())} of {off.numel()} numbers differ{place}: yours is {numbers[first]:.4g}."
    raise AssertionError("called only where something differs")


def _numbers(value: Any) -> Tensor | None:
    """What can be read as numbers, in float64."""
    try:
        return torch.as_tensor(value).detach().cpu().double()
    except (TypeError, ValueError, RuntimeError):
        return None


def _close(found: Tensor, expected: Tensor) -> Tensor:
    return torch.isclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)


def _alike(found: Any, expected: Any) -> bool:
    numbers, wanted = _numbers(found), _numbers(expected)
    if numbers is None or wanted is None or numbers.shape != wanted.shape:
        return False
    return bool(_close(numbers, wanted).all())


def _same(given: Inputs, inputs: Inputs) -> bool:
    """Whether inputs are as they were, to the bit."""
    pairs = zip(given, inputs, strict=True)
    return all(torch.equal(a, b) if isinstance(a, Tensor) else a == b for a, b in pairs)


def _shape(numbers: Tensor) -> str:
    return f"a tensor of shape {list(numbers.shape)}" if numbers.ndim else "one number"


def _kind(value: Any) -> str:
    return f"something of type {type(value).__name__}"


def _told(error: Exception, function: Callable[..., Any]) -> str:
    """An exception in one sentence, with the line of the function in which it was raised."""
    text = " ".join(str(error).split())
    code = getattr(function, "__code__", None)
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code is code]
    place = f" in line {lines[-1] - code.co_firstlineno + 1} of your function" if code and lines else ""
    reason = f" ({text[:200].rstrip('.')})" if text else ""
    return f"{type(error).__name__}{place}{reason}"
