"""Shortening batches of sequences, against plain lists."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from infomerge.config import InfoMergeConfig
from infomerge.methods import compress, get_method, methods_for
from infomerge.models.sequence import PADDING, counted_positions, gather_kept, index_of, kept_columns


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[list[bool]], list[list[int]], bool]:
    """Which places to keep, the mask, and whether padding is on the right."""
    width, height, on_right = draw(st.integers(1, 12)), draw(st.integers(1, 4)), draw(st.booleans())
    lengths = [draw(st.integers(1, width)) for _ in range(height)]
    masks = [[1] * n + [0] * (width - n) if on_right else [0] * (width - n) + [1] * n for n in lengths]
    keep = [[draw(st.booleans()) or not real for real in mask] for mask in masks]
    for row, mask in zip(keep, masks, strict=True):
        row[mask.index(1)] = True
    return keep, masks, on_right and any(0 in mask for mask in masks)


@given(batches())
def test_each_row_holds_what_it_keeps_in_order(batch: tuple[list[list[bool]], list[list[int]], bool]) -> None:
    keep, masks, on_right = batch
    source = kept_columns(torch.tensor(keep), torch.tensor(masks))
    if all(map(all, keep)):
        assert source.tolist() == [list(range(len(keep[0])))] * len(keep)
        return
    expected = [
        [n for n, (kept, real) in enumerate(zip(row, mask, strict=True)) if kept and real]
        for row, mask in zip(keep, masks, strict=True)
    ]
    width = max(map(len, expected))
    assert source.shape == (len(keep), width)
    for row, places in zip(source.tolist(), expected, strict=True):
        padding = [PADDING] * (width - len(places))
        assert row == (places + padding if on_right else padding + places)
    values = torch.arange(100, 100 + len(keep) * len(keep[0])).view(len(keep), -1)
    for axes in ((), (3,), (4,)):
        found = gather_kept(values.expand(*axes, *values.shape), source, -7)
        for row, places in enumerate(expected):
            mine = found[..., row, :].reshape(-1, width)[0].tolist()
            assert [value for value in mine if value != -7] == values[row][places].tolist()
    for row, places in enumerate(expected):
        stand = index_of(source[row], torch.tensor(places))
        assert source[row][stand].tolist() == places


def test_positions_are_counted_over_what_is_not_padding() -> None:
    assert counted_positions(torch.tensor([[0, 0, 1, 1], [1, 1, 1, 0]])).tolist() == [[0, 0, 0, 1], [0, 1, 2, 0]]


def test_carrying_the_tokens_themselves_gives_the_kept_tokens() -> None:
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randn(12, 16, 8, generator=generator)
    tokens[3:9] = tokens[3] + 0.1 * torch.randn(6, 16, 8, generator=generator)
    for ratio in (0.05, 0.15, 0.4, 1.0):
        config = InfoMergeConfig(retention_ratio=ratio, segment_threshold=0.3, static_ratio=0.3)
        out = compress(tokens, config)
        torch.testing.assert_close(out.carry(tokens), out.tokens, atol=1e-6, rtol=1e-6)
        # A feature that is 1 everywhere stays 1: what is merged are weighted means.
        torch.testing.assert_close(out.carry(torch.ones(12, 16, 2)), torch.ones(out.kept, 2))
    for name in methods_for():
        out = get_method(name)(tokens, 0.2)
        torch.testing.assert_close(out.carry(tokens), out.tokens, atol=1e-6, rtol=1e-6, msg=name)
