"""The testbed's model: LLaVA-OneVision as transformers has it, made small enough for a laptop's processor."""

import json
import math
from pathlib import Path
from typing import Any

import torch

from infomerge.files import replaced
from infomerge.testbed.vocabulary import BEGIN, END, IMAGE, PAD, VIDEO, WORDS, make_tokenizer

FRAMES, FRAME_SIDE, PATCH = 32, 112, 8
"""Frames of a clip in training; pixels of a frame's side and of a patch's."""
GRID = (math.ceil(FRAME_SIDE / PATCH / 2),) * 2
"""Rows and columns of visual tokens of a frame."""
POSITIONS = math.prod(GRID)
TOWER_WIDTH, WIDTH = 192, 256
"""Channels of a patch inside the vision tower, and of a token in the language model."""

_PREPROCESSING = {
    "size": {"height": FRAME_SIDE, "width": FRAME_SIDE},
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
}


def make_config() -> Any:
    """The configuration: a SigLIP tower of 6 layers with a pooling head, a Qwen2 decoder of 6 layers."""
    from transformers import LlavaOnevisionConfig

    number = {word: k for k, word in enumerate(WORDS)}
    kind: Any = LlavaOnevisionConfig
    return kind(
        vision_config={
            "model_type": "siglip_vision_model",
            "image_size": FRAME_SIDE,
            "patch_size": PATCH,
            "hidden_size": TOWER_WIDTH,
            "intermediate_size": 4 * TOWER_WIDTH,
            "num_hidden_layers": 6,
            "num_attention_heads": 6,
            "vision_use_head": True,
        },
        text_config={
            "model_type": "qwen2",
            "vocab_size": len(WORDS),
            "hidden_size": WIDTH,
            "intermediate_size": 3 * WIDTH,
            "num_hidden_layers": 6,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "max_position_embeddings": 4096,
            "tie_word_embeddings": False,
            "bos_token_id": number[BEGIN],
            "eos_token_id": number[END],
            "pad_token_id": number[PAD],
        },
        image_token_index=number[IMAGE],
        video_token_index=number[VIDEO],
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
        image_grid_pinpoints=[[FRAME_SIDE, FRAME_SIDE]],
        tie_word_embeddings=False,
    )


def new_model(seed: int) -> Any:
    """The model before training, in float32; the same seed gives the same weights. torch's own draws are left alone."""
    from transformers import LlavaOnevisionForConditionalGeneration

    kind: Any = LlavaOnevisionForConditionalGeneration
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = kind(make_config())
        _spread(model)
    return model


def _spread(model: Any) -> None:
    """Weights of the decoder as training from nothing wants them: wide embeddings, small steps of each layer."""
    layers = len(model.model.language_model.layers)
    for name, weight in [*model.model.language_model.named_parameters(), *model.lm_head.named_parameters()]:
        if weight.ndim < 2:
            continue
        deviation = 0.02
        if "embed" in name:
            deviation = 0.5
        elif "o_proj" in name or "down_proj" in name:
            deviation = 0.02 / math.sqrt(layers / 2)
        torch.nn.init.normal_(weight, std=deviation)


def save(model: Any, folder: Path | str) -> Path:
    """Write a checkpoint in half precision that `from_pretrained` and `infomerge.models.load` take.

    Raises:
        FileExistsError: the folder holds something.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"folder: got {str(folder)!r} with something in it; expected a new or empty one")
    model.half().save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    with replaced(folder / "video_preprocessor_config.json") as temporary:
        settings = _PREPROCESSING | {"video_processor_type": "LlavaOnevisionVideoProcessor"}
        temporary.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    with replaced(folder / "preprocessor_config.json") as temporary:
        settings = _PREPROCESSING | {"image_processor_type": "LlavaOnevisionImageProcessor"}
        temporary.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    return folder
