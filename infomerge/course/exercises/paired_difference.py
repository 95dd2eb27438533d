"""Unit 4: the mean difference of two methods on the same clips, and how sure it is."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.course.exercise import Exercise, Inputs, Mistake
from infomerge.resources import data_file
from infomerge.testbed.scores import AnswerTable, Setting


def paired_difference(first: Float[Tensor, "clips"], second: Float[Tensor, "clips"]) -> Float[Tensor, "2"]:
    """The mean of first - second, and the standard error of that mean (deviation by n - 1, over sqrt(n))."""
    difference = first - second
    return torch.stack([difference.mean(), difference.std() / math.sqrt(len(difference))])


def unpaired(first: Tensor, second: Tensor) -> Tensor:
    """As if the two had been run on different clips."""
    error = (first.var() / len(first) + second.var() / len(second)).sqrt()
    return torch.stack([(first - second).mean(), error])


def spread(first: Tensor, second: Tensor) -> Tensor:
    """The deviation of single clips."""
    return torch.stack([(first - second).mean(), (first - second).std()])


def other_way(first: Tensor, second: Tensor) -> Tensor:
    """Second minus first."""
    return paired_difference(second, first)


def _answers() -> Inputs:
    """Shares of right answers of InfoMerge and ToMe at 10 percent, clip by clip, of the published table."""
    table = AnswerTable.read(data_file("results/answers.csv"))
    settings = (Setting("subsets", "clean", method) for method in ("infomerge", "tome"))
    first, second = (torch.from_numpy(table.shares(setting)) for setting in settings)
    return first, second


EXERCISE = Exercise(
    name="paired_difference",
    reference=paired_difference,
    by_hand={"four clips by hand": (torch.tensor([0.9, 0.5, 0.7, 0.3]), torch.tensor([0.8, 0.5, 0.5, 0.2]))},
    real=_answers,
    real_name="the published answers of two methods",
    mistakes=(
        Mistake(
            unpaired,
            "your error is that of two separate groups of clips; both methods saw the same clips, so take the "
            "difference clip by clip first.",
        ),
        Mistake(spread, "your second number is how much single clips vary; how sure is the mean over n of them?"),
        Mistake(other_way, "your sign is turned around: the difference is first minus second."),
    ),
)
