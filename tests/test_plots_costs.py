"""Bars of costs, and the measured tables behind them, read back."""

import csv

import numpy as np
import pytest
import torch
from matplotlib.patches import Rectangle

from infomerge import plots
from infomerge.config import InfoMergeConfig
from infomerge.inputs import clip_tensors
from infomerge.measure.timing import stage_seconds
from infomerge.paper.costs import (
    MODELS,
    compression_table,
    first_token_bars,
    first_token_findings,
    first_token_table,
    first_tokens,
    speedup_table,
)
from infomerge.resources import data_file
from tests.clips import random_clip


def test_parts_of_a_bar_lie_one_after_the_other_and_their_sum_stands_at_the_end() -> None:
    figure = plots.cost_bars({"all": {"a": 3.0, "b": 0.0, "c": 4.0}, "few": {"a": 3.0, "b": 1.0, "c": 0.5}})
    (axes,) = figure.axes
    drawn = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    widths = np.array([bar.get_width() for bar in drawn]).reshape(3, 2)
    lefts = np.array([bar.get_bbox().x0 for bar in drawn]).reshape(3, 2)
    np.testing.assert_allclose(widths.T, [[3.0, 0.0, 4.0], [3.0, 1.0, 0.5]])
    np.testing.assert_allclose(lefts.T, [[0.0, 3.0, 3.0], [0.0, 3.0, 4.0]])
    assert [text.get_text() for text in axes.texts] == ["7", "4.5"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["all", "few"]


@pytest.mark.parametrize(
    ("bars", "said"),
    [
        ({}, "bars: got parts"),
        ({"x": {"a": 1.0}, "y": {"b": 1.0}}, "bars: got parts .*; expected the same ones for every case, 1 to 4"),
        ({"x": {"a": -1.0}}, "bars: got -1; expected no negative part"),
        ({"x": dict.fromkeys("abcde", 1.0)}, "bars: got parts"),
    ],
)
def test_bars_that_cannot_be_compared_are_refused(bars: dict[str, dict[str, float]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        plots.cost_bars(bars)


def test_steps_are_ordered_by_the_first_way_and_stand_side_by_side() -> None:
    figure = plots.step_bars({"exact": {"a": 1.0, "b": 5.0}, "fast": {"b": 2.0, "c": 0.5}})
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["b", "a", "c"]
    assert [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)] == [5, 1, 0, 2, 0, 0.5]
    with pytest.raises(ValueError, match="ways: got 3; expected 1 or 2"):
        plots.step_bars({"a": {}, "b": {}, "c": {}})


def test_every_step_of_a_run_is_timed_longest_first_in_both_ways() -> None:
    clip, config = clip_tensors(random_clip(torch.Generator().manual_seed(0), 12, 16, 24)), InfoMergeConfig.paper(0.15)
    for fast in (False, True):
        seconds = stage_seconds(clip, config, fast=fast, repeats=2)
        assert {"static_scores", "richness", "uniqueness", "allocate", "select_salient", "assign"} <= seconds.keys()
        assert list(seconds.values()) == sorted(seconds.values(), reverse=True)
        assert min(seconds.values()) >= 0
    with pytest.raises(ValueError, match="repeats: got 0; expected 1 or more"):
        stage_seconds(clip, config, repeats=0)


def test_measured_times_are_those_of_the_file_each_run_with_its_own_whole() -> None:
    with data_file("results/first_token.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found = [row for model in MODELS for way in ("GPU kernels", "float64") for row in first_tokens(model, way)]
    assert len(found) == len(rows) == 16
    assert sorted(row.first_token for row in found) == sorted(float(row["first_token_ms"]) for row in rows)
    for row in found:
        assert sum(row.parts.values()) >= row.first_token - 1e-9
        assert (row.compress == 0) == (row.retention_ratio == 1)
    with pytest.raises(ValueError, match="got 'GPT', 'GPU kernels'"):
        first_tokens("GPT")


def test_bars_of_the_first_token_add_up_to_what_was_measured() -> None:
    bars = first_token_bars()
    measured = [row.first_token for way in ("GPU kernels", "float64") for row in first_tokens(MODELS[0], way)]
    assert [sum(parts.values()) for parts in bars.values()] == pytest.approx(measured[:4] + measured[5:])


def test_sentences_and_tables_say_what_the_numbers_allow() -> None:
    said = first_token_findings()
    assert "LLaVA-OneVision-7B: the first token comes sooner, by a factor of 1.7 at 15%" in said
    assert "Qwen2.5-VL-7B: the encoder alone varied by 103 ms" in said
    assert "| 15% | 118 | 1.8 | 29 | 174 | 174 to 175 |" in first_token_table("LLaVA-OneVision-7B")
    # 48.82 T over 6.318 T; 171.1 ms over 29.16; 1505.7 over 355.4.
    assert "| 15% | 7.7 x | 5.9 x | 6.5 x | 1.7 x | 4.2 x |" in speedup_table()
    assert compression_table().count("\n") == 7
