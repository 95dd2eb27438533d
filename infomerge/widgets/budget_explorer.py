"""BudgetExplorer: turn the options of InfoMerge and watch the budget move over a clip."""

import io
import math
import os
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8
from pydantic import ValidationError
from torch import Tensor

from infomerge import pipeline
from infomerge.compression import Compression, InfoMergeTrace
from infomerge.config import InfoMergeConfig, explain
from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import EfficientNetEncoder, Encoder
from infomerge.inputs import clip_tensors
from infomerge.methods import make_compressor
from infomerge.pipeline import BudgetPlan
from infomerge.steps import Memo
from infomerge.video import Clip, SceneClip, sample_names
from infomerge.widgets import exports, presets
from infomerge.widgets.control_panel import CHOOSE, OTHER, ControlPanel
from infomerge.widgets.controls import turned
from infomerge.widgets.latest_only import LatestOnly
from infomerge.widgets.map_figure import MapFigure
from infomerge.widgets.time_figure import TimeFigure
from infomerge.widgets.totals import totals_html
from infomerge.widgets.upload import MOST_BYTES, Upload

Source = str | os.PathLike[str] | EncodedClip | Clip | SceneClip | Tensor | np.ndarray
"""A sample clip's name, a video file, a clip with or without its encoding, or tokens [frames, positions, channels]."""


