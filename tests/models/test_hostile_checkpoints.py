"""Folders whose JSON is damaged or hostile: `ask` and `run --encoder` say so in one line, and run no code of theirs."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.models.test_refusals import refusal
from tests.stock_processors import QUESTION

DEEP = "[" * 100_000
CODE = "raise SystemExit(99)  # a checkpoint's own code\n"


def config(**changes: Any) -> Callable[[Path], None]:
    """Changes of config.json; a name with two underscores is one of a part."""

    def change(folder: Path) -> None:
        path = folder / "config.json"
        content = json.loads(path.read_text())
        for name, value in changes.items():
            place, _, inner = name.rpartition("__")
            (content[place] if place else content)[inner] = value
        path.write_text(json.dumps(content))

    return change


def text(file: str, content: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / file).write_text(content)

    return change


def settings(**changes: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "video_preprocessor_config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def weights_of_nan(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    tensors = {name: torch.full_like(value, torch.nan) for name, value in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})


class _Runs:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return exec, (CODE,)


def pickled_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(_Runs()))


def code_of_its_own(folder: Path) -> None:
    (folder / "own.py").write_text(CODE)
    config(auto_map={"AutoConfig": "own.Config", "AutoModel": "own.Model"}, model_type="own")(folder)


HOSTILE: dict[str, Callable[[Path], None]] = {
    "nested config": text("config.json", DEEP),
    "nested tokenizer": text("tokenizer.json", DEEP),
    "nested tokenizer settings": text("tokenizer_config.json", DEEP),
    "nested preprocessing": text("video_preprocessor_config.json", DEEP),
    "generation config": text("generation_config.json", '{"max_length": "many", "num_beams": -1}'),
    "nested generation config": text("generation_config.json", DEEP),
    "dtype": config(dtype="float99"),
    "dtype of a part": config(text_config__dtype="float99"),
    "layer": config(vision_feature_layer=99),
    "token id": config(video_token_id=-5, video_token_index=-5),
    "kernel": config(attn_implementation="someone/unknown-kernel", _attn_implementation="unknown"),
    "quantization": config(quantization_config={"quant_method": "gptq", "bits": 4}),
    "no heads": config(text_config__num_attention_heads=0),
    "no patches": config(vision_config__patch_size=0),
    "negative size": config(vision_config__image_size=-1),
    "size 0": settings(size={"height": 0, "width": 0}),
    "huge size": settings(size={"height": 10**7, "width": 10**7}),
    "NaN": weights_of_nan,
    "pickle": pickled_weights,
    "code": code_of_its_own,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_model_folder_is_refused_in_one_line(
    case: str,
    checkpoints: dict[str, Path],
    video: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("builtins.input", lambda *_: "y")
    folder = shutil.copytree(checkpoints["LlavaOnevision"], tmp_path / "model")
    HOSTILE[case](folder)
    line = refusal(capfd, "ask", video, QUESTION, "-n", "2", "-m", folder, "--max-new-tokens", "2")
    assert line.startswith("infomerge: ")
    assert "--model" in line or "preprocessing" in line
    assert len(line) < 2000


@pytest.mark.parametrize(
    "case", ["nested config", "dtype", "kernel", "quantization", "NaN", "pickle", "code", "preprocessor", "no layers"]
)
def test_a_hostile_tower_is_refused_in_one_line(
    case: str, video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import SiglipVisionConfig, SiglipVisionModel

    monkeypatch.setattr("builtins.input", lambda *_: "y")
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    folder = tmp_path / "tower"
    SiglipVisionModel(SiglipVisionConfig(image_size=32, patch_size=16, **sizes)).save_pretrained(folder)
    others = {"preprocessor": text("preprocessor_config.json", "{"), "no layers": config(num_attention_heads=0)}
    (HOSTILE | others)[case](folder)
    line = refusal(capfd, "run", video, "--encoder", folder, "--out", tmp_path / "out", "-n", "2")
    assert "--encoder" in line
