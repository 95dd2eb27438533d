"""Facts about single steps that follow from the paper on paper: cases small enough to work out by hand."""

import math

import pytest
import torch

from infomerge import InfoMergeConfig, budget, compress, merging, redundancy, segmentation, selection


def test_a_still_position_has_no_fingerprint_difference() -> None:
    tokens = torch.randn(6, 3, 8, dtype=torch.float64)
    tokens[:, 1] = tokens[0, 1]
    tfd = redundancy.temporal_fingerprint_difference(tokens)
    assert tfd[1] == pytest.approx(0, abs=1e-12)
    assert tfd[0] > 0.01


def test_fingerprint_difference_of_two_orthogonal_frames_is_one() -> None:
    # F = [[1, 0], [0, 1]]: both entries of the second row differ from the first row's by 1, over (2 - 1) * 2.
    tokens = torch.eye(2, dtype=torch.float64)[:, None, :]
    assert redundancy.temporal_fingerprint_difference(tokens) == pytest.approx(1)


def test_a_single_bad_frame_moves_the_fingerprint_less_than_the_adjacent_difference() -> None:
    # One of four frames is orthogonal to the rest. F's rows: (1,1,0,1), (1,1,0,1), (0,0,1,0), (1,1,0,1):
    # differences 0 + 4 + 4 over 3 * 4. Adjacent: 1 - cos = 0, 1, 1.
    tokens = torch.tensor([[1.0, 0], [1, 0], [0, 1], [1, 0]], dtype=torch.float64)[:, None, :]
    assert redundancy.temporal_fingerprint_difference(tokens) == pytest.approx(8 / 12)
    assert redundancy.adjacent_difference(tokens) == pytest.approx(2 / 3)


def test_adjacent_windows_do_not_overlap_and_weigh_the_same() -> None:
    # Frames 0-3 alike; then frame 4 and 5 orthogonal: windows (0..3) -> 0 and (4, 5) -> 1; the cut 3|4 is inside none.
    tokens = torch.tensor([[1.0, 0]] * 4 + [[0, 1.0], [1, 0]], dtype=torch.float64)[:, None, :]
    assert redundancy.adjacent_difference(tokens) == pytest.approx(0.5)


def test_blocks_of_fingerprint_rows_do_not_change_the_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = torch.randn(23, 5, 6, dtype=torch.float64)
    whole = redundancy.temporal_fingerprint_difference(tokens)
    monkeypatch.setattr(redundancy, "BLOCK_ELEMENTS", 23 * 5 * 4)
    torch.testing.assert_close(redundancy.temporal_fingerprint_difference(tokens), whole)


def test_segments_are_cut_at_the_least_similar_transitions_and_below_the_threshold() -> None:
    transition = torch.tensor([0.99, 0.95, 0.99, 0.7, 0.99, 0.85], dtype=torch.float64)
    cuts = segmentation.find_segments(transition, 1, 0.9)
    assert cuts.tolist() == [[0, 4], [4, 6], [6, 7]]
    assert segmentation.find_segments(transition, 4, 0.9).tolist() == [[0, 2], [2, 4], [4, 6], [6, 7]]
    assert len(segmentation.find_segments(transition, 99, -1)) == 7


def test_of_equal_transitions_the_earlier_is_cut() -> None:
    transition = torch.full((5,), 0.95, dtype=torch.float64)
    assert segmentation.find_segments(transition, 3, 0.9).tolist() == [[0, 1], [1, 2], [2, 6]]


def test_richness_of_one_direction_is_zero_and_of_all_alike_is_one() -> None:
    assert budget.spectral_entropy(torch.ones(10, 4)) == pytest.approx(0, abs=1e-9)
    assert budget.spectral_entropy(torch.eye(7)) == pytest.approx(1)
    assert budget.spectral_entropy(torch.eye(4)[:2].repeat(3, 1)) == pytest.approx(math.log(2) / math.log(4))


def test_energy_spectrum_comes_from_either_gram_matrix() -> None:
    tokens = torch.randn(5, 9, dtype=torch.float64)
    expected = torch.linalg.svdvals(tokens).square()
    torch.testing.assert_close(budget.energy_spectrum(tokens), expected / expected.sum())
    torch.testing.assert_close(budget.energy_spectrum(tokens.T), expected / expected.sum())


