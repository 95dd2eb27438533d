"""Options of methods: what they may be, and the one sentence that refuses what they may not."""

import math


def check_number(name: str, value: object, least: float, most: float = math.inf) -> None:
    """Refuse what is no finite number from `least` to `most`.

    Raises:
        TypeError: it is no number.
        ValueError: it is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: got {type(value).__name__}; expected a number")
    if not (least <= value <= most and math.isfinite(value)):
        raise ValueError(f"{name}: got {value}; expected {_range('numbers', least, most)}")


def check_whole(name: str, value: object, least: int) -> None:
    """Refuse what is no whole number from `least` on.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is below `least`.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}: got {type(value).__name__}; expected a whole number")
    if value < least:
        raise ValueError(f"{name}: got {value}; expected {_range('whole numbers', least, math.inf)}")


def _range(what: str, least: float, most: float) -> str:
    return f"{what} from {least:g}" + ("" if math.isinf(most) else f" to {most:g}")
