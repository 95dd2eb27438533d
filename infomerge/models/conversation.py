"""What a cache remembers of the compressed prompt in it, so that the conversation can go on without the video."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from infomerge.models.sequence import shortened
from infomerge.models.shortening import Call, checked_mask

_NAME = "_infomerge_prompt"
"""The attribute of a cache that holds its `Memory`. Copies of the cache have it too."""


@dataclass(frozen=True, eq=False)
class Memory:
    """How a shortened prompt came from the one that was given. It holds numbers of places, and no features."""

    source: Int[Tensor, "batch shortened"]
    """The column of the full prompt that each place comes from, or PADDING."""
    positions: Int[Tensor, "*axes batch shortened"]
    following: Int[Tensor, "batch"]
    """The position of the first token after each prompt."""
    full_length: int
    """Columns of the full prompt."""

    @classmethod
    def of(cls, call: Call) -> "Memory":
        """The memory of a call."""
        return cls(call.source, call.inputs["position_ids"], call.following, call.full_positions.shape[-1])

    @property
    def length(self) -> int:
        """Places of the shortened prompt."""
        return self.source.shape[1]

    @property
    def lost(self) -> int:
        """Columns that the prompt lost."""
        return self.full_length - self.length

    def repeated(self, rows: int) -> "Memory":
        """The memory of a cache each of whose rows was repeated, as several answers to one prompt are."""
        times, rest = divmod(rows, len(self.source))
        if rest:
            raise ValueError(
                f"past_key_values: found {rows} rows beside the cache of a compressed call; accepted are "
                f"{len(self.source)}, as many as that call had, or a multiple"
            )
        source, following = (part.repeat_interleave(times, dim=0) for part in (self.source, self.following))
        return Memory(source, self.positions.repeat_interleave(times, dim=-2), following, self.full_length)

    def cropped(self, held: int) -> "Memory":
        """The memory of a cache that was cropped to its first places."""
        end = self.full_length - (self.length - held)
        tail = torch.arange(end, self.full_length, device=self.source.device)
        if not (self.source[:, held:] == tail).all():
            raise ValueError(
                f"past_key_values: found a cache cropped to {held} tokens, inside or between compressed videos; "
                "accepted are crops to the end of the last video or after it, and to the words before the first"
            )
        return Memory(self.source[:, :held], self.positions[..., :held], self.following - (self.full_length - end), end)


def remember(cache: Any, memory: Memory) -> None:
    """Note in a cache which prompt lies in it."""
    setattr(cache, _NAME, memory)


def recalled(cache: Any) -> Memory | None:
    """What a cache remembers, as far as it still holds it: caches can be cropped, and emptied to be used again.

    Raises:
        ValueError: it was cropped inside or between compressed videos.
    """
    memory: Memory | None = getattr(cache, _NAME, None)
    if memory is None:
        return None
    held = int(cache.get_seq_length())
    if held < memory.length:
        left = memory.source[:, :held]
        if (left == torch.arange(held, device=left.device)).all():  # it is empty, or nothing before this was dropped
            delattr(cache, _NAME)
            return None
        memory = memory.cropped(held)
        remember(cache, memory)
    return memory


def next_positions(memory: Memory, inputs: Mapping[str, Any]) -> Int[Tensor, "*axes batch new"]:
    """Positions of what `forward` is given behind a compressed prompt, token by token."""
    given = inputs["inputs_embeds"] if inputs.get("input_ids") is None else inputs["input_ids"]
    memory = memory.repeated(len(given))
    behind = int(inputs["past_key_values"].get_seq_length()) - memory.length
    count = torch.arange(behind, behind + given.shape[1], device=given.device)
    positions = memory.following.to(given.device)[:, None] + count
    return positions.expand(*memory.positions.shape[:-2], *positions.shape)


def continued(memory: Memory, inputs: Mapping[str, Any]) -> tuple[dict[str, Any], Memory]:
    """A call of `generate` that goes on from a compressed prompt: shortened alike, and the memory of its own prompt.

    Raises:
        ValueError: the call has no ids of the whole conversation.
    """
    ids, held = inputs.get("input_ids"), int(inputs["past_key_values"].get_seq_length())
    least = held + memory.lost + 1
    if not isinstance(ids, Tensor) or ids.shape[1] < least:
        found = f"{ids.shape[1]} a row" if isinstance(ids, Tensor) else "none"
        raise ValueError(
            f"input_ids: found {found} beside the cache of a compressed call; accepted are the ids of the whole "
            f"conversation, {least} or more"
        )
    memory = memory.repeated(len(ids))
    source, following, earlier = (part.to(ids.device) for part in (memory.source, memory.following, memory.positions))
    new = torch.arange(memory.full_length, ids.shape[1], device=ids.device).expand(len(ids), -1)
    source = torch.cat([source, new], dim=1)
    positions = following[:, None] + torch.arange(new.shape[1], device=ids.device)
    positions = torch.cat([earlier, positions.expand(*earlier.shape[:-1], -1)], dim=-1)
    shorter = {
        **inputs,
        "input_ids": shortened(ids, source, 0),
        "attention_mask": shortened(checked_mask(inputs), source, 0),
        "position_ids": positions,
    }
    return shorter, Memory(source, positions, following + new.shape[1], ids.shape[1])
