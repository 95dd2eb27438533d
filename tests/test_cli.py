"""The command as a package: fast to start, one file a command, one set of options, and errors told from mistakes."""

import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest

from infomerge import cli
from infomerge.cli import commands, group
from infomerge.cli.errors import InputError, Notes, bad_file, bad_input
from infomerge.cli.options import PRESETS, SAMPLES, clip_options, method_options
from infomerge.config import InfoMergeConfig
from infomerge.methods import METHODS
from infomerge.video import sample_names
from tests.commands import exit_code, refusal
from tests.sweeps import write_config

HEAVY = ("torch", "numpy", "matplotlib", "transformers", "pydantic", "rich", "av", "IPython")
COMMANDS = sorted(group.commands)


def run_apart(program: str) -> str:
    """What a program prints in a process of its own."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)])
def test_help_imports_nothing_that_is_slow_to_import(arguments: list[str]) -> None:
    program = (
        f"import sys; from infomerge.cli import main; main({arguments});"
        f"print('loaded:', *(name for name in {HEAVY} if name in sys.modules))"
    )
    assert run_apart(program).splitlines()[-1] == "loaded:"


def test_each_file_of_commands_is_a_command_by_its_name(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = {path.stem for path in Path(commands.__path__[0]).glob("*.py")} - {"__init__"}
    assert files == set(group.commands)
    (tmp_path / "wave.py").write_text(
        "import click\n\n@click.command()\ndef command() -> None:\n    'Wave a hand.'\n    click.echo('waved')\n"
    )
    program = (
        "import importlib; from infomerge import cli;"
        f"cli.commands.__path__.append({str(tmp_path)!r}); importlib.reload(cli);"
        "cli.main(['--help']); cli.main(['wave'])"
    )
    printed = run_apart(program).splitlines()
    assert any(line.split() == ["wave", "Wave", "a", "hand."] for line in printed)
    assert printed[-1] == "waved"


def test_the_first_sentence_about_each_command_fits_into_the_list(capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--help") == 0
    printed = capfd.readouterr().out
    for name in COMMANDS:
        assert f"\n  {name} " in printed
    assert "..." not in printed.partition("Commands:")[2]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("run", "retention-ratio out num-frames method set encoder grid force"),
        (
            "ask",
            "model retention-ratio compare num-frames frames method set positions max-new-tokens repeats json force",
        ),
        ("figures", "out only title width font panels format retention-ratio num-frames encoder grid force list"),
        ("notebooks", "force"),
        ("sweep", "out jobs backend scheduler retry-failed"),
    ],
)
def test_help_names_all_options(name: str, options: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_code(name, "--help") == 0
    printed, complaint = capfd.readouterr()
    assert complaint == ""
    for option in options.split():
        assert f"--{option}" in printed


def test_the_version_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_code("--version") == 0
    assert "infomerge" in capfd.readouterr().out


def test_arguments_that_are_missing_or_unknown_are_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert refusal(capfd, "run", "tour") == "Missing option '--out' / '-o'."
    assert refusal(capfd, "run", "--out", "there") == "Missing argument 'CLIP'."
    assert "No such command 'walk'" in refusal(capfd, "walk")
    assert "Did you mean 'run'?" in refusal(capfd, "runs")
    assert "--fast" in refusal(capfd, "run", "tour", "--out", "there", "--fast")
    assert refusal(capfd, "run", "tour", "--out", "there", "-r", "few").startswith("--retention-ratio: 'few' is not")


def test_samples_are_those_of_the_library(capfd: pytest.CaptureFixture[str]) -> None:
    assert list(SAMPLES) == list(sample_names())
    for name in ("run", "ask"):
        exit_code(name, "--help")
        assert f"name of a sample: {', '.join(SAMPLES)}." in " ".join(capfd.readouterr().out.split())


# --- one method, one clip ---------------------------------------------------------------------------------------------


@pytest.fixture
def handed() -> list[dict[str, Any]]:
    """What a command with the shared options was handed."""
    return []


@pytest.fixture
def echo(handed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a command that takes a method, and does nothing."""

    @click.command()
    @method_options
    def command(**given: Any) -> None:
        handed.append(given)

    monkeypatch.setitem(group.commands, "echo", command)
    return "echo"


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_reached_by_its_name(name: str, echo: str, handed: list[dict[str, Any]]) -> None:
    assert exit_code(echo, "--method", name, "-r", "0.1") == 0
    (compressor,) = handed[0].values()
    assert (compressor.name, compressor.retention_ratio) == (name, 0.1)


