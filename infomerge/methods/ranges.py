"""Options of methods: what they may be, and the one sentence that refuses what they may not."""

import math


def check_number(name: str, value: object, least: float, most: float = math.inf, *, above: bool = False) -> None:
    """Refuse what is no finite number from `least` to `most`; `least` itself, too, where it must be `above`.

    Raises:
        TypeError: it is no number.
        ValueError: it is out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name}: got {type(value).__name__}; expected a number")
    if not (least <= value <= most and math.isfinite(value)) or (above and value == least):
        wanted = f"numbers above {least:g}" if above else _range("numbers", least, most)
        raise ValueError(f"{name}: got {value}; expected {wanted}")


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
