"""A clip that the testbed's model answers questions about, with its answers for a dense grid of ratios."""

from collections.abc import Sequence
from dataclasses import replace

from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import Encoding
from infomerge.page.answers import Answers, Grid, Question
from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.design import GRID
from infomerge.testbed.evaluation import answered, compressed
from infomerge.testbed.splits import FORMS, asked_about
from infomerge.testbed.vocabulary import ANSWERS

NAME = "testbed"
METHODS = {"infomerge": "InfoMerge", "fastvid": "FastVID", "farthest": "Salient farthest points"}
"""Whose kept tokens the model reads, with what readers see."""
RATIOS = (0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0)


def asked_clip(
    number: int = 0, ratios: Sequence[float] = RATIOS, checkpoint: str = "subsets"
) -> tuple[EncodedClip, Answers]:
    """One of the testbed's development clips, and what its model answers from what each method keeps of it.

    Args:
        number: of the clip.
        ratios: retention ratios, ascending.
        checkpoint: which of the testbed's.

    Raises:
        ValueError: there is no such clip or checkpoint.
    """
    testbed, scene = load_testbed(checkpoint), FORMS["clean"].clip(number, "dev")
    seen, asked = testbed.see(scene.frames), asked_about(scene.script)
    encoding = Encoding(seen.tokens, seen.saliency["head"], seen.frame_features, GRID, "attention of the pooling head")
    found = {
        name: [answered(testbed, seen, compressed(seen, name, ratio, "head"), asked) for ratio in ratios]
        for name in METHODS
    }
    questions = []
    for place, question in enumerate(asked):
        columns = [ANSWERS.index(choice) for choice in question.choices]
        grids = [
            Grid(
                method=name,
                label=label,
                ratios=list(ratios),
                probabilities=[[round(float(row[place, column]), 4) for column in columns] for row in found[name]],
            )
            for name, label in METHODS.items()
        ]
        questions.append(
            Question(
                clip=NAME,
                text=question.text,
                options=list(question.choices),
                truth=question.choices.index(question.answer),
                grids=grids,
            )
        )
    weights = sum(weight.numel() for weight in testbed.model.parameters())
    answers = Answers(
        model=f"LlavaOnevision, {weights / 1e6:.1f} million parameters, trained on drawn clips like this one",
        note="The page reduces its tokens; the answers are those of the whole ones.",
        questions=questions,
    )
    clip = EncodedClip.from_clip(scene, encoding, encoder="the testbed's vision tower")
    return replace(clip, name=NAME), answers
