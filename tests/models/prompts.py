"""Clips and processors of tiny checkpoints."""

from typing import Any

from infomerge.models import Processor
from tests.tiny_checkpoints import settings_of, tokenizer
from tests.tiny_models import KINDS

FRAMES = 8
HEIGHT, WIDTH = 64, 96
KINDS_IN_TIME = {"Qwen2VL": 2, "Qwen2_5_VL": 2, "Qwen3VL": 2}
SIZED = ("Qwen2VL", "Qwen2_5_VL", "Qwen3VL", "VideoLlama3")


def processor_of(name: str, **settings: Any) -> Processor:
    """The processor of a kind, without its weights."""
    config = KINDS[name].build().config
    kind = tokenizer(name)
    return Processor(kind, config, settings_of(name) | settings, kind.chat_template)


def expected_grid(name: str) -> tuple[int, int, int]:
    """Tokens in time, rows and columns, by hand: squares of 48 pixels, or 24 x 32 of them in tokens of 8 x 8."""
    return FRAMES // KINDS_IN_TIME.get(name, 1), 3, 4 if name in SIZED else 3
