"""InfoMerge in lmms-eval: arguments, errors, and whole runs of the harness on tiny models where it is installed."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from infomerge import InfoMergeConfig, PresetWarning
from infomerge.models import lmms_eval
from infomerge.models.lmms_eval import compressor_of, manifests, split_arguments, wrapped
from tests.media import write_video
from tests.tiny_models import IMAGE, KINDS, LLAVA_ONEVISION, VIDEO

ROOT = Path(__file__).parent.parent
HARNESS = pytest.mark.skipif(
    importlib.util.find_spec("lmms_eval") is None, reason="lmms-eval is not installed (benchmarks/lmms_eval.md)"
)
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
    # 9 tokens a frame: 10.8 and 8.1 are asked for.
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
    with pytest.raises(SystemExit, match="input_ids: found"):
        wrapped(Harness)().generate_until([request])
    assert "Traceback" in capsys.readouterr().err


def test_arguments_are_told_apart() -> None:
    given = {"pretrained": "x", "batch_size": 1, "retention_ratio": 0.05, "temperature": 0, "positions": "renumbered"}
    own, others = split_arguments(given, Harness)
    assert own == {"retention_ratio": 0.05, "temperature": 0, "positions": "renumbered"}
    assert others == {"pretrained": "x", "batch_size": 1}
    assert split_arguments({"method": "random", "seed": 3}, Harness)[0] == {"method": "random", "seed": 3}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"retention_ration": 0.1}, "found 'retention_ration' .did you mean 'retention_ratio'"),
        ({"pretraned": "x"}, "found 'pretraned' .did you mean 'pretrained'"),
        ({"method": "infomerg"}, "method: found 'infomerg'; accepted are infomerge, "),
        ({"method": "visionzip", "temperature": 1}, "found 'temperature'.* accepted are method, retention_ratio"),
        ({"kwargs": 1}, "found 'kwargs'"),
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
    with pytest.raises(ValueError, match=r"retention_ratio: .*found"):
        wrapped(Harness)(method=method, retention_ratio=ratio)
    assert not made


def test_values_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="static_prior"):
        compressor_of(static_prior="tdf")
    with pytest.raises(ValueError, match="temperature"):
        compressor_of("table4-tfd", temperature=-1)
    with pytest.raises(ValueError, match="positions: found 'kept'"):
        wrapped(Harness)(positions="kept")


def test_infomerge_takes_the_values_of_the_paper_and_every_option() -> None:
    assert compressor_of("infomerge", 0.05).keywords == {"config": InfoMergeConfig.paper(0.05)}
    chosen = compressor_of("infomerge", 0.15, rounding="paper", static_penalty=3).keywords["config"]
    assert chosen == InfoMergeConfig.paper(0.15, rounding="paper", static_penalty=3)
    with pytest.warns(PresetWarning, match="taking those of 0.15"):
        compressor_of("infomerge", 0.3)


def test_other_methods_keep_what_they_keep_elsewhere() -> None:
    from infomerge.methods import get_method

    tokens = torch.randn(8, 9, 16, generator=torch.Generator().manual_seed(0))
    for name, options in (("fastvid", {"neighbors": 3}), ("visionzip", {}), ("random", {"seed": 5})):
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


# Whole runs of the harness


TEMPLATE = (
    "{% for message in messages %}<s> {% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'video' %}PLACE {% elif part['type'] == 'text' %}"
    "{{ part['text'] }}{% endif %}{% endfor %}{% endif %} <end> {% endfor %}<s> "
)
TASK = """
task: two_questions
dataset_path: json
dataset_kwargs:
  data_files:
    test: FOLDER/questions.json
test_split: test
output_type: generate_until
doc_to_visual: !function two_questions.visual
doc_to_text: !function two_questions.text
doc_to_target: answer
process_results: !function two_questions.results
generation_kwargs:
  max_new_tokens: 6
  temperature: 0
  do_sample: false
metric_list:
  - metric: answered
    aggregation: mean
    higher_is_better: true
metadata:
  version: 0.0
"""
TASK_FUNCTIONS = """
def visual(doc):
    return [doc["video"]]


def text(doc, lmms_eval_specific_kwargs=None):
    return doc["question"]


def results(doc, answers):
    return {"answered": float(len(answers[0].split()) == 6)}
