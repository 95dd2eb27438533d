"""What `infomerge ask` and its parts refuse, in one line each."""

import json
import shutil
from pathlib import Path

import pytest

from infomerge.models import Processor
from infomerge.video import Clip
from tests.stock_processors import QUESTION
from tests.test_cli import exit_code


def refusal(capfd: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    capfd.readouterr()
    assert exit_code(*arguments) == 2
    printed, complaint = capfd.readouterr()
    assert printed == ""
    lines = [line for line in complaint.splitlines() if line.startswith("infomerge: ")]
    (line,) = lines
    assert "Traceback" not in complaint
    return line


BAD: dict[str, tuple[list[str], list[str]]] = {
    "no such folder": (["-m", "./nothing"], ["no folder './nothing'", "accepted is a folder with a saved model"]),
    "a file": (["-m", "{video}"], ["a file", "accepted is a folder"]),
    "an empty folder": (["-m", "{tmp}/empty"], ["empty' without config.json", "accepted is a folder"]),
    "another model": (["-m", "{tmp}/tower"], ["SiglipVisionConfig", "LlavaOnevisionForConditionalGeneration"]),
    "no tokenizer": (["-m", "{tmp}/mute"], ["mute' without a tokenizer", "tokenizer.json"]),
    "no preprocessing": (
        ["-m", "{tmp}/blind"],
        ["blind' without settings of preprocessing", "video_preprocessor_config"],
    ),
    "bad preprocessing": (["-m", "{tmp}/garbled"], ["video_preprocessor_config.json'", "not JSON"]),
    "no template": (["-m", "{tmp}/wordless"], ["no chat template", "chat_template.jinja"]),
    "no weights": (["-m", "{tmp}/hollow"], ["hollow'", "lacks 1 weights", "among them"]),
    "weights cut off": (["-m", "{tmp}/cut"], ["cut' that can be loaded", "deserializing header"]),
    "weights of another shape": (["-m", "{tmp}/wide"], ["has shape [", "; accepted is [", "config.json"]),
    "a configuration of another kind": (["-m", "{tmp}/odd"], ["odd' that can be loaded", "'text_config'"]),
    "a tokenizer of another kind": (["-m", "{tmp}/stammering"], ["without a tokenizer that can be read"]),
    "a template cut off": (["-m", "{tmp}/unended"], ["a chat template that cannot be filled in (Expected"]),
    "a template for other messages": (["-m", "{tmp}/curt"], ["cannot be filled in ('list object' has no attribute"]),
    "a template that adds words": (["-m", "{tmp}/joining"], ["cannot be filled in (can only concatenate list"]),
    "a list of preprocessing": (
        ["-m", "{tmp}/listed"],
        ["found ['size'] as video_preprocessor_config.json; accepted is a JSON object"],
    ),
    "a list of a part": (
        ["-m", "{tmp}/nested"],
        ["found [1] as video_processor of processor_config.json; accepted is a JSON object"],
    ),
    "no weights file": (["-m", "{tmp}/light"], ["light' that can be loaded", "model.safetensors"]),
    "no such device": (["-m", "{good}", "--device", "gpu"], ["device: found 'gpu'", "cuda:N"]),
    "a device without float64": (["-m", "{good}", "--device", "mps"], ["'mps'", "float64"]),
    "no such GPU": (["-m", "{good}", "--device", "cuda:63"], ["'cuda:63'", "CUDA devices"]),
    "no such dtype": (["-m", "{good}", "--dtype", "int8"], ["--dtype", "'int8'", "'bfloat16'"]),
    "positions": (["-m", "{good}", "--positions", "none"], ["--positions", "'none'", "'renumbered'"]),
    "no new tokens": (["-m", "{good}", "--max-new-tokens", "0"], ["--max-new-tokens: 0 is not in the range x>=1"]),
    "no repeats": (["-m", "{good}", "--repeats", "0"], ["--repeats: 0 is not in the range x>=1"]),
    "pixels": (["-m", "{good}", "--max-pixels", "9999"], ["--max-pixels: found 9999", "LlavaOnevision", "one size"]),
    "a ratio of 2": (["-m", "{good}", "-r", "2"], ["--retention-ratio: ", "found 2.0"]),
    "an option": (["-m", "{good}", "--set", "temprature=2"], ["--set temprature: ", "did you mean 'temperature'"]),
    "no model": ([], ["Missing option '--model' / '-m'"]),
    "a JSON file in a file": (
        ["-m", "{good}", "--json", "{tmp}/there.json/new.json"],
        ["--json: ", "there.json cannot be written (File exists)", "choose another place"],
    ),
    "a JSON file there": (
        ["-m", "{good}", "--json", "{tmp}/there.json"],
        ["--json: ", "there.json already exists; choose another file or pass --force"],
    ),
}


@pytest.fixture(scope="module")
def broken(checkpoints: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Checkpoints of which one part is missing or damaged each."""
    from safetensors.torch import load_file, save_file
    from transformers import SiglipVisionConfig

    folder = tmp_path_factory.mktemp("broken")
    (folder / "empty").mkdir()
    (folder / "there.json").write_text("mine")
    SiglipVisionConfig().save_pretrained(folder / "tower")
    missing = {
        "mute": ["tokenizer.json", "tokenizer_config.json"],
        "blind": ["video_preprocessor_config.json"],
        "wordless": ["chat_template.jinja"],
        "light": ["model.safetensors"],
        **dict.fromkeys(("garbled", "listed", "nested", "stammering", "unended", "curt", "joining"), ()),
        **dict.fromkeys(("hollow", "cut", "wide", "odd"), ()),
    }
    for name, files in missing.items():
        shutil.copytree(checkpoints["LlavaOnevision"], folder / name)
        for file in files:
            (folder / name / file).unlink()
    texts = {
        ("garbled", "video_preprocessor_config.json"): "{",
        ("listed", "video_preprocessor_config.json"): '["size"]',
        ("nested", "processor_config.json"): '{"video_processor": [1]}',
        ("stammering", "tokenizer_config.json"): "[]",
        ("unended", "chat_template.jinja"): "{% for %}",
        ("curt", "chat_template.jinja"): "{{ messages[0].content.strip() }}",
        ("joining", "chat_template.jinja"): "{{ messages[0].content + ' ' }}",
    }
    for (name, file), text in texts.items():
        (folder / name / file).write_text(text)
    for name, changed in (("wide", {"hidden_size": 64}), ("odd", None)):
        config = json.loads((folder / name / "config.json").read_text())
        config["text_config"] = config["text_config"] | changed if changed else 5
        (folder / name / "config.json").write_text(json.dumps(config))
    whole = (folder / "cut" / "model.safetensors").read_bytes()
    (folder / "cut" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    weights = load_file(folder / "hollow" / "model.safetensors")
    del weights[next(name for name in weights if "multi_modal_projector.linear_1.weight" in name)]
    save_file(weights, folder / "hollow" / "model.safetensors", metadata={"format": "pt"})
    return folder


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_in_one_line(
    case: str, broken: Path, checkpoints: dict[str, Path], video: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments, expected = BAD[case]
    filled = [part.format(tmp=broken, video=video, good=checkpoints["LlavaOnevision"]) for part in arguments]
    line = refusal(capfd, "ask", video, QUESTION, "-n", "2", *filled)
    for part in expected:
        assert part in line
    assert (broken / "there.json").read_text() == "mine"


def test_a_name_on_the_hub_is_looked_for_and_said_so(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    line = refusal(capfd, "ask", video, QUESTION, "-n", "2", "-m", "nobody/no-such-model")
    assert "no folder and no model 'nobody/no-such-model' that can be loaded" in line
    assert "accepted is a folder with a saved model or a model's name on the Hugging Face hub" in line


def test_a_bad_question_or_clip_is_refused(
    checkpoints: dict[str, Path], video: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = checkpoints["InternVL"]
    assert "QUESTION: found ''" in refusal(capfd, "ask", video, "", "-m", model, "-n", "2")
    assert "--num-frames: found 1; accepted are 2 or more" in refusal(
        capfd, "ask", video, QUESTION, "-m", model, "-n", "1"
    )
    assert "no file 'no.mp4'" in refusal(capfd, "ask", "no.mp4", QUESTION, "-m", model)


def test_chat_templates_of_older_checkpoints(checkpoints: dict[str, Path], clip: Clip, tmp_path: Path) -> None:
    """In chat_template.json, which goes before the tokenizer's, and settings inside processor_config.json."""
    from transformers import AutoConfig

    folder = shutil.copytree(checkpoints["LlavaNextVideo"], tmp_path / "older")
    settings = json.loads((folder / "video_preprocessor_config.json").read_text())
    (folder / "video_preprocessor_config.json").unlink()
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [9, 9, 9]}))
    (folder / "processor_config.json").write_text(json.dumps({"video_processor": settings}))
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": "older <video>"}))
    processor = Processor.from_pretrained(str(folder), AutoConfig.from_pretrained(folder), local_files_only=True)
    assert processor.settings["image_mean"] == settings["image_mean"]
    ids = processor(clip.frames, clip.timestamps, QUESTION, 2.0).inputs["input_ids"]
    assert processor.tokenizer.decode(ids[0, :6]) == "older "