def test_equal_segments_fall_back_to_their_lengths() -> None:
    weight = budget.content_weight(torch.ones(2).double(), torch.ones(2).double(), torch.tensor([2, 6]), 0.9, 0.1, 1.2)
    assert weight.tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    ("weight", "total", "capacity", "expected"),
    [
        ([1.0, 1, 1], 10, [9, 9, 9], [4, 3, 3]),  # remainders tie: the first segment gets the odd token
        ([8.0, 1, 1], 10, [3, 9, 9], [3, 4, 3]),  # full segments pass on what they cannot hold
        ([98.0, 1, 1], 10, [20, 20, 20], [8, 1, 1]),  # nobody is left without
        ([1.0, 1, 1], 2, [9, 9, 9], [0, 1, 1]),  # fewer tokens than segments: the lowest remainder gives, first wins
        ([3.0, 1, 1], 0, [9, 9, 9], [0, 0, 0]),
    ],
)
def test_exact_allocation(weight: list[float], total: int, capacity: list[int], expected: list[int]) -> None:
    got = budget.allocate(torch.tensor(weight).double(), total, torch.tensor(capacity), "exact")
    assert got.tolist() == expected


def test_paper_allocation_rounds_each_segment_alone() -> None:
    weight = torch.tensor([1.0, 1, 1, 0.001], dtype=torch.float64)
    got = budget.allocate(weight, 4.6, torch.tensor([9, 9, 9, 9]), "paper")
    assert got.tolist() == [2, 2, 2, 1]  # 7 tokens for 4.6: this drift is why "exact" is the default


def test_a_static_position_is_kept_once_and_then_gives_way() -> None:
    saliency = torch.tensor([[9.0, 5, 1, 0]] * 3, dtype=torch.float64)
    static = torch.tensor([[True, False, False, False]])
    out = selection.select_salient(saliency, static, torch.tensor([[0, 3]]), count=1, penalty=12)
    assert out.salient.int().argmax(1).tolist() == [0, 1, 1]
    assert out.replaced[:, 0].tolist() == [True, True, True]
    assert out.penalized[1, 0] == pytest.approx(9 - 12 * saliency[0].std(correction=0))


def test_without_a_penalty_the_same_static_position_is_kept_in_every_frame() -> None:
    saliency = torch.tensor([[9.0, 5, 1, 0]] * 3, dtype=torch.float64)
    static = torch.tensor([[True, False, False, False]])
    out = selection.select_salient(saliency, static, torch.tensor([[0, 3]]), count=1, penalty=0)
    assert out.salient.int().argmax(1).tolist() == [0, 0, 0]


def test_the_penalty_ends_with_the_segment() -> None:
    saliency = torch.tensor([[9.0, 5, 1, 0]] * 4, dtype=torch.float64)
    static = torch.tensor([[True, False, False, False]] * 2)
    out = selection.select_salient(saliency, static, torch.tensor([[0, 2], [2, 4]]), count=1, penalty=12)
    assert out.salient.int().argmax(1).tolist() == [0, 1, 0, 1]


def test_anchor_frames_are_counted_back_from_the_last_and_share_evenly() -> None:
    found = merging.find_anchor_frames(torch.tensor([[0, 10]]), torch.tensor([8]), interval=4, capacity=20)
    assert found.frame.tolist() == [1, 5, 9]
    assert found.quota.tolist() == [3, 3, 2]


def test_further_frames_join_where_the_budget_is_more_than_the_anchor_frames_hold() -> None:
    found = merging.find_anchor_frames(torch.tensor([[2, 8]]), torch.tensor([10]), interval=4, capacity=3)
    assert found.frame.tolist() == [3, 5, 6, 7]
    assert found.quota.tolist() == [3, 3, 2, 2]


def test_two_clusters_get_an_anchor_each() -> None:
    g = torch.Generator().manual_seed(0)
    tokens = 0.01 * torch.randn(1, 10, 4, generator=g, dtype=torch.float64)
    tokens[0, :6, 0] += 1
    tokens[0, 6:, 1] += 1
    best = merging.density_scores(tokens, neighbors=4)[0].topk(2).indices.tolist()
    assert {position < 6 for position in best} == {True, False}


def test_the_hard_mask_sends_the_next_anchor_frame_to_another_position() -> None:
    scores = torch.tensor([[3.0, 2, 1], [3, 2, 1]], dtype=torch.float64)
    free = torch.tensor([[0, 1, 2], [0, 1, 2]])
    frames = merging.find_anchor_frames(torch.tensor([[0, 5]]), torch.tensor([2]), interval=4, capacity=3)
    static = torch.tensor([[True, False, False]])
    chosen = merging.choose_anchors(scores, free, frames, static)
    assert chosen.int().argmax(1).tolist() == [0, 1]
    unmasked = merging.choose_anchors(scores, free, frames, torch.zeros_like(static))
    assert unmasked.int().argmax(1).tolist() == [0, 0]


