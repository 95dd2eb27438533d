"""EvoCut against loops, and how the encoder's layers reach it."""

import numpy as np
import pytest
import torch
from torch import Tensor

from infomerge import EncodedClip, compress
from infomerge.inputs import check_layers
from infomerge.methods import METHODS, make_compressor, methods_for
from tests.methods.against_reference import assert_equals, direction, normal, random_sizes, random_tokens
from tests.methods_reference import golden_order, prune, shares


def common_directions(E: list[np.ndarray], clusters: int, rounds: int) -> list[np.ndarray]:
    centers = [E[p] for p in golden_order(len(E))[:clusters]]
    labels: list[int] = []
    for _ in range(rounds):
        new = [max(range(len(centers)), key=lambda m: (round(float(e @ centers[m]), 6), -m)) for e in E]
        if new == labels:
            break
        labels = new
        for m in range(len(centers)):
            members = [e for e, label in zip(E, labels, strict=True) if label == m]
            if members:
                centers[m] = direction(np.sum(members, axis=0))
    return centers


def evocut(
    H: np.ndarray, kept: int, layers: np.ndarray, clusters: int = 8, decay: float = 0.95, iterations: int = 10
) -> dict[str, np.ndarray]:
    L, N, _ = H.shape
    chosen: set[int] = set()
    for frame, count in enumerate(shares(kept, L)):
        score = [0.0] * N
        for layer in range(1, len(layers)):
            E = [direction(layers[layer, frame, p] - layers[layer - 1, frame, p]) for p in range(N)]
            centers = common_directions(E, clusters, iterations)
            for p in range(N):
                deviation = 1 - max(float(E[p] @ u) for u in centers)
                score[p] = decay * score[p] + (1 - decay) * deviation
        order = sorted(range(N), key=lambda p: (-round(score[p], 6), p))
        chosen |= {frame * N + p for p in order[:count]}
    return prune(H, chosen)


def states(tokens: Tensor, count: int, width: int = 7) -> Tensor:
    frames, positions, _ = tokens.shape
    return normal(count, frames, positions, width, seed=count)


@random_sizes
def test_random_clips_equal_the_reference(size: tuple[int, int, int]) -> None:
    tokens = random_tokens(size)
    assert_equals(evocut, "evocut", tokens, layers=states(tokens, 4), ratios=(0.05, 0.25, 0.5, 1.0))
    options = {"clusters": 3, "decay": 0.5, "iterations": 2}
    assert_equals(evocut, "evocut", tokens, layers=states(tokens, 2), ratios=(0.3,), **options)


def test_layers_that_stand_still_or_repeat_equal_the_reference() -> None:
    tokens = normal(5, 9, 4)
    still = states(tokens, 1).expand(3, -1, -1, -1)
    alike = states(tokens, 4)[:, :1, :3].expand(4, 5, 3, 7).repeat(1, 1, 3, 1)
    for layers in (still, alike, torch.zeros(2, 5, 9, 1, dtype=torch.float64)):
        assert_equals(evocut, "evocut", tokens, layers=layers, ratios=(0.1, 0.4))


def test_the_token_that_goes_its_own_way_is_kept() -> None:
    tokens, steps = normal(3, 16, 5), torch.zeros(6, 3, 16, 8, dtype=torch.float64)
    steps[..., 0] = 1 + torch.arange(6)[:, None, None]  # all move along the first axis
    steps[:, 1, 11] = normal(6, 8, seed=3).cumsum(0)  # but for this one
    out = compress(tokens, "evocut", retention_ratio=3 / 48, layers=steps, clusters=1)
    assert 16 + 11 in out.index
    assert out.frame.tolist() == [0, 1, 2]


def test_layers_of_any_float_dtype_are_taken_and_left_as_they_are() -> None:
    tokens = normal(4, 9, 5)
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        layers = states(tokens, 3).to(dtype)
        before = layers.clone()
        out = compress(tokens, "evocut", retention_ratio=0.2, layers=layers)
        assert torch.equal(out.index, compress(tokens, "evocut", retention_ratio=0.2, layers=layers.double()).index)
        assert torch.equal(layers, before)


