"""The methods of 2025 and 2026 against slow references, and cases that can be worked out by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from infomerge.methods import METHODS
from infomerge.methods.checks import check_method
from infomerge.methods.rotary import nearly_square, rotate
from infomerge.numerics import cosine
from tests import clusters_reference, tango_reference, windows_reference
from tests.clips import RATIOS, random_clip, structured_clips

STRUCTURED = dict(structured_clips())
REFERENCES: dict[str, Callable[..., dict[str, np.ndarray]]] = {
    "simplecluster": clusters_reference.simplecluster,
    "tango": tango_reference.tango,
    "kitoke": clusters_reference.kitoke,
    "unicomp": clusters_reference.unicomp,
    "flashvid": windows_reference.flashvid,
    "holitom": windows_reference.holitom,
}
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "simplecluster": (
        {"seed": 3, "iterations": 2, "rotary": True, "columns": 2},
        {"seed": 3, "rounds": 2, "rotary": True, "columns": 2},
    ),
    "tango": (
        {"static_threshold": 0.6, "context_fraction": 0.7, "anchor_weight": 0.1, "neighbors": 2, "columns": 3},
        {"tau": 0.6, "context": 0.7, "beta": 0.1, "k": 2, "columns": 3},
    ),
    "kitoke": (
        {"seed": 5, "bandwidth": 3.0, "cut_threshold": 4.0, "contrast_threshold": 0.5, "relative_contrast": 0.2},
        {"seed": 5, "alpha": 3.0, "th_abs": 4.0, "th_delta": 0.5, "th_rel": 0.2},
    ),
    "unicomp": ({"frame_threshold": 0.3, "cover_threshold": 0.7}, {"Uf": 0.3, "Uc": 0.7}),
    "flashvid": (
        {"salient_fraction": 0.3, "tree_threshold": 0.5, "neighbors": 3},
        {"alpha": 0.3, "T": 0.5, "k": 3},
    ),
    "holitom": (
        {"static_threshold": 0.65, "context_fraction": 0.4, "anchor_weight": 0.0, "neighbors": 3},
        {"tau": 0.65, "D": 0.4, "beta": 0.0, "k": 3},
    ),
}
"""Options of each method that are not its defaults, and the same in its reference's notation."""


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def assert_equals_reference(
    name: str, tokens: Tensor, ratio: float, saliency: Tensor | None, *, with_options: bool = False
) -> None:
    ours, theirs = OPTIONS[name] if with_options else ({}, {})
    out = METHODS[name](tokens, ratio, saliency, **ours)
    expected = REFERENCES[name](tokens.numpy(), out.trace.saliency.numpy(), out.requested, **theirs)
    np.testing.assert_array_equal(out.index, expected["index"])
    np.testing.assert_array_equal(out.is_context, expected["is_context"])
    np.testing.assert_array_equal(out.assignment, expected["assignment"])
    np.testing.assert_allclose(out.tokens, expected["tokens"], rtol=1e-9, atol=1e-12)
    if "segments" in expected:
        np.testing.assert_array_equal(out.trace.segments, expected["segments"])


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("name", REFERENCES)
def test_random_clips_equal_the_reference(name: str, seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    size = (int(torch.randint(1, high, (), generator=g)) for high in (17, 14, 24))
    tokens = random_clip(g, *size)
    saliency = torch.rand(tokens.shape[:2], generator=g) if seed % 2 else None
    assert_equals_reference(name, tokens, RATIOS[seed % len(RATIOS)], saliency, with_options=seed % 4 > 1)


@pytest.mark.parametrize("clip", STRUCTURED)
@pytest.mark.parametrize("name", REFERENCES)
def test_structured_clips_equal_the_reference(name: str, clip: str) -> None:
    tokens = STRUCTURED[clip]
    g = torch.Generator().manual_seed(len(clip))
    # Saliency of few levels, so that its ties are met too.
    saliency = torch.randint(0, 3, tokens.shape[:2], generator=g).double()
    for ratio in (0.07, 0.4):
        assert_equals_reference(name, tokens, ratio, saliency)


def test_what_rich_frames_of_unicomp_get_of_poor_ones_equals_the_reference() -> None:
    # Every other frame is one token over and over: it fills none of its budget, which goes to the frames between.
    tokens = normal(8, 12, 6)
    tokens[::2] = tokens[::2, :1] + 0.01 * normal(4, 12, 6, seed=1)
    for ratio in (0.25, 0.3, 0.4):
        assert_equals_reference("unicomp", tokens, ratio, None)


@pytest.mark.parametrize(("channels", "columns"), [(64, 3), (19, 4), (6, 1), (3, 2), (1, 1)])
def test_tokens_are_turned_as_complex_numbers_are(channels: int, columns: int) -> None:
    tokens = normal(5, 12, channels)
    turned = rotate(tokens, columns, 1e4, 1e3)
    expected = clusters_reference.rotated(tokens.numpy(), columns, 1e4, 1e3)
    np.testing.assert_allclose(turned, expected, atol=1e-12)


def test_how_alike_turned_tokens_are_depends_on_how_far_they_are_apart_alone() -> None:
    turned = rotate(normal(24).expand(6, 20, 24), 5)  # one token everywhere, on a grid of 4 x 5
    alike = cosine(turned[:5, :14], turned[1:, 6:])  # a frame later, one row lower and one column to the right
    torch.testing.assert_close(alike[:, [0, 1, 2, 3, 5, 6, 7, 8]], alike[0, 0].expand(5, 8))
    assert (alike < 1).all()


def test_the_grid_of_positions_is_guessed_as_square_as_can_be() -> None:
    assert [nearly_square(positions) for positions in (196, 182, 1, 13, 12, 144)] == [14, 14, 1, 13, 4, 12]


@pytest.mark.parametrize("name", OPTIONS)
def test_promises_are_kept_with_other_options(name: str) -> None:
    check_method(name, **OPTIONS[name][0])
