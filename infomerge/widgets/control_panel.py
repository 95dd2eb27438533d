"""The explorer's widgets and where they stand: lists, sliders, buttons and lines of text. What they do is not here."""

import html
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import ipywidgets

from infomerge.config import InfoMergeConfig
from infomerge.palette import CONTEXT, SALIENT
from infomerge.pipeline import BudgetPlan
from infomerge.video import sample_names
from infomerge.widgets.controls import GROUPS, controls, heading
from infomerge.widgets.page_parts import Fit, Keys
from infomerge.widgets.presets import PRESETS
from infomerge.widgets.upload import Upload

OTHER, CHOOSE = "(your own)", "choose one"


class ControlPanel:
    """All that can be turned, chosen and read beside the figures.

    `following` is False while the program itself puts a widget to a value: that is not the reader's doing.
    """

    def __init__(self, upload: Upload) -> None:
        wide = ipywidgets.Layout(width="auto", min_width="0")
        labelled = {"style": {"description_width": "56px"}, "layout": wide}
        self.following = True
        self.clip = ipywidgets.Dropdown(
            options=[*sample_names(), OTHER], value=OTHER, description="Clip", tooltip="Sample clips", **labelled
        )
        self.path = ipywidgets.Text(
            description="or file", placeholder="path of a video, then Enter", continuous_update=False, **labelled
        )
        self.upload = upload
        self.preset = ipywidgets.Dropdown(
            options=[CHOOSE, *PRESETS], description="Preset", tooltip="Configurations of the papers", **labelled
        )
        self.pin = ipywidgets.Button(
            description="Pin as A", icon="thumb-tack", tooltip="Keep this configuration to compare with", layout=wide
        )
        self.unpin = ipywidgets.Button(
            description="Unpin", tooltip="Let go of A", disabled=True, layout=ipywidgets.Layout(width="80px")
        )
        self.options = {control.option: control.widget() for control in controls()}
        self.groups = ipywidgets.Accordion(
            children=[
                ipywidgets.VBox([self.options[control.option] for control in group]) for group in GROUPS.values()
            ],
            selected_index=list(GROUPS).index("Allocation"),
            layout=ipywidgets.Layout(margin="2px 0"),
        )
        self.segment = ipywidgets.Dropdown(
            description="Map of", tooltip="Or click a segment", options=[("segment 1", 0)], value=0, **labelled
        )
        self.folder = ipywidgets.Text(
            value="figures", description="Export to", placeholder="a folder",
            style={"description_width": "64px"}, layout=ipywidgets.Layout(flex="1 1 160px", min_width="0"),
        )  # fmt: skip
        button = {"layout": ipywidgets.Layout(width="auto")}
        self.save_chart = ipywidgets.Button(
            description="Chart (PDF, PNG)", icon="file-image-o", tooltip="The panels as a figure for print", **button
        )
        self.save_config = ipywidgets.Button(
            description="Config (JSON)", icon="file-code-o", tooltip="All options", **button
        )
        self.facts, self.code, self.message, self.totals = (ipywidgets.HTML() for _ in range(4))

    def arrange(self, times: ipywidgets.Widget, maps: ipywidgets.Widget) -> list[ipywidgets.Widget]:
        """All widgets around the figures, as they stand in the page."""
        row = {"flex_flow": "row wrap", "align_items": "center", "grid_gap": "4px 6px"}
        narrow = ipywidgets.Layout(flex="1 1 300px", max_width="380px", min_width="0", grid_gap="2px")
        self.path.layout.flex = self.pin.layout.flex = "1 1 auto"
        file, pins = ipywidgets.HBox([self.path, self.upload]), ipywidgets.HBox([self.pin, self.unpin])
        left = ipywidgets.VBox(
            [self.clip, file, self.preset, pins, self.groups, self.segment, maps, self.totals], layout=narrow
        )
        right = ipywidgets.VBox(
            [self.facts, times, self.code], layout=ipywidgets.Layout(flex="3 1 480px", min_width="0")
        )
        views = ipywidgets.HBox(
            [left, right], layout=ipywidgets.Layout(flex_flow="row wrap", align_items="flex-start", grid_gap="12px")
        )
        export = ipywidgets.HBox([self.folder, self.save_chart, self.save_config], layout=ipywidgets.Layout(**row))
        return [_style(), Fit(), Keys(), self.message, views, export]

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Change widgets without taking it for the reader's doing."""
        before, self.following = self.following, False
        try:
            yield
        finally:
            self.following = before

    def show(self, config: InfoMergeConfig, plan: BudgetPlan, segment: int, *, pinned: bool) -> None:
        """Put everything that can be turned to a configuration, its plan and its chosen segment."""
        with self.quietly():
            for control in controls():
                control.show(self.options[control.option], getattr(config, control.option))
            titles = tuple(heading(group, config) for group in GROUPS)
            if self.groups.titles != titles:
                self.groups.titles = titles
            self.unpin.disabled = not pinned
            names = _segment_names(plan)
            if self.segment.options != names:
                self.segment.options = names
            self.segment.value = segment

    def show_facts(self, facts: str) -> None:
        """Say what the clip is."""
        self.facts.value = f'<span class="quiet">{html.escape(facts)}</span>'

    def show_code(self, line: str, pinned: str | None) -> None:
        """Show the configuration as a line of Python, and in words the pinned one."""
        lead = "Python" if pinned is None else "<b>B</b> now"
        text = f'{lead}: <code title="click to select">{html.escape(line)}</code>'
        if pinned is not None:
            text += f"<br><b>A</b> pinned, at the same ratio: {html.escape(pinned)}"
        self.code.value = text

    def say(self, message: str, *, failed: bool = False) -> None:
        """Show a message above the views, in one line, or take away the last one."""
        kind, lead = ("failed", "⚠ ") if failed else ("quiet", "")
        words = html.escape(" ".join(message.split()))
        self.message.value = f'<span role="status" class="{kind}">{lead}{words}</span>' if message else ""


def _style() -> ipywidgets.HTML:
    colors = f".infomerge-explorer {{ --infomerge-salient: {SALIENT}; --infomerge-context: {CONTEXT}; }}"
    rules = Path(__file__).with_name("explorer.css").read_text(encoding="utf-8")
    return ipywidgets.HTML(f"<style>{colors}\n{rules}</style>", layout=ipywidgets.Layout(display="none"))


def _segment_names(plan: BudgetPlan) -> tuple[tuple[str, int], ...]:
    return tuple((f"segment {k + 1} (frames {start} to {end - 1})", k) for k, (start, end) in enumerate(plan.bounds))
