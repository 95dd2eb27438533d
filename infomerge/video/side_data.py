"""Reading what comes beside a frame without the ways in which PyAV fails at it."""

from contextlib import suppress
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Int32

from infomerge.extras import needs

with needs("video"):
    from av.filter import Graph
    from av.video.frame import VideoFrame

# FFmpeg numbers the kinds of side data: 33 in version 8.1; the rest is room for those to come.
_DISPLAY_MATRIX = 6
_MOST_KINDS = 64


def display_matrix(frame: VideoFrame) -> Int32[np.ndarray, "3 3"] | None:
    """How the file asks to turn or mirror its frames, as FFmpeg writes it; None if it does not."""
    # PyAV wraps all side data at once. It knows no name for some of it (EXIF, the views of a stereo film), and frees
    # the name of an ICC profile a second time, which ends the process. So nothing but the matrix may reach it. The
    # frame that it wraps refers to itself, and stays until the collector runs: hence a small one.
    graph = Graph()
    # Not one thread a core for one small picture; older PyAVs cannot say so.
    with suppress(AttributeError):
        graph.threads = 1
    last = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1)
    )
    filters = [("sidedata", f"mode=delete:type={kind}") for kind in range(_MOST_KINDS) if kind != _DISPLAY_MATRIX]
    for name, options in [*filters, ("scale", "16:16:flags=neighbor"), ("buffersink", None)]:
        following = graph.add(name, options)
        last.link_to(following)
        last = following
    graph.configure()
    graph.vpush(frame)
    data: Any = graph.vpull().side_data.get("DISPLAYMATRIX")
    return None if data is None else np.frombuffer(data, dtype=np.int32).reshape(3, 3).copy()
