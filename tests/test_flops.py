"""The FLOPs that the paper prints, from the decoder's sizes."""

import pytest

from infomerge.measure.flops import layer_flops, prefill_flops

FULL = 32 * 196


@pytest.mark.parametrize(("ratio", "printed"), [(1, 48.8), (0.15, 6.3), (0.10, 4.2), (0.05, 2.1)])
def test_table_1(ratio: float, printed: float) -> None:
    assert round(prefill_flops(round(ratio * FULL)) / 1e12, 1) == printed


@pytest.mark.parametrize(("ratio", "printed"), [(0.15, 9.4), (0.10, 7.4), (0.05, 5.4)])
def test_table_1_fastv_runs_two_layers_on_all_tokens(ratio: float, printed: float) -> None:
    flops = prefill_flops(round(ratio * FULL), full_tokens=FULL, full_layers=2)
    assert round(flops / 1e12, 1) == printed


@pytest.mark.parametrize(("tokens_a_frame", "printed"), [(169, 94.1), (25, 11.0), (16, 6.9)])
def test_table_2(tokens_a_frame: int, printed: float) -> None:
    assert round(prefill_flops(64 * tokens_a_frame) / 1e12, 1) == printed


def test_no_tokens_cost_nothing_and_layers_add_up() -> None:
    assert prefill_flops(0) == 0
    assert prefill_flops(100) == pytest.approx(28 * layer_flops(100))


def test_bad_layers() -> None:
    with pytest.raises(ValueError, match="full_layers: found 29; accepted is 0 to 28"):
        prefill_flops(10, full_tokens=20, full_layers=29)
    with pytest.raises(ValueError, match="full_tokens: found None"):
        prefill_flops(10, full_layers=2)
