"""Hidden states of a vision tower's layers, for the methods that need more than its last one."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn


def late_entries(blocks: int, last: int) -> range:
    """Entries of a tower's hidden states, from the one before its middle block to entry `last`.

    Entry 0 is the embedding, entry l the output of block l, counted from 1. The middle of 24 blocks is block 12, where
    EvoCut begins.
    """
    return range(max(1, blocks // 2) - 1, last + 1)


@contextmanager
def recorded_states(blocks: Sequence[nn.Module]) -> Iterator[list[list[Tensor]]]:
    """What goes into the first of neighboring blocks and comes out of each, in the calls that this thread makes.

    A list for each of these places, in their order, of one tensor a call.
    """
    records: list[list[Tensor]] = [[] for _ in range(len(blocks) + 1)]
    thread = threading.get_ident()

    def before(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if threading.get_ident() == thread:
            records[0].append((args[0] if args else kwargs["hidden_states"]).detach())

    def after(number: int, output: Any) -> None:
        if threading.get_ident() == thread:
            records[number].append((output[0] if isinstance(output, tuple) else output).detach())

    with ExitStack() as hooks:
        hooks.callback(blocks[0].register_forward_pre_hook(before, with_kwargs=True).remove)
        for number, block in enumerate(blocks, start=1):
            hook = block.register_forward_hook(lambda _, __, output, number=number: after(number, output))
            hooks.callback(hook.remove)
        yield records
