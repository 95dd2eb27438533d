"""Arrays as the views' traits hold them."""

from typing import Any

import numpy as np
from jaxtyping import Shaped
from torch import Tensor


def packed(values: Tensor | Shaped[np.ndarray, "*shape"], dtype: str) -> dict[str, Any]:
    """C-ordered little-endian bytes of a dtype, with its name: `{"dtype": ..., "bytes": ...}`."""
    array = values.cpu().numpy() if isinstance(values, Tensor) else values
    return {"dtype": dtype, "bytes": array.astype(np.dtype(dtype).newbyteorder("<")).tobytes()}
