"""BudgetExplorer: turn the options of InfoMerge and watch the budget move over a clip.

One view, drawn by the modules of `explorer/`. The model's traits hold all that it shows (`explorer_data`), and each
change sets them anew, so that a page that is loaded again, a second view or a stored notebook draw the same picture.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets
from jaxtyping import Float
from pydantic import ValidationError
from torch import Tensor

from infomerge.compression import Compression, InfoMergeTrace
from infomerge.config import InfoMergeConfig, explain
from infomerge.deprecation import warn_renamed
from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import Encoder
from infomerge.extras import needs
from infomerge.pipeline import BudgetPlan
from infomerge.widgets import exports, presets
from infomerge.widgets.asked import AskedView
from infomerge.widgets.asks import ABOUT_CLIPS, ASKS, setup
from infomerge.widgets.explored import Explored, configuration
from infomerge.widgets.explorer_data import clip_data
from infomerge.widgets.explorer_state import PICTURES, restored, state_of, write_state
from infomerge.widgets.pages import EXPLORER_MIME, KINDS
from infomerge.widgets.sources import Source, encode, encoder_name, file_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

BESIDE = ("saliency", "frame_features", "frames", "timestamps", "grid", "name")
"""What may be given beside tokens of one's own."""


class BudgetExplorer(AskedView):
    """Every option of `InfoMergeConfig` as a control, and what it does to a clip's budget, drawn over time.

    For JupyterLab 4, Notebook 7 and whatever else shows an anywidget; it asks no network. A click on a segment, in
    whichever panel, shows its frames, the numbers of its weight (eq. 8) and its map of the static prior. `Pin` keeps
    the present configuration as A, beside which every further one is drawn as B, always at the same retention ratio.

    Args:
        source: a sample clip's name, a video file, a `Clip`, an `EncodedClip`, or tokens [frames, positions, channels]
            or [frames, rows, columns, channels], NumPy or torch; the clip "tour" if none is given.
        method: what to begin with, as `compress` takes it: a name, a configuration or a compressor, as long as it is a
            configuration of InfoMerge.
        retention_ratio: share of the tokens that is kept, in (0, 1].
        saliency, frame_features: of the tokens, as `compress` takes them; only with tokens.
        frames: the RGB frames of the tokens [frames, height, width, 3], integers or floats; only with tokens.
        timestamps: of those frames, in seconds; only with tokens.
        grid: rows and columns of the tokens' positions; needed where positions make no square; only with tokens.
        name: what the tokens are called; only with tokens.
        num_frames: how many frames of a sample or a file are read.
        config: the configuration to begin with; another way to give `method`.
        pinned: a configuration to begin with as A.
        segment: number of the segment, from 0, to begin with; the longest one if none is given.
        encoder: what turns clips into tokens; EfficientNet-Lite0, which needs no download, if none is given.
        options: of the method.

    Raises:
        TypeError, ValueError: an argument cannot be used; the message says why.
        OSError: the clip cannot be read.
    """

    mime = EXPLORER_MIME
    held = ("setup", "clip", "shown", "maps", "tokens", "message", "frame", "picture")

    _esm, _css = KINDS[mime].module, KINDS[mime].style

    setup = traitlets.Dict().tag(sync=True)
    clip = traitlets.Dict().tag(sync=True)
    shown = traitlets.Dict().tag(sync=True)
    maps = traitlets.Dict().tag(sync=True)
    tokens = traitlets.Dict().tag(sync=True)
    frame = traitlets.Int(0).tag(sync=True)
    picture = traitlets.Enum(PICTURES, "tokens").tag(sync=True)

    def __init__(
        self,
        source: Source | None = None,
        method: Any = None,
        *,
        retention_ratio: float | None = None,
        saliency: Float[Tensor, "frames positions"] | Float[np.ndarray, "frames positions"] | None = None,
        frame_features: Float[Tensor, "frames features"] | Float[np.ndarray, "frames features"] | None = None,
        frames: Any = None,
        timestamps: Sequence[float] | Float[np.ndarray, "frames"] | None = None,
        grid: tuple[int, int] | None = None,
        name: str | None = None,
        num_frames: int = 32,
        config: InfoMergeConfig | None = None,
        pinned: InfoMergeConfig | None = None,
        segment: int | None = None,
        encoder: Encoder | None = None,
        **options: Any,
    ) -> None:
        settled = configuration(method, config, retention_ratio, options)
        self._encoder, self._num_frames = encoder, num_frames
        given = (saliency, frame_features, frames, timestamps, grid, name)
        beside = dict(zip(BESIDE, given, strict=True))
        source = "tour" if source is None else source
        # Before the widget is made: what cannot be read leaves none behind.
        self._explored: Explored | None = Explored(encode(source, beside, encoder, num_frames), settled, pinned)
        self._remember(source, beside)
        super().__init__(setup=setup())
        self._show_clip()
        if segment is not None:
            try:
                self.segment = segment
            except ValueError:
                self.close()
                raise

    # What notebooks and tests use.

    @property
    def explored(self) -> Explored:
        """The clip with its configurations, behind the view.

        Raises:
            ValueError: the explorer was closed.
        """
        if self._explored is None:
            raise ValueError("explorer: got one that was closed; expected one that is shown: run its cell again")
        return self._explored

    @property
    def config(self) -> InfoMergeConfig:
        """The present configuration, B where another is pinned."""
        return self.explored.config

    @config.setter
    def config(self, config: InfoMergeConfig) -> None:
        self.set(**config.to_dict())

    @property
    def pinned(self) -> InfoMergeConfig | None:
        """Configuration A, at the present retention ratio; None where nothing is pinned."""
        return self.explored.pinned_now

    @property
    def encoded(self) -> EncodedClip:
        """The clip that is shown."""
        return self.explored.encoded

    @property
    def plan(self) -> BudgetPlan:
        """What the pictures show: segments, static candidates and budgets."""
        return self.explored.plan

    @property
    def trace(self) -> InfoMergeTrace:
        """The trace that `compress` would return for the present configuration."""
        return self.explored.trace

    @property
    def segment(self) -> int:
        """Number of the segment, from 0, that is chosen: the one that holds `frame`."""
        return int((self.plan.segments[:, 0] <= self.frame).sum()) - 1

    @segment.setter
    def segment(self, segment: int) -> None:
        bounds = self.plan.bounds
        if not 0 <= segment < len(bounds):
            raise ValueError(f"segment: got {segment}; expected 0 to {len(bounds) - 1}")
        self.frame = sum(bounds[segment]) // 2

    def compression(self, *, pinned: bool = False) -> Compression:
        """`compress` of the clip under the present configuration, or under A, merging included.

        Raises:
            ValueError: A is asked for, and nothing is pinned.
        """
        return self.explored.compression(pinned=pinned)

    def set(self, **options: Any) -> None:
        """Change options of the configuration, and draw it.

        Raises:
            ValueError: an option does not exist, or its value is not accepted.
        """
        try:
            self.explored.config = InfoMergeConfig(**{**self.config.to_dict(), **options})
        except ValidationError as error:
            raise ValueError(explain(error)) from error
        self._draw()

    def preset(self, name: str) -> None:
        """Take one of the configurations that the list of presets offers.

        Raises:
            ValueError: there is no preset of that name.
        """
        self.explored.config, note = presets.preset(name, self.config.retention_ratio)
        self._draw(note)

    def pin(self, config: InfoMergeConfig | None = None) -> None:
        """Keep a configuration, the present one if none is given, as A, to compare with what comes."""
        self.explored.pinned = self.config if config is None else config
        self._draw()

    def unpin(self) -> None:
        """Let go of the pinned configuration."""
        self.explored.pinned = None
        self._draw()

    def load(self, source: Source, *, num_frames: int | None = None, **beside: Any) -> None:
        """Show another clip; the configuration stays. Arguments and errors are those of the class."""
        unknown = sorted(set(beside) - set(BESIDE))
        if unknown:
            raise TypeError(f"load: got {', '.join(unknown)}; expected source, num_frames, {', '.join(BESIDE)}")
        count = self._num_frames if num_frames is None else num_frames
        # Only when all went well is the previous clip let go.
        clip = encode(source, beside, self._encoder, count)
        self._explored = Explored(clip, self.config, self.explored.pinned)
        self._num_frames = count
        self._remember(source, beside)
        self._show_clip()

    def read_again(self, num_frames: int) -> None:
        """Read the clip that is shown with another number of frames.

        Raises:
            ValueError: there is no file or sample to read it from, or no such number of frames.
        """
        if self._readable is None:
            raise ValueError(
                f"num_frames: got {num_frames}; expected none for a clip that has no file to be read again"
            )
        self.load(self._readable, num_frames=num_frames)

    @property
    def python_line(self) -> str:
        """The configuration as a line of Python."""
        return self.config.to_python()

    @property
    def state(self) -> dict[str, Any]:
        """All that is needed to come back to what is shown, as JSON has it; `from_state` is the way back."""
        return state_of(self, self._file)

    def save_state(self, path: str | os.PathLike[str]) -> Path:
        """Write `state` as JSON; a file that is there is replaced once the new one is complete."""
        return write_state(self.state, path)

    @classmethod
    def from_state(
        cls,
        state: Mapping[str, Any] | str | os.PathLike[str],
        source: Source | None = None,
        *,
        encoder: Encoder | None = None,
        **beside: Any,
    ) -> "BudgetExplorer":
        """An explorer as it was when its state was taken.

        Args:
            state: what `state` gave, its JSON, or the file that `save_state` wrote.
            source: the clip; needed where the state is of tokens of one's own, which it does not hold.
            encoder: the one that the clip was encoded by, where that is not EfficientNet-Lite0.
            beside: what the class takes beside tokens.

        Raises:
            ValueError: the state is none, or the source or its encoder is missing or another.
            OSError: a file cannot be read.
        """
        return restored(cls, state, source, encoder, beside)

    # What is handed on.

    def export_chart(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the budget chart, A beside B where one is pinned, as PDF and PNG under a name that is not taken."""
        return exports.export_chart(folder, self)

    def export_config(self, folder: str | os.PathLike[str]) -> Path:
        """Write the configuration as JSON into a folder, under a name that is not taken."""
        return exports.export(folder, self, "config")

    def export_tables(self, folder: str | os.PathLike[str]) -> Path:
        """Write the numbers of every panel as CSV tables in one ZIP archive, under a name that is not taken."""
        return exports.export(folder, self, "tables")

    def to_plotly(self, segment: int | None = None) -> "go.Figure":
        """The panels over time as a plotly figure, or one segment's map of the static prior; `write_html` exports it.

        Raises:
            ValueError: there is no such segment.
        """
        with needs("notebooks", "plotly"):
            from infomerge.widgets import plotly_chart  # the view itself does without

        if segment is None:
            return plotly_chart.panels(self.encoded, self.plan, self.explored.pinned_plan)
        return plotly_chart.prior_map(self.encoded, self.plan, segment)

    @property
    def figure(self) -> "go.Figure":
        """The old name of `to_plotly()`, which does not follow the controls any more."""
        warn_renamed("BudgetExplorer.figure", "BudgetExplorer.to_plotly()")
        return self.to_plotly()

    @property
    def map_figure(self) -> "go.Figure":
        """The old name of `to_plotly(segment)`, which does not follow the controls any more."""
        warn_renamed("BudgetExplorer.map_figure", "BudgetExplorer.to_plotly(explorer.segment)")
        return self.to_plotly(self.segment)

    def __repr__(self) -> str:
        if self._explored is None:
            return "<BudgetExplorer, closed>"
        return exports.python_of(self, self._readable)

    # How it is drawn.

    def _remember(self, source: Source, beside: Mapping[str, Any]) -> None:
        """Keep what is needed to say in Python how the clip was given."""
        self._file = file_of(source, self.encoded)
        self._given = tuple(name for name in ("saliency", "frame_features", "frames") if beside.get(name) is not None)

    @property
    def _readable(self) -> str | None:
        """From what the explorer can read the clip again: by another encoder it would become other tokens."""
        return self._file if self.encoded.encoder == encoder_name(self._encoder) else None

    def _show_clip(self) -> None:
        with self.hold_sync():
            self.clip = clip_data(self.encoded) | {"source": self._readable}
            start, end = max(self.plan.bounds, key=lambda segment: segment[1] - segment[0])
            self.frame = (start + end) // 2
            self._draw()

    def _draw(self, note: str = "") -> None:
        """Bring all traits to the present configuration; they travel in one message."""
        with self.hold_sync():
            self.shown = self.explored.shown() | {"python": repr(self)}
            self.maps = self.explored.maps()
            # What an earlier step had to say goes; what there is to know about the clip stays.
            self._say(note or "; ".join(self.encoded.notes))

    def _asked(self, content: Mapping[str, Any], buffers: list[memoryview]) -> None:
        ASKS[content["ask"]](self, content, buffers)

    def _still_shown(self, content: Mapping[str, Any]) -> str:
        return f". Still showing {self.encoded.name}." if content["ask"] in ABOUT_CLIPS else ""

    def _choose_tokens(self) -> None:
        """Bring the tokens to the present configuration; the view asks for them when the controls rest."""
        if self.tokens.get("of") != self.explored.compared:
            self.tokens = self.explored.tokens()

    def _complete(self) -> None:
        self._choose_tokens()

    def _alt(self) -> str:
        return (
            f"{self.encoded.name}: the clip over time, with its segments, what their weights rest on, and their budgets"
        )

    def _still(self) -> str:
        return exports.still(self)

    @traitlets.validate("frame")
    def _within_the_clip(self, proposal: Any) -> int:
        frame: int = proposal.value
        if self._explored is not None and not 0 <= frame < len(self.encoded.tokens):
            raise traitlets.TraitError(f"frame: got {frame}; expected 0 to {len(self.encoded.tokens) - 1}")
        return frame

    @traitlets.observe("frame")
    def _chosen(self, change: Any) -> None:
        if self.shown:
            self.shown = {**self.shown, "python": repr(self)}

    def _forget(self) -> None:
        self._explored = None
        self.clip = self.shown = self.maps = self.tokens = {}
