"""`infomerge figures` on the reader's clips: what it writes where, and what it refuses in one line."""

from pathlib import Path

import numpy as np
import pytest

from tests.commands import exit_code, refusal
from tests.media import X264_CLOSED, write_video

OWN = ["-n", "6", "--encoder", "{folder}/{{clip}}.npy", "--only", "contact_sheet"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    for name in ("one", "two"):
        write_video(folder / f"{name}.mp4", count=24, options=X264_CLOSED)
        np.save(folder / f"{name}.npy", np.random.default_rng(0).random((6, 3, 5, 8), np.float32))
    return folder


def own(desk: Path) -> list[str]:
    return [option.format(folder=desk) for option in OWN]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_each_of_several_clips_has_a_folder_and_what_shows_all_has_none(desk: Path, tmp_path: Path) -> None:
    both = [str(desk / "one.mp4"), str(desk / "two.mp4"), *own(desk), "--only", "spectrum", "--format", "svg"]
    assert exit_code("figures", *both, "--out", tmp_path) == 0
    assert files(tmp_path) == ["captions.md", "one/contact_sheet.svg", "spectrum.svg", "two/contact_sheet.svg"]
    spectrum = (tmp_path / "spectrum.svg").read_text()
    assert "one: " in spectrum
    assert "two: " in spectrum


def test_nothing_that_is_there_is_replaced_unasked(
    desk: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "contact_sheet.png").write_text("mine")
    line = refusal(capfd, "figures", desk / "one.mp4", *own(desk), "--out", tmp_path)
    assert line.endswith("contact_sheet.png already exists; choose another folder or pass --force")
    assert files(tmp_path) == ["contact_sheet.png"]
    assert exit_code("figures", desk / "one.mp4", *own(desk), "--out", tmp_path, "--force") == 0
    assert (tmp_path / "contact_sheet.png").read_bytes().startswith(b"\x89PNG")


def test_what_a_clip_does_not_give_is_said_and_left_out(
    desk: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clip = [str(desk / "one.mp4"), "-n", "1", "--encoder", str(tmp_path / "one.npy"), "--out", str(tmp_path / "out")]
    np.save(tmp_path / "one.npy", np.random.default_rng(0).random((1, 3, 5, 8), np.float32))
    names = ["--only", "fingerprint_matrices", "--only", "ownership", "--format", "png"]
    assert exit_code("figures", *clip, *names) == 0
    said = capfd.readouterr().err
    assert "note: no fingerprint_matrices (fingerprint_matrices: got segments of one frame alone" in said
    assert files(tmp_path / "out") == ["captions.md", "ownership.png"]
    line = refusal(capfd, "figures", *clip, "--only", "fingerprint_matrices")
    assert line.startswith("fingerprint_matrices: got segments of one frame alone")


def test_names_of_figures_as_arguments_still_work_and_say_what_to_write(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("figures", "hyper_parameters", "--out", tmp_path) == 0
    assert files(tmp_path) == ["hyper_parameters.pdf", "hyper_parameters.png"]
    said = capfd.readouterr().err
    assert "figures hyper_parameters is deprecated and goes with the next release" in said
    assert "figures --only hyper_parameters" in said


BAD = {
    "an unknown width": (["--width", "broad"], "--width: 'broad' is no width; pass single, double or a number"),
    "no width": (["--width", "0.5"], "--width: got 0.5; expected single, double, or inches from 2.5 to 30"),
    "an unknown font": (["--font", "Comic"], "--font: got 'Comic'; expected sans, serif, latex, or an installed font"),
    "an unknown format": (["--format", "pdf,jpg"], "--format: 'jpg' is none of the formats; choose from pdf, png"),
    "no format": (["--format", ","], "--format: no format is named"),
    "a ratio of 2": (["-r", "2"], "--retention-ratio: 2 is no share"),
    "panels of a sheet": (["--panels", "film"], "--panels: got film; this figure has no panels to choose from"),
    "panels of two": (["--panels", "film", "--only", "spectrum"], "--panels: panels are of one figure"),
    "a table": (["--only", "static_priors"], "--only: static_priors is drawn from the project's own tables"),
    "other frames": (["-n", "5"], "--encoder: got the tokens of 6 frames in one.npy; expected those of the clip's 5"),
    "no grid": (["--grid", "3by5"], "--grid: '3by5' is no grid; write ROWSxCOLUMNS"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_drawn_is_refused_in_one_line(
    case: str, desk: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    options, said = BAD[case]
    line = refusal(capfd, "figures", desk / "one.mp4", *own(desk), *options, "--out", tmp_path / "out")
    assert line.startswith(said)


def test_an_unknown_panel_names_those_that_there_are(
    desk: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asked = [*own(desk)[:-2], "--only", "budgets_over_time", "--panels", "film,money", "--out", str(tmp_path)]
    line = refusal(capfd, "figures", desk / "one.mp4", *asked)
    assert line == "--panels: got 'money'; expected of film, similarity, uniqueness, richness, weight, budget"
