"""TokenLens: the kept tokens of a clip drawn on its frames, and every patch of every frame that each stands for.

The view is a canvas drawn by `token_lens.js` from plain arrays (`lens_data`). It holds them all, so that hovering asks
no kernel, and the same module draws the same view in a page without one (`TokenLens.to_html`).
"""

import base64
import html
import io
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

import anywidget
import numpy as np
import torch
import traitlets
from IPython.display import HTML
from jaxtyping import Float, Int, Shaped, UInt8
from PIL import Image
from torch import Tensor

from infomerge.compression import Compression, InfoMergeTrace
from infomerge.config import InfoMergeConfig
from infomerge.encoders.base import check_frames

MODES = ("overlay", "ownership", "tfd", "saliency")
LONGEST_SIDE = 448
"""Frames are shrunk to this many pixels before they are embedded."""
BYTES_A_FRAME = 26_000
"""What a frame may weigh on average, so that 32 of them, as text, stay below 1.2 MB."""

_QUALITIES = (80, 65, 50, 35, 20)
_RANGE_PERCENTILES = (1, 99)
_FOLDER = Path(__file__).parent

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>$title</title>
<style>
$style
</style>
</head>
<body class="token-lens-page">
<main id="lens"><noscript>This view is drawn by JavaScript, which is switched off here.</noscript></main>
<script id="state" type="application/json">$state</script>
<script type="module">
$module
mountPage(document.getElementById("lens"), document.getElementById("state").textContent);
</script>
</body>
</html>
""")

_FRAME = Template(
    '<div><iframe title="TokenLens" allow="clipboard-write" style="display:block;width:100%;height:720px;border:0" '
    'srcdoc="$page"></iframe></div>'
)


class TokenLens(anywidget.AnyWidget):
    """Scrub or play a clip with its kept tokens on it; point at a patch to see all that its token stands for.

    For JupyterLab 4, Notebook 7 and whatever else shows an anywidget; its module travels with it and asks no network.
    Frames, rows, columns and segments are numbered from 0, as in `Compression.frame`. Left and right change the frame;
    up and down (or p and n) go to the frame's previous and next kept token; space plays; a click pins a token, Escape
    lets go.

    A page that nbconvert makes of an executed notebook keeps the view alive: displaying a lens also stores
    `as_html()`, which nbconvert takes if the notebook holds no widget state (`metadata.widgets`). Where it does, or
    where a notebook is to show the view when it is opened again without being run, display `lens.as_html()` instead.

    Attributes:
        frame: the frame that is shown.
        mode: "overlay", "ownership", "tfd" or "saliency".
        pinned: number of the kept token (0..kept-1) whose patches stay lit, or None.
        data: all that is drawn, as `lens_data` makes it.

    Args:
        out: what `infomerge.compress` or a method of `infomerge.methods` returned.
        frames: the clip's RGB frames, of any size not smaller than the grid; shrunk for display.
        grid: rows and columns of positions, row-major; without it, the square grid.
        timestamps: seconds at which each frame is shown.
        title: a heading.

    Raises:
        TypeError: `out` is no Compression, or `frames` no uint8 array.
        ValueError: frames, grid or timestamps do not fit the tokens of `out`; the message says how.
    """

    _esm = _FOLDER / "token_lens.js"
    _css = _FOLDER / "token_lens.css"

    data = traitlets.Dict(read_only=True).tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    mode = traitlets.Enum(MODES, "overlay").tag(sync=True)
    pinned = traitlets.Int(None, allow_none=True).tag(sync=True)

    def __init__(
        self,
        out: Compression,
        frames: UInt8[np.ndarray, "frames height width 3"],
        grid: tuple[int, int] | None = None,
        *,
        timestamps: Sequence[float] | Float[np.ndarray, "frames"] | None = None,
        title: str | None = None,
    ) -> None:
        super().__init__()
        self.set_trait("data", lens_data(out, frames, grid, timestamps=timestamps, title=title))

    @traitlets.validate("frame", "pinned")
    def _within_the_clip(self, proposal: Any) -> int | None:
        count = self.data.get("frames" if proposal.trait.name == "frame" else "kept")
        value: int | None = proposal.value
        if value is not None and count is not None and not 0 <= value < count:
            raise traitlets.TraitError(f"{proposal.trait.name}: found {value}; accepted is 0 to {count - 1}")
        return value

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """The view as one self-contained page, which needs no server, no kernel and no network.

        Args:
            path: where to write it, too; an existing file there is replaced once the new one is complete.

        Returns:
            The page, beginning with the frame, mode and pinned token that are shown now.
        """
        page = _PAGE.substitute(
            title=html.escape(self.data["title"]),
            style=(_FOLDER / "token_lens.css").read_text(encoding="utf-8"),
            module=(_FOLDER / "token_lens.js").read_text(encoding="utf-8"),
            state=_script_json({name: getattr(self, name) for name in ("data", "frame", "mode", "pinned")}),
        )
        if path is not None:
            _write_whole(Path(path), page)
        return page

    def as_html(self) -> HTML:
        """The view as an output of its own, alive in JupyterLab, in nbconvert's HTML and from `file://`."""
        return HTML(_FRAME.substitute(page=html.escape(self.to_html())))  # type: ignore[no-untyped-call]

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        return {**data, "text/html": self.as_html().data}, metadata


