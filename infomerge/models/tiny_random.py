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

from infomerge.models.adapters import TinyModel, VideoAdapter, adapters
from infomerge.models.adapters.base import SUFFIX

_CHAT = (
    "{% for message in messages %}<|im_start|>user\n{% for part in message.content %}{% if part.type == 'video' %}VIDEO"
    "{% elif part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def save_tiny_random_model(folder: Path | str, name: str = "LlavaOnevision", seed: int = 0) -> Path:
    """Write a small checkpoint with random weights, which `infomerge.models.load` and `infomerge ask` take.

    Args:
        folder: where to; it is made, and must be empty.
        name: a class of `infomerge.models.SUPPORTED`, with or without its ending. "LlavaOnevision" has the real one's
            196 tokens per frame and 1-D positions; "Qwen2_5_VL" frames of any shape and M-RoPE.
        seed: of the weights.

    Returns:
        The folder.

    Raises:
        ValueError: the name is unknown.
        FileExistsError: the folder holds something.
    """
    known = {class_name.removesuffix(SUFFIX): adapter for class_name, adapter in adapters().items()}
    if name.removesuffix(SUFFIX) not in known:
        raise ValueError(f"name: found {name!r}; accepted are {', '.join(known)}")
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"folder: found {str(folder)!r} with something in it; accepted is a new or empty one")
    adapter = known[name.removesuffix(SUFFIX)]
    tiny = adapter.demo or adapter.tiny
    tokenizer = byte_tokenizer(tiny)
    model = random_model(adapter, tokenizer, tiny, seed)
    with without_progress_bars():
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "video_preprocessor_config.json").write_text(json.dumps(tiny.settings), encoding="utf-8")
    return folder


def random_model(adapter: type[VideoAdapter], tokenizer: Any, tiny: TinyModel, seed: int = 0) -> Any:
    """A small model of a class, with the tokenizer's vocabulary. torch's own random numbers are left alone."""
    ids = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in [*_MARKS, *tiny.special_tokens]}
    ends = {"bos_token_id": None, "eos_token_id": ids["<|im_end|>"], "pad_token_id": ids["<|endoftext|>"]}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = adapter.model_class()(adapter.tiny_config(ids, tiny, vocab_size=len(tokenizer), **ends))
    # With the small weights of a fresh model, every prompt would be answered alike.
    for weight in model.parameters():
        if weight.ndim >= 2:
            weight.data.mul_(3)
    return model


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


def byte_tokenizer(tiny: TinyModel) -> Any:
    """One token a byte of text, and one a special token; with a chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE(vocab={letter: number for number, letter in enumerate(alphabet)}, merges=[]))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.add_special_tokens([*_MARKS, *tiny.special_tokens])
    kind: Any = PreTrainedTokenizerFast
    return kind(
        tokenizer_object=core,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        chat_template=_CHAT.replace("VIDEO", tiny.video),
        **({"extra_special_tokens": dict(tiny.tokenizer_roles)} if tiny.tokenizer_roles else {}),
    )
