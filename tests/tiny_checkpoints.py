"""Saved checkpoints of the tiny models: weights, a tokenizer of characters, preprocessing, a chat template."""

import json
import string
from pathlib import Path
from typing import Any

from tests.tiny_models import END, GLOBAL, IMAGE, KINDS, NEWLINE, PAD, START, VIDEO, VOCABULARY

FACTOR = 8
"""Side in pixels of a token of the models whose frames keep their shape."""
MOST = 1024
"""Most pixels of a frame of these models."""
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
UNEVEN = {"image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28]}
_SIZED = {"patch_size": 4, "merge_size": 2}

_USER = (
    "{% for message in messages %}{{ '%s' }}{% for part in message.content %}{% if part.type == 'video' %}{{ '%s' }}"
)
_REST = "{% elif part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{% endfor %}"
_ANSWER = "{% if add_generation_prompt %}{{ '%s' }}{% endif %}"


def _template(before: str, video: str, after: str) -> str:
    user = _USER.replace("%s", before, 1).replace("%s", video, 1)
    return user + _REST + _ANSWER.replace("%s", after)


_QWEN_TOKENS = {
    VIDEO: "<|video_pad|>",
    IMAGE: "<|image_pad|>",
    START: "<|vision_start|>",
    END: "<|vision_end|>",
}
# For each kind: special tokens, roles of some of them, settings of preprocessing, and what stands before the video, the
# video, and after the question.
CHECKPOINTS: dict[str, tuple[dict[int, str], dict[str, str], dict[str, Any], tuple[str, str, str]]] = {
    "LlavaOnevision": (
        {VIDEO: "<video>", IMAGE: "<image>"},
        {"video_token": "<video>", "image_token": "<image>"},
        {"size": {"height": 48, "width": 48}, **UNEVEN},
        ("user ", "<video>\\n", "\\nassistant "),
    ),
    "LlavaNextVideo": (
        {VIDEO: "<video>", IMAGE: "<image>"},
        {},
        {"size": {"shortest_edge": 48}, "crop_size": {"height": 48, "width": 48}, **UNEVEN},
        ("USER: ", "<video>\\n", " ASSISTANT:"),
    ),
    "Qwen2VL": (
        _QWEN_TOKENS,
        {},
        {"min_pixels": 64, "max_pixels": MOST, "temporal_patch_size": 2, **_SIZED, **UNEVEN},
        ("user\\n", "<|vision_start|><|video_pad|><|vision_end|>", "\\nassistant\\n"),
    ),
    "Qwen2_5_VL": (
        _QWEN_TOKENS,
        {},
        {"size": {"shortest_edge": 64, "longest_edge": MOST}, "temporal_patch_size": 2, **_SIZED, **UNEVEN},
        ("user\\n", "<|vision_start|><|video_pad|><|vision_end|>", "\\nassistant\\n"),
    ),
    "Qwen3VL": (
        _QWEN_TOKENS,
        {},
        {"size": {"shortest_edge": 64, "longest_edge": 8 * MOST}, "temporal_patch_size": 2, **_SIZED, **HALF},
        ("user\\n", "<|vision_start|><|video_pad|><|vision_end|>", "\\nassistant\\n"),
    ),
    "SmolVLM": (
        {IMAGE: "<image>", START: "<fake_token_around_image>", GLOBAL: "<global-img>", END: "<end_of_utterance>"},
        {"image_token": "<image>", "fake_image_token": "<fake_token_around_image>"},
        {"size": {"longest_edge": 96}, "max_image_size": {"longest_edge": 48}, **HALF},
        ("", "", ""),
    ),
    "InternVL": (
        {VIDEO: "<video>", IMAGE: "<IMG_CONTEXT>", START: "<img>", END: "</img>"},
        {
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
        {"size": {"height": 48, "width": 48}, **UNEVEN},
        ("user\\n", "<video>\\n", "\\nassistant\\n"),
    ),
    "VideoLlama3": (
        {VIDEO: "<|video_pad|>", IMAGE: "<image>"},
        {"video_token": "<|video_pad|>"},
        {"size": {"shortest_edge": 64, "longest_edge": 8 * MOST}, "temporal_patch_size": 1, **_SIZED, **HALF},
        ("user\\n", "<|video_pad|>\\n", "\\nassistant\\n"),
    ),
}


def tokenizer(name: str) -> Any:
    """A tokenizer that reads every character as a token, and gives the text back as it was."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special, roles, _, conversation = CHECKPOINTS[name]
    tokens = {PAD: "<pad>", 1: "<s>", 2: "</s>", 3: "<unk>", NEWLINE: "\n", **special}
    free = (number for number in range(4, VOCABULARY) if number not in tokens)
    characters = string.ascii_letters + string.digits + " .,:;?!'<>|[]-_()/"
    tokens |= dict(zip(free, characters, strict=False))
    tokens |= {number: f"<{number}>" for number in range(VOCABULARY) if number not in tokens}
    core = Tokenizer(models.WordLevel({token: number for number, token in tokens.items()}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    core.decoder = decoders.Fuse()
    core.add_special_tokens(list(special.values()))
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        extra_special_tokens=roles,
        chat_template=_template(*conversation) if any(conversation) else None,
    )


def save_checkpoint(name: str, folder: Path, **options: Any) -> Path:
    """A tiny checkpoint of a kind in a folder, which is given back; options go to the model's configuration."""
    KINDS[name].build(**options).save_pretrained(folder)
    tokenizer(name).save_pretrained(folder)
    settings = folder / "video_preprocessor_config.json"
    settings.write_text(json.dumps(CHECKPOINTS[name][2]), encoding="utf-8")
    return folder
