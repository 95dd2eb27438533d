"""InfoMerge in lmms-eval: arguments, errors, and whole runs of the harness on tiny models where it is installed."""

import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch

from infomerge import InfoMergeConfig, PresetWarning
from infomerge.models import lmms_eval
from infomerge.models.lmms_eval import compressor_of, manifests, split_arguments, wrapped
from tests.tiny_models import LLAVA_ONEVISION

ROOT = Path(__file__).parent.parent.parent
FRAMES = 8


class Harness:
    """A model class as lmms-eval has them: it makes its own model, and answers requests with the model's `generate`."""

    rank = 0

    def __init__(self, pretrained: str = "none", batch_size: int = 1, device: str = "cuda", **kwargs: Any) -> None:
        assert not kwargs
        self.pretrained = pretrained
        self.model = LLAVA_ONEVISION.build()

    def generate_until(self, requests: list[dict[str, Any]]) -> list[Any]:
        answers = []
        for request in requests:
            try:
                answers.append(self.model.generate(**request, max_new_tokens=4, do_sample=False)[0].tolist())
            except Exception:  # as lmms-eval's llava_hf does
                answers.append("")
        return answers


def requests(*frames: int) -> list[dict[str, Any]]:
    model = LLAVA_ONEVISION.build()
    return [
        LLAVA_ONEVISION.inputs(model, LLAVA_ONEVISION.prompt(count, question=4), seed=count)
        if count
        else {"input_ids": torch.tensor([[1, 5, 6, 7]])}
        for count in frames
    ]


def test_a_wrapped_class_compresses_and_says_what_it_kept(capsys: pytest.CaptureFixture[str]) -> None:
    model = wrapped(Harness)(pretrained="name", retention_ratio=0.15, device="cpu")
    assert isinstance(model, Harness)
    assert model.pretrained == "name"
    asked = requests(8, 6)
    before = [request["input_ids"].clone() for request in asked]
    answers = model.generate_until(asked)
    # 9 tokens per frame: 10.8 and 8.1 are asked for.
    assert "InfoMerge: 2 videos of 126 tokens; 19 requested, 19 kept" in capsys.readouterr().out
    stock = Harness(device="cpu").generate_until(asked)
    for answer, full, ids in zip(answers, stock, before, strict=True):
        assert answer[: ids.shape[1]] == full[: ids.shape[1]] == ids[0].tolist()
        assert len(answer) == len(full)
    assert answers != stock
    model.generate_until(requests(8))
    assert "1 videos of 72 tokens" in capsys.readouterr().out


def test_a_wrapped_class_says_so_when_no_video_came(capsys: pytest.CaptureFixture[str]) -> None:
    wrapped(Harness)(device="cpu").generate_until(requests(0))
    assert "InfoMerge: no video was compressed" in capsys.readouterr().out


@pytest.mark.filterwarnings("error")
def test_at_a_ratio_of_1_the_model_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    model = wrapped(Harness)(retention_ratio=1)
    assert model.generate_until(requests(8)) == Harness().generate_until(requests(8))
    assert "no video was compressed" in capsys.readouterr().out


def test_an_error_stops_the_evaluation_and_is_no_empty_answer(capsys: pytest.CaptureFixture[str]) -> None:
    (request,) = requests(8)
    request["input_ids"] = request["input_ids"][:, :-20]  # fewer placeholders than the pixels give
    request["attention_mask"] = request["attention_mask"][:, :-20]
    assert Harness().generate_until([request]) == [""]
    with pytest.raises(SystemExit, match="input_ids: got"):
        wrapped(Harness)().generate_until([request])
    assert "Traceback" in capsys.readouterr().err


