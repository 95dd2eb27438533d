"""VisionTowerEncoder against the plain towers: tiny models of the real classes."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from transformers.models.llava_onevision.modeling_llava_onevision import LlavaOnevisionModel
from transformers.models.siglip2.image_processing_pil_siglip2 import convert_image_to_patches

from infomerge import compress
from infomerge.encoders import VisionTowerEncoder
from tests.encoders.towers import (
    CLS_MODELS,
    TINY,
    half_input,
    model_input,
    noise,
    tiny,
    tiny_siglip,
)


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


@pytest.mark.parametrize("layer", [None, -2])
@pytest.mark.parametrize("kind", CLS_MODELS)
def test_kept_layers_run_from_before_the_middle_block_to_the_tokens(kind, layer):
    config_class, model_class, options, prefix = CLS_MODELS[kind]
    model, frames = tiny(config_class, model_class, **options, num_hidden_layers=5), noise()
    encoder = VisionTowerEncoder(model, layer=layer, keep_layers=True, batch_size=2)
    encoding = encoder(frames)
    plain = model(model_input(frames, encoder.mean, encoder.std), output_hidden_states=True)
    expected = plain.hidden_states[1 : 6 if layer is None else 5]  # the middle of 5 blocks is the second
    torch.testing.assert_close(encoding.layers, torch.stack([states[:, prefix:] for states in expected]))
    without = VisionTowerEncoder(model, layer=layer, batch_size=2)(frames)
    assert without.layers is None
    assert torch.equal(encoding.tokens, without.tokens)
    if layer is not None:
        assert torch.equal(encoding.layers[-1], encoding.tokens)


def test_kept_layers_are_pooled_as_the_tokens_are():
    model, frames = tiny_siglip(), noise()
    encoding = VisionTowerEncoder(model, layer=-1, pool=2, keep_layers=True)(frames)
    assert encoding.layers.shape == (3, 5, 4, 32)
    assert torch.equal(encoding.layers[-1], encoding.tokens)
    out = compress(encoding.tokens, "evocut", retention_ratio=0.25, layers=encoding.layers)
    assert out.frame.tolist() == [0, 1, 2, 3, 4]


def test_layers_that_begin_after_the_tokens_are_refused():
    model = tiny_siglip(num_hidden_layers=6)
    VisionTowerEncoder(model, layer=3, keep_layers=True)
    with pytest.raises(ValueError, match="keep_layers: got layer=1; expected 3 to 6"):
        VisionTowerEncoder(model, layer=1, keep_layers=True)
