"""What an exercise is made of: the function that is asked for, what it is tried on, and how it goes wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Inputs = tuple[Any, ...]
"""Arguments of one call."""


@dataclass(frozen=True)
class Mistake:
    """A way in which the function is often written wrongly."""

    wrong: Callable[..., Any]
    """The function with this mistake and no other; the docstring is its name."""
    says: str
    """One sentence to the student: what is seen, and where to look. It does not tell the solution."""


@dataclass(frozen=True)
class Exercise:
    """One function to be written."""

    name: str
    """What `check` calls it."""
    reference: Callable[..., Any]
    """The library's own function."""
    by_hand: dict[str, Inputs]
    """Tiny inputs that can be followed with a pencil, by what they show."""
    real: Callable[[], Inputs]
    """The same arguments from a real clip or a published table; read when it is first asked for."""
    mistakes: tuple[Mistake, ...]
    """The likely ones; on the inputs above each gives something else than the reference and the others."""

    real_name: str = "a real clip"
    """What the student is told of the real inputs."""

    def trials(self) -> dict[str, Inputs]:
        """All inputs in the order in which they are tried, the real ones last."""
        return {**self.by_hand, self.real_name: self.real()}