def lens_data(
    out: Compression,
    frames: UInt8[np.ndarray, "frames height width 3"],
    grid: tuple[int, int] | None = None,
    *,
    timestamps: Sequence[float] | Float[np.ndarray, "frames"] | None = None,
    title: str | None = None,
) -> dict[str, Any]:
    """All that TokenLens draws: numbers, strings, pictures (WebP) and arrays (`{"dtype": ..., "bytes": ...}`).

    Arguments and errors are those of `TokenLens`. Arrays are C-ordered and little-endian: `index`, `is_context`
    [kept], `assignment` [frames * positions], `colours` [kept, 3], `segments` [segments, 2], `static` and `tfd`
    [segments, positions], `saliency` [frames, positions]. Colours run between the 1st and 99th percentile: of each
    segment in `tfd_ranges` (None for a segment of one frame, where TFD is undefined), of the clip in `saliency_range`.
    `line` is Python that makes the configuration; of a method without one, for which `config` is None, that gets it.
    """
    if not isinstance(out, Compression):
        raise TypeError(f"out: found {type(out).__name__}; accepted is a Compression, as infomerge.compress returns it")
    check_frames(frames)
    count = len(out.assignment) // out.positions
    if len(frames) != count:
        raise ValueError(f"frames: found {len(frames)}; accepted are the {count} frames whose tokens were compressed")
    rows, columns = find_grid(out.positions, grid)
    height, width = frames.shape[1:3]
    if height < rows or width < columns:
        raise ValueError(
            f"frames: found {height} x {width} pixels; accepted is at least one pixel a patch, {rows} x {columns}"
        )
    trace = out.trace
    # What is no configuration of InfoMerge has a name only.
    config = out.config
    static = trace.static if isinstance(trace, InfoMergeTrace) else torch.zeros(len(trace.segments), out.positions)
    assignment = out.assignment.cpu().numpy()
    return {
        "title": "What each kept token stands for" if title is None else title,
        "frames": count,
        "rows": rows,
        "columns": columns,
        "width": width,
        "height": height,
        "timestamps": _seconds(timestamps, count),
        "requested": out.requested,
        "kept": out.kept,
        "images": encode_frames(frames),
        "index": _packed(out.index, "uint32"),
        "is_context": _packed(out.is_context, "uint8"),
        "assignment": _packed(out.assignment, "uint16" if out.kept <= 1 << 16 else "uint32"),
        "colours": _packed(group_colours(frames, (rows, columns), assignment, out.kept), "uint8"),
        "segments": _packed(trace.segments, "uint32"),
        "static": _packed(static, "uint8"),
        "tfd": _packed(trace.tfd, "float32"),
        "tfd_ranges": [colour_range(row) for row in trace.tfd.cpu().numpy()],
        "saliency": _packed(trace.saliency, "float32"),
        "saliency_range": colour_range(trace.saliency.cpu().numpy()),
        "method": out.method,
        "config": None if config is None else config.to_dict(),
        "line": f"get_method({out.method!r})" if config is None else config_line(config),
    }


