"""A progress bar for what takes more than a second, on standard error; TQDM_DISABLE=1 turns it off."""

import sys

from infomerge.extras import needs

with needs("video"):
    from tqdm import tqdm


class _Bar(tqdm):  # type: ignore[misc]
    # No thread that watches the bars: reading leaves none behind.
    monitor_interval = 0


def progress(name: str, total: int | None, unit: str, initial: int = 0) -> tqdm:
    """A bar to be used as a context and moved by `update`.

    In a notebook there is none: what it wipes itself out with would stay under the cell, as a red box of blanks.
    """
    hidden = {"disable": True} if _in_kernel() else {}
    return _Bar(total=total, initial=initial, desc=name, unit=unit, delay=1, leave=False, **hidden)


def _in_kernel() -> bool:
    """Whether a notebook's kernel runs this, and not a program that has merely imported one."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None
