"""The paper package: where its files are, notebooks for the reader's own folder, which frames are shown, old names."""

from pathlib import Path

import numpy as np
import pytest

from infomerge import resources
from infomerge.paper import clips, figures
from infomerge.paper.notebooks import write_notebooks
from infomerge.plots.style import PrintFigure

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def test_files_are_those_of_the_package_first_and_of_the_checkout_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resources.folder("notebooks") == NOTEBOOKS
    monkeypatch.setattr(resources, "_SHIPPED", tmp_path / "package")
    monkeypatch.setattr(resources, "_CHECKOUT", tmp_path / "checkout")
    with pytest.raises(FileNotFoundError, match=r"data: got neither in .*package nor in .*checkout"):
        resources.data_file("paper_tables.json")
    for place in ("checkout", "package"):
        (tmp_path / place / "data").mkdir(parents=True)
        assert resources.data_file("results/a.csv") == tmp_path / place / "data" / "results" / "a.csv"


def test_notebooks_are_written_and_those_of_the_reader_stay(tmp_path: Path) -> None:
    written = write_notebooks(tmp_path / "mine")
    course = [path for path in (NOTEBOOKS / "course").rglob("*.*") if path.is_file()]
    expected = [*sorted(NOTEBOOKS.glob("*.ipynb")), *sorted(course)]
    assert sorted(path.relative_to(tmp_path / "mine") for path in written) == sorted(
        path.relative_to(NOTEBOOKS) for path in expected
    )
    assert all(path.read_bytes() == (NOTEBOOKS / path.relative_to(tmp_path / "mine")).read_bytes() for path in written)

    for path in written[:3]:
        path.unlink()
    written[5].write_text("my own")
    there = f"mine: got {len(written) - 3} of the notebooks, {written[3].name} first"
    with pytest.raises(FileExistsError, match=there):
        write_notebooks(tmp_path / "mine")
    assert not written[0].exists()
    assert written[5].read_text() == "my own"
    write_notebooks(tmp_path / "mine", force=True)
    assert written[5].read_bytes() == (NOTEBOOKS / written[5].name).read_bytes()
    assert sorted(path for path in (tmp_path / "mine").rglob("*") if path.is_file()) == sorted(written)


def test_the_fullest_frames_are_those_of_the_longest_scenes_in_order() -> None:
    # Scenes of 2, 3, 4, 1 and 5 frames.
    cuts, kept = [1, 4, 8, 9], np.array([9, 9, 0, 5, 1, 2, 2, 3, 2, 7, 1, 0, 0, 0, 4])
    assert clips.fullest_frames(cuts, kept, 3) == [3, 7, 14]
    assert clips.fullest_frames(cuts, kept, 9) == [0, 3, 7, 9, 14]
    assert clips.fullest_frames([], kept[1:], 6) == [0]


def test_one_clip_is_held_and_no_more() -> None:
    assert clips.encoded.cache_info().maxsize == 1


def test_every_recipe_has_a_name_of_its_own() -> None:
    from infomerge import plots

    functions = [recipe.recipe.__name__ for recipe in figures.FIGURES.values()]
    assert len(set(functions)) == len(functions)
    assert not {*functions} & {*plots.__all__}


def test_old_names_work_and_say_what_to_write_instead() -> None:
    from infomerge import figures as old_figures
    from infomerge import results

    with pytest.warns(DeprecationWarning, match=r"results.read_grid is .* use infomerge.paper.tables.read_grid"):
        grid = results.read_grid("ablation")
    assert len(grid.clips) == 60
    with pytest.warns(DeprecationWarning, match=r'use infomerge.paper.figures.draw\("hyper_parameters"\)'):
        drawn = old_figures.hyper_parameters()
    assert isinstance(drawn, PrintFigure)
    with pytest.warns(DeprecationWarning, match=r"use infomerge.paper.figures.show"):
        assert old_figures.show is figures.show
    for module in (results, old_figures):
        with pytest.raises(AttributeError, match="has no attribute 'nope'"):
            _ = module.nope


def test_the_papers_numbers_are_read_and_not_repeated() -> None:
    from infomerge.paper.labels import KNOBS
    from infomerge.paper.tables import paper_tables

    assert paper_tables()["fig4_spectrum"]["top20_energy_share"] == pytest.approx(0.881)
    # The paper chooses at 10 % what its own Figures 5 and 6 and Table 6 find best there.
    best = {
        "temperature": max(paper_tables()["fig5_temperature_videomme_r10"], key=lambda row: row[1])[0],
        "static_penalty": [value for value, accuracy in paper_tables()["fig6_lambda_videomme_r10"] if accuracy == 57.7],
        "uniqueness_weight": max(paper_tables()["table6_alpha_beta_videomme_r10"], key=lambda row: row[2])[0],
    }
    assert KNOBS["temperature"][1] == best["temperature"]
    assert KNOBS["static_penalty"][1] in best["static_penalty"]
    assert np.isclose(KNOBS["uniqueness_weight"][1], best["uniqueness_weight"])