class BudgetExplorer(ipywidgets.VBox):  # type: ignore[misc]
    """Every option of `InfoMergeConfig` as a control, and what it does to a clip's budget, drawn over time.

    Works offline in JupyterLab 4 and Notebook 7. A click on a segment, in whichever panel, shows its
    map of the static prior. `Pin` keeps the present configuration as A, beside which every further one is drawn as B,
    always at the same retention ratio.

    Args:
        source: a sample clip's name, a video file, a `Clip`, an `EncodedClip`, or tokens [frames, positions, channels];
            the clip "tour" if none is given.
        method: what to begin with, as `compress` takes it: a name, a configuration or a compressor, as long as it is a
            configuration of InfoMerge.
        retention_ratio: share of the tokens that is kept, in (0, 1].
        saliency, frame_features: of the tokens, as `compress` takes them; only with tokens.
        frames: the RGB frames of the tokens, for the film strip; only with tokens.
        timestamps: of those frames, in seconds; only with tokens.
        grid: rows and columns of the tokens' positions; the square grid if none is given; only with tokens.
        config: the configuration to begin with; another way to give `method`.
        encoder: what turns clips into tokens; EfficientNet-Lite0, which needs no download, if none is given.
        options: of the method.

    Raises:
        TypeError, ValueError: an argument cannot be used; the message says why.
        OSError: the clip cannot be read.
    """

    def __init__(
        self,
        source: Source | None = None,
        method: Any = None,
        *,
        retention_ratio: float | None = None,
        saliency: Float[Tensor, "frames positions"] | Float[np.ndarray, "frames positions"] | None = None,
        frame_features: Float[Tensor, "frames features"] | Float[np.ndarray, "frames features"] | None = None,
        frames: UInt8[np.ndarray, "frames height width 3"] | None = None,
        timestamps: Sequence[float] | Float[np.ndarray, "frames"] | None = None,
        grid: tuple[int, int] | None = None,
        config: InfoMergeConfig | None = None,
        encoder: Encoder | None = None,
        **options: Any,
    ) -> None:
        self._config = _configuration(method, config, retention_ratio, options)
        self._pinned: InfoMergeConfig | None = None
        self._encoder = encoder
        self._frame = 0
        self._times, self._maps = TimeFigure(), MapFigure()
        self._drawing = LatestOnly(self._draw, lambda: self._times.widget.is_drawing)
        self._panel = ControlPanel(Upload(self._uploaded, self._too_large, layout=ipywidgets.Layout(flex="0 0 auto")))
        super().__init__(children=self._panel.arrange(self._times.widget, self._maps.widget))
        self.add_class("infomerge-explorer")
        for figure in (self._times, self._maps):
            figure.widget.load()
        beside = {
            "saliency": saliency,
            "frame_features": frame_features,
            "frames": frames,
            "timestamps": timestamps,
            "grid": grid,
        }
        self.load("tour" if source is None else source, **beside)
        self._connect()

    # What notebooks and tests use.

    @property
    def config(self) -> InfoMergeConfig:
        """The present configuration, B where another is pinned."""
        return self._config

    @config.setter
    def config(self, config: InfoMergeConfig) -> None:
        self.set(**config.to_dict())

    @property
    def pinned(self) -> InfoMergeConfig | None:
        """Configuration A, at the present retention ratio; None where nothing is pinned."""
        if self._pinned is None:
            return None
        return replace(self._pinned, retention_ratio=self._config.retention_ratio)

    @property
    def plan(self) -> BudgetPlan:
        """What the pictures show: segments, static candidates and budgets."""
        return self._plan(self._config)

    @property
    def trace(self) -> InfoMergeTrace:
        """The trace that `compress` would return for the present configuration."""
        return pipeline.trace(self.plan, pipeline.choose_tokens(self.plan, self._memo))

    @property
    def figure(self) -> go.FigureWidget:
        """The panels over time, up to date."""
        self._drawing.flush()
        return self._times.widget

    @property
    def map_figure(self) -> go.FigureWidget:
        """The static prior of the chosen segment, up to date."""
        self._drawing.flush()
        return self._maps.widget

    @property
    def segment(self) -> int:
        """Number of the segment, from 0, whose map is shown: the one that holds the frame chosen last."""
        return _segment_at(self.plan, self._frame)

    @segment.setter
    def segment(self, segment: int) -> None:
        segments = self.plan.bounds
        if not 0 <= segment < len(segments):
            raise ValueError(f"segment: got {segment}; expected 0 to {len(segments) - 1}")
        self._frame = sum(segments[segment]) // 2
        self._draw()

    def compression(self) -> Compression:
        """`compress` of the clip under the present configuration, merging included."""
        return self._compress(self._config)

    def _compress(self, config: InfoMergeConfig) -> Compression:
        return pipeline.run(self._tensors, config, self._memo)

    def _plan(self, config: InfoMergeConfig) -> BudgetPlan:
        return pipeline.plan_budget(self._tensors, config, self._memo)

    def set(self, **options: Any) -> None:
        """Change options of the configuration, and draw it.

        Raises:
            ValueError: an option does not exist, or its value is not accepted.
        """
        try:
            self._config = InfoMergeConfig(**{**self._config.to_dict(), **options})
        except ValidationError as error:
            raise ValueError(explain(error)) from error
        self._say_no_more()
        self._draw()

    def preset(self, name: str) -> None:
        """Take one of the configurations that the list of presets offers.

        Raises:
            ValueError: there is no preset of that name.
        """
        self._config, note = presets.preset(name, self._config.retention_ratio)
        self._draw()
        self._panel.say(note or self._notes)

    def pin(self) -> None:
        """Keep the present configuration as A, to compare with what comes."""
        self._pinned = self._config
        self._say_no_more()
        self._draw()

    def unpin(self) -> None:
        """Let go of the pinned configuration."""
        self._pinned = None
        self._say_no_more()
        self._draw()

    def load(self, source: Source, **beside: Any) -> None:
        """Show another clip; the configuration stays. Arguments and errors are those of the class."""
        # Only when all went well is the previous clip let go.
        encoded = self._encode(source, beside)
        self._tensors = clip_tensors(encoded.tokens, encoded.saliency, encoded.frame_features)
        self._memo, self._encoded = Memo(), encoded
        self._frame = 0
        self._listed = source if isinstance(source, str) and source in sample_names() else OTHER
        self._name_clip()
        path = self._panel.path
        with self._panel.quietly():
            path.value = str(source) if path.value == str(source) else ""
        self._panel.show_facts(encoded.facts)
        with self._times.changing():
            self._times.show_clip(encoded)
        self._frame = self._middle_of_longest()
        self._draw()
        self._panel.say(self._notes)

    def _encode(self, source: Source, beside: dict[str, Any]) -> EncodedClip:
        if isinstance(source, Tensor | np.ndarray):
            if beside.get("grid") is None and source.ndim == 3 and math.isqrt(source.shape[1]) ** 2 != source.shape[1]:
                beside = {**beside, "grid": (1, source.shape[1])}  # what makes no square is drawn in one row
            return EncodedClip.from_arrays(source, **beside)
        misplaced = ", ".join(name for name, value in beside.items() if value is not None)
        if misplaced:
            raise ValueError(f"{misplaced}: accepted only where the source is a tensor of tokens")
        if isinstance(source, EncodedClip):
            return source
        if not isinstance(source, str | os.PathLike | Clip | SceneClip):
            accepted = "a sample's name, a path, a Clip, an EncodedClip or tokens [frames, positions, channels]"
            raise TypeError(f"source: got {type(source).__name__}; expected {accepted}")
        self._encoder = self._encoder or EfficientNetEncoder()
        # The encoder's progress bar would stay as a blank line; the view has a line of its own.
        with redirect_stderr(io.StringIO()):
            return EncodedClip.read(source, self._encoder)

    @property
    def _notes(self) -> str:
        """What the reader should know about how the clip was read."""
        return "; ".join(self._encoded.notes)

    @property
    def python_line(self) -> str:
        """The configuration as a line of Python."""
        return self._config.to_python()

    def export_chart(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the budget chart, A beside B where one is pinned, as PDF and PNG under a name that is not taken."""
        pinned = None if self.pinned is None else self._compress(self.pinned)
        return exports.export_chart(folder, self._encoded, self.compression(), pinned)

    def export_config(self, folder: str | os.PathLike[str]) -> Path:
        """Write the configuration as JSON into a folder, under a name that is not taken."""
        return exports.export_config(folder, self._encoded.name, self._config)

    def __repr__(self) -> str:
        return f"BudgetExplorer({self._encoded.name!r}, config={self.python_line})"

    # The controls, and what happens when they are used.

    def _connect(self) -> None:
        panel = self._panel
        for option, widget in panel.options.items():
            widget.observe(lambda change, option=option: self._turned(option, change["new"]), "value")
        panel.clip.observe(lambda change: self._chosen_clip(change["new"]), "value")
        panel.path.observe(lambda change: self._chosen_file(change["new"]), "value")
        panel.preset.observe(lambda change: self._chosen_preset(change["new"]), "value")
        panel.pin.on_click(lambda button: self.pin())
        panel.unpin.on_click(lambda button: self.unpin())
        panel.segment.observe(lambda change: self._chosen_segment(change["new"]), "value")
        self._times.on_segment_clicked(self._chosen_segment)
        panel.save_chart.on_click(lambda button: self._export(self.export_chart))
        panel.save_config.on_click(lambda button: self._export(lambda folder: [self.export_config(folder)]))

    def _turned(self, option: str, value: Any) -> None:
        before = getattr(self._config, option)
        value = turned(value, before)
        if self._panel.following and value != before:
            self._config = replace(self._config, **{option: value})
            self._say_no_more()
            self._drawing.ask()

    def _chosen_preset(self, name: str) -> None:
        if self._panel.following and name != CHOOSE:
            self.preset(name)
            with self._panel.quietly():
                self._panel.preset.value = CHOOSE

    def _chosen_segment(self, segment: int | None) -> None:
        if self._panel.following and segment is not None:
            self.segment = segment

    def _chosen_clip(self, name: str) -> None:
        if self._panel.following and name == OTHER:
            ways = f"give its path under “or file”, or upload one of up to {MOST_BYTES / 1e6:g} MB"
            self._panel.say(f"For a clip of your own, {ways}. {self._still()}")
            self._name_clip()
        elif self._panel.following:
            self._try_to_load(name, name)

    def _chosen_file(self, path: str) -> None:
        if self._panel.following and path.strip():
            self._try_to_load(path.strip(), path.strip())

    def _uploaded(self, name: str, content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(name).name
            path.write_bytes(content)
            self._try_to_load(path, path.name)

    def _too_large(self, name: str, size: int) -> None:
        found = f"Upload: got {name}, of {size / 1e6:,.1f} MB; expected up to {MOST_BYTES / 1e6:g} MB"
        self._panel.say(f"{found}. Give the path of a larger file under “or file”. {self._still()}", failed=True)

    def _try_to_load(self, source: str | Path, name: str) -> None:
        self._panel.say(f"Reading {name} …")
        try:
            self.load(source)
        except (ValueError, TypeError, OSError, ImportError) as error:
            self._panel.say(f"{error}. {self._still()}", failed=True)
            self._name_clip()

    def _still(self) -> str:
        return f"Still showing {self._encoded.name}."

    def _name_clip(self) -> None:
        """Have the list of clips name the one that is shown."""
        with self._panel.quietly():
            self._panel.clip.value = self._listed

    def _export(self, write: Callable[[str], Sequence[Path]]) -> None:
        try:
            written = write(self._panel.folder.value.strip() or ".")
        except (OSError, ValueError) as error:
            self._panel.say(f"Nothing was written: {error}", failed=True)
        else:
            self._panel.say("Written: " + ", ".join(map(str, written)))

    def _say_no_more(self) -> None:
        """Take away what an earlier step had to say; what there is to know about the clip stays."""
        self._panel.say(self._notes)

    # The pictures.

    def _draw(self) -> None:
        """Bring controls, texts and pictures to the present configuration."""
        plan = self.plan
        pinned = self._plan(self.pinned) if self.pinned else None
        chosen = _segment_at(plan, self._frame)
        with self._times.changing():
            self._times.show_plans(plan, pinned, chosen)
        with self._maps.changing():
            beside = (pinned, _segment_at(pinned, self._frame)) if pinned else None
            self._maps.show_maps(self._encoded.grid, (plan, chosen), beside)
        self._panel.show(self._config, plan, chosen, pinned=pinned is not None)
        self._panel.totals.value = totals_html(plan, pinned)
        self._panel.show_code(self.python_line, exports.described(self.pinned) if self.pinned else None)

    def _middle_of_longest(self) -> int:
        start, end = max(self.plan.bounds, key=lambda segment: segment[1] - segment[0])
        return int(start + end) // 2


def _segment_at(plan: BudgetPlan, frame: int) -> int:
    return int((plan.segments[:, 0] <= frame).sum()) - 1


def _configuration(
    method: Any, config: InfoMergeConfig | None, retention_ratio: float | None, options: dict[str, Any]
) -> InfoMergeConfig:
    if config is not None:
        if not isinstance(config, InfoMergeConfig):
            raise TypeError(f"config: got {type(config).__name__}; expected an InfoMergeConfig")
        if method is not None:
            raise ValueError("config: given beside a method; expected one of them")
        method = config
    settled = getattr(make_compressor(method, retention_ratio=retention_ratio, **options), "config", None)
    if settled is None:
        raise ValueError(f"method: got {method!r}; expected InfoMerge or a configuration of it, such as 'fastvid'")
    found: InfoMergeConfig = settled
    return found