def find_grid(positions: int, grid: tuple[int, int] | None = None) -> tuple[int, int]:
    """Rows and columns of `positions` patches: `grid` if it has as many, or the square grid.

    Raises:
        ValueError: `grid` has another number of patches, or there is no grid and no square.
    """
    side = math.isqrt(positions)
    if grid is None:
        if side * side != positions:
            raise ValueError(
                f"grid: found none, and {positions} positions make no square; accepted is (rows, columns) with "
                f"rows * columns = {positions}"
            )
        return side, side
    rows, columns = grid
    if rows < 1 or columns < 1 or rows * columns != positions:
        raise ValueError(f"grid: found {rows} x {columns}; accepted is (rows, columns) of the {positions} positions")
    return int(rows), int(columns)


def encode_frames(frames: UInt8[np.ndarray, "frames height width 3"]) -> list[bytes]:
    """Each frame as a WebP picture whose longer side has at most `LONGEST_SIDE` pixels.

    All are of the best quality at which they weigh at most `BYTES_A_FRAME` on average (or else of the least).
    """
    height, width = frames.shape[1:3]
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    pictures = [Image.fromarray(np.ascontiguousarray(frame)) for frame in frames]
    pictures = [picture.resize(size, Image.Resampling.LANCZOS) for picture in pictures]
    for quality in _QUALITIES:
        encoded = [_webp(picture, quality) for picture in pictures]
        if sum(map(len, encoded)) <= BYTES_A_FRAME * len(frames):
            break
    return encoded


def _webp(picture: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=4)
    return buffer.getvalue()


def group_colours(
    frames: UInt8[np.ndarray, "frames height width 3"],
    grid: tuple[int, int],
    assignment: Int[np.ndarray, "tokens"],
    kept: int,
) -> UInt8[np.ndarray, "kept 3"]:
    """The mean colour of all pixels, over the whole clip, of the patches that each kept token stands for."""
    row_starts = np.arange(grid[0]) * frames.shape[1] // grid[0]
    column_starts = np.arange(grid[1]) * frames.shape[2] // grid[1]
    heights = np.diff(row_starts, append=frames.shape[1])
    widths = np.diff(column_starts, append=frames.shape[2])
    pixels = np.tile(np.outer(heights, widths).ravel(), len(frames))
    # A frame at a time: the sums of bytes need eight times the clip's memory.
    bands = (np.add.reduceat(frame, row_starts, axis=0, dtype=np.int64) for frame in frames)
    sums = np.concatenate([np.add.reduceat(band, column_starts, axis=1).reshape(-1, 3) for band in bands])
    totals = np.stack([np.bincount(assignment, channel, kept) for channel in sums.T], axis=1)
    return np.rint(totals / np.bincount(assignment, pixels, kept)[:, None]).astype(np.uint8)


def colour_range(values: Float[np.ndarray, "*shape"]) -> tuple[float, float] | None:
    """1st and 99th percentile, so that no outlier flattens a heat map; None where a value is NaN, for undefined."""
    if np.isnan(values).any():
        return None
    low, high = np.percentile(values, _RANGE_PERCENTILES)
    return float(low), float(high)


def config_line(config: InfoMergeConfig) -> str:
    """The configuration as a line of Python, with the retention ratio and whatever is not the default."""
    options = {"retention_ratio": config.retention_ratio, **config.changes()}
    return f"InfoMergeConfig({', '.join(f'{name}={value!r}' for name, value in options.items())})"


def _packed(values: Tensor | Shaped[np.ndarray, "*shape"], dtype: str) -> dict[str, Any]:
    array = values.cpu().numpy() if isinstance(values, Tensor) else values
    return {"dtype": dtype, "bytes": array.astype(np.dtype(dtype).newbyteorder("<")).tobytes()}


def _seconds(timestamps: Sequence[float] | Float[np.ndarray, "frames"] | None, count: int) -> list[float] | None:
    if timestamps is None:
        return None
    seconds = [float(second) for second in timestamps]
    if len(seconds) != count or not all(map(math.isfinite, seconds)):
        found = f"{len(seconds)}" if len(seconds) != count else "NaN or infinity"
        raise ValueError(f"timestamps: found {found}; accepted are {count} finite numbers of seconds, one a frame")
    return seconds


def _script_json(state: dict[str, Any]) -> str:
    """JSON with bytes as base64, safe inside a script element, where `<` could begin its end tag."""
    text = json.dumps(state, default=lambda value: {"base64": base64.b64encode(value).decode()})
    return text.replace("<", "\\u003c")


def _write_whole(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
