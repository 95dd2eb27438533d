"""What BudgetExplorer writes, and what it says of it."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from infomerge import InfoMergeConfig, compress
from infomerge.plots import save
from infomerge.widgets import exports
from tests.explorer import explorer, tokens


def test_exports_never_overwrite(tmp_path: Path) -> None:
    shown = explorer(frames=np.full((14, 12, 16, 3), 90, dtype=np.uint8))
    first = shown.export_chart(tmp_path / "new")
    contents = [path.read_bytes() for path in first]
    assert [path.name for path in first] == ["budget-tokens.pdf", "budget-tokens.png"]
    assert contents[0].startswith(b"%PDF")
    assert contents[1].startswith(b"\x89PNG")
    shown.set(temperature=9.0)
    (tmp_path / "new" / "budget-tokens-2.png").write_bytes(b"mine")
    assert [path.name for path in shown.export_chart(tmp_path / "new")] == [
        "budget-tokens-3.pdf",
        "budget-tokens-3.png",
    ]
    assert [path.read_bytes() for path in first] == contents
    configs = [shown.export_config(tmp_path / "new") for _ in range(3)]
    assert [path.name for path in configs] == ["config-tokens.json", "config-tokens-2.json", "config-tokens-3.json"]
    assert all(InfoMergeConfig(**json.loads(path.read_text())) == shown.config for path in configs)
    assert len(list((tmp_path / "new").iterdir())) == 8


def test_the_buttons_tell_what_they_wrote_or_why_not(tmp_path: Path) -> None:
    shown = explorer()
    shown._panel.folder.value = str(tmp_path)
    shown._panel.save_config.click()
    assert str(tmp_path / "config-tokens.json") in shown._panel.message.value
    shown._panel.save_chart.click()
    assert "budget-tokens.pdf" in shown._panel.message.value
    (tmp_path / "file").write_text("")
    shown._panel.folder.value = str(tmp_path / "file")
    shown._panel.save_chart.click()
    assert "Nothing was written" in shown._panel.message.value
    assert "failed" in shown._panel.message.value


@pytest.fixture
def charts(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The charts that are exported from now on."""
    found: list[Figure] = []
    monkeypatch.setattr(exports, "save", lambda chart, path: found.append(chart) or save(chart, path))
    return found


def test_an_exported_chart_has_a_and_b_where_a_is_pinned(charts: list[Figure], tmp_path: Path) -> None:
    shown = explorer()
    shown.export_chart(tmp_path)
    shown.pin()
    shown.set(temperature=9.0, min_segments=6, retention_ratio=0.5)
    shown.export_chart(tmp_path)
    alone, both = charts
    assert not any(patch.get_linestyle() == "-." for axes in alone.axes for patch in axes.patches)
    pinned = compress(tokens(), shown.pinned).trace
    lengths = (pinned.segments[:, 1] - pinned.segments[:, 0]).numpy()
    for axes, values in zip(
        both.axes[2:],
        (pinned.uniqueness, pinned.richness, pinned.weight.numpy() / lengths, pinned.budget.numpy() / lengths),
        strict=True,
    ):
        (line,) = (patch for patch in axes.patches if patch.get_linestyle() == "-.")
        np.testing.assert_allclose(line.get_data().values, values)
    title = both.texts[0].get_text()
    assert re.search(r"^B: .*temperature 9$", title, re.MULTILINE)
    assert re.search(r"^A: retention ratio 0.5, min segments 4$", title, re.MULTILINE)


@pytest.mark.parametrize(("folder", "said"), [(".", "Written"), ("file", "Nothing was written")])
def test_what_an_export_said_goes_with_the_next_change(folder: str, said: str, tmp_path: Path) -> None:
    shown = explorer()
    (tmp_path / "file").write_text("")
    shown._panel.folder.value = str(tmp_path / folder)
    changes: list[Callable[[], Any]] = [
        lambda: setattr(shown._panel.options["temperature"], "value", 2.0),
        lambda: shown.set(min_segments=6),
        shown.pin,
        shown.unpin,
    ]
    for change in changes:
        shown._panel.save_config.click()
        assert said in shown._panel.message.value
        change()
        assert shown._panel.message.value == ""


def test_what_there_is_to_know_about_the_clip_stays() -> None:
    shown = explorer()
    shown._encoded = replace(shown._encoded, notes=("the clip is cut short",))
    for change in (lambda: shown.set(temperature=3.0), shown.pin, lambda: shown.preset("FastVID")):
        change()
        assert "cut short" in shown._panel.message.value
