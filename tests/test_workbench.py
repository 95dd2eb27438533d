"""A researcher's afternoon (docs/workbench.md): own video and tokens, figures, tables, a folder of clips, a verdict."""

import csv
import inspect
import json
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.image
import numpy as np
import pytest
import yaml

from infomerge import EncodedClip, plots
from infomerge.encoders import TokenFile
from infomerge.video import save_clip
from infomerge.widgets import BudgetExplorer
from tests.commands import exit_code, refusal
from tests.test_plots_widths import check

FRAMES, GRID = 12, (12, 20)


def own_frames(seed: int, cut: int = 6) -> np.ndarray:
    """Two shots of coloured blocks; in each a block that wanders."""
    rng = np.random.default_rng(seed)
    shots = rng.integers(40, 220, (2, 6, 10, 3), dtype=np.uint8).repeat(16, axis=1).repeat(16, axis=2)
    frames = np.stack([shots[int(number >= cut)] for number in range(FRAMES)])
    for number in range(FRAMES):
        frames[number, 32:64, 8 * number : 8 * number + 32] = (250, 250, 240)
    return frames


def own_tokens(seed: int) -> np.ndarray:
    """Tokens of a network of one's own, as it might give them for these frames."""
    rng = np.random.default_rng(seed)
    base = rng.standard_normal((2, *GRID, 16))
    tokens = base[(np.arange(FRAMES) >= FRAMES // 2).astype(int)] + 0.2 * rng.standard_normal((FRAMES, *GRID, 16))
    return tokens.astype(np.float32)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """holiday.mp4 with what is known of it, tokens.npy, and clips/ with 20 more."""
    folder = tmp_path_factory.mktemp("desk")
    save_clip(own_frames(0), folder / "holiday.mp4", frame_rate=4)
    (folder / "holiday.truth.csv").write_text("what,seconds,until\ncut,1.5,\nevent,0.5,1.25\n")
    np.save(folder / "tokens.npy", own_tokens(0))
    (folder / "clips").mkdir()
    for number in range(20):
        save_clip(own_frames(number), folder / "clips" / f"clip{number:02d}.mp4", frame_rate=4)
    return folder


@pytest.fixture
def here(desk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(desk)
    return desk


@pytest.fixture(scope="module")
def clip(desk: Path) -> EncodedClip:
    return EncodedClip.read(desk / "holiday.mp4", TokenFile(desk / "tokens.npy"), num_frames=FRAMES)


def table(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_own_tokens_and_own_truth_go_with_the_video(clip: EncodedClip) -> None:
    assert clip.grid == GRID
    assert clip.tokens.numpy() == pytest.approx(own_tokens(0).reshape(FRAMES, -1, 16))
    assert clip.true_cuts == (5,)
    assert clip.truth is not None
    assert clip.truth.in_event(clip.times).tolist() == [2 <= number < 5 for number in range(FRAMES)]


def test_the_explorer_takes_them_and_comes_back_where_it_was_in_another_kernel(here: Path, clip: EncodedClip) -> None:
    explorer = BudgetExplorer(clip)
    assert explorer.config == clip.compress(retention_ratio=explorer.config.retention_ratio).config
    explorer.pin()
    explorer.set(temperature=2.5, retention_ratio=0.2, min_segments=3)
    explorer.segment, explorer.picture = 2, "difference"
    assert explorer.save_state("mine.json") == Path("mine.json")
    assert json.loads(Path("mine.json").read_text(encoding="utf-8")) == explorer.state
    code = """
        import json
        from infomerge import InfoMergeConfig
        from infomerge.encoders import TokenFile
        from infomerge.widgets import BudgetExplorer
        encoder = TokenFile("tokens.npy")
        explorer = BudgetExplorer.from_state("mine.json", encoder=encoder)
        again = eval(repr(explorer))
        print(json.dumps([explorer.state, explorer.shown["plan"], again.shown["plan"], repr(explorer)]))
    """
    made = subprocess.run(
        [sys.executable, "-c", inspect.cleandoc(code)], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert made.returncode == 0, made.stderr
    state, plan, again, line = json.loads(made.stdout)
    assert state == explorer.state
    assert plan == again == explorer.shown["plan"]
    assert line.endswith("segment=2)")
    explorer.close()


def test_figures_at_column_width_in_serif(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    own = ["holiday.mp4", "-n", FRAMES, "--encoder", "tokens.npy", "--out", "figures"]
    look = ["--width", "single", "--font", "serif", "--format", "png,pdf"]
    chosen = ["--only", "budgets_over_time", "--only", "contact_sheet", "--only", "spectrum", "--title", "100 % $mine"]
    assert exit_code("figures", *map(str, own), *look, *chosen) == 0
    for name in ("budgets_over_time", "contact_sheet", "spectrum"):
        assert matplotlib.image.imread(here / "figures" / f"{name}.png").shape[1] == pytest.approx(3.4 * 220, abs=1)
        pdf = (here / "figures" / f"{name}.pdf").read_bytes()
        assert b"STIX" in pdf
        assert b"DejaVu" not in pdf
    assert "## Contact sheet" in (here / "figures" / "captions.md").read_text()
    line = refusal(capfd, "figures", *map(str, own), "--only", "contact_sheet")
    assert line.endswith("already exists; choose another folder or pass --force")


def test_the_same_by_functions_under_ones_own_settings(clip: EncodedClip) -> None:
    with mpl.rc_context({"font.family": "serif"}):
        figure = plots.budget_chart(clip, clip.compress(retention_ratio=0.1), width=3.4, panels=["film", "budget"])
    check(figure)
    assert len(figure.axes) == 2
    assert figure.axes[1].xaxis.label.get_fontname() == "DejaVu Serif"


def test_tables(here: Path, clip: EncodedClip) -> None:
    out = clip.compress(retention_ratio=0.1)
    out.to_csv("tokens.csv", grid=clip.grid, timestamps=clip.timestamps)
    rows = table("tokens.csv")
    assert [20 * int(row["row"]) + int(row["column"]) for row in rows] == out.position.tolist()
    segments = out.to_frame("segments", timestamps=clip.timestamps)
    assert segments["budget"].sum() == int(out.is_context.sum())


def test_a_folder_of_clips_is_swept(here: Path) -> None:
    sweep = {
        "methods": ["infomerge", "fastvid"],
        "ratios": [0.1],
        "clips": ["clips", "holiday.mp4"],
        "measures": ["kept", "coverage", "cuts", "events"],
        "num_frames": FRAMES,
        "image_size": 96,
    }
    Path("sweep.yaml").write_text(yaml.safe_dump(sweep))
    assert exit_code("sweep", "sweep.yaml", "--out", "results", "-j", "1") == 0
    rows = table("results/results.csv")
    assert len(rows) == 2 * 21
    (known,) = [row for row in rows if row["clip"] == "holiday.mp4" and row["method"] == "infomerge"]
    assert (known["cuts_true"], known["event_frames"]) == ("1", "0.25")
    segments = table("results/segments.csv")
    for row in rows:
        of_item = [line for line in segments if line["key"] == row["key"]]
        assert sum(int(line["kept"]) for line in of_item) == int(row["kept"])
        assert of_item[0]["first_frame"] == "0"
        assert of_item[-1]["last_frame"] == str(FRAMES - 1)
    during = [line for line in segments if line["key"] == known["key"]]
    assert sum(int(line["event_frames"]) for line in during) == 3


def test_priors_are_compared_with_a_verdict(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", "clips/clip0[0-3].mp4", "-n", "4", "--disturb", "sensor_noise=20", "--no-pictures"]
    assert exit_code(*arguments, "--out", "compared") == 0
    words = Path("compared/comparison.md").read_text()
    assert "over 4 clips." in words
    assert "4 clips cannot decide anything" in words
    assert words.count("undecided.") + words.count("is better.") + words.count("changes its mind less.") >= 4
    assert [row["clip"] for row in table("compared/comparison.csv")] == [f"clip{number:02d}" for number in range(4)]
    assert all(0 <= float(row["kept_stable_a"]) <= 1 for row in table("compared/stability.csv"))
    assert words.split()[0] in capfd.readouterr().out


def test_a_picture_shows_where_they_differ(here: Path) -> None:
    own = ["holiday.mp4", "-n", str(FRAMES), "--encoder", "tokens.npy", "--out", "one"]
    assert exit_code("compare", *own, "--method", "infomerge", "--method", "tome") == 0
    assert (here / "one" / "001_holiday.png").exists()
    assert "1 clip cannot decide anything" in (here / "one" / "comparison.md").read_text()
