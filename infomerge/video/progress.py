"""A progress bar for what takes more than a second, on standard error; TQDM_DISABLE=1 turns it off."""

from infomerge.extras import needs

with needs("video"):
    from tqdm import tqdm


class _Bar(tqdm):  # type: ignore[misc]
    # No thread that watches the bars: reading leaves none behind.
    monitor_interval = 0


def progress(name: str, total: int | None, unit: str) -> tqdm:
    """A bar to be used as a context and moved by `update`."""
    return _Bar(total=total, desc=name, unit=unit, delay=1, leave=False)