def test_merging_weighs_the_anchor_by_eq_34() -> None:
    tokens = torch.tensor([[[1.0, 0], [0.9, 0.1], [0, 1]]], dtype=torch.float64)
    anchors = torch.tensor([[True, False, True]])
    assigned = merging.assign(tokens, torch.zeros_like(anchors), anchors, torch.tensor([[0, 1]]), "segment")
    assert assigned.owner.tolist() == [0, 0, 2]
    plan = merging.plan_merge(assigned, anchors.flatten(), positions=3, merge_weight=0.6)
    merged = plan.merge(tokens)
    torch.testing.assert_close(merged[0], 0.6 * tokens[0, 0] + 0.4 * tokens[0, 1])
    torch.testing.assert_close(merged[1], tokens[0, 2])
    assert plan.unmerge(merged).tolist() == [[merged[0].tolist(), merged[0].tolist(), merged[1].tolist()]]
    torch.testing.assert_close(plan.group_means(tokens)[0], tokens[0, :2].mean(0))


def test_fastvid_has_no_static_candidates_and_budgets_by_length() -> None:
    tokens = torch.randn(16, 9, 6, generator=torch.Generator().manual_seed(1))
    trace = compress(tokens, InfoMergeConfig.fastvid(0.2)).trace
    assert not trace.static.any()
    assert torch.equal(trace.budget, trace.length_budget)
    assert torch.equal(trace.saliency, trace.penalized_saliency)


def test_content_moves_the_budget_from_repeated_to_unique_segments() -> None:
    g = torch.Generator().manual_seed(2)
    common, rare = torch.randn(2, 1, 16, 32, generator=g)
    tokens = torch.cat([common.expand(24, -1, -1), rare.expand(8, -1, -1)])
    tokens = tokens + 0.1 * torch.randn(32, 16, 32, generator=g)
    trace = compress(tokens, InfoMergeConfig(retention_ratio=0.3, min_segments=2)).trace
    assert trace.segments.tolist() == [[0, 24], [24, 32]]
    assert trace.uniqueness[1] > trace.uniqueness[0]
    assert trace.budget[1] > trace.length_budget[1]


def test_aligned_fingerprints_do_not_see_a_camera_that_shakes_by_a_position() -> None:
    picture = torch.randn(8, 8, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    shaken = torch.stack(
        [picture[1 + dy : 7 + dy, 1 + dx : 7 + dx].flatten(0, 1) for dy, dx in ((0, 0), (1, 0), (0, 1), (1, 1), (0, 0))]
    )
    inner = torch.arange(36).view(6, 6)[2:4, 2:4].flatten()  # their neighborhoods stay in view, wherever they went
    plain = redundancy.temporal_fingerprint_difference(shaken)
    aligned = redundancy.temporal_fingerprint_difference(shaken, aligned=True)
    assert (plain[inner] > 0.3).all()
    torch.testing.assert_close(aligned[inner], torch.zeros(4, dtype=torch.float64), rtol=0, atol=1e-12)


def test_a_position_has_its_neighbors_on_the_grid_and_itself_beyond_the_edge() -> None:
    near = redundancy.neighborhoods(12)  # 3 x 4
    assert sorted(near[:, 5].tolist()) == [0, 1, 2, 4, 5, 6, 8, 9, 10]
    assert sorted(set(near[:, 3].tolist())) == [2, 3, 6, 7]
    assert redundancy.neighborhoods(1).flatten().tolist() == [0] * 9
    assert sorted(set(redundancy.neighborhoods(5)[:, 2].tolist())) == [1, 2, 3]  # a prime: one row


def test_a_clip_that_sets_its_cuts_is_cut_where_it_changes_four_times_as_much_as_usual() -> None:
    t = 1 - torch.tensor([0.02, 0.03, 0.02, 0.13, 0.02, 0.11], dtype=torch.float64)
    assert segmentation.adaptive_threshold(t, 0.95) == pytest.approx(0.92)
    restless = 1 - 5 * torch.tensor([0.02, 0.03, 0.02, 0.13, 0.02, 0.11], dtype=torch.float64)
    assert segmentation.adaptive_threshold(restless, 0.95) == pytest.approx(0.6)
    assert segmentation.adaptive_threshold(t[:0], 0.9) == 0.9
    config = InfoMergeConfig(segmentation="adaptive")
    still = torch.randn(1, 9, 6, dtype=torch.float64).expand(20, 9, 6)
    assert compress(still, config).trace.segments.tolist() == [[0, 20]]
