"""The configuration: the papers' values, and one clear error for whatever is not accepted."""

import dataclasses
import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from infomerge import InfoMergeConfig, PresetWarning
from infomerge.config import explain


@pytest.mark.parametrize(("ratio", "tau", "rho"), [(0.05, 2.0, 0.05), (0.10, 1.2, 0.10), (0.15, 1.2, 0.09)])
def test_paper_presets_are_table_7(ratio: float, tau: float, rho: float) -> None:
    config = InfoMergeConfig.paper(retention_ratio=ratio)
    assert (config.retention_ratio, config.temperature, config.static_ratio) == (ratio, tau, rho)
    assert (config.static_penalty, config.uniqueness_weight, config.richness_weight) == (12, 0.9, 0.1)
    assert (config.context_fraction, config.min_segments, config.segment_threshold) == (0.4, 8, 0.9)


@pytest.mark.parametrize(("ratio", "row"), [(0.02, 0.05), (0.08, 0.10), (0.3, 0.15), (1.0, 0.15)])
def test_between_and_beyond_the_rows_the_nearest_is_taken_and_said(ratio: float, row: float) -> None:
    with pytest.warns(PresetWarning, match=f"taking those of {row:g}"):
        config = InfoMergeConfig.paper(ratio)
    assert dataclasses.replace(config, retention_ratio=row) == InfoMergeConfig.paper(row)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"retention_ratio": 0}, "retention_ratio: .*greater than 0 .got 0"),
        ({"retention_ratio": 1.01}, "retention_ratio: .*less than or equal to 1 .got 1.01"),
        ({"retention_ratio": float("nan")}, "retention_ratio: .*finite number .got nan"),
        ({"temperature": float("inf")}, "temperature: .*finite number .got inf"),
        ({"neighbors": 0}, "neighbors: .*greater than or equal to 1 .got 0"),
        ({"min_segments": 2.5}, "min_segments: .*integer.*got 2.5"),
        ({"static_prior": "tdf"}, "static_prior: .*'tfd', 'adjacent', 'none' or 'aligned' .got 'tdf'"),
        ({"tempreature": 2}, "unknown option 'tempreature' .did you mean 'temperature'.*static_prior, allocation"),
    ],
)
def test_bad_options_get_one_line_with_name_found_and_accepted(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is what this test is about
        InfoMergeConfig(**options)
    assert isinstance(caught.value, ValidationError)
    line = explain(caught.value)
    assert "\n" not in line
    assert re.search(message, line), line


def test_replace_validates_again_and_the_object_is_frozen() -> None:
    config = InfoMergeConfig.paper(0.05)
    with pytest.raises(ValidationError, match="temperature"):
        dataclasses.replace(config, temperature=-1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.temperature = 1.0  # type: ignore[misc]


def test_round_trip_through_json() -> None:
    config = InfoMergeConfig.fastvid(0.15, neighbors=5)
    assert InfoMergeConfig(**json.loads(json.dumps(config.to_dict()))) == config


def test_changes_are_what_a_reader_must_be_told() -> None:
    assert InfoMergeConfig().changes() == {}
    assert InfoMergeConfig.fastvid(0.1).changes() == {
        "static_prior": "none",
        "allocation": "length",
        "merge_scope": "anchor_frame",
    }
