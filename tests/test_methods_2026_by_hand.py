"""The methods of 2025 and 2026 on clips whose outcome can be worked out by hand, and the options that they refuse."""

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor

from infomerge.methods import METHODS
from infomerge.methods.kitoke import draw, inclusion_probabilities, kernel_bandwidth
from infomerge.methods.static_windows import share_by_size, static_windows
from infomerge.numerics import unit

OWN = ("simplecluster", "kitoke", "unicomp", "flashvid", "holitom", "tango")


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def scenes(*lengths: int, positions: int = 8, channels: int = 16) -> Tensor:
    """Scenes that stand still, cut hard: every one of other random tokens."""
    still = normal(len(lengths), positions, channels)
    return still.repeat_interleave(torch.tensor(lengths), dim=0)


@pytest.mark.parametrize("rotary", [False, True])
def test_simplecluster_is_where_k_means_ends(rotary: bool) -> None:
    tokens = normal(6, 9, 12)
    out = METHODS["simplecluster"](tokens, 0.2, rotary=rotary, iterations=100)
    flat = tokens.flatten(0, 1)
    groups = torch.stack([flat[out.members(token)].mean(0) for token in range(out.kept)])
    torch.testing.assert_close(out.tokens, groups)
    if not rotary:
        sums = torch.stack([unit(flat)[out.members(token)].sum(0) for token in range(out.kept)])
        alike = unit(flat) @ unit(sums).T
        assert torch.equal(alike.argmax(1), out.assignment), "a token is in another cluster than that of its center"
        most = torch.stack([out.members(token)[alike[out.members(token), token].argmax()] for token in range(out.kept)])
        assert torch.equal(most, out.index), "a mean stands where another token is more typical"


def test_simplecluster_by_rotary_positions_keeps_clusters_together() -> None:
    tokens = normal(1, 1, 60).expand(8, 16, 60) + 0.05 * normal(8, 16, 60, seed=1)

    def reach(rotary: bool) -> float:
        out = METHODS["simplecluster"](tokens, 0.1, rotary=rotary)
        frame = torch.arange(8).repeat_interleave(16)
        return float((frame - out.frame[out.assignment]).abs().double().mean())

    assert reach(True) < 0.6 * reach(False)


