"""What BudgetExplorer writes, and what it says of it."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from infomerge import EncodedClip, InfoMergeConfig, compress
from infomerge.plots import save
from infomerge.widgets import BudgetExplorer, exports
from tests.explorer import FakeEncoder, explorer, failed, picture, said, tell, tokens, turn


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
    tell(shown, "save", kind="config", folder=str(tmp_path))
    assert str(tmp_path / "config-tokens.json") in said(shown)
    tell(shown, "save", kind="pdf", folder=str(tmp_path))
    assert "budget-tokens.pdf" in said(shown)
    (tmp_path / "file").write_text("")
    tell(shown, "save", kind="pdf", folder=str(tmp_path / "file"))
    assert "Nothing was written" in said(shown)
    assert failed(shown)


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


@pytest.mark.parametrize(("folder", "words"), [(".", "Written"), ("file", "Nothing was written")])
def test_what_an_export_said_goes_with_the_next_change(folder: str, words: str, tmp_path: Path) -> None:
    shown = explorer()
    (tmp_path / "file").write_text("")
    changes: list[Callable[[], Any]] = [
        lambda: turn(shown, "temperature", 2.0),
        lambda: shown.set(min_segments=6),
        shown.pin,
        shown.unpin,
    ]
    for change in changes:
        tell(shown, "save", kind="config", folder=str(tmp_path / folder))
        assert words in said(shown)
        change()
        assert said(shown) == ""


def test_what_there_is_to_know_about_the_clip_stays() -> None:
    shown = explorer()
    shown.explored.encoded = replace(shown.encoded, notes=("the clip is cut short",))
    for change in (lambda: shown.set(temperature=3.0), shown.pin, lambda: shown.preset("FastVID")):
        change()
        assert "cut short" in said(shown)


def test_a_page_downloads_every_kind_of_file() -> None:
    shown = explorer()
    sent: list[tuple[dict[str, Any], bytes]] = []
    shown.send = lambda content, buffers: sent.append((content, buffers[0]))
    for kind in shown.setup["exports"]:
        tell(shown, "download", kind=kind)
        assert not failed(shown)
    files = dict(zip(shown.setup["exports"], sent, strict=True))
    assert all(content["view"] == "page" for content, _ in sent)
    assert {kind: content["file"] for kind, (content, _) in files.items()} == {
        "pdf": "budget-tokens.pdf",
        "png": "budget-tokens.png",
        "svg": "budget-tokens.svg",
        "plotly": "budget-tokens.html",
        "page": "explorer-tokens.html",
        "tables": "tables-tokens.zip",
        "config": "config-tokens.json",
        "state": "state-tokens.json",
    }
    assert files["pdf"][1].startswith(b"%PDF")
    assert files["png"][1].startswith(b"\x89PNG")
    assert b"<svg" in files["svg"][1]
    assert b"plotly" in files["plotly"][1]
    assert InfoMergeConfig(**json.loads(files["config"][1])) == shown.config
    assert json.loads(files["state"][1]) == shown.state


def test_the_tables_hold_the_numbers_of_every_panel(tmp_path: Path) -> None:
    shown = explorer(timestamps=np.arange(14) / 4)
    shown.pin()
    shown.set(temperature=5.0, min_segments=6)
    with zipfile.ZipFile(shown.export_tables(tmp_path)) as archive:
        tables = {
            name.removesuffix(".csv"): list(csv.DictReader(io.StringIO(archive.read(name).decode())))
            for name in archive.namelist()
        }
    for ending, config in (("", shown.config), ("-A", shown.pinned)):
        out = compress(tokens(), config)
        trace = out.trace
        column = lambda table, name: [float(row[name]) for row in tables[table + ending]]  # noqa: B023, E731
        assert column("similarity", "similarity") == trace.transition.tolist()
        assert [int(row["next"]) for row in tables[f"similarity{ending}"] if row["cut"] == "1"] == trace.segments[
            1:, 0
        ].tolist()
        for name in ("uniqueness", "richness", "weight", "budget", "length_budget"):
            assert column("segments", name) == getattr(trace, name).tolist()
        assert column("prior", "static") == trace.static.flatten().tolist()
        scores = [float(row["score"] or "nan") for row in tables[f"prior{ending}"]]
        np.testing.assert_array_equal(scores, trace.tfd.flatten().numpy())
        flat = [int(row["frame"]) * 16 + int(row["row"]) * 4 + int(row["column"]) for row in tables[f"tokens{ending}"]]
        assert flat == out.index.tolist()
        assert sum(column("tokens", "stands_for")) == len(out.assignment)


def test_a_state_comes_back_from_itself_its_json_and_its_file(tmp_path: Path) -> None:
    shown = BudgetExplorer("carphone", encoder=FakeEncoder(), num_frames=12, retention_ratio=0.5)
    shown.set(temperature=2.5)
    shown.pin()
    shown.set(min_segments=3)
    shown.segment = 1
    shown.picture = "difference"
    path = shown.save_state(tmp_path / "state.json")
    for state in (shown.state, path, path.read_text(encoding="utf-8")):
        again = BudgetExplorer.from_state(state, encoder=FakeEncoder())
        assert picture(again) == picture(shown)
        assert again.state == shown.state
    with pytest.raises(ValueError, match="encoder: got none; expected 'fake', by which 'carphone' was encoded"):
        BudgetExplorer.from_state(shown.state)
    # A clip that was encoded before, by an encoder that the explorer does not have, is known by its file.
    given = BudgetExplorer(EncodedClip.read("carphone", FakeEncoder(), 12), config=shown.config)
    assert given.state["clip"] == shown.state["clip"]
    assert given.clip["source"] is None
    with pytest.raises(ValueError, match="num_frames: got 8; expected none"):
        given.read_again(8)


def test_the_state_of_ones_own_tokens_asks_for_them() -> None:
    shown = explorer(name="mine", grid=(2, 8))
    shown.set(temperature=7.0)
    with pytest.raises(ValueError, match="source: got none; expected 'mine', whose tokens the state does not hold"):
        BudgetExplorer.from_state(shown.state)
    assert picture(BudgetExplorer.from_state(shown.state, tokens())) == picture(shown)
    with pytest.raises(ValueError, match=r"source: got 9 x 2 x 8 x 8 .* expected the 14 x 2 x 8 x 8 of 'mine'"):
        BudgetExplorer.from_state(shown.state, tokens(frames=9))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "other"}, "state: got the schema 'other'; expected 'infomerge.explorer'"),
        ({"schema_version": 9}, "state: got version 9; expected 1"),
        ({"config": {"temprature": 2}}, "state: config: unknown option 'temprature'"),
        ({"frame": 99}, "state: frame: got 99; expected 0 to 13"),
    ],
)
def test_what_is_no_state_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        BudgetExplorer.from_state({**explorer().state, **change}, tokens())
    with pytest.raises(ValueError, match="state: got no JSON"):
        BudgetExplorer.from_state("{nothing")


def test_its_repr_makes_it_again() -> None:
    shown = explorer(name="mine", grid=(2, 8))
    shown.pin()
    shown.set(temperature=0.25)
    shown.segment = 2
    names = {"BudgetExplorer": BudgetExplorer, "InfoMergeConfig": InfoMergeConfig, "tokens": tokens()}
    assert picture(eval(repr(shown), names)) == picture(shown)
    assert shown.shown["python"] == repr(shown)
    read = BudgetExplorer("carphone", encoder=FakeEncoder(), num_frames=12, retention_ratio=0.5)
    expected = (
        f"BudgetExplorer('carphone', num_frames=12, encoder=encoder, config={read.python_line}, segment={read.segment})"
    )
    assert repr(read) == expected


def test_plotly_has_the_same_numbers_and_the_old_names_say_where_they_went() -> None:
    shown = explorer()
    shown.pin()
    shown.set(temperature=4.0)
    traces = {trace.name: trace for trace in shown.to_plotly().data}
    lengths = shown.trace.lengths.numpy()
    np.testing.assert_allclose(traces["context tokens"].y, shown.trace.budget.numpy() / lengths)
    np.testing.assert_allclose(traces["uniqueness"].y, shown.trace.uniqueness.numpy())
    pinned = compress(tokens(), shown.pinned).trace
    np.testing.assert_allclose(traces["context tokens, A"].y[:-1], pinned.budget.numpy() / pinned.lengths.numpy())
    heat = shown.to_plotly(0).data[0]
    np.testing.assert_allclose(np.array(heat.z, dtype=float), shown.plan.scores[0].reshape(4, 4).numpy())
    with pytest.raises(ValueError, match="segment: got 77; expected 0 to"):
        shown.to_plotly(77)
    with pytest.warns(DeprecationWarning, match=r"use BudgetExplorer\.to_plotly\(\)"):
        assert shown.figure.to_plotly_json()["data"]
    with pytest.warns(DeprecationWarning, match=r"to_plotly\(explorer\.segment\)"):
        assert shown.map_figure.to_plotly_json()["data"]
