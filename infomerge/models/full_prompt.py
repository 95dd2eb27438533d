"""What the hooks of a shortened `generate` are shown: the prompt as it was given, and the new ids.

Processors of logits, stopping criteria, prefix functions and streamers count from the prompt's length and look at its
ids. Those that users hand over and those that transformers makes from options are treated alike: they are made for the
full prompt and they see the full prompt.
"""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxtyping import Int
from torch import Tensor, cat


@dataclass(frozen=True, eq=False)
class FullPrompt:
    """The prompts of one call of `generate` as they were given."""

    ids: Int[Tensor, "batch sequence"]
    length: int
    """Columns of the shortened prompts."""

    @property
    def lost(self) -> int:
        """Columns that the prompts lost."""
        return self.ids.shape[1] - self.length

    def restored(self, ids: Int[Tensor, "rows shortened"]) -> Int[Tensor, "rows sequence"]:
        """Ids of shortened prompts and what follows them, with the full prompts; `rows` are beams or answers."""
        prompts = self.ids.repeat_interleave(len(ids) // len(self.ids), dim=0)
        return cat([prompts.to(ids.device), ids[:, self.length :]], dim=1)

    def processors(self, stock: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What `_get_logits_processor` makes of its arguments, made for the full prompt and shown it."""
        given = self._for_full_prompt(stock, args, kwargs)
        if given.get("input_ids_seq_length") is not None:
            given["input_ids_seq_length"] += self.lost
        if given.get("encoder_input_ids") is not None:
            given["encoder_input_ids"] = self.ids
        return self._shown(stock(**given))

    def criteria(self, stock: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """What `_get_stopping_criteria` makes of its arguments, made for the full prompt and shown it."""
        return self._shown(stock(**self._for_full_prompt(stock, args, kwargs)))

    def _for_full_prompt(
        self, stock: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        given = dict(inspect.signature(stock).bind(*args, **kwargs).arguments)
        config = given["generation_config"] = copy.copy(given["generation_config"])
        for name in ("max_length", "min_length"):
            if limit := getattr(config, name, None):
                setattr(config, name, limit + self.lost)
        return given

    def _shown(self, hooks: Any) -> Any:
        """The same hooks in a list of the same kind, which is called with shortened prompts and shows the full ones."""
        kind, prompt = type(hooks), self

        class Shown(kind):  # type: ignore[misc, valid-type]  # transformers' own list, which is not imported before
            def __call__(self, input_ids: Tensor, *args: Any, **kwargs: Any) -> Any:
                return super().__call__(prompt.restored(input_ids), *args, **kwargs)

            @property
            def max_length(self) -> int | None:
                """What stopping criteria say to `generate`, which counts the shortened prompt."""
                longest: int | None = super().max_length
                return None if longest is None else longest - prompt.lost

        return Shown(hooks)


class FullPromptStreamer:
    """A streamer that is given the full prompt before the new ids."""

    def __init__(self, streamer: Any, prompt: FullPrompt) -> None:
        self._streamer = streamer
        self._prompt: FullPrompt | None = prompt

    def put(self, value: Tensor) -> None:
        """The prompt, and then new ids, in the order in which they come."""
        if self._prompt is not None:
            value, self._prompt = self._prompt.restored(value), None
        self._streamer.put(value)

    def end(self) -> None:
        """Say that nothing follows."""
        self._streamer.end()
