"""The page's method keeps what `compress` keeps: the same segments, candidates, budgets, tokens and owners."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from infomerge import EncodedClip, InfoMergeConfig, compress
from infomerge.page.clip_data import clip_data
from infomerge.page.reduction import Reduced, reduce
from infomerge.video import sample_names
from tests.node import OLDEST, node_version
from tests.page.made import presets, random_settings, settings_of, small_clip

SCRIPT = Path(__file__).parents[1] / "javascript" / "parity.mjs"

pytestmark = pytest.mark.skipif(
    (node_version() or (0,)) < OLDEST, reason=f"no Node {'.'.join(map(str, OLDEST))} or newer to run the page's method"
)

RANDOM = 200


def kept_by_the_page(clip: dict[str, Any], configs: list[InfoMergeConfig], folder: Path) -> list[dict[str, Any]]:
    given = folder / "given.json"
    given.write_text(json.dumps({"clips": [clip], "settings": [settings_of(config) for config in configs]}))
    node = shutil.which("node")
    assert node is not None
    (kept,) = json.loads(subprocess.run([node, SCRIPT, given], capture_output=True, text=True, check=True).stdout)
    return kept


def assert_equal(reduced: Reduced, configs: list[InfoMergeConfig], kept: list[dict[str, Any]]) -> None:
    for config, found in zip(configs, kept, strict=True):
        out = compress(reduced.features, config, saliency=reduced.saliency, frame_features=reduced.frame_features)
        trace = out.trace
        wanted = {
            "segments": trace.segments.tolist(),
            "static": [row.nonzero().squeeze(1).tolist() for row in trace.static],
            "budget": trace.budget.tolist(),
            "requested": out.requested,
            "salient": out.index[~out.is_context].tolist(),
            "context": out.index[out.is_context].tolist(),
            "owner": out.index[out.assignment].tolist(),
        }
        assert [name for name in wanted if found[name] != wanted[name]] == [], config.to_python()


@pytest.mark.parametrize("name", sample_names())
def test_on_sample_clips_with_every_preset_and_many_settings(name: str, tmp_path: Path) -> None:
    clip = EncodedClip.read(name)
    reduced = reduce(clip)
    share = RANDOM // len(sample_names())
    configs = [*presets(), *random_settings(share, seed=sample_names().index(name))]
    assert_equal(reduced, configs, kept_by_the_page(clip_data(clip, reduced), configs, tmp_path))


def test_a_knob_turned_step_by_step_leaves_nothing_behind(tmp_path: Path) -> None:
    clip = EncodedClip.read("carphone")
    reduced = reduce(clip)
    base = {"retention_ratio": 0.1, "static_ratio": 0.3}
    walks = {
        "static_penalty": [0.0, 1.0, 0.0, 12.0, 0.5],
        "retention_ratio": [0.1, 0.11, 0.12, 0.05, 1.0, 0.1],
        "context_fraction": [0.0, 0.05, 1.0, 0.5],
        "static_ratio": [0.3, 0.31, 0.0, 0.3],
        "neighbors": [4, 5, 1],
        "min_segments": [8, 9, 1, 8],
    }
    configs = [InfoMergeConfig(**(base | {option: value})) for option, values in walks.items() for value in values]
    assert_equal(reduced, configs, kept_by_the_page(clip_data(clip, reduced), configs, tmp_path))


@pytest.mark.parametrize(
    "clip",
    [
        small_clip(),
        small_clip(frames=1),
        small_clip(frames=2, grid=(1, 1)),
        small_clip(frames=12, grid=(2, 5), channels=70, seed=3),
        EncodedClip.from_arrays(np.ones((5, 9, 4), dtype=np.float32), name="all alike"),
        EncodedClip.from_arrays(np.zeros((5, 9, 4), dtype=np.float32), name="all zero"),
    ],
    ids=lambda clip: f"{clip.name} {list(clip.tokens.shape)}",
)
def test_on_small_and_degenerate_clips(clip: EncodedClip, tmp_path: Path) -> None:
    reduced = reduce(clip)
    configs = [*presets(), *random_settings(60, seed=5)]
    assert_equal(reduced, configs, kept_by_the_page(clip_data(clip, reduced), configs, tmp_path))


def test_given_saliency_and_frame_features_decide_there_too(tmp_path: Path) -> None:
    clip = small_clip(frames=8)
    draw = torch.Generator().manual_seed(2)
    given = EncodedClip.from_arrays(
        clip.tokens,
        grid=clip.grid,
        saliency=torch.rand(8, 12, generator=draw),
        frame_features=torch.rand(8, 3, generator=draw),
    )
    reduced = reduce(given)
    assert not np.array_equal(reduced.transition, reduce(clip).transition)
    configs = random_settings(40, seed=6)
    assert_equal(reduced, configs, kept_by_the_page(clip_data(given, reduced), configs, tmp_path))
