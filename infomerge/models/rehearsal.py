"""Small checkpoints with random weights: everything that a real one has, but for what it has learned.

They are made in seconds, offline, and take the same way through tokenizer, preprocessing, vision tower, compression and
language model. What they answer means nothing.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

_CHAT = (
    "{% for message in messages %}<|im_start|>user\n{% for part in message.content %}{% if part.type == 'video' %}VIDEO"
    "{% elif part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_QWEN_MARKS = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
_HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2}


def save_random_model(folder: Path | str, name: str = "LlavaOnevision", seed: int = 0) -> Path:
    """Write a small checkpoint with random weights, which `infomerge.models.load` and `infomerge ask` take.

    Args:
        folder: where to; it is made, and must be empty.
        name: "LlavaOnevision", with the real one's 196 tokens a frame and 1-D positions, or "Qwen2_5_VL", with frames
            of any shape and M-RoPE.
        seed: of the weights.

    Returns:
        The folder.

    Raises:
        ValueError: the name is unknown.
        FileExistsError: the folder holds something.
    """
    if name not in _MODELS:
        raise ValueError(f"name: found {name!r}; accepted are {', '.join(_MODELS)}")
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"folder: found {str(folder)!r} with something in it; accepted is a new or empty one")
    marks, video, options, settings = _MODELS[name]
    tokenizer = _tokenizer([*_MARKS, *marks], _CHAT.replace("VIDEO", video))
    ids = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in [*_MARKS, *marks]}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _model(name, options, ids, len(tokenizer))
    with without_progress_bars():
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "video_preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@contextmanager
def without_progress_bars() -> Iterator[None]:
    """No bars of transformers inside the block: on a local disk they are over before they are read."""
    import transformers

    logging: Any = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _tokenizer(marks: list[str], template: str) -> Any:
    """One token a byte of text, and one a mark."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens(marks)
    kind: Any = PreTrainedTokenizerFast
    return kind(tokenizer_object=core, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=template)


def _model(name: str, options: dict[str, Any], ids: dict[str, int], vocabulary: int) -> Any:
    import transformers

    text = {**options["text_config"], "vocab_size": vocabulary, "pad_token_id": ids["<|endoftext|>"]}
    text |= {"bos_token_id": None, "eos_token_id": ids["<|im_end|>"]}
    roles = {role: ids[mark] for role, mark in options["roles"].items()}
    config = getattr(transformers, f"{name}Config")(
        **{**options["config"], "text_config": text, "vision_config": options["vision_config"], **roles}
    )
    model = getattr(transformers, f"{name}ForConditionalGeneration")(config)
    # With the small weights of a fresh model, every prompt would be answered alike.
    for weight in model.parameters():
        if weight.ndim >= 2:
            weight.data.mul_(3)
    return model


_MODELS: dict[str, tuple[list[str], str, dict[str, Any], dict[str, Any]]] = {
    "LlavaOnevision": (
        ["<image>", "<video>"],
        "<video>\n",
        {
            "config": {"vision_feature_layer": -1, "vision_feature_select_strategy": "full"},
            "vision_config": {
                "model_type": "siglip_vision_model",
                "hidden_size": 64,
                "intermediate_size": 128,
                "num_hidden_layers": 2,
                "num_attention_heads": 4,
                "image_size": 384,
                "patch_size": 14,
                "vision_use_head": False,
            },
            "text_config": {
                "model_type": "qwen2",
                "hidden_size": 64,
                "intermediate_size": 128,
                "num_hidden_layers": 4,
                "max_position_embeddings": 32768,
                **_HEADS,
            },
            "roles": {"image_token_id": "<image>", "video_token_id": "<video>"},
        },
        {
            "size": {"height": 384, "width": 384},
            "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5],
        },
    ),
    "Qwen2_5_VL": (
        _QWEN_MARKS,
        "<|vision_start|><|video_pad|><|vision_end|>",
        {
            "config": {},
            "vision_config": {
                "depth": 2,
                "hidden_size": 64,
                "intermediate_size": 128,
                "num_heads": 4,
                "out_hidden_size": 64,
                "fullatt_block_indexes": [1],
                "tokens_per_second": 2,
            },
            "text_config": {
                "hidden_size": 64,
                "intermediate_size": 128,
                "num_hidden_layers": 4,
                "max_position_embeddings": 32768,
                "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
                **_HEADS,
            },
            "roles": {
                "vision_start_token_id": "<|vision_start|>",
                "vision_end_token_id": "<|vision_end|>",
                "image_token_id": "<|image_pad|>",
                "video_token_id": "<|video_pad|>",
            },
        },
        {
            "size": {"shortest_edge": 128 * 28 * 28, "longest_edge": 128 * 28 * 28},
            "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5],
            "patch_size": 14,
            "merge_size": 2,
            "temporal_patch_size": 2,
        },
    ),
}
