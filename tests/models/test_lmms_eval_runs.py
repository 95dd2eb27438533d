"""Whole runs of lmms-eval on tiny models, where it is installed."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers

from infomerge.models import lmms_eval
from infomerge.models.lmms_eval import manifests
from tests.media import write_video
from tests.tiny_models import IMAGE, KINDS, VIDEO

ROOT = Path(__file__).parent.parent.parent
HARNESS = pytest.mark.skipif(
    importlib.util.find_spec("lmms_eval") is None, reason="lmms-eval is not installed (benchmarks/lmms_eval.md)"
)
FRAMES = 8


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
    # 9 tokens per frame, of which 7.2 a video are asked for.
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
    assert "model_args: got 'retention' (did you mean 'retention_ratio'?)" in out + err


@HARNESS
def test_lmms_eval_finds_every_class() -> None:
    from lmms_eval.api.model import lmms

    for manifest in manifests():
        for path, simple in ((manifest.simple_class_path, True), (manifest.chat_class_path, False)):
            if path is not None:
                found = getattr(lmms_eval, path.rpartition(".")[2])
                assert issubclass(found, lmms)
                assert found.is_simple is simple
