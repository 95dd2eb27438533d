"""Tiny vision towers of the real classes, frames for them, and their plain input."""

import numpy as np
import torch
import transformers

from infomerge.encoders.base import pixel_values

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
