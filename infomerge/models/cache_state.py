"""What a cache keeps of the compressed prompt in it, so that the conversation can go on without the video."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from infomerge.models.arguments import cache_in, checked_mask
from infomerge.models.sequence import gather_kept

_NAME = "_infomerge_prompt"
"""The attribute of a cache that holds its `CompressedPrompt`. Copies of the cache have it too."""


@dataclass(frozen=True, eq=False)
class CompressedPrompt:
    """How a shortened prompt came from the one that was given. It holds column numbers, and no features."""

    source: Int[Tensor, "batch shortened"]
    """The column of the full prompt that each one of the shortened prompt comes from, or PADDING."""
    position_ids: Int[Tensor, "*axes batch shortened"]
    following: Int[Tensor, "batch"]
    """The position of the first token after each prompt."""
    full_length: int
    """Columns of the full prompt."""

    @property
    def length(self) -> int:
        """Columns of the shortened prompt."""
        return self.source.shape[1]

    @property
    def lost(self) -> int:
        """Columns that the prompt lost."""
        return self.full_length - self.length

    def repeated(self, rows: int) -> "CompressedPrompt":
        """That of a cache each of whose rows was repeated, as several answers to one prompt are."""
        times, rest = divmod(rows, len(self.source))
        if rest:
            raise ValueError(
                f"past_key_values: found {rows} rows beside the cache of a compressed call; accepted are "
                f"{len(self.source)}, as many as that call had, or a multiple"
            )
        source, following = (part.repeat_interleave(times, dim=0) for part in (self.source, self.following))
        return CompressedPrompt(source, self.position_ids.repeat_interleave(times, dim=-2), following, self.full_length)

    def cropped(self, held: int) -> "CompressedPrompt":
        """That of a cache that was cropped to its first columns."""
        end = self.full_length - (self.length - held)
        tail = torch.arange(end, self.full_length, device=self.source.device)
        if not (self.source[:, held:] == tail).all():
            raise ValueError(
                f"past_key_values: found a cache cropped to {held} tokens, inside or between compressed videos; "
                "accepted are crops to the end of the last video or after it, and to the words before the first"
            )
        return CompressedPrompt(
            self.source[:, :held], self.position_ids[..., :held], self.following - (self.full_length - end), end
        )


def store(cache: Any, prompt: CompressedPrompt) -> None:
    """Note in a cache which prompt lies in it."""
    setattr(cache, _NAME, prompt)


def load(cache: Any) -> CompressedPrompt | None:
    """What a cache remembers, as far as it still holds it: caches can be cropped, and emptied to be used again.

    Raises:
        ValueError: it was cropped inside or between compressed videos.
    """
    prompt: CompressedPrompt | None = getattr(cache, _NAME, None)
    if prompt is None:
        return None
    held = int(cache.get_seq_length())
    if held < prompt.length:
        left = prompt.source[:, :held]
        if (left == torch.arange(held, device=left.device)).all():  # it is empty, or nothing before this was dropped
            delattr(cache, _NAME)
            return None
        prompt = prompt.cropped(held)
        store(cache, prompt)
    return prompt


def next_position_ids(prompt: CompressedPrompt, inputs: Mapping[str, Any]) -> Int[Tensor, "*axes batch new"]:
    """Positions of what `forward` is given behind a compressed prompt, token by token."""
    given = inputs["inputs_embeds"] if inputs.get("input_ids") is None else inputs["input_ids"]
    prompt = prompt.repeated(len(given))
    behind = int(cache_in(inputs).get_seq_length()) - prompt.length
    count = torch.arange(behind, behind + given.shape[1], device=given.device)
    positions = prompt.following.to(given.device)[:, None] + count
    return positions.expand(*prompt.position_ids.shape[:-2], *positions.shape)


def continued(prompt: CompressedPrompt, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], CompressedPrompt]:
    """A call of `generate` that goes on from a compressed prompt: shortened alike, and what its own cache is to keep.

    Raises:
        ValueError: the call has no ids of the whole conversation.
    """
    ids, held = inputs.get("input_ids"), int(cache_in(inputs).get_seq_length())
    least = held + prompt.lost + 1
    if not isinstance(ids, Tensor) or ids.shape[1] < least:
        found = f"{ids.shape[1]} a row" if isinstance(ids, Tensor) else "none"
        raise ValueError(
            f"input_ids: found {found} beside the cache of a compressed call; accepted are the ids of the whole "
            f"conversation, {least} or more"
        )
    prompt = prompt.repeated(len(ids))
    source, following, earlier = (
        part.to(ids.device) for part in (prompt.source, prompt.following, prompt.position_ids)
    )
    new = torch.arange(prompt.full_length, ids.shape[1], device=ids.device).expand(len(ids), -1)
    source = torch.cat([source, new], dim=1)
    positions = following[:, None] + torch.arange(new.shape[1], device=ids.device)
    positions = torch.cat([earlier, positions.expand(*earlier.shape[:-1], -1)], dim=-1)
    shorter = {
        **inputs,
        "input_ids": gather_kept(ids, source, 0),
        "attention_mask": gather_kept(checked_mask(inputs), source, 0),
        "position_ids": positions,
    }
    return shorter, CompressedPrompt(source, positions, following + new.shape[1], ids.shape[1])
