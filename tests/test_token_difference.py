"""Two compressions of one clip, compared token by token."""

import re

import pytest

from infomerge.measure.difference import token_difference
from tests.drawn import compressed

GRID = (3, 4)


def test_every_token_is_of_one_kind_as_a_slow_loop_says() -> None:
    a, b = compressed(7, 12, 0.3), compressed(7, 12, 0.3, temperature=5.0, min_segments=3)
    found = token_difference(a, b)
    kept_a, kept_b = set(a.index.tolist()), set(b.index.tolist())
    for token in range(7 * 12):
        expected = {
            "only_a": token in kept_a and token not in kept_b,
            "only_b": token in kept_b and token not in kept_a,
            "both": token in kept_a and token in kept_b,
            "moved": token not in kept_a | kept_b
            and int(a.index[a.assignment[token]]) != int(b.index[b.assignment[token]]),
        }
        assert {name: bool(getattr(found, name)[token]) for name in expected} == expected
    assert int(found.moved.sum()) > 0
    assert int(found.only_a.sum()) > 0


def test_a_compression_differs_from_itself_nowhere() -> None:
    out = compressed(5, 12, 0.4)
    found = token_difference(out, out)
    assert int(found.both.sum()) == out.kept
    assert not (found.only_a | found.only_b | found.moved).any()


def test_clips_of_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match=re.escape("b: got a clip of 6 x 12 tokens; expected 5 x 12")):
        token_difference(compressed(5, 12, 0.4), compressed(6, 12, 0.4))