def test_without_a_name_it_is_the_papers_method(echo: str, handed: list[dict[str, Any]]) -> None:
    assert exit_code(echo) == 0
    compressor = handed[0]["compressor"]
    assert (compressor.name, compressor.label) == ("infomerge", "InfoMerge at 15 %")
    assert compressor.config == InfoMergeConfig(retention_ratio=0.15)


def test_options_are_numbers_words_and_truth_values(echo: str, handed: list[dict[str, Any]]) -> None:
    settings = ["--set", "temperature=2", "--set", " allocation = length ", "--set", "min_segments=3"]
    assert exit_code(echo, "-r", "0.1", *settings) == 0
    wanted = InfoMergeConfig(retention_ratio=0.1, temperature=2, allocation="length", min_segments=3)
    assert handed[0]["compressor"].config == wanted
    assert exit_code(echo, "--method", "random", "--set", "seed=7") == 0
    assert handed[1]["compressor"].options["seed"] == 7
    assert exit_code(echo, "--method", "farthest", "--set", "time_scale=none", "--set", "scope=segment") == 0
    assert handed[2]["compressor"].options == {"time_scale": "none", "scope": "segment"}
    assert exit_code(echo, "--method", "farthest", "--set", "time_scale=0") == 2


def test_bad_options_are_refused_in_one_line(echo: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert refusal(capfd, echo, "--method", "best").startswith("--method: got 'best'")
    assert refusal(capfd, echo, "--set", "temperature") == (
        "--set: 'temperature' has no value; write OPTION=VALUE, such as temperature=2"
    )
    assert "pass --retention-ratio 0.2" in refusal(capfd, echo, "--set", "retention_ratio=0.2")
    assert "pass --method tome" in refusal(capfd, echo, "--set", "method=tome")
    line = refusal(capfd, echo, "--method", "tome", "--set", "speed=1")
    assert line == "--set speed: not an option of the method 'tome'; its options: none"
    line = refusal(capfd, echo, "--set", "temprature=1")
    assert line.startswith("--set temprature: not an option of the method 'infomerge' (did you mean 'temperature'?)")
    assert refusal(capfd, echo, "--method", "random", "--set", "seed=few").startswith("--set seed: got str")
    assert refusal(capfd, echo, "--set", "temperature=-1").startswith("--set temperature: ")
    assert refusal(capfd, echo, "-r", "0").startswith("--retention-ratio: ")


@pytest.mark.parametrize("preset", PRESETS)
def test_the_old_spelling_works_and_says_what_to_write(
    preset: str, echo: str, handed: list[dict[str, Any]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(echo, "--preset", preset, "-r", "0.1") == 0
    assert handed[0]["compressor"].name == PRESETS[preset]
    (note,) = capfd.readouterr().err.splitlines()
    assert note.startswith("infomerge: note: ")
    assert f"--preset {preset}" in note
    assert f"use --method {PRESETS[preset]}" in note
    assert "pass --method alone" in refusal(capfd, echo, "--preset", preset, "--method", "tome")


def test_an_old_name_of_an_option_works_and_says_what_to_write(
    echo: str, handed: list[dict[str, Any]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(echo, "--set", "neighbours=2") == 0
    compressor = handed[0]["compressor"]
    assert (compressor.options, compressor.config.neighbors) == ({"neighbors": 2}, 2)
    (note,) = capfd.readouterr().err.splitlines()
    assert note.startswith("infomerge: note: the option 'neighbours' is deprecated")


def test_every_method_is_listed_with_its_options(capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_code("methods") == 0
    printed = capfd.readouterr().out
    names = [line.partition(": ")[0] for line in printed.splitlines() if not line.startswith(" ")]
    assert names == list(METHODS)
    for method in METHODS.values():
        assert method.summary in printed
        for option in method.options:
            assert option in printed


# --- errors and notes -------------------------------------------------------------------------------------------------


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


OURS = [ValueError("ours"), TypeError("ours"), OSError("ours"), FileNotFoundError(2, "gone", "/no/table.csv")]


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("place", ["infomerge.report.record", "infomerge.plots.contact_sheet"])
def test_a_mistake_of_ours_keeps_its_traceback(
    place: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, failing(error))
    with pytest.raises(type(error)) as caught:
        cli.main(["run", "carphone", "-n", "2", "-o", str(tmp_path)])
    assert caught.value is error


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
def test_a_mistake_of_ours_in_an_answer_keeps_its_traceback(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infomerge.models.load", lambda *_, **__: (object(), lambda *_: object()))
    monkeypatch.setattr("infomerge.models.answer", failing(error))
    with pytest.raises(type(error)) as caught:
        cli.main(["ask", "carphone", "Who?", "-m", "a model", "-n", "2"])
    assert caught.value is error


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
def test_a_mistake_of_ours_in_a_sweep_keeps_its_traceback(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infomerge.measure.resumable.Table.append", failing(error))
    config = write_config(tmp_path, clips=["tokens:0"], methods=["random"], seeds=[0])
    with pytest.raises(type(error)) as caught:
        cli.main(["sweep", str(config), "-o", str(tmp_path / "out"), "-j", "1"])
    assert caught.value is error


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
def test_a_figure_that_cannot_be_drawn_is_a_mistake_of_ours(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infomerge.paper.figures import FIGURES

    monkeypatch.setitem(vars(FIGURES["contact_sheet"]), "recipe", failing(error))
    for clip in ([], ["carphone", "-n", "2", "--encoder", str(one_color_tokens(tmp_path))]):
        with pytest.raises(type(error)) as caught:
            cli.main(["figures", *clip, "--only", "contact_sheet", "-o", str(tmp_path / "out")])
        assert caught.value is error


def one_color_tokens(folder: Path) -> Path:
    np.save(folder / "tokens.npy", np.ones((2, 9, 4), np.float32))
    return folder / "tokens.npy"


def test_an_unknown_figure_is_refused_before_any_is_drawn(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    line = refusal(capfd, "figures", "--only", "contact_sheet", "--only", "no_figure", "--out", tmp_path / "out")
    assert line.startswith("--only: no figure 'no_figure'; choose from ")
    assert not (tmp_path / "out").exists()


def test_only_the_errors_that_a_block_names_are_the_users() -> None:
    with pytest.raises(click.ClickException, match=r"^--model: got nothing$"), bad_input(OSError, path="--model"):
        raise FileNotFoundError("path: got nothing")
    with pytest.raises(click.ClickException, match=r"^other: got nothing$"), bad_input(OSError, path="--model"):
        raise OSError("other: got nothing")
    with pytest.raises(ValueError, match="ours"), bad_input(OSError):
        raise ValueError("ours")
    with (
        pytest.raises(click.ClickException, match=r"^--ratio: .*got 2"),
        bad_input(ValueError, retention_ratio="--ratio"),
    ):
        InfoMergeConfig(retention_ratio=2)


def test_only_errors_about_the_users_own_folder_are_the_users(tmp_path: Path) -> None:
    missing = tmp_path / "new" / "x"
    with pytest.raises(InputError, match=rf"^--out: {missing} cannot be written"), bad_file("--out", tmp_path):
        missing.write_text("")
    with pytest.raises(InputError, match=r"^--out: .*No space left"), bad_file("--out", tmp_path):
        raise OSError(28, "No space left on device")
    for error in OURS:
        with pytest.raises(type(error)), bad_file("--out", tmp_path):
            raise error


def test_notes_wait_for_the_input_and_an_error_stands_alone(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    @click.argument("how")
    @cli.errors.pass_notes
    def command(notes: Notes, how: str) -> None:
        warnings.warn("first\n  note", UserWarning, stacklevel=1)
        assert capfd.readouterr().err == ""
        if how == "refused":
            raise InputError("HOW", "refused")
        notes.tell()
        assert capfd.readouterr().err == "infomerge: note: first note\n"
        warnings.warn("second", UserWarning, stacklevel=1)
        assert capfd.readouterr().err == "infomerge: note: second\n"

    monkeypatch.setitem(group.commands, "note", command)
    before = warnings.showwarning
    assert refusal(capfd, "note", "refused") == "HOW: refused"
    assert exit_code("note", "taken") == 0
    assert warnings.showwarning is before


def test_a_note_is_told_when_a_command_forgets_it_and_when_it_fails(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    @click.option("--fail", is_flag=True)
    def command(fail: bool) -> None:
        warnings.warn(f"noted {fail}", UserWarning, stacklevel=1)
        if fail:
            raise RuntimeError("ours")

    monkeypatch.setitem(group.commands, "forget", command)
    assert exit_code("forget") == 0
    assert capfd.readouterr().err == "infomerge: note: noted False\n"
    with pytest.raises(RuntimeError, match="ours"):
        cli.main(["forget", "--fail"])
    assert capfd.readouterr().err == "infomerge: note: noted True\n"


def test_the_clip_is_read_before_the_command_begins(
    handed: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    @clip_options
    def command(**given: Any) -> None:
        """Look.

        At more.
        """
        handed.append(given)

    monkeypatch.setitem(group.commands, "look", command)
    assert exit_code("look", "carphone", "-n", "3") == 0
    assert handed[0]["clip"].metadata.name == "carphone"
    assert len(handed[0]["clip"].frames) == 3
    assert refusal(capfd, "look", "no.mp4").startswith("CLIP: got no file 'no.mp4'")
    assert refusal(capfd, "look", "carphone", "-n", "0").startswith("--num-frames: 0 is not in the range")
    exit_code("look", "--help")
    assert "  Look.\n\n  At more.\n\n  CLIP is a video file" in capfd.readouterr().out


# --- notebooks --------------------------------------------------------------------------------------------------------


def test_notebooks_are_written_and_none_is_replaced_unasked(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "course"
    assert exit_code("notebooks", folder) == 0
    written = sorted(path.name for path in folder.glob("*.ipynb"))
    originals = Path(__file__).parent.parent / "notebooks"
    assert written == sorted(path.name for path in originals.glob("*.ipynb"))
    course = {str(path.relative_to(originals)) for path in (originals / "course").rglob("*.*") if path.is_file()}
    assert {"course/README.md", "course/slides.md", "course/source/unit_2_fingerprints.py"} < course
    assert course == {str(path.relative_to(folder)) for path in (folder / "course").rglob("*.*")}
    units = sum(name.endswith(".ipynb") for name in course)
    assert (
        capfd.readouterr().out
        == f"Wrote {len(written) + units} notebooks to {folder}; open them with: jupyter lab {folder}\n"
    )
    mine = folder / written[0]
    mine.write_text("mine")
    line = refusal(capfd, "notebooks", folder)
    assert line == f"DIR: {folder} already has notebooks of the same names; choose another folder or pass --force"
    assert mine.read_text() == "mine"
    assert exit_code("notebooks", folder, "--force") == 0
    assert mine.read_text() != "mine"
    assert "cannot be written" in refusal(capfd, "notebooks", mine / "further")
    assert "is a file" in refusal(capfd, "notebooks", mine)