def test_without_layers_the_error_names_the_way_to_them() -> None:
    tokens = normal(3, 4, 5)
    message = (
        r"layers: got none; expected hidden states of the encoder \[layers, frames, positions, hidden\].*"
        r"keep_layers=True.*without which the method 'evocut' cannot choose"
    )
    with pytest.raises(ValueError, match=message):
        compress(tokens, "evocut", retention_ratio=0.5)
    with pytest.raises(ValueError, match=message):
        METHODS["evocut"](tokens, 0.5)
    with pytest.raises(ValueError, match=message):
        EncodedClip.from_arrays(tokens, grid=(2, 2)).compress("evocut")


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        (torch.ones(1, 3, 4, 5), ValueError, r"layers: got shape \[1, 3, 4, 5\]; .* 2 layers or more"),
        (torch.ones(2, 3, 5, 5), ValueError, r"layers: got shape .* the frames and positions of the tokens, \[3, 4\]"),
        (torch.ones(3, 4, 5), ValueError, r"layers: got 3 dimensions, shape \[3, 4, 5\]; expected \[layers, frames"),
        (torch.full((2, 3, 4, 5), torch.nan), ValueError, "layers: got 120 values that are NaN"),
        (torch.ones(2, 3, 4, 5).long(), TypeError, "layers: got dtype torch.int64"),
        ([1, 2], TypeError, "layers: got list"),
    ],
)
def test_layers_that_do_not_fit_are_refused(layers: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_layers(layers, normal(3, 4, 5))


@pytest.mark.parametrize("name", ["evocut", "infomerge", "tome"])
def test_layers_are_checked_whether_or_not_the_method_needs_them(name: str) -> None:
    layers = states(normal(3, 4, 5), 2)
    layers[1, 2, 3, 4] = torch.inf
    with pytest.raises(ValueError, match="layers: got 1 values that are NaN"):
        compress(normal(3, 4, 5), name, layers=layers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clusters": 0}, "clusters: got 0; expected whole numbers from 1"),
        ({"decay": 1}, "decay: got 1; expected numbers from 0 and below 1"),
        ({"decay": float("nan")}, "decay: got nan; expected numbers from 0 and below 1"),
        ({"iterations": 0}, "iterations: got 0; expected whole numbers from 1"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_compressor("evocut", **options)
    with pytest.raises(TypeError, match="decay: got str; expected a number"):
        make_compressor("evocut", decay="0.5")


def test_what_a_method_needs_is_asked_for_by_name() -> None:
    assert METHODS["evocut"].needs == ("layers",)
    assert "layers" not in METHODS["evocut"].options
    assert set(METHODS) - set(methods_for()) == {"evocut"}
    assert list(methods_for("layers")) == list(METHODS)


def test_methods_that_need_no_layers_do_not_look_at_them_and_callables_get_none() -> None:
    tokens, layers = normal(3, 4, 5), states(normal(3, 4, 5), 2)
    for name in ("infomerge", "random", "omniselect"):
        with_them = compress(tokens, name, retention_ratio=0.4, layers=layers)
        assert torch.equal(with_them.index, compress(tokens, name, retention_ratio=0.4).index)

    def only_tokens(tokens: Tensor, saliency: object = None, frame_features: object = None) -> object:
        return METHODS["tome"](tokens, 0.4)

    assert compress(tokens, only_tokens, layers=layers).method == "tome"


def test_a_clip_hands_its_layers_on() -> None:
    tokens = normal(3, 4, 5)
    layers = states(tokens, 3)
    clip = EncodedClip.from_arrays(tokens, layers=layers.numpy())
    expected = compress(tokens, "evocut", retention_ratio=0.4, layers=layers)
    assert torch.equal(clip.compress("evocut", retention_ratio=0.4).index, expected.index)
    assert torch.equal(EncodedClip.from_arrays(tokens, layers=layers).encoding.layers, layers)
    with pytest.raises(ValueError, match="layers: got shape"):
        EncodedClip.from_arrays(tokens, layers=layers[:, :2])