"""


def save_checkpoint(name: str, folder: Path) -> None:
    """A tiny model of random weights with its processor, as the hub would hold them."""
    kind, processor, parts, tokenizer, options = CHECKPOINTS[name]
    vision, image_processor, video_processor, size = parts
    KINDS[kind].build(**vision).save_pretrained(folder)
    getattr(transformers, processor)(
        image_processor=getattr(transformers, image_processor)(**size),
        video_processor=getattr(transformers, video_processor)(**size),
        tokenizer=_tokenizer(*tokenizer),
        chat_template=_template(tokenizer),
        **options,
    ).save_pretrained(folder)


def _template(tokenizer: tuple[dict[int, str], dict[str, str], str]) -> str:
    return TEMPLATE.replace("PLACE", tokenizer[2])


def _tokenizer(marks: dict[int, str], names: dict[str, str], place: str) -> Any:
    """One token a word: w17 is 17."""
    words = {number: f"w{number}" for number in range(128)} | {0: "<pad>", 1: "<s>", 2: "<end>", 3: "<unk>"} | marks
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in words.items()}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="<end>",
        unk_token="<unk>",
        extra_special_tokens=names or list(marks.values()),
        chat_template=_template((marks, names, place)),
    )


SQUARE = {"size": {"height": 48, "width": 48}}
QWEN_MARKS = {VIDEO: "<|video_pad|>", IMAGE: "<|image_pad|>", 122: "<|vision_start|>", 123: "<|vision_end|>"}
QWEN = (QWEN_MARKS, {}, "<|vision_start|><|video_pad|><|vision_end|>")
INTERN_MARKS = {VIDEO: "<video>", IMAGE: "<IMG_CONTEXT>", 122: "<img>", 123: "</img>"}
INTERN_NAMES = {
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "video_token": "<video>",
}
CHECKPOINTS: dict[str, Any] = {
    "llava_hf": (
        "LlavaOnevision",
        "LlavaOnevisionProcessor",
        ({}, "LlavaOnevisionImageProcessor", "LlavaOnevisionVideoProcessor", SQUARE),
        ({VIDEO: "<video>", IMAGE: "<image>"}, {}, "<video>"),
        {"num_image_tokens": 36, "vision_feature_select_strategy": "full"},
    ),
    # The Qwen models' frames are cut to multiples of 28 or 32 pixels, whatever the model says.
    "qwen2_vl": (
        "Qwen2VL",
        "Qwen2VLProcessor",
        ({"vision_config": {"patch_size": 14}}, "Qwen2VLImageProcessor", "Qwen2VLVideoProcessor", {}),
        QWEN,
        {},
    ),
    "qwen2_5_vl": (
        "Qwen2_5_VL",
        "Qwen2_5_VLProcessor",
        (
            {"vision_config": {"patch_size": 14, "window_size": 56}},
            "Qwen2VLImageProcessor",
            "Qwen2VLVideoProcessor",
            {},
        ),
        QWEN,
        {},
    ),
    "qwen3_vl": (
        "Qwen3VL",
        "Qwen3VLProcessor",
        (
            {"vision_config": {"patch_size": 16}},
            "Qwen2VLImageProcessor",
            "Qwen3VLVideoProcessor",
            {"patch_size": 16},
        ),
        QWEN,
        {},
    ),
    "internvl_hf": (
        "InternVL",
        "InternVLProcessor",
        ({}, "GotOcr2ImageProcessor", "InternVLVideoProcessor", SQUARE),
        (INTERN_MARKS, INTERN_NAMES, "<video>"),
        {"image_seq_length": 9},
    ),
}


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two questions about two short videos, and what tells the harness of this package, installed or not."""
    folder = tmp_path_factory.mktemp("task")
    questions = []
    for number, count in enumerate((24, 40)):
        video = write_video(folder / f"{number}.mp4", count, size=(112, 84), rate=4)
        questions.append({"video": str(video), "question": f"w3{number} w40 w41", "answer": "w50"})
    (folder / "questions.json").write_text(json.dumps(questions))
    (folder / "two_questions.yaml").write_text(TASK.replace("FOLDER", str(folder)))
    (folder / "two_questions.py").write_text(TASK_FUNCTIONS)
    metadata = folder / "site" / "infomerge_for_lmms_eval-0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: infomerge-for-lmms-eval\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text("[lmms_eval.models]\ninfomerge = infomerge.models.lmms_eval:manifests\n")
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def get(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp(name)
            save_checkpoint(name, made[name])
        return made[name]

    return get


def evaluate(task: Path, out: Path, model: str, arguments: str, *flags: str) -> tuple[list[str], str, str]:
    """Answers of a run of lmms-eval, its standard output, and its error output."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(task / "site"), str(ROOT)]),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(task / "hf"),
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "lmms_eval", "--model", model, "--model_args", arguments]
    command += ["--tasks", "two_questions", "--include_path", str(task), "--batch_size", "1", "--device", "cpu"]
    command += ["--output_path", str(out), "--log_samples", *flags]
    ran = subprocess.run(command, cwd=task, env=environment, capture_output=True, text=True)
    samples = sorted(out.rglob("*samples_two_questions.jsonl"))
    if not samples:
        return [], ran.stdout, ran.stderr
    rows = [json.loads(line) for line in samples[-1].read_text().splitlines()]
    answers = [row["filtered_resps"] for row in sorted(rows, key=lambda row: row["doc_id"])]
    return [answer if isinstance(answer, str) else answer[0] for answer in answers], ran.stdout, ran.stderr


@HARNESS
def test_lmms_eval_runs_llava_onevision(task: Path, tmp_path: Path, checkpoint: Callable[[str], Path]) -> None:
    common = f"pretrained={checkpoint('llava_hf')},dtype=float32,device_map=cpu,max_frames_num={FRAMES}"
    stock, *shown = evaluate(task, tmp_path / "stock", "llava_hf", common, "--force_simple")
    assert len(stock) == 2, shown
    whole, *shown = evaluate(task, tmp_path / "whole", "infomerge_llava_hf", f"{common},retention_ratio=1")
    assert whole == stock, shown
    kept, out, err = evaluate(task, tmp_path / "kept", "infomerge_llava_hf", f"{common},retention_ratio=0.1")
    assert len(kept) == 2
    assert kept != stock
    # 9 tokens a frame, of which 7.2 a video are asked for.
    assert "InfoMerge: 2 videos of 144 tokens; 14 requested, 14 kept" in out, err


@HARNESS
@pytest.mark.parametrize(
    ("name", "arguments", "flags"),
    [
        ("qwen2_5_vl", "max_num_frames=8,min_pixels=784,max_pixels=9408", ()),
        (
            "qwen2_5_vl",
            "max_num_frames=8,min_pixels=784,max_pixels=9408,method=fastvid,neighbors=3",
            ("--force_simple",),
        ),
        ("qwen2_vl", "max_num_frames=8,min_pixels=784,max_pixels=9408", ()),
        ("qwen3_vl", "max_num_frames=8,min_pixels=784,max_pixels=12288", ()),
        ("internvl_hf", "num_frames=8", ()),
    ],
)
def test_lmms_eval_runs_the_other_models(
    task: Path,
    tmp_path: Path,
    checkpoint: Callable[[str], Path],
    name: str,
    arguments: str,
    flags: tuple[str, ...],
) -> None:
    if name == "internvl_hf":
        from transformers.utils.import_utils import is_torchcodec_usable

        if not is_torchcodec_usable(decode="video"):
            pytest.skip("transformers reads InternVL's videos with torchcodec, which does not load here")
    common = f"pretrained={checkpoint(name)},device_map=cpu,{arguments},retention_ratio=0.15"
    answers, out, err = evaluate(task, tmp_path, f"infomerge_{name}", common, *flags)
    assert len(answers) == 2, err
    found = re.search(r"InfoMerge: 2 videos of (\d+) tokens; (\d+) requested, (\d+) kept", out)
    assert found, err
    tokens, requested, number = map(int, found.groups())
    assert requested == number
    assert abs(requested - 0.15 * tokens) <= 1  # two videos, each rounded


@HARNESS
def test_lmms_eval_says_what_is_wrong_with_an_argument(
    task: Path, tmp_path: Path, checkpoint: Callable[[str], Path]
) -> None:
    arguments = f"pretrained={checkpoint('llava_hf')},retention=0.1"
    answers, out, err = evaluate(task, tmp_path, "infomerge_llava_hf", arguments)
    assert not answers
    assert "model_args: found 'retention' (did you mean 'retention_ratio'?)" in out + err


@HARNESS
def test_lmms_eval_finds_every_class() -> None:
    from lmms_eval.api.model import lmms

    for manifest in manifests():
        for path, simple in ((manifest.simple_class_path, True), (manifest.chat_class_path, False)):
            if path is not None:
                found = getattr(lmms_eval, path.rpartition(".")[2])
                assert issubclass(found, lmms)
                assert found.is_simple is simple
