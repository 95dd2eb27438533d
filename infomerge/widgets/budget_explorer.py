"""BudgetExplorer: turn the options of InfoMerge and watch the budget move over a clip."""

import asyncio
import html
import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import replace
from pathlib import Path
from typing import Any

import ipywidgets
import numpy as np
import plotly.graph_objects as go
from jaxtyping import Float, UInt8
from pydantic import ValidationError
from torch import Tensor

from infomerge.compression import Compression, Trace, compress
from infomerge.config import InfoMergeConfig, explain
from infomerge.encoders import EfficientNetEncoder, Encoder
from infomerge.plots import budget_chart, save
from infomerge.video import Clip, sample_names
from infomerge.widgets import knobs
from infomerge.widgets.explorer_figures import Fit, Keys, MapFigure, TimeFigure, totals_html
from infomerge.widgets.material import Source, material_of_clip, material_of_tokens
from infomerge.widgets.stages import Plan, Stages
from infomerge.widgets.upload import MOST_BYTES, Upload

OTHER, CHOOSE = "(your own)", "choose one"

_STYLE = """
<style>
.infomerge-explorer .jupyter-widget-Collapse-header { padding: 4px 8px; font-size: 12.5px; font-weight: 500; }
.infomerge-explorer .jupyter-widget-Collapse-contents { padding: 4px 6px; }
.infomerge-explorer .widget-readout { min-width: 48px; width: 48px; }
.infomerge-explorer .widget-html-content { line-height: 1.45; }
.infomerge-explorer code { user-select: all; white-space: pre-wrap; overflow-wrap: anywhere; }
.infomerge-explorer .totals { display: grid; grid-template-columns: auto 1fr; gap: 3px 8px; align-items: center; }
.infomerge-explorer .totals .bar { display: flex; height: 20px; }
.infomerge-explorer .totals .part { overflow: hidden; white-space: nowrap; text-align: center; font-size: 11.5px;
  line-height: 20px; box-sizing: border-box; }
.infomerge-explorer .totals .all { border: 1px solid var(--jp-ui-font-color2, #777); }
.infomerge-explorer .totals .salient { background: #E69F00; color: black; }
.infomerge-explorer .totals .context { color: white; text-shadow: 0 0 3px #00508A, 0 0 3px #00508A;
  background: repeating-linear-gradient(135deg, #0072B2 0 5px, #3389C0 5px 6.5px); }
.infomerge-explorer .quiet { color: var(--jp-ui-font-color2, #666); }
.infomerge-explorer .failed { color: #B23C00; font-weight: 600; }
</style>
"""


class LatestOnly:
    """Does something soon after it was asked to, once for however many asks, and never faster than it is shown.

    A dragged slider reports more values than can be drawn. Here they do not queue up: only the newest counts, and the
    next picture is sent when the browser has drawn the last one. Without a running event loop it is done at once.

    Args:
        act: what to do.
        busy: whether the last picture is still being drawn.
        delay: seconds between looks.
        patience: seconds after which a browser that does not answer is no longer waited for.
    """

    def __init__(
        self, act: Callable[[], None], busy: Callable[[], bool], *, delay: float = 0.01, patience: float = 0.5
    ) -> None:
        self._act, self._busy = act, busy
        self._delay, self._patience = delay, patience
        self._waiting: asyncio.TimerHandle | None = None
        self._acted = float("-inf")

    def ask(self) -> None:
        """Have it done soon."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._run()
            return
        if self._waiting is None:
            self._waiting = loop.call_later(self._delay, self._look, loop)

    def flush(self) -> None:
        """Do now what is still to be done."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._run()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._busy() and time.monotonic() - self._acted < self._patience:
            self._waiting = loop.call_later(self._delay, self._look, loop)
        else:
            self._run()

    def _run(self) -> None:
        self._waiting = None
        self._acted = time.monotonic()
        self._act()


