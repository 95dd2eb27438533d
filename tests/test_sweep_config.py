"""Sweeps: how a configuration is refused, and the keys that its items keep from release to release."""

from pathlib import Path
from typing import Any

import pytest

from infomerge.measure.sweep import read_sweep
from tests.commands import refusal
from tests.media import X264_CLOSED, write_video
from tests.sweeps import write_config

RESULTS = Path(__file__).parent.parent / "data" / "results"


BAD: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an unknown key": ({"ratio": [0.1]}, ["ratio: unknown key", "methods, ratios, clips"]),
    "an unknown key of a method": (
        {"methods": [{"name": "tome", "ratio": 1}]},
        ["methods.0", "ratio: unknown key", "name, options"],
    ),
    "an unknown method": ({"methods": ["infomerg"]}, ["methods.0", "'infomerg'", "fastvid"]),
    "an unknown option": (
        {"methods": [{"name": "tome", "options": {"speed": 1}}]},
        ["tome", "speed: not an option"],
    ),
    "a bad option": (
        {"methods": [{"name": "infomerge", "options": {"temperature": [1, -1]}}]},
        ["methods: infomerge: temperature", "got -1"],
    ),
    "a method twice": ({"methods": ["tome", "tome"]}, ["methods", "'tome' 2 times"]),
    "no method": ({"methods": []}, ["methods", "at least 1 item"]),
    "a ratio of 0": ({"ratios": [0.1, 0]}, ["ratios.1", "greater than 0", "got 0"]),
    "a ratio of 2": ({"ratios": [2]}, ["ratios.0", "less than or equal to 1", "got 2"]),
    "a ratio alone": ({"ratios": 0.1}, ["ratios", "valid list", "got 0.1"]),
    "a ratio twice": ({"ratios": [0.1, 0.10]}, ["ratios: got 0.1 2 times"]),
    "no such clip": ({"clips": ["film.mp4"]}, ["clips", "no file 'film.mp4'", "scene:FIRST-LAST"]),
    "a clip of two lines": ({"clips": ["a\nb"]}, ["clips", "no file 'a\\nb'"]),
    "a range backwards": ({"clips": ["tokens:3-1"]}, ["clips", "'tokens:3-1'", "lower number to the higher"]),
    "a range of more clips than memory is for": (
        {"clips": ["scene:0-99999999999"]},
        ["clips: got 'scene:0-99999999999', 100,000,000,000 clips; expected ranges of up to 1,000,000"],
    ),
    "a clip in two ranges": ({"clips": ["tokens:0-3", "tokens:2"]}, ["clips: got 'tokens:2' 2 times"]),
    "an unknown disturbance": ({"disturbances": {"rain": [1]}}, ["rain: unknown disturbance", "sensor_noise"]),
    "too strong": (
        {"clips": ["carphone"], "disturbances": {"fog": [0.5, 1.5]}},
        ["disturbances.fog: got strength 1.5", "0 to 1"],
    ),
    "a strength in words": ({"disturbances": {"fog": ["thick"]}}, ["disturbances.fog.0", "valid number", "'thick'"]),
    "noise on tokens": ({"disturbances": {"fog": [0.5]}}, ["disturbances", "no pixels to disturb"]),
    "a seed below 0": ({"seeds": [-1]}, ["seeds.0", "greater than or equal to 0", "got -1"]),
    "half a seed": ({"seeds": [0.5]}, ["seeds.0", "valid integer", "got 0.5"]),
    "an unknown measure": ({"measures": ["speed"]}, ["measures", "'speed'", "coverage"]),
    "a seed that torch cannot take": ({"seeds": [0, 2**63]}, ["seeds.1", "less than or equal to 9223372036854775807"]),
    "a seed of 30 digits": ({"seeds": [10**29]}, ["seeds.0", "less than or equal to 9223372036854775807"]),
    "a method's seed of yes or no": (
        {"methods": [{"name": "random", "options": {"seed": True}}]},
        ["methods: random: seed: got bool; expected a whole number"],
    ),
    "a method's seed that torch cannot take": (
        {"methods": [{"name": "random", "options": {"seed": [0, 2**64]}}]},
        ["methods: random: seed: got 18446744073709551616; expected whole numbers from 0 to"],
    ),
    "an option's value twice": (
        {"methods": [{"name": "infomerge", "options": {"temperature": [1, 0.5, 1.0]}}]},
        ["methods: got 'infomerge {\"temperature\": 1}' 2 times, as 'infomerge {\"temperature\": 1.0}' too"],
    ),
    "a measure of nothing": ({"measures": ["keeping"]}, ["measures", "keeping needs truth"]),
    "too few frames": ({"clips": ["scene:0"]}, ["num_frames: got 6", "expected 24 or more"]),
    "an odd size": ({"image_size": 100}, ["image_size", "multiple of 32", "got 100"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_configuration_is_refused_in_one_line(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    changes, expected = BAD[case]
    line = refusal(capfd, "sweep", write_config(tmp_path, **changes), "--out", tmp_path / "out")
    for part in expected:
        assert part in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("other", ["./a,b.mp4", "inner/../a,b.mp4", "link.mp4", "{folder}/a,b.mp4"])
def test_one_file_under_two_names_is_refused(other: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a,b.mp4").write_bytes(b"film")
    (tmp_path / "inner").mkdir()
    (tmp_path / "link.mp4").symlink_to("a,b.mp4")
    name = other.format(folder=tmp_path)
    config = write_config(tmp_path, clips=["a,b.mp4", name], measures=["kept"])
    line = refusal(capfd, "sweep", config, "--out", tmp_path / "out")
    assert f"clips: got 'a,b.mp4' 2 times, as {name!r} too; expected each once" in line
    (tmp_path / "copy.mp4").write_bytes(b"film")
    assert len(read_sweep(write_config(tmp_path, clips=["a,b.mp4", "copy.mp4"], measures=["kept"])).digests) == 2


def _laughing(levels: int) -> str:
    """A few lines that stand for nine to the power of `levels` words."""
    lines = ["a0: &a0 [" + ",".join(["x"] * 9) + "]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join([*lines, f"methods: *a{levels - 1}"])


def test_files_that_are_no_configuration_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sweep.yaml"
    for content, part in (
        ("methods: [", "got no YAML"),
        ("just words", "got no keys"),
        ("ratios: [0.1]\nratios: [0.2]", "key 'ratios' found twice"),
        ("methods: " + "[" * 20_000, "lists in lists too deep"),
        (_laughing(12), "make more than 1,000,000 entries"),
        ("methods: &all [*all]", "make more than 1,000,000 entries"),
        (f"seeds: [{'9' * 5000}]", "got no YAML: Exceeds the limit"),
        ("!!python/object/apply:os.system ['exit']", "could not determine a constructor"),
    ):
        path.write_text(content)
        assert part in refusal(capfd, "sweep", path, "--out", tmp_path / "out")
    assert "does not exist" in refusal(capfd, "sweep", tmp_path / "none.yaml", "--out", tmp_path / "out")
    good = write_config(tmp_path)
    assert "--jobs" in refusal(capfd, "sweep", good, "--out", tmp_path / "out", "--jobs", "0")
    assert "--scheduler" in refusal(capfd, "sweep", good, "--out", tmp_path / "out", "--backend", "dask")
    assert "--scheduler" in refusal(capfd, "sweep", good, "--out", tmp_path / "out", "--scheduler", "tcp://there:1")
    assert not (tmp_path / "out").exists()


def test_the_hash_is_that_of_the_content(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    sweep = read_sweep(config)
    config.write_text("# a note\n" + config.read_text().replace("- 0.1\n", "- 1.0e-1\n"))
    assert read_sweep(config).hash == sweep.hash
    assert read_sweep(write_config(tmp_path, seeds=[0])).hash != sweep.hash

    film = write_video(tmp_path / "film.mp4", options=X264_CLOSED)
    first = read_sweep(write_config(tmp_path, clips=["film.mp4"], measures=["kept"]))
    film.write_bytes(film.read_bytes() + b"\0")
    second = read_sweep(config)
    assert first.hash != second.hash
    assert not first.keys() & second.keys()


@pytest.mark.parametrize(
    ("name", "first_key", "items", "content"),
    [
        ("ablation", "001acda1f49f1033", 4200, "a868cf5543a8"),
        ("ablation_real", "00ad177d1369b4bb", 280, "a6bc51fa4e8f"),
        ("hyper_parameters", "00258eb2cb8874b6", 1320, "6051a437b32f"),
        ("static_priors", "0001a9d15ca0b34d", 5600, "af4335a988d3"),
    ],
)
def test_items_keep_their_keys_so_that_earlier_tables_go_on(
    name: str, first_key: str, items: int, content: str
) -> None:
    sweep = read_sweep(RESULTS / f"{name}.yaml")
    assert (min(sweep.keys()), len(sweep.keys()), sweep.hash) == (first_key, items, content)
