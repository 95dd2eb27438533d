"""What the network's head says after compression, and how well owners cover their tokens."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from infomerge.compression import Compression
from infomerge.encoders import EfficientNetEncoder, Encoding
from infomerge.inputs import clip_tensors
from infomerge.measure.coverage import coverage, owner_similarity
from infomerge.measure.fidelity import fidelity, reconstruct
from infomerge.methods import METHODS
from infomerge.methods.result import Ownership, assemble
from infomerge.video import sample_clip


@pytest.fixture(scope="module")
def encoder() -> EfficientNetEncoder:
    return EfficientNetEncoder(image_size=128)


@pytest.fixture(scope="module")
def encoding(encoder: EfficientNetEncoder) -> Encoding:
    return encoder(sample_clip("bikes", num_frames=12).frames)


@pytest.fixture(scope="module", params=["infomerge", "dycoke", "uniform-frames"])
def out(request: pytest.FixtureRequest, encoding: Encoding) -> Compression:
    return METHODS[request.param](encoding.tokens, 0.2, encoding.saliency)


class Sums:
    """A head without a network: the logits of a frame are the sum of its tokens."""

    def classify(self, tokens: Tensor) -> Tensor:
        return tokens.sum(dim=1)


def by_hand(tokens: Tensor, owner: list[int]) -> Compression:
    """A compression in which kept tokens stay as they are."""
    owners = torch.tensor(owner)
    kept = int((owners == torch.arange(len(owners))).sum())
    merged = torch.zeros(len(owners), dtype=torch.bool)
    return assemble(clip_tensors(tokens), Ownership(owners, merged), kept, "by hand")


@pytest.mark.parametrize("name", ["infomerge", "visionzip", "tome", "random"])
def test_all_tokens_kept_change_nothing(name: str, encoder: EfficientNetEncoder, encoding: Encoding) -> None:
    out = METHODS[name](encoding.tokens, 1.0, encoding.saliency)
    assert torch.equal(reconstruct(out), encoding.tokens)
    found = fidelity(out, encoder)
    assert (found.top1_agreement, found.kl_divergence) == (1, 0)
    assert coverage(out).worst == pytest.approx(1, abs=1e-6)


def test_the_feature_map_holds_each_tokens_owner(out: Compression, encoding: Encoding) -> None:
    image = reconstruct(out)
    assert image.shape == encoding.tokens.shape
    for number in range(out.kept):
        for index in out.members(number).tolist():
            assert torch.equal(image[index // out.positions, index % out.positions], out.tokens[number])


def test_fidelity_against_a_loop_over_frames(
    out: Compression, encoder: EfficientNetEncoder, encoding: Encoding
) -> None:
    full = encoder.classify(encoding.tokens)
    after = encoder.classify(reconstruct(out))
    agree, divergence = [], []
    for before_frame, after_frame in zip(full.double().numpy(), after.double().numpy(), strict=True):
        p, q = (np.exp(x - x.max()) / np.exp(x - x.max()).sum() for x in (before_frame, after_frame))
        agree.append(p.argmax() == q.argmax())
        divergence.append((p * np.log(p / q)).sum())
    found = fidelity(out, encoder)
    assert found.top1_agreement == np.mean(agree)
    assert found.kl_divergence == pytest.approx(np.mean(divergence))
    assert found.kl_divergence > 0
    assert fidelity(out, encoder, full) == found


def test_divergence_of_a_known_pair() -> None:
    # Frames with odds of 3 to 1 and 1 to 1; the second takes over the first's token.
    tokens = torch.tensor([[[math.log(3.0), 0.0]], [[0.0, 0.0]]], dtype=torch.float64)
    found = fidelity(by_hand(tokens, [0, 0]), Sums())
    assert found.kl_divergence == pytest.approx((0 + 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)) / 2)
    # Equal logits: the first class is the highest, as in the other frame.
    assert found.top1_agreement == 1
    turned = fidelity(by_hand(torch.cat([tokens[:1], -tokens[:1]]), [0, 0]), Sums())
    assert turned.top1_agreement == 0.5
    assert turned.kl_divergence == pytest.approx(math.log(3) / 4)


def test_fewer_tokens_say_less(encoder: EfficientNetEncoder, encoding: Encoding) -> None:
    found = [
        fidelity(METHODS["infomerge"](encoding.tokens, ratio, encoding.saliency), encoder).kl_divergence
        for ratio in (0.05, 0.3, 0.9)
    ]
    assert found[0] > found[1] > found[2] > 0


def test_logits_of_another_clip(out: Compression, encoder: EfficientNetEncoder, encoding: Encoding) -> None:
    with pytest.raises(ValueError, match=r"full_logits: got shape \[3, 1000\]; expected \[12, 1000\]"):
        fidelity(out, encoder, encoder.classify(encoding.tokens[:3]))


def test_coverage_against_a_loop_over_tokens(out: Compression, encoding: Encoding) -> None:
    values = []
    for index, number in enumerate(out.assignment.tolist()):
        token = encoding.tokens[index // out.positions, index % out.positions].double().numpy()
        owner = out.tokens[number].double().numpy()
        values.append(token @ owner / np.linalg.norm(token) / np.linalg.norm(owner))
    assert np.allclose(owner_similarity(out).numpy(), values, atol=1e-12)
    found = coverage(out)
    assert found.mean == pytest.approx(np.mean(values))
    assert found.worst == pytest.approx(np.mean(sorted(values)[:2]))  # 1 % of 192
    assert coverage(out, 1.0).worst == pytest.approx(found.mean)


def test_coverage_of_known_angles() -> None:
    tokens = torch.tensor([[[2.0, 0.0], [0.0, 3.0]], [[1.0, 1.0], [0.0, 0.0]]], dtype=torch.float64)
    out = by_hand(tokens, [0, 1, 0, 1])
    assert owner_similarity(out).tolist() == pytest.approx([1, 1, math.sqrt(0.5), 0])
    assert coverage(out).worst == 0
    assert coverage(out, 0.5).worst == pytest.approx(math.sqrt(0.5) / 2)


@pytest.mark.parametrize("share", [0, -0.1, 1.5, math.nan])
def test_bad_share(share: float, out: Compression) -> None:
    with pytest.raises(ValueError, match=r"worst_share: got .*; expected a share above 0"):
        coverage(out, share)
