"""The page's clip with answers: what the testbed's model says from the kept tokens, ratio by ratio."""

import torch

from infomerge import compress
from infomerge.page.asked import NAME, asked_clip
from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.splits import FORMS, asked_about
from infomerge.testbed.vocabulary import ANSWERS


def test_answers_are_those_of_the_model_to_one_question_alone() -> None:
    clip, answers = asked_clip(2, ratios=(0.05, 0.2))
    assert (clip.name, clip.grid, {question.clip for question in answers.questions}) == (NAME, (7, 7), {NAME})
    asked = asked_about(FORMS["clean"].clip(2, "dev").script)
    question, shown = asked[3], answers.questions[3]
    assert (shown.text, shown.options[shown.truth or 0]) == (question.text, question.answer)
    out = compress(
        clip.tokens, "fastvid", retention_ratio=0.2, saliency=clip.saliency, frame_features=clip.frame_features
    )
    (row,) = load_testbed("subsets").read(out.tokens, out.index, 1568, [question])
    expected = torch.stack([row[ANSWERS.index(choice)] for choice in question.choices])
    (grid,) = (grid for grid in shown.grids if grid.method == "fastvid")
    torch.testing.assert_close(torch.tensor(grid.probabilities[1]), expected, atol=2e-4, rtol=0)
