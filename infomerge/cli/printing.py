"""Tables and text for a terminal."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.console import Console, OverflowMethod


def console() -> "Console":
    """Prints text as it is, folded to the terminal's width, or to 80 columns where there is no terminal."""
    from rich.console import Console

    # A clip's name may hold brackets and colons, which are not rich's mark-up.
    return Console(width=None if sys.stdout.isatty() else 80, highlight=False, markup=False, emoji=False)


def print_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    first: Literal["left", "right"] = "right",
    fold: bool = False,
) -> None:
    """Print a table whose columns are set to the right, as numbers are.

    Args:
        headings: of the columns.
        rows: a text for each column.
        first: how the first column is set.
        fold: whether columns after the first may take several lines.
    """
    from rich import box
    from rich.table import Table

    overflow: OverflowMethod = "fold" if fold else "ellipsis"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, heading in enumerate(headings):
        justify = first if number == 0 else "right"
        table.add_column(heading, justify=justify, no_wrap=number == 0 or not fold, overflow=overflow)
    for row in rows:
        table.add_row(*row)
    console().print(table)
