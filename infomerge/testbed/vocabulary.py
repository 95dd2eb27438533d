"""Every word that the testbed's model reads and writes, and its chat template."""

from typing import Any

from infomerge.video.questions import QUADRANTS
from infomerge.video.script import COLORS, DIRECTIONS, SHAPES

PAD, BEGIN, END, IMAGE, VIDEO = "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>"
SPECIAL = (PAD, BEGIN, END, IMAGE, VIDEO)

ANSWERS = (*COLORS, *DIRECTIONS, "yes", "no", *map(str, range(10)), *QUADRANTS)
"""Every answer is a single word."""
_QUESTION_TEXT = """
    star what which where how many is are there a the colour way does object objects move moves first or that flashes
    scenes ? ,
"""
WORDS = (*SPECIAL, *ANSWERS, *SHAPES, *_QUESTION_TEXT.split())

_TEMPLATE = (
    "{% for message in messages %}<|im_start|>"
    "{% if message.content is string %} {{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'video' %}<video>{% elif part.type == 'image' %}<image>"
    "{% elif part.type == 'text' %} {{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>{% endif %}"
)


def make_tokenizer() -> Any:
    """A tokenizer of transformers with one token a word, whatever its case; commas and question marks are words."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token=PAD))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split(Regex("[?,.!]"), "isolated")]
    )
    core.add_special_tokens(list(SPECIAL))
    kind: Any = PreTrainedTokenizerFast
    return kind(
        tokenizer_object=core,
        eos_token=END,
        pad_token=PAD,
        unk_token=PAD,
        chat_template=_TEMPLATE,
        extra_special_tokens={"image_token": IMAGE, "video_token": VIDEO},
    )