def test_help_names_all_options(capfd: pytest.CaptureFixture[str]) -> None:
    assert exit_code("ask", "--help") == 0
    printed, complaint = capfd.readouterr()
    assert complaint == ""
    options = "model retention-ratio compare num-frames method set positions max-new-tokens max-pixels repeats device"
    for option in [*options.split(), "dtype", "json", "force"]:
        assert f"--{option}" in printed


def test_another_release_of_transformers_is_warned_of(
    checkpoints: dict[str, Path], video: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("infomerge.models.attachment.version", lambda _: "5.98.1")
    assert exit_code("ask", video, QUESTION, "-m", checkpoints["Qwen2VL"], "-n", "2", "--max-new-tokens", "1") == 0
    assert " ".join(capfd.readouterr().err.split()).count("transformers 5.98.1 is not one of the releases") == 1


def test_names_without_brackets_of_their_own_are_printed_as_they_are(
    checkpoints: dict[str, Path], video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(checkpoints["VideoLlama3"], tmp_path / "[bold] :cat:")
    options = ["-n", "4", "--max-new-tokens", "1", "--set", "temperature=0", "--method", "fastvid", "--repeats", "2"]
    assert exit_code("ask", video, QUESTION, "-m", folder, *options, "--positions", "renumbered") == 0
    printed = capfd.readouterr().out
    assert "[bold] :cat:" in " ".join(printed.split())
    assert "FastVID at 15 %" in printed
    assert "all tokens:" not in printed
    assert "medians of 2 calls" in printed
