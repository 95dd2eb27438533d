"""Two methods on clips without truth: counts against slow ones, and sentences that claim no more than they may."""

from pathlib import Path

import numpy as np
import pytest
import torch

from infomerge import EncodedClip
from infomerge.encoders import PatchPixelEncoder
from infomerge.measure.comparing import (
    compare_clip,
    differences_by_frame,
    fewest_clips,
    findings,
    same_owners,
    shared,
    shared_candidates,
)
from infomerge.methods import make_compressor
from infomerge.paper.figures_methods import most_different
from tests.commands import refusal
from tests.drawn import compressed

NAMES = ("ours", "theirs")


def test_what_two_compressions_share_is_counted_token_by_token() -> None:
    one, other = compressed(7, 12, 0.3, min_segments=3), compressed(7, 12, 0.4, min_segments=2)
    kept = [set(out.index.tolist()) for out in (one, other)]
    assert shared(one, other) == len(kept[0] & kept[1]) / len(kept[0] | kept[1])
    only = kept[0] ^ kept[1]
    assert differences_by_frame(one, other).tolist() == [sum(index // 12 == f for index in only) for f in range(7)]
    owners = [[out.index[kept].item() for kept in out.assignment.tolist()] for out in (one, other)]
    assert same_owners(one, other) == np.mean([a == b for a, b in zip(*owners, strict=True)])
    assert shared(one, one) == same_owners(one, one) == shared_candidates(one, one) == 1
    assert np.isnan(shared_candidates(one, other))  # on other segments


def rows(a: list[float], b: list[float]) -> list[dict[str, str | int | float]]:
    base = {"kept_alike": 0.5, "static_alike": float("nan")}
    return [
        {
            "clip": str(n),
            **base,
            "coverage_mean_a": x,
            "coverage_mean_b": y,
            "coverage_worst_a": 0.5,
            "coverage_worst_b": 0.5,
        }
        for n, (x, y) in enumerate(zip(a, b, strict=True))
    ]


def test_a_claim_needs_an_interval_that_leaves_out_zero_and_clips_enough_for_the_test() -> None:
    many = np.linspace(0.6, 0.8, 12)
    found = findings(rows(list(many + 0.05 + 0.01 * np.sin(np.arange(12))), list(many)), [], NAMES)
    assert found.compared[("coverage_mean",)].verdict == "higher"
    assert found.sentences[1].endswith(": ours is better.")
    assert found.sentences[2].endswith(": undecided.")  # the same for both
    assert "cannot decide" not in " ".join(found.sentences)

    few = findings(rows([0.9, 0.91, 0.92], [0.5, 0.52, 0.51]), [], NAMES)
    assert few.compared[("coverage_mean",)].difference.excludes(0)
    assert few.compared[("coverage_mean",)].verdict == "undecided"
    assert few.sentences[-1] == ("3 clips cannot decide anything: with 2 comparisons the paired test needs 7 or more.")
    # Where every clip agrees, so many are enough, and one less is not.
    for count, verdict in ((fewest_clips(2), "lower"), (fewest_clips(2) - 1, "undecided")):
        values = [0.5 + 0.01 * n for n in range(count)]
        better = findings(rows(values, [value + 0.1 + 0.001 * n for n, value in enumerate(values)]), [], NAMES)
        assert better.compared[("coverage_mean",)].verdict == verdict
    one = findings(rows([0.9], [0.5]), [], NAMES)
    assert "[" not in " ".join(one.sentences)  # no interval of one clip


def test_less_change_under_noise_is_better_whatever_else_is() -> None:
    stable = [
        {"clip": str(n), "disturbance": "fog", "strength": 0.5, "static_stable_a": 0.3 + 0.01 * n, "kept_stable_a": 0.5,
         "static_stable_b": 0.6 + 0.012 * n, "kept_stable_b": 0.5}
        for n in range(12)
    ]  # fmt: skip
    found = findings(rows([0.5] * 12, [0.5] * 12), stable, NAMES)
    (sentence,) = [text for text in found.sentences if text.startswith("Static candidates that stay under fog of 0.5")]
    assert sentence.endswith("theirs changes its mind less.")


def test_a_clip_is_measured_clean_and_disturbed() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
    encoder = PatchPixelEncoder(image_size=64)
    encoding = encoder(frames)
    clip = EncodedClip.from_arrays(encoding.tokens, frames=frames, grid=encoding.grid, name="noise")
    methods = make_compressor("infomerge", retention_ratio=0.2), make_compressor("random", retention_ratio=0.2)
    row, noisy, runs = compare_clip(clip, methods, encoder=encoder, disturbances=[("sensor_noise", 5.0)])
    assert row["kept_alike"] == shared(*runs)
    assert "kl_divergence_a" not in row  # bare pixels have no answers to compare
    (line,) = noisy
    assert line["kept_stable_b"] == 1  # drawn by the seed, whatever is seen
    assert 0 <= line["kept_stable_a"] <= 1
    assert np.isnan(line["static_stable_b"])
    with pytest.raises(ValueError, match="disturbances: got tokens of one's own"):
        compare_clip(EncodedClip.from_arrays(torch.rand(3, 4, 5)), methods, disturbances=[("fog", 0.5)])


def test_methods_that_keep_the_same_are_left_out_of_the_picture() -> None:
    clip = EncodedClip.from_arrays(torch.rand(8, 36, 6, generator=torch.Generator().manual_seed(1)))
    names = ("infomerge", "infomerge-adjacent", "fastvid", "random", "top-saliency", "uniform-frames")
    runs = {name: clip.compress(name, retention_ratio=0.2) for name in names}
    runs["twin"] = runs["random"]
    taken = most_different(runs)
    assert next(iter(taken)) == "infomerge"
    assert {"infomerge", "fastvid"} <= set(taken)
    assert ("twin" in taken) != ("random" in taken)
    assert sum(map(len, taken.values())) + len(taken) == len(runs)
    assert len(most_different(runs, most=3)) == 3


BAD = {
    "one method": (["--method", "infomerge"], "--method: got 1; name two methods"),
    "the same twice": (["--method", "tome", "--method", "tome"], "--method: tome and tome are the same"),
    "a pair and a method": (["--pair", "priors", "--method", "tome"], "--pair: is a pair of methods"),
    "no such noise": (["--disturb", "rain=3"], "--disturb: no disturbance 'rain'; choose from"),
    "no strength": (["--disturb", "fog"], "--disturb: 'fog' has no strength; write fog=STRENGTH"),
    "too strong": (["--disturb", "fog=2"], "--disturb: 'fog=2' has no strength"),
    "an unknown option": (["--method", "tome,speed=1", "--method", "random"], "speed: not an option"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_compared_is_refused_in_one_line(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options, said = BAD[case]
    assert said in refusal(capfd, "compare", "carphone", *options, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_videos_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    line = refusal(capfd, "compare", tmp_path, "--out", tmp_path / "out")
    assert line.startswith(f"CLIP: got no video in '{tmp_path}'; expected files of .3gp, .avi")
