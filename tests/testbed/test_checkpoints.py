"""The checkpoints that ship: stock transformers, the adapter and the quick way of asking agree on every answer."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from infomerge import compress, compressing
from infomerge.models.question_answering import answer
from infomerge.resources import data_file
from infomerge.testbed.checkpoint import CHECKPOINTS, Testbed, load_testbed
from infomerge.testbed.evaluation import answered, compressed
from infomerge.testbed.reading import question_ids
from infomerge.testbed.splits import FORMS, asked_about
from infomerge.testbed.vocabulary import ANSWERS, BEGIN, END, WORDS, make_tokenizer
from infomerge.video import SceneClip


@pytest.fixture(scope="module")
def clip() -> SceneClip:
    return FORMS["clean"].clip(0, "dev")


@pytest.fixture(scope="module", params=list(CHECKPOINTS))
def testbed(request: pytest.FixtureRequest) -> Testbed:
    return load_testbed(request.param)


def said(row: torch.Tensor) -> str:
    return ANSWERS[int(row.argmax())]


def test_a_checkpoint_is_small_and_whole() -> None:
    for name in CHECKPOINTS:
        folder = data_file(f"testbed/{name}")
        assert sum(path.stat().st_size for path in folder.iterdir()) < 20e6
        assert json.loads((folder / "config.json").read_text())["model_type"] == "llava_onevision"
        assert 5e6 < sum(weight.numel() for weight in load_testbed(name).model.parameters()) < 10e6


def test_held_out_questions_are_answered_from_all_tokens(testbed: Testbed) -> None:
    right = []
    for number in range(100, 103):
        clip = FORMS["clean"].clip(number, "dev")
        asked = asked_about(clip.script)
        answers = answered(testbed, testbed.see(clip.frames), None, asked)
        right += [said(row) == question.answer for row, question in zip(answers, asked, strict=True)]
    assert len(right) > 40
    assert np.mean(right) >= 0.97


@pytest.mark.parametrize("ratio", [None, 0.1])
def test_one_pass_gives_the_answers_of_generate(testbed: Testbed, clip: SceneClip, ratio: float | None) -> None:
    """The model attached to as any other, one question at a time, through prompt, adapter and `generate`."""
    seen, asked = testbed.see(clip.frames), asked_about(clip.script)
    out = None if ratio is None else compressed(seen, "infomerge", ratio, "head")
    rows = answered(testbed, seen, out, asked)
    for question, row in list(zip(asked, rows, strict=True))[:: 8 if ratio is None else 3]:
        prompt = testbed.processor(clip.frames, clip.timestamps, question.text, 4.0)
        given = answer(testbed.model, testbed.processor, prompt, retention_ratio=ratio)
        assert given.text == said(row)
        assert given.new_tokens == 2  # the word and the end mark
        if ratio is not None:
            assert given.video is not None
            assert out is not None
            assert given.video.compression.index.tolist() == out.index.tolist()


def test_tokens_and_saliency_are_those_that_the_adapter_compresses(testbed: Testbed, clip: SceneClip) -> None:
    given: dict[str, Any] = {}

    def spy(tokens: torch.Tensor, saliency: Any = None, frame_features: Any = None) -> Any:
        given.update(tokens=tokens, saliency=saliency, frame_features=frame_features)
        return compress(tokens, saliency=saliency, frame_features=frame_features)

    prompt = testbed.processor(clip.frames, clip.timestamps, "How many scenes are there?", 4.0)
    with compressing(testbed.model, spy), torch.no_grad():
        testbed.model(**prompt.inputs)
    seen = testbed.see(clip.frames)
    assert torch.equal(given["tokens"], seen.tokens)
    assert torch.equal(given["saliency"], seen.saliency["head"])
    assert torch.equal(given["frame_features"], seen.frame_features)


def test_the_last_block_is_read_off_transformers_own_attention(testbed: Testbed, clip: SceneClip) -> None:
    tower, seen = testbed.model.model.vision_tower, testbed.see(clip.frames)
    pixels = torch.from_numpy(clip.frames).permute(0, 3, 1, 2).float() / 127.5 - 1
    before = tower.config._attn_implementation
    tower.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            weights = tower(pixels, output_attentions=True).attentions[-1]
    finally:
        tower.set_attn_implementation(before)
    received = weights.mean(dim=(1, 2)).view(-1, 1, 14, 14)
    pooled = torch.nn.functional.avg_pool2d(received, 2).flatten(1)
    torch.testing.assert_close(seen.saliency["last_block"], pooled, rtol=1e-4, atol=1e-7)
    assert seen.saliency["distance"] is None
    assert tuple(seen.layers.shape[1:3]) == (32, 49)


def test_words_go_to_ids_and_back() -> None:
    tokenizer = make_tokenizer()
    assert len(set(WORDS)) == len(WORDS)
    for form in FORMS.values():
        for number in range(20):
            asked = asked_about(form.clip(number).script)
            ids, last = question_ids(tokenizer, asked)
            assert tokenizer.pad_token_id not in {
                int(row[i]) for row, n in zip(ids, last, strict=True) for i in range(n)
            }
            assert all(tokenizer.decode(row[int(n)]) == BEGIN for row, n in zip(ids, last, strict=True))
            assert all(tokenizer.decode(row[int(n) - 1]) == END for row, n in zip(ids, last, strict=True))
    for word in ANSWERS:
        assert tokenizer.decode(tokenizer(word).input_ids) == word


def test_unknown_checkpoints_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="name: got 'best'; expected 'subsets' or 'merges'"):
        load_testbed("best")
    with pytest.raises(OSError, match="name_or_path"):
        load_testbed("mine", folder=tmp_path / "none")
