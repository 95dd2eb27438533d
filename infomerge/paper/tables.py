"""The measured tables of data/results as arrays, and the paper's beside them."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from infomerge.measure.detection import compare_priors
from infomerge.measure.statistics import Comparison, Interval, compare_family, mean_interval
from infomerge.paper.labels import PRIOR_MEASURES, PRIOR_TABLES
from infomerge.resources import data_file

Setting = tuple[str, float]
"""What was run: a method and its retention ratio, or an option and its value."""


@dataclass(frozen=True, eq=False)
class Grid:
    """A condensed sweep: for each measure and each setting one number a clip, NaN where it has none."""

    clips: tuple[str, ...]
    values: Mapping[str, Mapping[Setting, Float64[np.ndarray, "clips"]]]

    def interval(self, measure: str, setting: Setting) -> Interval:
        """The mean over clips with its 95 % interval."""
        return mean_interval(self.values[measure][setting])

    def curve(self, measure: str, name: str, numbers: Sequence[float]) -> Float64[np.ndarray, "3 numbers"]:
        """Mean, lower and upper end at each ratio of a method, or at each value of an option."""
        intervals = [self.interval(measure, (name, number)) for number in numbers]
        return np.array([[found.mean, found.low, found.high] for found in intervals]).T

    def compare(self, family: Sequence[tuple[str, Setting, Setting]]) -> dict[tuple[str, Setting, Setting], Comparison]:
        """Settings against each other, paired by clip, with p-values corrected by Holm over the family.

        Args:
            family: (measure, setting, the setting that it is held against) of all comparisons of one statement.
        """
        values = self.values
        return compare_family({(of, a, b): (values[of][a], values[of][b]) for of, a, b in family})


def read_grid(name: str) -> Grid:
    """A table of `benchmarks.ablation_grid`.

    Args:
        name: "ablation", "hyper_parameters" or "ablation_real".

    Raises:
        FileNotFoundError: there is no such table.
        ValueError: the table has not one row for every clip and setting.
    """
    return _read_grid(data_file(f"results/{name}.csv"))


# Numbers only, a few hundred kilobytes for each of three tables.
@cache
def _read_grid(path: Path) -> Grid:
    with path.open(encoding="utf-8", newline="") as handle:
        header, *lines = csv.reader(handle)
    clips = tuple(dict.fromkeys(line[0] for line in lines))
    rows = {((line[1], float(line[2])), line[0]): line[3:] for line in lines}
    settings = dict.fromkeys(setting for setting, _ in rows)
    if not len(lines) == len(rows) == len(settings) * len(clips):
        found = f"{len(lines)} rows for {len(settings)} settings of {len(clips)} clips"
        raise ValueError(f"{path}: got {found}; expected one for each setting of each clip")
    values: dict[str, dict[Setting, Float64[np.ndarray, "clips"]]] = {
        measure: {
            setting: np.array([float(rows[setting, clip][column] or "nan") for clip in clips]) for setting in settings
        }
        for column, measure in enumerate(header[3:])
    }
    return Grid(clips, values)


def paper_tables() -> dict[str, Any]:
    """What the paper prints: quantities of other models on other clips."""
    content: dict[str, Any] = json.loads(data_file("paper_tables.json").read_text(encoding="utf-8"))
    return content


def prior_rows(name: str = "static_priors") -> Iterator[dict[str, str]]:
    """The rows of a table of static priors, one for each clip and condition, as text.

    Args:
        name: a value of `PRIOR_TABLES`.

    Raises:
        FileNotFoundError: there is no such table.
    """
    with data_file(f"results/{name}.csv").open(encoding="utf-8", newline="") as handle:
        yield from csv.DictReader(handle)


def prior_comparisons(measure: str = "auroc") -> dict[str, dict[tuple[str, float], Comparison]]:
    """TFD against the adjacent difference on true scenes, for each kind of tokens, condition by condition.

    Args:
        measure: of `PRIOR_MEASURES`.

    Raises:
        ValueError: the measure is another.
    """
    if measure not in PRIOR_MEASURES:
        raise ValueError(f"measure: got {measure!r}; expected {', '.join(PRIOR_MEASURES)}")
    compared = {}
    for tokens, name in PRIOR_TABLES.items():
        compared[tokens] = compare_priors(prior_rows(name), measure=measure)
    return compared
