"""How long something takes."""

from collections.abc import Callable
from time import perf_counter


def fastest(run: Callable[[], object], repeats: int = 5) -> float:
    """Seconds of the fastest of several runs, one after the other: the one that was disturbed least.

    Raises:
        ValueError: fewer than one run is asked for.
    """
    if repeats < 1:
        raise ValueError(f"repeats: got {repeats}; expected 1 or more")
    took = []
    for _ in range(repeats):
        started = perf_counter()
        run()
        took.append(perf_counter() - started)
    return min(took)
