"""Checks of methods' options: one wording for one mistake."""

import math
from typing import TypeGuard

LARGEST_SEED = 2**63 - 1
"""The largest whole number of 64 bits with a sign, which torch's generators take as it is."""


def check_whole(name: str, value: object, least: int = 1, most: int | None = None) -> None:
    """Refuse all but whole numbers of a range; without `most` it has no upper end.

    Raises:
        TypeError: no whole number.
        ValueError: one out of the range.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: got {type(value).__name__}; expected a whole number")
    if value < least or (most is not None and value > most):
        end = "" if most is None else f" to {most}"
        raise ValueError(f"{name}: got {value}; expected whole numbers from {least}{end}")


def check_number(
    name: str, value: object, least: float, most: float = math.inf, *, above: bool = False, below: bool = False
) -> None:
    """Refuse all but finite numbers from `least` to `most`, without `least` if `above`, without `most` if `below`.

    Raises:
        TypeError: no number.
        ValueError: one out of the range, or not finite.
    """
    if not is_number(value):
        raise TypeError(f"{name}: got {type(value).__name__}; expected a number")
    low = value < least or (above and value == least)
    high = value > most or (below and value == most)
    if low or high or not math.isfinite(value):
        end = "" if most == math.inf else f"{' and below' if below else ' to'} {most:g}"
        raise ValueError(f"{name}: got {value}; expected numbers {'above' if above else 'from'} {least:g}{end}")


def check_seed(seed: object = 0) -> None:
    """Refuse what torch's generators do not take as it is."""
    check_whole("seed", seed, 0, LARGEST_SEED)


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number, as True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)