class BudgetExplorer(ipywidgets.VBox):  # type: ignore[misc]
    """Every option of `InfoMergeConfig` as a control, and what it does to a clip's budget, drawn over time.

    Works offline in JupyterLab 4 and Notebook 7. A click on a segment, in whichever panel, shows its
    map of the static prior. `Pin` keeps the present configuration as A, beside which every further one is drawn as B,
    always at the same retention ratio.

    Args:
        source: a sample clip's name, a video file, a `Clip`, or tokens [frames, positions, channels]; the clip "tour"
            if none is given.
        saliency, frame_features: of the tokens, as `compress` takes them; only with tokens.
        frames: the RGB frames of the tokens, for the film strip; only with tokens.
        timestamps: of those frames, in seconds; only with tokens.
        grid: rows and columns of the tokens' positions; the square grid if none is given; only with tokens.
        config: the configuration to begin with.
        encoder: what turns clips into tokens; EfficientNet-Lite0, which needs no download, if none is given.

    Raises:
        TypeError, ValueError: an argument cannot be used; the message says why.
        OSError: the clip cannot be read.
    """

    def __init__(
        self,
        source: Source | None = None,
        *,
        saliency: Float[Tensor, "frames positions"] | None = None,
        frame_features: Float[Tensor, "frames features"] | None = None,
        frames: UInt8[np.ndarray, "frames height width 3"] | None = None,
        timestamps: Sequence[float] | Float[np.ndarray, "frames"] | None = None,
        grid: tuple[int, int] | None = None,
        config: InfoMergeConfig | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self._config = InfoMergeConfig() if config is None else config
        if not isinstance(self._config, InfoMergeConfig):
            raise TypeError(f"config: found {type(config).__name__}; accepted is an InfoMergeConfig")
        self._pinned: InfoMergeConfig | None = None
        self._encoder = encoder
        self._frame = 0
        self._following = True
        self._times, self._maps = TimeFigure(), MapFigure()
        self._drawing = LatestOnly(self._draw, self._browser_is_drawing)
        self._make_controls()
        super().__init__(children=self._arrange())
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
    def plan(self) -> Plan:
        """What the pictures show: segments, static candidates and budgets."""
        return self._stages.plan(self._config)

    @property
    def trace(self) -> Trace:
        """The trace that `compress` would return for the present configuration."""
        return self._stages.trace(self._config)

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
        segments = self.plan.segments.tolist()
        if not 0 <= segment < len(segments):
            raise ValueError(f"segment: found {segment}; accepted is 0 to {len(segments) - 1}")
        self._frame = sum(segments[segment]) // 2
        self._draw()

    def compression(self) -> Compression:
        """`compress` of the clip under the present configuration, merging included."""
        return self._compress(self._config)

    def _compress(self, config: InfoMergeConfig) -> Compression:
        material = self._material
        return compress(material.tokens, config, saliency=material.saliency, frame_features=material.frame_features)

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
        self._config, note = knobs.preset(name, self._config.retention_ratio)
        self._draw()
        self._say(note or self._material.notes)

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
        if isinstance(source, Tensor):
            material = material_of_tokens(source, **beside)
        else:
            misplaced = ", ".join(name for name, value in beside.items() if value is not None)
            if misplaced:
                raise ValueError(f"{misplaced}: accepted only where the source is a tensor of tokens")
            if not isinstance(source, (str, os.PathLike, Clip)):
                accepted = "a sample's name, a path, a Clip or a torch.Tensor [frames, positions, channels]"
                raise TypeError(f"source: found {type(source).__name__}; accepted is {accepted}")
            self._encoder = self._encoder or EfficientNetEncoder()
            # The encoder's progress bar would stay as a blank line; the view has a line of its own.
            with redirect_stderr(io.StringIO()):
                material = material_of_clip(source, self._encoder)
        # Only now that all went well is the previous clip let go.
        self._stages = Stages(material.tokens, saliency=material.saliency, frame_features=material.frame_features)
        self._material = material
        self._frame = 0
        self._listed = source if isinstance(source, str) and source in sample_names() else OTHER
        self._name_clip()
        with self._quietly():
            self._path.value = str(source) if self._path.value == str(source) else ""
        self._facts.value = f'<span class="quiet">{html.escape(material.facts)}</span>'
        with self._times.changing():
            self._times.show_material(material)
        self._frame = self._middle_of_longest()
        self._draw()
        self._say(material.notes)

    @property
    def python_line(self) -> str:
        """The configuration as a line of Python."""
        return knobs.python_line(self._config)

    def export_chart(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write the budget chart, A beside B where one is pinned, as PDF and PNG under a name that is not taken."""
        material = self._material
        frames = material.frames
        if frames is None:
            frames = np.full((len(material.tokens), 9, 16, 3), 235, dtype=np.uint8)
        title, pinned = f"{material.name}: {_described(self._config)}", None
        if self.pinned is not None:
            title = f"{material.name}\nB: {_described(self._config)}\nA: {_described(self.pinned)}"
            pinned = self._compress(self.pinned)
        chart = budget_chart(
            frames, material.times, self.compression(), title=title, true_cuts=material.cut_after, pinned=pinned
        )
        return save(chart, _free_stem(Path(folder).expanduser(), f"budget-{material.name}", (".pdf", ".png")))

    def export_config(self, folder: str | os.PathLike[str]) -> Path:
        """Write the configuration as JSON into a folder, under a name that is not taken."""
        stem = _free_stem(Path(folder).expanduser(), f"config-{self._material.name}", (".json",))
        target = stem.with_name(stem.name + ".json")
        target.parent.mkdir(parents=True, exist_ok=True)
        # A whole file or none; the name is free, so that nothing is replaced.
        with tempfile.NamedTemporaryFile("w", dir=target.parent, suffix=".json", delete=False) as file:
            json.dump(self._config.to_dict(), file, indent=2)
            file.write("\n")
        Path(file.name).chmod(0o644)
        Path(file.name).replace(target)
        return target

    def __repr__(self) -> str:
        return f"BudgetExplorer({self._material.name!r}, config={self.python_line})"

    # The controls, and what happens when they are used.

    def _make_controls(self) -> None:
        wide = ipywidgets.Layout(width="auto", min_width="0")
        labelled = {"style": {"description_width": "56px"}, "layout": wide}
        self._clip = ipywidgets.Dropdown(
            options=[*sample_names(), OTHER], value=OTHER, description="Clip", tooltip="Sample clips", **labelled
        )
        self._path = ipywidgets.Text(
            description="or file", placeholder="path of a video, then Enter", continuous_update=False, **labelled
        )
        self._upload = Upload(self._uploaded, self._too_large, layout=ipywidgets.Layout(flex="0 0 auto"))
        self._preset = ipywidgets.Dropdown(
            options=[CHOOSE, *knobs.PRESETS], description="Preset", tooltip="Configurations of the papers", **labelled
        )
        self._pin = ipywidgets.Button(
            description="Pin as A", icon="thumb-tack", tooltip="Keep this configuration to compare with", layout=wide
        )
        self._unpin = ipywidgets.Button(
            description="Unpin", tooltip="Let go of A", disabled=True, layout=ipywidgets.Layout(width="80px")
        )
        self._controls = {knob.option: knobs.control(knob) for group in knobs.GROUPS.values() for knob in group}
        self._groups = ipywidgets.Accordion(
            children=[
                ipywidgets.VBox([self._controls[knob.option] for knob in group]) for group in knobs.GROUPS.values()
            ],
            selected_index=list(knobs.GROUPS).index("Allocation"),
            layout=ipywidgets.Layout(margin="2px 0"),
        )
        self._segment = ipywidgets.Dropdown(
            description="Map of", tooltip="Or click a segment", options=[("segment 1", 0)], value=0, **labelled
        )
        self._folder = ipywidgets.Text(
            value="figures", description="Export to", placeholder="a folder",
            style={"description_width": "64px"}, layout=ipywidgets.Layout(flex="1 1 160px", min_width="0"),
        )  # fmt: skip
        button = {"layout": ipywidgets.Layout(width="auto")}
        self._save_chart = ipywidgets.Button(
            description="Chart (PDF, PNG)", icon="file-image-o", tooltip="The panels as a figure for print", **button
        )
        self._save_config = ipywidgets.Button(
            description="Config (JSON)", icon="file-code-o", tooltip="All options", **button
        )
        self._facts, self._code, self._message, self._totals = (ipywidgets.HTML() for _ in range(4))

    def _arrange(self) -> list[ipywidgets.Widget]:
        row = {"flex_flow": "row wrap", "align_items": "center", "grid_gap": "4px 6px"}
        gap = ipywidgets.Layout(flex="1 1 300px", max_width="380px", min_width="0", grid_gap="2px")
        self._path.layout.flex = self._pin.layout.flex = "1 1 auto"
        left = ipywidgets.VBox(
            [
                self._clip,
                ipywidgets.HBox([self._path, self._upload]),
                self._preset,
                ipywidgets.HBox([self._pin, self._unpin]),
                self._groups,
                self._segment,
                self._maps.widget,
                self._totals,
            ],
            layout=gap,
        )
        right = ipywidgets.VBox(
            [self._facts, self._times.widget, self._code], layout=ipywidgets.Layout(flex="3 1 480px", min_width="0")
        )
        views = ipywidgets.HBox(
            [left, right], layout=ipywidgets.Layout(flex_flow="row wrap", align_items="flex-start", grid_gap="12px")
        )
        export = ipywidgets.HBox([self._folder, self._save_chart, self._save_config], layout=ipywidgets.Layout(**row))
        style = ipywidgets.HTML(_STYLE, layout=ipywidgets.Layout(display="none"))
        return [style, Fit(), Keys(), self._message, views, export]

    def _connect(self) -> None:
        for option, widget in self._controls.items():
            widget.observe(lambda change, option=option: self._turned(option, change["new"]), "value")
        self._clip.observe(lambda change: self._chosen_clip(change["new"]), "value")
        self._path.observe(lambda change: self._chosen_file(change["new"]), "value")
        self._preset.observe(lambda change: self._chosen_preset(change["new"]), "value")
        self._pin.on_click(lambda button: self.pin())
        self._unpin.on_click(lambda button: self.unpin())
        self._segment.observe(lambda change: self._chosen_segment(change["new"]), "value")
        self._times.on_segment_clicked(self._chosen_segment)
        self._save_chart.on_click(lambda button: self._export(self.export_chart))
        self._save_config.on_click(lambda button: self._export(lambda folder: [self.export_config(folder)]))

    def _turned(self, option: str, value: Any) -> None:
        before = getattr(self._config, option)
        value = knobs.turned(value, before)
        if self._following and value != before:
            self._config = replace(self._config, **{option: value})
            self._say_no_more()
            self._drawing.ask()

    def _chosen_preset(self, name: str) -> None:
        if self._following and name != CHOOSE:
            self.preset(name)
            with self._quietly():
                self._preset.value = CHOOSE

    def _chosen_segment(self, segment: int | None) -> None:
        if self._following and segment is not None:
            self.segment = segment

    def _chosen_clip(self, name: str) -> None:
        if self._following and name == OTHER:
            ways = f"give its path under “or file”, or upload one of up to {MOST_BYTES / 1e6:g} MB"
            self._say(f"For a clip of your own, {ways}. {self._still()}")
            self._name_clip()
        elif self._following:
            self._try_to_load(name, name)

    def _chosen_file(self, path: str) -> None:
        if self._following and path.strip():
            self._try_to_load(path.strip(), path.strip())

    def _uploaded(self, name: str, content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(name).name
            path.write_bytes(content)
            self._try_to_load(path, path.name)

    def _too_large(self, name: str, size: int) -> None:
        found = f"Upload: found {name}, of {size / 1e6:,.1f} MB; accepted are up to {MOST_BYTES / 1e6:g} MB"
        self._say(f"{found}. Give the path of a larger file under “or file”. {self._still()}", failed=True)

    def _try_to_load(self, source: str | Path, name: str) -> None:
        self._say(f"Reading {name} …")
        try:
            self.load(source)
        except (ValueError, TypeError, OSError, ImportError) as error:
            self._say(f"{error}. {self._still()}", failed=True)
            self._name_clip()

    def _still(self) -> str:
        return f"Still showing {self._material.name}."

    def _name_clip(self) -> None:
        """Have the list of clips name the one that is shown."""
        with self._quietly():
            self._clip.value = self._listed

    def _export(self, write: Callable[[str], Sequence[Path]]) -> None:
        try:
            written = write(self._folder.value.strip() or ".")
        except OSError as error:
            self._say(f"Nothing was written: {error}", failed=True)
        else:
            self._say("Written: " + ", ".join(map(str, written)))

    def _say(self, message: str, *, failed: bool = False) -> None:
        """Show a message above the views, in one line, or take away the last one."""
        kind, lead = ("failed", "⚠ ") if failed else ("quiet", "")
        words = html.escape(" ".join(message.split()))
        self._message.value = f'<span role="status" class="{kind}">{lead}{words}</span>' if message else ""

    def _say_no_more(self) -> None:
        """Take away what an earlier step had to say; what there is to know about the clip stays."""
        self._say(self._material.notes)

    # The pictures.

    def _browser_is_drawing(self) -> bool:
        # Plotly's `on_edits_completed` is never told that an edit of the layout is done; this flag is of the traces.
        return getattr(self._times.widget, "_trace_edit_in_process", False)

    def _draw(self) -> None:
        """Bring controls, texts and pictures to the present configuration."""
        plan = self.plan
        pinned = self._stages.plan(self.pinned) if self.pinned else None
        chosen = _segment_at(plan, self._frame)
        with self._times.changing():
            self._times.show_plans(plan, pinned, chosen)
        with self._maps.changing():
            beside = (pinned, _segment_at(pinned, self._frame)) if pinned else None
            self._maps.show_maps(self._material, (plan, chosen), beside)
        with self._quietly():
            self._show_controls(plan, chosen)
        self._totals.value = totals_html(plan, pinned)
        self._show_texts()

    def _show_controls(self, plan: Plan, chosen: int) -> None:
        for group in knobs.GROUPS.values():
            for knob in group:
                knobs.show(self._controls[knob.option], knob, getattr(self._config, knob.option))
        titles = tuple(knobs.heading(group, self._config) for group in knobs.GROUPS)
        if self._groups.titles != titles:
            self._groups.titles = titles
        self._unpin.disabled = self._pinned is None
        names = _segment_names(plan)
        if self._segment.options != names:
            self._segment.options = names
        self._segment.value = chosen

    def _show_texts(self) -> None:
        lead = "Python" if self.pinned is None else "<b>B</b> now"
        text = f'{lead}: <code title="click to select">{html.escape(self.python_line)}</code>'
        if self.pinned is not None:
            text += f"<br><b>A</b> pinned, at the same ratio: {html.escape(_described(self.pinned))}"
        self._code.value = text

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Change controls without taking it for the reader's doing."""
        before, self._following = self._following, False
        try:
            yield
        finally:
            self._following = before

    def _middle_of_longest(self) -> int:
        start, end = max(self.plan.segments.tolist(), key=lambda segment: segment[1] - segment[0])
        return int(start + end) // 2


def _segment_at(plan: Plan, frame: int) -> int:
    return int((plan.segments[:, 0] <= frame).sum()) - 1


def _segment_names(plan: Plan) -> tuple[tuple[str, int], ...]:
    rows = enumerate(plan.segments.tolist())
    return tuple((f"segment {k + 1} (frames {start} to {end - 1})", k) for k, (start, end) in rows)


def _described(config: InfoMergeConfig) -> str:
    """What differs from the defaults, for people."""
    changes = {"retention_ratio": config.retention_ratio, **config.changes()}
    return ", ".join(
        f"{name.replace('_', ' ')} {value:g}"
        if isinstance(value, (int, float))
        else f"{name.replace('_', ' ')} {value}"
        for name, value in changes.items()
    )


def _free_stem(folder: Path, name: str, endings: Sequence[str]) -> Path:
    """A path without ending for which no file exists: the name itself, or with the first free number."""
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
    number = 1
    while any((folder / f"{safe}{'' if number == 1 else f'-{number}'}{ending}").exists() for ending in endings):
        number += 1
    return folder / (safe if number == 1 else f"{safe}-{number}")
