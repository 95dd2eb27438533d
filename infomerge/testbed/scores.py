"""Tables of an evaluation: accuracy with intervals over clips, in all, by kind of question and against each other."""

import csv
import io
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int64

from infomerge.files import replaced
from infomerge.measure.statistics import Comparison, Interval, compare_family, mean_interval
from infomerge.testbed.evaluation import FULL
from infomerge.video.questions import KINDS

CONDENSED = ("checkpoint", "form", "method", "options", "saliency", "ratio", "first", "kept", "probability", *KINDS)
"""Columns of a condensed table. Those of the kinds hold one number a clip: how many questions were answered rightly;
in rows of the method "full" with saliency "asked", how many there were."""
ASKED = "asked"


class Setting(NamedTuple):
    """What was run on the clips of one form under one checkpoint."""

    checkpoint: str
    form: str
    method: str
    options: str = ""
    """As JSON; empty where there are none."""
    saliency: str = "head"
    ratio: float = 0.1

    @property
    def full(self) -> "Setting":
        """The same clips with all tokens."""
        return Setting(self.checkpoint, self.form, FULL, "", "", 1.0)


@dataclass(frozen=True, eq=False)
class Answers:
    """What came of one setting."""

    right: Int64[np.ndarray, "kinds clips"]
    """Questions of each kind that were answered rightly."""
    kept: float
    """Tokens, on average."""
    probability: float
    """Of the right answer, on average over clips."""


@dataclass(frozen=True, eq=False)
class AnswerTable:
    """An evaluation's results, clip by clip."""

    first: int
    """Number of the first clip."""
    asked: Mapping[tuple[str, str], Int64[np.ndarray, "kinds clips"]]
    """How many questions there were, by checkpoint and form."""
    answers: Mapping[Setting, Answers]

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, str]]) -> "AnswerTable":
        """From the rows of results.csv, of which clips that a setting lacks are left out of all.

        Raises:
            ValueError: no clip has all rows.
        """
        cells: dict[Setting, dict[int, Mapping[str, str]]] = defaultdict(dict)
        for row in rows:
            if row["status"] == "ok":
                names = (row["checkpoint"], row["form"], row["method"], row["options"], row["saliency"])
                cells[Setting(*names, float(row["ratio"]))][int(row["number"])] = row
        common = sorted(set.intersection(*(set(found) for found in cells.values()))) if cells else []
        if not common:
            raise ValueError("rows: got no clip with a row for every setting; expected a finished evaluation")
        asked, answers = {}, {}
        for setting, found in cells.items():
            chosen = [found[number] for number in common]
            numbers = {
                what: np.array([[int(row[f"{what}_{kind}"]) for row in chosen] for kind in KINDS], dtype=np.int64)
                for what in ("right", "asked")
            }
            asked[setting.checkpoint, setting.form] = numbers["asked"]
            kept = float(np.mean([int(row["kept"]) for row in chosen]))
            probability = float(np.mean([float(row["probability"]) for row in chosen]))
            answers[setting] = Answers(numbers["right"], kept, probability)
        return cls(common[0], asked, answers)

    @classmethod
    def read(cls, path: Path | str) -> "AnswerTable":
        """From a table that `write` has condensed.

        Raises:
            ValueError: the file is no such table.
            OSError: it cannot be read.
        """
        with Path(path).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != CONDENSED:
                raise ValueError(f"path: got the columns {reader.fieldnames}; expected {', '.join(CONDENSED)}")
            asked, answers, first = {}, {}, 0
            for row in reader:
                counts = np.array([[int(number) for number in row[kind].split()] for kind in KINDS], dtype=np.int64)
                first = int(row["first"])
                if row["saliency"] == ASKED:
                    asked[row["checkpoint"], row["form"]] = counts
                    continue
                names = (row["checkpoint"], row["form"], row["method"], row["options"], row["saliency"])
                answers[Setting(*names, float(row["ratio"]))] = Answers(
                    counts, float(row["kept"]), float(row["probability"])
                )
        return cls(first, asked, answers)

    def joined(self, later: "AnswerTable") -> "AnswerTable":
        """Add the clips of another table, in the settings that both have.

        Raises:
            ValueError: they have no setting in common.
        """
        both = [setting for setting in self.answers if setting in later.answers]
        if not both:
            raise ValueError("later: got no setting of this table; expected the same methods on other clips")
        answers = {}
        for setting in both:
            parts = [table.answers[setting] for table in (self, later)]
            counts = [part.right.shape[1] for part in parts]
            answers[setting] = Answers(
                np.concatenate([part.right for part in parts], axis=1),
                float(np.average([part.kept for part in parts], weights=counts)),
                float(np.average([part.probability for part in parts], weights=counts)),
            )
        asked = {
            key: np.concatenate([table.asked[key] for table in (self, later)], axis=1)
            for key in {(setting.checkpoint, setting.form): None for setting in both}
        }
        return AnswerTable(self.first, asked, answers)

    def write(self, path: Path | str) -> None:
        """Condense into one line a setting."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(CONDENSED)
        for (checkpoint, form), counts in sorted(self.asked.items()):
            lines.writerow([checkpoint, form, FULL, "", ASKED, 1.0, self.first, "", "", *_lists(counts)])
        for setting, found in sorted(self.answers.items()):
            means = f"{found.kept:.1f}", f"{found.probability:.4f}"
            lines.writerow([*setting, self.first, *means, *_lists(found.right)])
        with replaced(Path(path)) as temporary:
            temporary.write_text(text.getvalue(), encoding="utf-8")

    @cached_property
    def settings(self) -> list[Setting]:
        """All settings but those with all tokens, in the order of the table."""
        return [setting for setting in self.answers if setting.method != FULL]

    def clips(self, setting: Setting) -> int:
        """How many clips it was run on."""
        return int(self.answers[setting].right.shape[1])

    def questions(self, setting: Setting) -> int:
        """How many questions were asked of it."""
        return int(self.asked[setting.checkpoint, setting.form].sum())

    def shares(self, setting: Setting, kind: str | None = None) -> Float64[np.ndarray, "clips"]:
        """The share of questions answered rightly, clip by clip; NaN where a clip has none of the kind."""
        asked, right = self.asked[setting.checkpoint, setting.form], self.answers[setting].right
        if kind is not None:
            asked, right = asked[[KINDS.index(kind)]], right[[KINDS.index(kind)]]
        with np.errstate(invalid="ignore"):
            shares: Float64[np.ndarray, "clips"] = right.sum(0) / asked.sum(0)
        return shares

    def accuracy(self, setting: Setting, kind: str | None = None) -> Interval:
        """The mean share over clips, with its 95 % interval."""
        return mean_interval(self.shares(setting, kind))

    def relative(self, setting: Setting, kind: str | None = None) -> Interval:
        """Accuracy as a share of that with all tokens, which is taken as known exactly."""
        full = float(np.nanmean(self.shares(setting.full, kind)))
        found = self.accuracy(setting, kind)
        if not full:
            return replace(found, mean=math.nan, low=math.nan, high=math.nan)
        return replace(found, mean=found.mean / full, low=found.low / full, high=found.high / full)

    def compare(self, pairs: Sequence[tuple[Setting, Setting]]) -> dict[tuple[Setting, Setting], Comparison]:
        """Accuracies of settings against each other, paired by clip, corrected by Holm over all that are given."""
        return compare_family({(a, b): (self.shares(a), self.shares(b)) for a, b in pairs})


def _lists(counts: Int64[np.ndarray, "kinds clips"]) -> list[str]:
    return [" ".join(map(str, row)) for row in counts.tolist()]