def test_arguments_are_told_apart() -> None:
    given = {
        "pretrained": "x",
        "batch_size": 1,
        "retention_ratio": 0.05,
        "temperature": 0,
        "position_mode": "renumbered",
    }
    own, others = split_arguments(given, Harness)
    assert own == {"retention_ratio": 0.05, "temperature": 0, "position_mode": "renumbered"}
    assert others == {"pretrained": "x", "batch_size": 1}
    assert split_arguments({"method": "random", "seed": 3}, Harness)[0] == {"method": "random", "seed": 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"retention_ration": 0.1}, "got 'retention_ration' .did you mean 'retention_ratio'"),
        ({"pretraned": "x"}, "got 'pretraned' .did you mean 'pretrained'"),
        ({"method": "infomerg"}, "method: got 'infomerg'; expected infomerge, "),
        ({"method": "visionzip", "temperature": 1}, "got 'temperature'.* expected method, retention_ratio"),
        ({"kwargs": 1}, "got 'kwargs'"),
    ],
)
def test_unknown_arguments_are_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrapped(Harness)(**arguments)


@pytest.mark.parametrize("method", ["infomerge", "fastvid", "visionzip"])
@pytest.mark.parametrize("ratio", [10, 0, "10%"])
def test_a_ratio_out_of_range_is_refused_before_a_model_is_made(
    monkeypatch: pytest.MonkeyPatch, method: str, ratio: Any
) -> None:
    made: list[None] = []
    monkeypatch.setattr(Harness, "__init__", lambda self, **_: made.append(None))
    with pytest.raises(ValueError, match=r"retention_ratio: .*got"):
        wrapped(Harness)(method=method, retention_ratio=ratio)
    assert not made


def test_values_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="static_prior"):
        compressor_of(static_prior="tdf")
    with pytest.raises(ValueError, match="temperature"):
        compressor_of("table4-tfd", temperature=-1)
    with pytest.raises(ValueError, match="position_mode: got 'kept'"):
        wrapped(Harness)(position_mode="kept")


def test_infomerge_takes_the_values_of_the_paper_and_every_option() -> None:
    assert compressor_of("infomerge", 0.05).config == InfoMergeConfig.paper(0.05)
    chosen = compressor_of("infomerge", 0.15, rounding="paper", static_penalty=3).config
    assert chosen == InfoMergeConfig.paper(0.15, rounding="paper", static_penalty=3)
    with pytest.warns(PresetWarning, match="taking those of 0.15"):
        assert compressor_of("infomerge", 0.3).config == InfoMergeConfig.paper(0.3)


def test_other_methods_keep_what_they_keep_elsewhere() -> None:
    from infomerge.methods import get_method

    tokens = torch.randn(8, 9, 16, generator=torch.Generator().manual_seed(0))
    given = {"farthest": {"time_scale": "none"}, "fastvid": {"neighbors": 3}, "visionzip": {}, "random": {"seed": 5}}
    for name, options in given.items():
        ours = compressor_of(name, 0.2, **options)(tokens, saliency=None)
        theirs = get_method(name)(tokens, 0.2, **options)
        assert torch.equal(ours.index, theirs.index)
        assert ours.method == name


def test_there_are_no_other_classes() -> None:
    for name in ("chat_llava_hf", "simple_llava", "llava_hf", "nothing"):
        with pytest.raises(AttributeError, match=name):
            getattr(lmms_eval, name)


@pytest.mark.skipif(importlib.util.find_spec("lmms_eval") is not None, reason="lmms-eval is installed")
def test_without_lmms_eval_its_absence_is_told() -> None:
    for ask in (manifests, lambda: lmms_eval.simple_llava_hf):
        with pytest.raises(ModuleNotFoundError, match="lmms_eval"):
            ask()


def test_the_package_tells_lmms_eval_where_to_look() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["lmms_eval.models"] == {"infomerge": "infomerge.models.lmms_eval:manifests"}


def test_the_commands_of_the_guide_name_what_there_is() -> None:
    commands = re.findall(r"--model (infomerge_\w+)", (ROOT / "benchmarks" / "lmms_eval.md").read_text())
    assert commands
    assert {name.removeprefix("infomerge_") for name in commands} <= set(lmms_eval.WRAPPED)
