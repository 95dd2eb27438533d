"""Training from nothing: a few steps of every stage, and what the stages are taught."""

from pathlib import Path

import numpy as np
import torch

from benchmarks.testbed_training.decoder import merge_into
from benchmarks.testbed_training.drawn import IGNORED, KIND_NAMES, QUESTIONS, CellLabels, Lessons, draw, training_seeds
from benchmarks.train_testbed import train
from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.splits import asked_about
from infomerge.testbed.vocabulary import WORDS, make_tokenizer
from infomerge.video.questions import KINDS
from infomerge.video.script import COLORS

SEEDS = training_seeds(1, 0, 2)


def test_a_few_steps_of_everything_give_two_checkpoints_that_load(tmp_path: Path) -> None:
    train(tmp_path, 3, (1.0, 1.0, 1.0), smoke=True)
    log = (tmp_path / "train.log").read_text(encoding="utf-8")
    assert "tower: 2 steps" in log
    assert log.count("decoder: 2 steps") == 2
    weights = [load_testbed(name, folder=tmp_path / name).model.state_dict() for name in ("subsets", "merges")]
    changed = {name for name, values in weights[0].items() if not torch.equal(values, weights[1][name])}
    assert changed
    assert not any("vision_tower" in name or "projector" in name for name in changed)


def test_lessons_hold_the_questions_with_their_answers() -> None:
    batch, tokenizer = draw(SEEDS, torch.device("cpu")), make_tokenizer()
    lessons = Lessons.about(batch.scripts, tokenizer)
    for clip, script in enumerate(batch.scripts):
        texts = {
            question.text.lower().replace("?", " ?").replace(",", " ,"): question for question in asked_about(script)
        }
        for number in range(QUESTIONS):
            labels = lessons.labels[clip, number]
            if not lessons.weights[clip, number]:
                assert (labels == IGNORED).all()
                continue
            at = int((labels != IGNORED).nonzero()[0])
            words = [WORDS[int(word)] for word in lessons.ids[clip, number]]
            question = texts[" ".join(words[: at - 1])]
            assert WORDS[int(labels[at])] == words[at + 1] == question.answer
            assert WORDS[int(labels[at + 1])] == "<|im_end|>"
            assert KIND_NAMES[int(lessons.kinds[clip, number])] == question.kind
    assert set(KIND_NAMES) == set(KINDS)


def test_cells_are_labeled_by_what_their_middle_shows() -> None:
    batch = draw(SEEDS, torch.device("cpu"))
    labels = CellLabels.of(batch)
    names = list(COLORS)
    seen = 0
    for clip, frame, cell in (labels.coverage > 0.9).nonzero().tolist():
        row, column = divmod(cell, 7)
        pixel = batch.frames[clip, frame, row * 16 + 8, column * 16 + 8].tolist()
        assert names[int(labels.color[clip, frame, cell])] == next(n for n, rgb in COLORS.items() if list(rgb) == pixel)
        seen += 1
    assert seen > 20


def test_random_merges_are_means_of_what_is_most_alike_near_in_time() -> None:
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(1, 4 * 49, 8)
    kept = torch.tensor([[3, 50, 60, 130, 190]])
    for _ in range(4):
        same = torch.Generator()
        same.set_state(generator.get_state())
        merged = merge_into(tokens, kept, generator)[0].numpy()
        window, share, own = torch.rand(3, generator=same).tolist()
        window = (0, 1, 2, 4, 8, 32)[int(window * 6)]
        share, own = (1.0 if share < 0.5 else 0.5), (0.0 if own < 0.5 else 2 * own - 1)
        takes_part = torch.rand((1, 4 * 49), generator=same)[0].numpy() < share
        x = tokens[0].numpy().astype(np.float64)
        groups: dict[int, list[int]] = {int(k): [int(k)] for k in kept[0]}
        for token in set(range(4 * 49)) - set(groups):
            near = [k for k in groups if abs(k // 49 - token // 49) <= window]
            if near and takes_part[token]:
                alike = [x[token] @ x[k] / np.linalg.norm(x[token]) / np.linalg.norm(x[k]) for k in near]
                groups[near[int(np.argmax(alike))]].append(token)
        expected = [own * x[k] + (1 - own) * x[members].mean(axis=0) for k, members in groups.items()]
        np.testing.assert_allclose(merged, expected, rtol=1e-4, atol=1e-5)
