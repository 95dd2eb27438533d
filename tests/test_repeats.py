"""Repeated kept tokens, and the fastest of several runs, on cases worked out by hand."""

import pytest
import torch

from infomerge import compress
from infomerge.measure import timing
from infomerge.measure.repeats import near_duplicates, salient_on_static
from infomerge.measure.timing import fastest


def test_near_duplicates_are_counted_once_each() -> None:
    east, north = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    tokens = torch.stack([east, north, 2 * east, east + 0.01 * north, -east])[None]
    out = compress(tokens, retention_ratio=1)
    assert near_duplicates(out) == 2  # the third and the fourth resemble the first; the last points away
    assert near_duplicates(out, 0.99999) == 1
    assert near_duplicates(out, -1) == 4
    with pytest.raises(ValueError, match="threshold: got 2"):
        near_duplicates(out, 2)


def test_salient_tokens_on_static_positions() -> None:
    g = torch.Generator().manual_seed(0)
    tokens = torch.randn(6, 10, 8, generator=g, dtype=torch.float64)
    tokens[:, :2] = tokens[0, :2]  # two positions stand still
    saliency = torch.rand(6, 10, generator=g, dtype=torch.float64)
    saliency[:, :2] += 5
    options = {"retention_ratio": 0.4, "static_ratio": 0.2, "min_segments": 1, "segment_threshold": -1}
    without = compress(tokens, saliency=saliency, static_penalty=0, **options)
    penalized = compress(tokens, saliency=saliency, **options)
    assert salient_on_static(without) == 12  # both, in every frame
    assert salient_on_static(penalized) == 2  # both, in the first frame only
    with pytest.raises(TypeError, match="salient_on_static: got a compression by 'tome'"):
        salient_on_static(compress(tokens, "tome"))


def test_the_fastest_of_several_runs_by_a_clock_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 3.0, 10.0, 11.5, 20.0, 22.0])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(ticks))
    calls: list[int] = []
    assert fastest(lambda: calls.append(1), repeats=3) == 1.5
    assert len(calls) == 3
    with pytest.raises(ValueError, match="repeats: got 0"):
        fastest(lambda: None, repeats=0)
