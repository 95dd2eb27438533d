"""Saved checkpoints of the tiny models: weights, a tokenizer of characters, preprocessing, a chat template."""

import json
import string
from pathlib import Path
from typing import Any

from tests.tiny_models import KINDS, NEWLINE, PAD, VOCABULARY, special_ids

FACTOR = 8
"""Side in pixels of a token of the models whose frames keep their shape."""
MOST = 1024
"""Most pixels of a frame of these models."""

_USER = (
    "{% for message in messages %}{{ '%s' }}{% for part in message.content %}{% if part.type == 'video' %}{{ '%s' }}"
)
_REST = "{% elif part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}{% endfor %}"
_ANSWER = "{% if add_generation_prompt %}{{ '%s' }}{% endif %}"


def _template(before: str, video: str, after: str) -> str:
    user = _USER.replace("%s", before, 1).replace("%s", video, 1)
    return user + _REST + _ANSWER.replace("%s", after)


_QWEN = ("user\\n", "<|vision_start|><|video_pad|><|vision_end|>", "\\nassistant\\n")
# What stands before the video, the video, and after the question.
_CONVERSATIONS = {
    "LlavaOnevision": ("user ", "<video>\\n", "\\nassistant "),
    "LlavaNextVideo": ("USER: ", "<video>\\n", " ASSISTANT:"),
    "Qwen2VL": _QWEN,
    "Qwen2_5_VL": _QWEN,
    "Qwen3VL": _QWEN,
    "SmolVLM": ("", "", ""),
    "InternVL": ("user\\n", "<video>\\n", "\\nassistant\\n"),
    "VideoLlama3": ("user\\n", "<|video_pad|>\\n", "\\nassistant\\n"),
}
CHECKPOINTS = tuple(_CONVERSATIONS)


def settings_of(name: str) -> dict[str, Any]:
    """Settings of preprocessing of a kind's tiny checkpoint."""
    return dict(KINDS[name].adapter.tiny.settings)


def tokenizer(name: str) -> Any:
    """A tokenizer that reads every character as a token, and gives the text back as it was."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tiny, conversation = KINDS[name].adapter.tiny, _CONVERSATIONS[name]
    special = {number: token for token, number in special_ids(tiny).items()}
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
        extra_special_tokens=dict(tiny.tokenizer_roles),
        chat_template=_template(*conversation) if any(conversation) else None,
    )


def save_checkpoint(name: str, folder: Path, **options: Any) -> Path:
    """A tiny checkpoint of a kind in a folder, which is given back; options go to the model's configuration."""
    KINDS[name].build(**options).save_pretrained(folder)
    tokenizer(name).save_pretrained(folder)
    settings = folder / "video_preprocessor_config.json"
    settings.write_text(json.dumps(settings_of(name)), encoding="utf-8")
    return folder