def test_kitoke_draws_every_token_by_its_probability() -> None:
    weight = torch.tensor([8.0, 1, 1, 2, 0.5, 0.5, 3, 4], dtype=torch.float64)
    probability = inclusion_probabilities(weight, 4)
    # 8 of 20 times 4 is more than 1; the others share 3 by their 12; then 4 is exactly 1.
    torch.testing.assert_close(probability, torch.tensor([1, 0.25, 0.25, 0.5, 0.125, 0.125, 0.75, 1]).double())
    times, rounds = torch.zeros(8), 4000
    chance = torch.rand(rounds, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for row in chance.tolist():
        chosen = draw(probability.tolist(), row)
        assert len(set(chosen)) == len(chosen) == 4
        times[chosen] += 1
    deviation = (probability * (1 - probability) / rounds).sqrt().float()
    assert ((times / rounds - probability).abs() <= 4 * deviation + 1e-9).all()


def test_kitoke_draws_more_of_what_is_rare() -> None:
    # 15 of 16 tokens of a frame are alike but for noise, the last is far from all: there are 8 of these.
    tokens = 0.1 * normal(8, 16, 20)
    tokens[:, 15] += 5 * normal(8, 20, seed=1)
    method = METHODS["kitoke"]
    kept = torch.stack([(method(tokens, 16 / 128, seed=seed).position == 15).sum() for seed in range(8)])
    assert (kept >= 7).all()
    assert not torch.equal(method(tokens, 0.1, seed=1).index, method(tokens, 0.1, seed=2).index)


def test_kitoke_merges_by_weights_within_intervals() -> None:
    tokens = scenes(5, 4, positions=6, channels=8) + 0.05 * normal(9, 6, 8, seed=3)
    out = METHODS["kitoke"](tokens, 0.2)
    assert out.trace.segments.tolist() == [[0, 5], [5, 9]]
    flat = tokens.flatten(0, 1)
    alpha = kernel_bandwidth(flat)
    weight = 1 / (-torch.cdist(flat, flat).square() / alpha).exp().sum(1)
    scene = (torch.arange(54) >= 30).long()
    for token in range(out.kept):
        members = out.members(token)
        assert len(scene[members].unique()) == 1
        expected = (weight[members, None] * flat[members]).sum(0) / weight[members].sum()
        torch.testing.assert_close(out.tokens[token], expected)


def test_kitoke_has_no_bandwidth_of_zero() -> None:
    assert kernel_bandwidth(torch.ones(50, 3, dtype=torch.float64)) == 1
    two = torch.zeros(100, 1, dtype=torch.float64)
    two[50:] = 2
    assert kernel_bandwidth(two) == pytest.approx(2)  # half of the pairs at 0, half at 4
    assert kernel_bandwidth(torch.arange(1000.0).double()[:, None]) == 25  # the tenth neighbor, five on each side


def test_unicomp_fuses_a_position_with_what_it_covers() -> None:
    east, west = torch.eye(4, dtype=torch.float64)[0], torch.eye(4, dtype=torch.float64)[1]
    frame = torch.stack([east, east * 3, west, east * 2])
    out = METHODS["unicomp"](frame.expand(2, 4, 4), 2 / 8)  # both frames are one group, of two tokens
    assert out.trace.segments.tolist() == [[0, 2]]
    assert out.index.tolist() == [0, 2]  # the unlike one, and the first of those that are alike
    torch.testing.assert_close(out.tokens, torch.stack([(east + 2 * east) / 2, west]))
    assert out.assignment.tolist() == [0, 0, 1, 0, 0, 0, 1, 0]


def test_unicomp_gives_no_group_more_frames_than_the_count_allows() -> None:
    out = METHODS["unicomp"](scenes(20), 0.2)  # a frame joins while the group has at most 1 / r
    assert out.trace.segments.tolist() == [[0, 6], [6, 12], [12, 18], [18, 20]]
    whole = METHODS["unicomp"](scenes(20), 0.9)  # 144 tokens need 18 frames, where the groups of two would be 10
    assert len(whole.trace.segments) == 18


def test_flashvid_follows_what_moves_and_averages_its_tree() -> None:
    # Every token moves on by one position from frame to frame, and changes a little.
    base = normal(8, 32)
    tokens = torch.stack([base.roll(frame, dims=0) for frame in range(4)]) + 0.05 * normal(4, 8, 32, seed=2)
    tokens = torch.cat([tokens, normal(8, 8, 32, seed=3)])  # eight frames that are all different: the other segments
    out = METHODS["flashvid"](tokens, 0.25, torch.ones(12, 8), salient_fraction=0.0, tree_threshold=0.9)
    assert out.trace.segments[0].tolist() == [0, 4]
    assert out.index[:8].tolist() == list(range(8)), "trees are not seated in their first frame"
    for token in range(8):
        place = [frame * 8 + (token + frame) % 8 for frame in range(4)]
        assert out.members(token).tolist() == place
        torch.testing.assert_close(out.tokens[token], tokens.flatten(0, 1)[place].mean(0))


def test_flashvid_chooses_different_tokens_where_saliency_alone_would_not() -> None:
    tokens = normal(1, 6, 20) + 5  # so that products with the frame's mean are above 0
    tokens[0, 1] = tokens[0, 0]
    saliency = torch.tensor([[10.0, 9, 1, 1, 1, 1]])
    assert METHODS["top-saliency"](tokens, 2 / 6, saliency).index.tolist() == [0, 1]
    out = METHODS["flashvid"](tokens, 2 / 6, saliency, salient_fraction=1.0)
    assert out.kept == 2
    assert set(out.index.tolist()) & {0, 1}
    assert set(out.index.tolist()) - {0, 1}


def test_holitoms_windows_are_the_scenes_that_stand_still() -> None:
    tokens = scenes(6, 1, 4)
    windows = static_windows(tokens, 0.8)
    assert windows.edges.tolist() == [[0, 6], [6, 7], [7, 11]]
    assert windows.static.sum(1).tolist() == [8, 0, 8]
    assert windows.sizes().tolist() == [8] + [0] * 6 + [0, 8] + [8] + [0] * 4
    out = METHODS["holitom"](tokens + 0.01 * normal(11, 8, 16, seed=1), 24 / 88)  # all that is left of three scenes
    assert out.index.tolist() == [*range(8), *range(48, 56), *range(56, 64)]


def test_holitoms_windows_may_give_up_static_tokens_for_longer_runs() -> None:
    # Position 0 stands still throughout, position 1 until frame 2: one window saves 5, two save 2 * 2 + 2.
    tokens = normal(6, 3, 32)
    tokens[:, 0] = tokens[0, 0]
    tokens[:3, 1] = tokens[0, 1]
    windows = static_windows(tokens, 0.8)
    assert windows.edges.tolist() == [[0, 3], [3, 6]]
    assert windows.static.tolist() == [[True, True, False], [True, False, False]]
    # More tokens than the 12 that are left: the first of the least static ones is let go, which wins two.
    assert windows.keeping(13).static.tolist() == [[False, True, False], [True, False, False]]


def test_shares_by_size_add_up_stay_within_the_sizes_and_take_turns() -> None:
    assert share_by_size(4, torch.tensor([3] * 8)) == [1, 0, 1, 0, 1, 0, 1, 0]
    assert share_by_size(0, torch.tensor([0, 0])) == [0, 0]
    g = torch.Generator().manual_seed(0)
    for _ in range(200):
        sizes = torch.randint(0, 9, (12,), generator=g)
        total = int(torch.randint(0, int(sizes.sum()) + 1, (), generator=g))
        shares = torch.tensor(share_by_size(total, sizes))
        assert shares.sum() == total
        assert ((shares >= 0) & (shares <= sizes)).all()
        assert ((shares - total * sizes / max(1, int(sizes.sum()))).abs() < 1).all()


def test_holitom_keeps_the_salient_of_what_moves() -> None:
    tokens, saliency = normal(4, 10, 32), torch.rand(4, 10, generator=torch.Generator().manual_seed(1))
    out = METHODS["holitom"](tokens, 0.3, saliency)  # nothing stands still: three of every frame
    top = saliency.topk(3, dim=1).indices.sort(dim=1).values + 10 * torch.arange(4)[:, None]
    assert torch.equal(out.index.view(4, 3), top)
    assert not out.is_context.any()


def test_tango_takes_one_of_each_kind_of_salient_tokens() -> None:
    # The two most salient tokens are nearly the same; of four, three candidates are looked at for two that stay.
    tokens = normal(1, 4, 12)
    tokens[0, 1] = tokens[0, 0] + 0.01
    saliency = torch.tensor([[3.0, 4, 2, 1]])
    out = METHODS["tango"](tokens, 0.5, saliency, context_fraction=0.0)
    assert out.index.tolist() == [1, 2]
    assert METHODS["holitom"](tokens, 0.5, saliency).index.tolist() == [0, 1]


def test_tango_shares_the_budget_by_frames_and_not_by_what_is_left_of_them() -> None:
    tokens = torch.cat([scenes(6), normal(6, 8, 16, seed=5)])
    tango, holitom = (METHODS[name](tokens, 0.25) for name in ("tango", "holitom"))
    assert (tango.frame < 6).sum() == 12  # half of 24, though only 8 different ones are there
    assert (holitom.frame < 6).sum() < 6


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("simplecluster", {"iterations": 0}, ValueError, "iterations: got 0; expected whole numbers from 1"),
        ("simplecluster", {"iterations": 2.5}, TypeError, "iterations: got float; expected a whole number"),
        ("simplecluster", {"rotary": 1}, TypeError, "rotary: got int; expected True or False"),
        ("simplecluster", {"columns": 0}, ValueError, "columns: got 0; expected whole numbers from 1"),
        ("simplecluster", {"seed": -1}, ValueError, "seed: got -1; expected whole numbers from 0"),
        ("kitoke", {"seed": True}, TypeError, "seed: got bool; expected a whole number"),
        ("kitoke", {"bandwidth": 0}, ValueError, "bandwidth: got 0; expected numbers above 0"),
        ("kitoke", {"cut_threshold": -1}, ValueError, "cut_threshold: got -1; expected numbers from 0"),
        ("kitoke", {"relative_contrast": "much"}, TypeError, "relative_contrast: got str; expected a number"),
        ("unicomp", {"frame_threshold": 3}, ValueError, "frame_threshold: got 3; expected numbers from 0 to 2"),
        ("unicomp", {"cover_threshold": float("nan")}, ValueError, "cover_threshold: got nan; expected numbers from 0"),
        ("flashvid", {"salient_fraction": 1.1}, ValueError, "salient_fraction: got 1.1; expected numbers from 0 to 1"),
        ("flashvid", {"neighbors": 0}, ValueError, "neighbors: got 0; expected whole numbers from 1"),
        ("holitom", {"static_threshold": True}, TypeError, "static_threshold: got bool; expected a number"),
        ("holitom", {"anchor_weight": -0.1}, ValueError, "anchor_weight: got -0.1; expected numbers from 0 to 1"),
        ("tango", {"context_fraction": 2}, ValueError, "context_fraction: got 2; expected numbers from 0 to 1"),
        ("tango", {"column": 4}, ValueError, "column: not an option of the method 'tango' .did you mean 'columns'"),
    ],
)
def test_options_out_of_range_are_named(
    name: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        METHODS[name](normal(3, 4, 5), 0.5, **options)


@pytest.mark.parametrize("name", OWN)
def test_the_option_values_that_are_written_down_are_the_defaults(name: str) -> None:
    """`check` and `choose` both spell the defaults out."""
    method = METHODS[name]
    assert method.choose is not None
    assert method.check is not None
    defaults = {key: p.default for key, p in list(inspect.signature(method.choose).parameters.items())[3:]}
    assert {key: p.default for key, p in inspect.signature(method.check).parameters.items()} == defaults
    assert tuple(defaults) == method.options
