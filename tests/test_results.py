"""The measured tables: what is read from them and claimed from them, and that they are what their sweeps ask for."""

import csv
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ablation_grid, condensing
from infomerge import resources
from infomerge.measure.detection import PRIORS
from infomerge.measure.sweep import read_sweep, run_sweep
from infomerge.methods import METHODS
from infomerge.paper.labels import (
    ALLOCATIONS,
    FIFTEEN,
    JUDGED,
    KNOBS,
    METHOD_NAMES,
    PAPER_RATIOS,
    PARTS,
    PRIOR_MEASURES,
    PRIOR_TABLES,
    QUANTITIES,
    RATIOS,
    ROW_NAMES,
)
from infomerge.paper.markdown import budget_share_table, real_table, summary_table
from infomerge.paper.panels import knob_panels, method_panels, paper_part_panel, part_panels
from infomerge.paper.tables import Grid, prior_comparisons, read_grid

ROOT = Path(__file__).parent.parent
NAMES = ("ablation", "hyper_parameters", "ablation_real")


def committed(name: str) -> list[dict[str, str]]:
    with (ROOT / "data" / "results" / f"{name}.csv").open(newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_table_has_what_its_sweep_asks_for_and_is_read_as_it_stands(name: str) -> None:
    sweep = read_sweep(ROOT / "data" / "results" / f"{name}.yaml")
    first, second = ablation_grid.GRIDS[name]
    asked = {
        (group.clip, *ablation_grid.setting({**item._asdict(), "ratio": repr(item.ratio)}, first))
        for group in sweep.groups()
        for item in group.items
    }
    rows = committed(name)
    assert {(row["clip"], row[first], row[second]) for row in rows} == asked
    assert len(rows) == len(asked)

    grid = read_grid(name)
    assert grid.clips == tuple(sweep.config.clip_names())
    assert set(grid.values) <= set(QUANTITIES)
    for row in rows[:: len(rows) // 97]:
        for measure, values in grid.values.items():
            found = values[row[first], float(row[second])][grid.clips.index(row["clip"])]
            np.testing.assert_equal(found, float(row[measure] or "nan"))


def test_the_methods_of_the_table_are_those_that_figures_compare() -> None:
    tabled = {name for name, _ in read_grid("ablation").values["coverage_mean"]}
    assert tabled == {*METHOD_NAMES, *ROW_NAMES}
    assert tabled <= set(METHODS) - {"table4-full"}  # that one is another's name
    assert set(FIFTEEN) == tabled | {"table4-full"}


def test_shares_are_shares_and_more_tokens_cover_more() -> None:
    grid = read_grid("ablation")
    for measure in set(grid.values) - {"kl_divergence", "coverage_mean", "coverage_worst"}:
        known = np.concatenate(list(grid.values[measure].values()))
        assert ((known >= 0) & (known <= 1) | np.isnan(known)).all(), measure
    for name in METHOD_NAMES:
        means = [grid.values["coverage_mean"][name, ratio].mean() for ratio in RATIOS]
        assert means == sorted(means), name
    # Budgets by length give the event's segment its share of the frames, whatever else differs.
    by_length = [grid.values["segment_context"][name, 0.10] for name in ("table4-none", "table4-tfd")]
    np.testing.assert_allclose(*by_length, atol=1e-9)


def test_a_table_with_a_row_too_few_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "_CHECKOUT", tmp_path)
    (tmp_path / "data" / "results").mkdir(parents=True)
    table = tmp_path / "data" / "results" / "torn.csv"
    table.write_text("clip,method,ratio,coverage_mean\na,m,0.1,0.5\nb,m,0.1,\na,m,0.2,0.7\n")
    with pytest.raises(ValueError, match="got 3 rows for 2 settings of 2 clips; expected one for each"):
        read_grid("torn")
    table.write_text(table.read_text() + "b,m,0.2,0.9\n")
    grid = read_grid("torn")
    assert grid.clips == ("a", "b")
    np.testing.assert_array_equal(grid.values["coverage_mean"]["m", 0.1], [0.5, np.nan])
    assert grid.interval("coverage_mean", ("m", 0.2)).mean == pytest.approx(0.8)


def test_settings_are_compared_by_clip_and_corrected_for_their_number() -> None:
    rng = np.random.default_rng(0)
    hard = rng.random(40)  # what makes a clip hard moves all methods alike
    values = {
        ("a", 0.1): hard,
        ("b", 0.1): hard + 0.01 + 0.01 * rng.random(40),
        ("c", 0.1): hard + rng.normal(0, 1, 40),
    }
    grid = Grid(tuple(map(str, range(40))), {"recall": values})
    family = [("recall", (name, 0.1), ("a", 0.1)) for name in ("b", "c")]
    found = grid.compare(family)
    assert [found[cell].verdict for cell in family] == ["higher", "undecided"]
    alone = grid.compare(family[:1])[family[0]]
    assert found[family[0]].p_value == pytest.approx(2 * alone.p_value)


def test_panels_hold_the_means_of_the_table() -> None:
    rows = [row for row in committed("ablation") if row["method"] == "tome" and row["ratio"] == "0.15"]
    (panel,) = method_panels(["coverage_worst"])
    mean, low, high = panel.curves["ToMe"][:, list(panel.ratios).index(0.15)]
    assert mean == pytest.approx(np.mean([float(row["coverage_worst"]) for row in rows]))
    assert low < mean < high


def test_part_panels_are_paired_differences_and_claim_none_whose_interval_holds_zero() -> None:
    table = {(row["clip"], row["method"], row["ratio"]): row for row in committed("ablation")}
    clips = sorted({clip for clip, *_ in table})
    for panel, measure in zip(part_panels(), JUDGED, strict=True):
        for part, (with_it, without) in PARTS.items():
            for number, ratio in enumerate(PAPER_RATIOS):
                a, b = (
                    np.array([float(table[clip, name, repr(ratio)][measure] or "nan") for clip in clips])
                    for name in (with_it, without)
                )
                mean, low, high = panel.parts[part][:, number]
                assert mean == pytest.approx(np.nanmean(a - b), abs=1e-9)
                if panel.decided[part][number]:
                    assert low > 0 or high < 0
    # The first row of Table 4 and the second differ in their prior alone, which moves no budget.
    budget = part_panels(["segment_context"])[0]
    assert not any(budget.decided["TFD\n(over none)"])
    assert all(budget.decided["CABA: both\n(over TFD)"])


def test_the_papers_differences_are_those_of_its_tables() -> None:
    panel = paper_part_panel()
    expected = {
        "TFD\n(over none)": [0.6, 0.7, 0.3],
        "uniqueness\n(over TFD)": [0.3, 0.1, 0.0],
        "richness\n(over TFD)": [0.1, -0.6, 0.1],
        "CABA: both\n(over TFD)": [0.4, 0.2, 0.1],
        "TFD in place\nof adjacent": [0.2, 0.2, 0.0],
        "all\n(over none)": [1.0, 0.9, 0.4],
        "all (over\nFastVID)": [1.0, 0.9, 0.4],
    }
    assert list(panel.parts) == list(expected) == list(PARTS)
    for part, points in expected.items():
        assert panel.parts[part][0].tolist() == pytest.approx(points)
        assert np.isnan(panel.parts[part][1:]).all()


def write_grid(folder: Path, name: str, rows: dict[tuple[str, float], list[dict[str, float]]]) -> None:
    """A table of a grid: for each setting the measures of each clip."""
    columns = list(next(iter(rows.values()))[0])
    (folder / "results").mkdir(exist_ok=True)
    with (folder / "results" / f"{name}.csv").open("w", newline="") as handle:
        table = csv.writer(handle)
        table.writerow(["clip", "method", "ratio", *columns])
        for setting, clips in rows.items():
            table.writerows(
                [f"scene:{n}", *setting, *(clip[column] for column in columns)] for n, clip in enumerate(clips)
            )


@pytest.fixture
def other_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder in place of the project's."""
    monkeypatch.setattr(resources, "_CHECKOUT", tmp_path)
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_budget_shares_are_held_against_the_share_of_the_frames(other_data: Path) -> None:
    rng = np.random.default_rng(0)
    frames = rng.uniform(0.05, 0.2, 30)
    moved = {"table4-tfd": 0.0, "table4-tfd+uniqueness": 0.1, "table4-tfd+richness": -0.02, "infomerge": 0.2}
    rows = {
        (name, ratio): [
            {"segment_frames": share, "segment_context": share + shift * (1 + rng.random())} for share in frames
        ]
        for name, shift in moved.items()
        for ratio in PAPER_RATIOS
    }
    write_grid(other_data, "ablation", rows)
    head, _, *lines = [line.strip("| ").split(" | ") for line in budget_share_table().splitlines()]
    assert head == ["the event's share of", "5%", "10%", "15%"]
    name, *cells = lines.pop(0)
    assert name == "the frames"
    assert {cell.split(" [")[0] for cell in cells} == {f"{frames.mean():.2f}"}
    for (name, *cells), setting, sign in zip(lines, moved, "=+-+", strict=True):
        assert name == f"the context tokens, {ALLOCATIONS[setting]}"
        for cell, ratio in zip(cells, PAPER_RATIOS, strict=True):
            mean = np.mean([clip["segment_context"] for clip in rows[setting, ratio]])
            assert float(cell.split(" [")[0]) == pytest.approx(mean, abs=0.0051)
            assert cell[-1] == sign


def test_the_real_clips_table_holds_means_and_ends_by_ratio() -> None:
    rows = [row for row in committed("ablation_real") if row["method"] == "tome"]
    for measure in ("kl_divergence", "top1_agreement"):
        head, _, *lines = [line.strip("| ").split(" | ") for line in real_table(measure).splitlines()]
        assert head == [QUANTITIES[measure].title, *(f"{ratio:.0%}" for ratio in RATIOS)]
        (cells,) = [cells for name, *cells in lines if name == "ToMe"]
        for cell, ratio in zip(cells, RATIOS, strict=True):
            numbers = [float(row[measure]) for row in rows if float(row["ratio"]) == ratio]
            assert len(numbers) == 4
            assert cell == f"{np.mean(numbers):.3f} ({min(numbers):.3f} to {max(numbers):.3f})"


def test_priors_are_compared_by_each_measure_for_every_kind_of_tokens(other_data: Path) -> None:
    rng = np.random.default_rng(0)
    (other_data / "results").mkdir()
    # By AUROC TFD is ahead, by average precision the neighbour, and by candidate precision neither.
    ahead = {"tfd_auroc": 0.1, "adjacent_average_precision": 0.2}
    columns = [f"{prior}_{measure}" for prior in ("tfd", "adjacent") for measure in PRIOR_MEASURES]
    for name in PRIOR_TABLES.values():
        with (other_data / "results" / f"{name}.csv").open("w", newline="") as handle:
            table = csv.writer(handle)
            table.writerow(["clip", "disturbance", "strength", *(f"scenes_{column}" for column in columns)])
            for clip, base in enumerate(rng.random(20) / 2):
                row = [base + ahead.get(column, 0) * rng.uniform(1, 1.1) for column in columns]
                table.writerow([f"scene:{clip}", "none", 0, *row])
    for measure, verdict in zip(PRIOR_MEASURES, ("higher", "lower", "undecided"), strict=True):
        compared = prior_comparisons(measure)
        assert {tokens: found["none", 0.0].verdict for tokens, found in compared.items()} == dict.fromkeys(
            PRIOR_TABLES, verdict
        )
    with pytest.raises(ValueError, match="measure: got 'precision'; expected auroc, average_precision, cand"):
        prior_comparisons("precision")


@pytest.mark.parametrize("measure", PRIOR_MEASURES)
def test_the_committed_tables_of_priors_have_every_measure(measure: str) -> None:
    for tokens, conditions in prior_comparisons(measure).items():
        assert len(conditions) == 56
        clean = [row for row in committed(PRIOR_TABLES[tokens]) if row["disturbance"] == "none"]
        tfd, adjacent = (
            np.array([float(row[f"scenes_{prior}_{measure}"] or "nan") for row in clean]) for prior in PRIORS
        )
        assert conditions["none", 0.0].difference.mean == pytest.approx(np.nanmean(tfd - adjacent), abs=1e-9)


def test_knob_panels_stand_beside_the_papers_numbers_in_the_order_of_the_values() -> None:
    temperature, penalty, uniqueness = knob_panels()
    assert temperature.paper.tolist() == [57.48, 57.56, 57.67, 57.59, 57.22, 56.82, 56.56]
    assert penalty.paper.tolist() == [57.3, 57.1, 57.3, 57.4, 57.7, 57.7, 57.7]
    assert uniqueness.values.tolist() == [0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1]
    assert uniqueness.paper.tolist() == [56.9, 57.4, 57.1, 57.0, 57.2, 57.4, 57.7, 57.6]
    for knob, (label, chosen) in zip((temperature, penalty, uniqueness), KNOBS.values(), strict=True):
        assert (knob.knob, knob.chosen) == (label, chosen)
        place = knob.values.tolist().index(chosen)
        assert not any(decided[place] for decided in knob.decided.values())
    # The paper's choice is one and the same run in all three columns.
    for measure in temperature.measured:
        means = {knob.measured[measure][0][knob.values.tolist().index(knob.chosen)] for knob in knob_panels()}
        assert len(means) == 1


def test_the_default_of_the_knobs_is_the_method_of_the_other_table() -> None:
    ours, knobs = read_grid("ablation"), read_grid("hyper_parameters")
    assert ours.clips == knobs.clips
    for measure in knobs.values:
        for option, (_, chosen) in KNOBS.items():
            np.testing.assert_array_equal(
                knobs.values[measure][option, chosen], ours.values[measure]["infomerge", 0.10], measure
            )


def test_the_readmes_table_is_the_one_that_the_measurements_give() -> None:
    table = summary_table()
    lines = [line.split(" | ") for line in table.strip("|").splitlines()]
    assert len({len(line) for line in lines}) == 1
    rows = [row for row in committed("ablation") if row["method"] == "dycoke" and row["ratio"] == "0.1"]
    (dycoke,) = [line for line in lines if "DyCoke" in line[0]]
    assert dycoke[1].startswith(f"{np.mean([float(row['event_owned']) for row in rows]):.2f} [")
    assert table in (ROOT / "docs" / "results.md").read_text(encoding="utf-8"), (
        "python -m benchmarks.ablation_grid --summary"
    )


def test_a_sweep_is_condensed_to_one_short_row_an_item(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sweep.yaml").write_text(
        "methods: [random, {name: infomerge, options: {uniqueness_weight: 0.5, richness_weight: 0.5}}]\n"
        "ratios: [0.25]\nclips: ['tokens:2', 'tokens:10']\nmeasures: [kept, coverage]\nnum_frames: 6\n"
    )
    run_sweep(read_sweep(tmp_path / "sweep.yaml"), tmp_path / "out", jobs=1)
    monkeypatch.setattr(ablation_grid, "RESULTS", tmp_path)
    ablation_grid.condense(tmp_path / "out", "ablation")
    table = (tmp_path / "ablation.csv").read_text().splitlines()
    assert table[0] == "clip,method,ratio,coverage_mean,coverage_worst"
    assert [line.rsplit(",", 2)[0] for line in table[1:]] == [
        "tokens:2,infomerge,0.25",
        "tokens:10,infomerge,0.25",
        "tokens:2,random,0.25",
        "tokens:10,random,0.25",
    ]
    assert ablation_grid.setting({"options": '{"richness_weight": 0.5, "uniqueness_weight": 0.5}'}, "option") == (
        "uniqueness_weight",
        "0.5",
    )

    broken = tmp_path / "out" / "results.csv"
    broken.write_text(broken.read_text().replace(",ok,", ",failed,", 1))
    with pytest.raises(SystemExit, match="1 of 4 items failed"):
        ablation_grid.condense(tmp_path / "out", "ablation")
    assert [condensing.shortened(number, ".3f") for number in ("", "nan", "0.12345")] == ["", "", "0.123"]
