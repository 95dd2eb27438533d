"""The record of a run against the numbers of the compression itself, counted again one by one."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import torch

import infomerge
from infomerge import Compression, EncodedClip, InfoMergeConfig, compress
from infomerge.encoders import Encoding
from infomerge.methods import make_compressor, methods_for
from infomerge.report import compare_cuts, record, segment_records
from infomerge.video.clip import Clip, ClipMetadata
from infomerge.video.truth import GroundTruth, Shot
from tests.clips import random_clip, structured_clips


def encoded_clip(
    tokens: torch.Tensor, timestamps: np.ndarray, cut_times: tuple[float, ...] | None = None
) -> EncodedClip:
    frames, positions, _ = tokens.shape
    metadata = ClipMetadata(
        name="a clip",
        path=Path("a clip.mp4"),
        width=4,
        height=2,
        frame_count=10 * frames,
        frame_rate=25.0,
        duration=0.4 * frames,
        codec="h264",
        container="mp4",
        rotation=0,
        reader="pyav",
        truncated=True,
        frame_indices=tuple(range(0, 10 * frames, 10)),
    )
    truth = None
    if cut_times is not None:
        truth = GroundTruth(tuple(round(25 * time) for time in cut_times), cut_times, (Shot("all", "motion", 0, 9),))
    clip = Clip(np.zeros((frames, 2, 4, 3), np.uint8), timestamps, metadata, truth)
    grid = (3, 3) if positions == 9 else (1, positions)
    encoding = Encoding(tokens, torch.ones(frames, positions), None, grid, "its attention")
    return EncodedClip.from_clip(clip, encoding, encoder="a network")


def compressed(frames: int = 11, positions: int = 9, **options: Any) -> Compression:
    tokens = random_clip(torch.Generator().manual_seed(4), frames, positions, 6)
    return compress(tokens, InfoMergeConfig(**{"retention_ratio": 0.3, "segment_threshold": -1.0} | options))


TIMES = np.array([0.0, 0.5, 1, 2, 2.5, 4, 4.5, 5, 6.5, 7, 9])


@pytest.mark.parametrize(
    "options", [{"min_segments": 4}, {"min_segments": 1}, {"allocation": "length", "static_prior": "none"}]
)
def test_each_segment_is_recorded_with_its_own_numbers(options: dict[str, Any]) -> None:
    out = compressed(**options)
    trace = out.trace
    rows = segment_records(out, TIMES)
    assert len(rows) == len(trace.segments)
    for number, row in enumerate(rows):
        start, end = trace.segments[number].tolist()
        kept = [index for index in out.index.tolist() if start <= index // 9 < end]
        assert row == {
            "segment": number + 1,
            "first_frame": start,
            "last_frame": end - 1,
            "first_seconds": TIMES[start],
            "last_seconds": TIMES[end - 1],
            "begins_seconds": round((TIMES[start - 1] + TIMES[start]) / 2, 6) if start else row["begins_seconds"],
            "ends_seconds": round((TIMES[end - 1] + TIMES[end]) / 2, 6) if end < 11 else row["ends_seconds"],
            "uniqueness": trace.uniqueness[number].item(),
            "richness": trace.richness[number].item(),
            "weight": trace.weight[number].item(),
            "budget": int(trace.budget[number]),
            "length_budget": int(trace.length_budget[number]),
            "static_candidates": sum(trace.static[number].tolist()),
            "kept": len(kept),
        }
    assert sum(row["kept"] for row in rows) == out.kept
    covered = [frame for row in rows for frame in range(row["first_frame"], row["last_frame"] + 1)]
    assert covered == list(range(11))


def test_budgets_add_up_to_the_context_tokens() -> None:
    out = compressed(min_segments=4)
    entry = record(encoded_clip(out.trace.tokens, TIMES), out)
    assert sum(row["budget"] for row in entry["segments"]) == entry["context"]
    assert sum(row["length_budget"] for row in entry["segments"]) == entry["context"]
    assert entry["salient"] + entry["context"] == entry["kept"] == sum(row["kept"] for row in entry["segments"])


def test_a_record_tells_what_was_done_to_what() -> None:
    out = compressed(min_segments=4)
    entry = record(encoded_clip(out.trace.tokens, TIMES), out)
    assert (entry["schema"], entry["schema_version"]) == ("infomerge.compression", 2)
    assert entry["infomerge"] == infomerge.__version__
    assert entry["clip"] == {
        "name": "a clip",
        "frames": 11,
        "timestamps_seconds": TIMES.tolist(),
        "source_frames": list(range(0, 110, 10)),
        "reader": "pyav",
        "truncated": True,
    }
    assert entry["encoder"] == {"name": "a network", "saliency": "its attention", "grid": [3, 3]}
    assert entry["method"] == {"method": "infomerge"}
    assert InfoMergeConfig(**entry["config"]) == out.config
    assert (entry["tokens"], entry["requested"], entry["kept"]) == (99, 30, 30)
    kinds = out.is_context.tolist()
    assert (entry["salient"], entry["context"]) == (kinds.count(False), kinds.count(True))
    assert entry["kept_index"] == out.index.tolist()
    assert entry["kept_is_context"] == [int(kind) for kind in kinds]
    assert entry["transition_similarity"] == out.trace.transition.tolist()
    assert "cuts_after_frames" not in entry


def test_boundaries_are_set_against_the_true_cuts() -> None:
    # Two scenes, five frames and six: the boundary lies after frame 4. True cuts: there and after frame 8.
    scene = torch.randn(2, 1, 9, 6, generator=torch.Generator().manual_seed(0))
    tokens = torch.cat([scene[0].expand(5, -1, -1), scene[1].expand(6, -1, -1)])
    out = compress(tokens, InfoMergeConfig(retention_ratio=0.3, min_segments=1))
    entry = record(encoded_clip(tokens, TIMES, cut_times=(2.6, 6.6)), out)
    assert entry["cuts_after_frames"] == {"found": [4], "missed": [8], "added": []}


@pytest.mark.parametrize(
    ("found", "true", "expected"),
    [
        ([], [], ([], [], [])),
        ([3, 7], [3, 7], ([3, 7], [], [])),
        ([1, 3, 9], [3, 5], ([3], [5], [1, 9])),
        ([2], [], ([], [], [2])),
        ([], [0, 2], ([], [0, 2], [])),
    ],
)
def test_cuts_are_found_missed_or_added(
    found: list[int], true: list[int], expected: tuple[list[int], list[int], list[int]]
) -> None:
    assert tuple(compare_cuts(found, true).values()) == expected
    assert list(compare_cuts(found, true)) == ["found", "missed", "added"]


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [value] if isinstance(value, int | float) else []


@pytest.mark.parametrize("name", methods_for())
def test_records_of_any_clip_by_any_method_are_plain_json_with_finite_numbers(name: str) -> None:
    compressor = make_compressor(name, retention_ratio=0.3)
    for _, tokens in structured_clips():
        encoded = encoded_clip(tokens, np.arange(float(len(tokens))))
        entry = record(encoded, encoded.compress(compressor), compressor)
        assert all(math.isfinite(number) for number in numbers(entry))
        assert json.loads(json.dumps(entry, allow_nan=False)) == entry
        assert make_compressor(**entry["method"]) == compressor


def test_a_method_without_stages_has_segments_and_no_budgets() -> None:
    encoded = encoded_clip(compressed().trace.tokens, TIMES, cut_times=(2.6, 6.6))
    compressor = make_compressor("random", retention_ratio=0.3, seed=5)
    out = encoded.compress(compressor)
    entry = record(encoded, out, compressor)
    assert entry["method"] == {"method": "random", "retention_ratio": 0.3, "seed": 5}
    assert entry["config"] is None
    assert "transition_similarity" not in entry
    (segment,) = entry["segments"]
    assert segment == {
        "segment": 1,
        "first_frame": 0,
        "last_frame": 10,
        "first_seconds": 0.0,
        "last_seconds": 9.0,
        "begins_seconds": 0.0,
        "ends_seconds": segment["ends_seconds"],
        "uniqueness": out.trace.uniqueness.item(),
        "richness": out.trace.richness.item(),
        "kept": out.kept,
    }
    assert (entry["salient"], entry["context"]) == (30, 0)
    assert entry["cuts_after_frames"] == {"found": [], "missed": [4, 8], "added": []}


def test_tokens_without_a_clip_are_recorded_without_times() -> None:
    tokens = compressed().trace.tokens
    encoded = EncodedClip.from_arrays(tokens, name="mine")
    entry = record(encoded, encoded.compress(retention_ratio=0.3))
    assert entry["clip"] == {
        "name": "mine",
        "frames": 11,
        "timestamps_seconds": None,
        "source_frames": None,
        "reader": None,
        "truncated": False,
    }
    assert {row["first_seconds"] for row in entry["segments"]} == {None}
    assert json.loads(json.dumps(entry, allow_nan=False)) == entry


def test_a_compression_is_a_table_of_tokens_and_one_of_segments(tmp_path: Path) -> None:
    out = compressed(min_segments=4)
    tokens = out.to_columns("tokens", grid=(3, 3), timestamps=TIMES)
    for number, index in enumerate(out.index.tolist()):
        frame, position = divmod(index, 9)
        line = {name: values[number] for name, values in tokens.items()}
        (segment,) = [k for k, (start, end) in enumerate(out.trace.bounds, 1) if start <= frame < end]
        assert line == {
            "token": number,
            "index": index,
            "frame": frame,
            "position": position,
            "row": position // 3,
            "column": position % 3,
            "seconds": TIMES[frame],
            "kind": "context" if out.is_context[number] else "salient",
            "segment": segment,
            "stands_for": len(out.members(number)),
        }
    assert out.record["segments"] == [
        {name: value for name, value in row.items() if "seconds" not in name} for row in segment_records(out, TIMES)
    ]
    frame = out.to_frame("tokens", grid=(3, 3), timestamps=TIMES)
    assert frame.to_dict("list") == tokens
    out.to_csv(tmp_path / "tokens.csv", grid=(3, 3), timestamps=TIMES)
    assert pandas.read_csv(tmp_path / "tokens.csv").to_dict("list") == tokens
    with pytest.raises(ValueError, match=r"grid: got 2 x 4; expected rows x columns = 9 positions"):
        out.to_columns(grid=(2, 4))
    with pytest.raises(ValueError, match="timestamps: got 3; expected 11, one a frame"):
        out.to_columns(timestamps=TIMES[:3])


@pytest.mark.parametrize(
    ("options", "by_content"),
    [
        ({}, True),
        ({"temperature": 0.0}, False),
        ({"allocation": "length"}, False),
        ({"uniqueness_weight": 0.0, "richness_weight": 0.0}, False),
        ({"uniqueness_weight": 0.0}, True),
    ],
)
def test_budgets_are_by_content_only_where_they_may_differ_from_those_by_length(
    options: dict[str, Any], by_content: bool
) -> None:
    out = compressed(min_segments=4, **options)
    assert out.config is not None
    assert out.config.by_content == by_content
    trace = out.trace
    assert by_content or trace.budget.tolist() == trace.length_budget.tolist()
