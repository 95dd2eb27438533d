"""Many questions about one clip in a single pass of the language model, each as if it had been asked alone."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from infomerge.testbed.vocabulary import ANSWERS, BEGIN, END, PAD
from infomerge.video import Question


def question_ids(
    tokenizer: Any, asked: Sequence[Question], words: int | None = None
) -> tuple[Int[Tensor, "questions words"], Int[Tensor, "questions"]]:
    """Questions as token ids with what follows each in a chat, padded on the right.

    Args:
        tokenizer: of the checkpoint.
        asked: one or more questions.
        words: to pad to; without it, the longest question's.

    Returns:
        The ids, and the place of each question's last id, after which its answer is due.
    """
    rows = [tokenizer(f"{question.text} {END}{BEGIN}", add_special_tokens=False).input_ids for question in asked]
    length = max(map(len, rows)) if words is None else words
    blank = tokenizer.convert_tokens_to_ids(PAD)
    ids = torch.tensor([row + [blank] * (length - len(row)) for row in rows], device="cpu")
    return ids, torch.tensor([len(row) - 1 for row in rows], device="cpu")


def read(
    model: Any,
    tokens: Float[Tensor, "clips kept channels"],
    places: Int[Tensor, "clips kept"],
    total: int,
    ids: Int[Tensor, "clips questions words"],
    start: int,
) -> Float[Tensor, "clips questions words channels"]:
    """The language model's last hidden states at every word of every question.

    Each question sees the clip and its own words before. So it is read as in a prompt of its own: the same positions,
    the same values up to rounding.

    Args:
        model: the testbed's, as transformers loads it.
        tokens: visual tokens that are left, in order.
        places: of each among all tokens of its clip, ascending; they keep the positions that they had.
        total: tokens of a whole clip.
        ids: of the questions.
        start: id of the token that begins a prompt.
    """
    clips, questions, words = ids.shape
    kept = tokens.shape[1]
    embed = model.get_input_embeddings()
    begin = embed(torch.full((clips, 1), start, device=tokens.device)).to(tokens.dtype)
    newline = model.model.image_newline.to(tokens).expand(clips, 1, -1)
    prompt = torch.cat([begin, tokens, newline, embed(ids.flatten(1)).to(tokens.dtype)], dim=1)
    after = torch.arange(words, device=tokens.device).repeat(questions) + total + 2
    own = torch.cat([torch.full_like(places[:, :1], 0), places + 1, torch.full_like(places[:, :1], total + 1)], dim=1)
    positions = torch.cat([own, after.expand(clips, -1)], dim=1)
    states = model.model.language_model(
        inputs_embeds=prompt,
        position_ids=positions,
        attention_mask=_apart(kept + 2, questions, words, tokens.device).expand(clips, 1, -1, -1),
        use_cache=False,
    ).last_hidden_state
    result: Tensor = states[:, kept + 2 :].unflatten(1, (questions, words))
    return result


def _apart(shared: int, questions: int, words: int, device: torch.device) -> Bool[Tensor, "1 1 sequence sequence"]:
    """Which columns each row may look at: what is before it, but no other question."""
    size = shared + questions * words
    mask = torch.ones((size, size), dtype=torch.bool, device=device).tril()
    block = torch.arange(questions, device=device).repeat_interleave(words)
    mask[shared:, shared:] &= block[:, None] == block
    return mask[None, None]


@torch.inference_mode()
def answer_probabilities(
    model: Any,
    tokenizer: Any,
    tokens: Float[Tensor, "kept channels"],
    places: Int[Tensor, "kept"],
    total: int,
    asked: Sequence[Question],
) -> Float[Tensor, "questions answers"]:
    """How probable each of `ANSWERS` is as the next word after each question, among all words; float32.

    Args:
        model: as in `read`.
        tokenizer: of the checkpoint.
        tokens: visual tokens of one clip that are left, in order.
        places: as in `read`.
        total: as in `read`.
        asked: one or more questions.
    """
    ids, last = question_ids(tokenizer, asked)
    device = tokens.device
    states = read(
        model,
        tokens[None],
        places[None].to(device),
        total,
        ids[None].to(device),
        tokenizer.convert_tokens_to_ids(BEGIN),
    )[0]
    chosen = states[torch.arange(len(asked), device=device), last.to(device)]
    scores = functional.softmax(model.lm_head(chosen).float(), dim=-1)
    return scores[:, tokenizer.convert_tokens_to_ids(list(ANSWERS))]
