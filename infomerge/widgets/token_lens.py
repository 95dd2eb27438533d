"""TokenLens: the kept tokens of a clip drawn on its frames, and every patch of every frame that each stands for.

The view is a canvas drawn by the modules of `lens/` from plain arrays (`lens_data`). It holds them all, so that
hovering asks no kernel, and the same modules draw the same view in a page without one (`TokenLens.to_html`).
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, overload

import numpy as np
import traitlets
from jaxtyping import Float
from PIL import Image

from infomerge.compression import Compression
from infomerge.deprecation import deprecated_names
from infomerge.encoded_clip import EncodedClip
from infomerge.widgets.lens_data import clip_of_arrays, lens_data
from infomerge.widgets.pages import KINDS, LENS_MIME
from infomerge.widgets.view import View

MODES = ("overlay", "ownership", "tfd", "saliency")

_PICTURED_SIDE, _PICTURE_DPI = 224, 120
"""Pixels of a frame's longer side as the stored picture begins with it, and of the picture an inch."""


class TokenLens(View):
    """Scrub or play a clip with its kept tokens on it; point at a patch to see all that its token stands for.

    For JupyterLab 4, Notebook 7 and whatever else shows an anywidget; its module travels with it and asks no network.
    Frames, rows, columns and segments are numbered from 0, as in `Compression.frame`. Left and right change the frame;
    up and down (or p and n) go to the frame's previous and next kept token; space plays; a click pins a token, Escape
    unpins it.

    What a notebook stores of a displayed lens needs no kernel and holds no source: a picture of its kept tokens, shown
    by GitHub, nbconvert and whatever else knows no lens, and its state, of which
    `jupyter nbconvert --to infomerge NOTEBOOK` makes a page in which the lens lives. Where a notebook itself is to show
    a living view when it is opened again without being run, display `lens.as_html()` instead.

    Attributes:
        frame: the frame that is shown.
        mode: "overlay", "ownership", "tfd" or "saliency".
        pinned: number of the kept token (0..kept-1) whose patches stay lit, or None.
        data: all that is drawn, as `lens_data` makes it.

    Made of a clip and its compression, `TokenLens(clip, out)`, or of a compression and plain arrays,
    `TokenLens(out, frames, grid, timestamps=...)`.

    Args:
        clip: the clip that was compressed, with frames of any size not smaller than the grid; shrunk for display.
        out: what `infomerge.compress` or a method of `infomerge.methods` returned.
        frames: in the place of a clip, its RGB frames [frames, height, width, 3], integers or floats, NumPy or torch.
        grid: with frames, rows and columns of positions, row-major; without it, the square grid.
        timestamps: with frames, seconds at which each is shown.
        title: a heading; the clip's name if none is given.

    Raises:
        TypeError: `out` is no Compression, or `frames` no array of numbers.
        ValueError: the clip, or frames, grid or timestamps, do not fit the tokens of `out`; the message says how.
    """

    mime = LENS_MIME
    held = ("data", "frame", "mode", "pinned")

    _esm, _css = KINDS[mime].module, KINDS[mime].style

    data = traitlets.Dict(read_only=True).tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    mode = traitlets.Enum(MODES, "overlay").tag(sync=True)
    pinned = traitlets.Int(None, allow_none=True).tag(sync=True)

    @overload
    def __init__(self, clip: EncodedClip, out: Compression, /, *, title: str | None = None) -> None: ...

    @overload
    def __init__(
        self,
        out: Compression,
        frames: Any,
        grid: tuple[int, int] | None = None,
        *,
        timestamps: Sequence[float] | Float[np.ndarray, "frames"] | None = None,
        title: str | None = None,
    ) -> None: ...

    def __init__(
        self, out: Any, frames: Any, grid: Any = None, *, timestamps: Any = None, title: str | None = None
    ) -> None:
        if isinstance(out, EncodedClip):
            if grid is not None or timestamps is not None:
                raise TypeError("grid, timestamps: given beside a clip, which has its own; expected with frames only")
            self._clip, self._out = out, frames
        else:
            self._clip, self._out = clip_of_arrays(out, frames, grid, timestamps), out
        # Before the widget is made: what cannot be drawn leaves none behind.
        data = lens_data(self._clip, self._out, title)
        super().__init__()
        self.set_trait("data", data)

    @traitlets.validate("frame", "pinned")
    def _within_the_clip(self, proposal: Any) -> int | None:
        count = self.data.get("frames" if proposal.trait.name == "frame" else "kept")
        value: int | None = proposal.value
        if value is not None and count is not None and not 0 <= value < count:
            raise traitlets.TraitError(f"{proposal.trait.name}: got {value}; expected 0 to {count - 1}")
        return value

    def _forget(self) -> None:
        del self._clip, self._out
        self.set_trait("data", {})

    def _alt(self) -> str:
        return f"{self.data['title']}: all frames of the clip, with the kept tokens outlined and all others grey"

    def _still(self) -> str:
        """All frames with their kept tokens, as `plots.contact_sheet` draws them, for where no lens lives: a JPEG."""
        from infomerge import plots  # a lens that is never stored draws no figure

        pictures = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in self.data["images"]]
        for picture in pictures:
            picture.thumbnail((_PICTURED_SIDE, _PICTURED_SIDE))
        clip = replace(self._clip, frames=np.stack([np.asarray(picture) for picture in pictures]))
        sheet = plots.contact_sheet(clip, self._out, title=self.data["title"])
        written = io.BytesIO()
        sheet.savefig(written, format="jpeg", dpi=_PICTURE_DPI, pil_kwargs={"quality": 80})
        return base64.b64encode(written.getvalue()).decode()


__getattr__ = deprecated_names(
    __name__,
    {
        "config_line": ("infomerge.config", "InfoMergeConfig.to_python"),
        "encode_frames": ("infomerge.widgets.lens_data", "encode_frames"),
        "find_grid": ("infomerge.encoded_clip", "find_grid"),
    },
)
