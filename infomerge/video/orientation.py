"""Standing frames upright as the file's display matrix asks."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Int32, UInt8

# Where the matrix sends "to the right" (x, y; y points down), by quarter turns clockwise.
_QUARTER_TURNS = {(1, 0): 0, (0, 1): 1, (-1, 0): 2, (0, -1): 3}


class Orientation(NamedTuple):
    """First a left-right mirroring, if asked for, and then quarter turns clockwise."""

    quarter_turns: int = 0
    mirrored: bool = False

    def upright(self, image: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
        """The image as displayed, in memory of its own."""
        image = image[:, ::-1] if self.mirrored else image
        return np.ascontiguousarray(np.rot90(image, -self.quarter_turns))


AS_STORED = Orientation()


def orientation_of(matrix: Int32[np.ndarray, "3 3"] | None) -> Orientation:
    """What a display matrix asks for; nothing if there is none, or one that is not made of quarter turns."""
    if matrix is None:
        return AS_STORED
    # Rows of the 3 x 3 matrix are the images of "right" and "down"; the third column and row do not turn anything.
    right, down = np.sign(matrix[:2, :2]).tolist()
    mirrored = right[0] * down[1] - right[1] * down[0] < 0
    if mirrored:
        right = [-right[0], -right[1]]
    turns = _QUARTER_TURNS.get((right[0], right[1]))
    if turns is None or abs(down[0]) == abs(right[0]):
        return AS_STORED
    return Orientation(turns, mirrored)
