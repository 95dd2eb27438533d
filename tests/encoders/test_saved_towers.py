"""Vision towers that were saved, with and without their preprocessing."""

import json

import pytest
import torch
import transformers

from infomerge.encoders import VisionTowerEncoder
from tests.encoders.towers import (
    CLS_MODELS,
    TINY,
    noise,
    tiny,
    tiny_siglip,
)


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
