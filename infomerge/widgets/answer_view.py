"""AnswerView: ask the testbed about a clip, drag the retention ratio and watch the answer and what it rests on.

The view is drawn by the modules of `answers/` from the widget's traits alone, so that a reload or a second view
shows what is true.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from jaxtyping import Float
from torch import Tensor

from infomerge.compression import Compression
from infomerge.encoded_clip import find_grid
from infomerge.methods import METHODS
from infomerge.testbed.checkpoint import Testbed
from infomerge.testbed.evaluation import answered, compressed
from infomerge.testbed.needs import needed_tokens
from infomerge.testbed.splits import asked_about
from infomerge.testbed.vocabulary import ANSWERS
from infomerge.video import Question, SceneClip
from infomerge.widgets.joining import joined
from infomerge.widgets.latest_only import LatestOnly
from infomerge.widgets.lens_data import encode_frames

LEAST, MOST = 0.01, 1.0
"""Retention ratios from which and up to which the slider goes."""

MARKED_UP_TO = 0.05
"""Up to this ratio the tokens that an answer needs are found: each is left out in turn, and at more it takes long."""

CURVE = (0.01, 0.014, 0.02, 0.03, 0.05, 0.07, 0.10, 0.15, 0.25, 0.5)
"""Retention ratios at which the curve of the probability is worked out."""

_VIEW = Path(__file__).parent / "answers"


class AnswerView(anywidget.AnyWidget):
    """Ask a small Video-LLM about a clip from whatever tokens a method keeps of it.

    Attributes:
        question: number of the question that is asked.
        method: which method compresses, a name in `infomerge.methods.METHODS`.
        ratio: the retention ratio, from `LEAST` to `MOST`.
        mark: whether the tokens that the answer needs are marked, at ratios up to `MARKED_UP_TO`.
        result: what came of these: the kept tokens, what the model says, what is right, the probability of each choice.
        curve: of the question and the method, the probability of the right answer by ratio.
        clip: what stays as it is: the frames, the questions and the methods' names.

    Args:
        testbed: what answers.
        clip: a clip of `infomerge.testbed.splits.FORMS`.
        question: the one that is asked first, by its number.
        method: the one that compresses first.
        ratio: the first retention ratio.

    Raises:
        traitlets.TraitError: an argument is out of range.
    """

    _esm = joined(_VIEW / "view.js")
    _css = (_VIEW / "view.css").read_text(encoding="utf-8")

    clip = traitlets.Dict(read_only=True).tag(sync=True)
    result = traitlets.Dict(read_only=True).tag(sync=True)
    curve = traitlets.Dict(read_only=True).tag(sync=True)
    question = traitlets.Int(0).tag(sync=True)
    method = traitlets.Enum(tuple(METHODS), "infomerge").tag(sync=True)
    ratio = traitlets.Float(0.05, min=LEAST, max=MOST).tag(sync=True)
    mark = traitlets.Bool(True).tag(sync=True)

    def __init__(
        self, testbed: Testbed, clip: SceneClip, question: int = 0, method: str = "infomerge", ratio: float = 0.05
    ) -> None:
        self._asked: Sequence[Question] = asked_about(clip.script)
        super().__init__(question=question, method=method, ratio=ratio)
        self._testbed: Testbed | None = testbed
        self._seen = testbed.see(clip.frames).cpu()
        self._answers: dict[tuple[str, float], Float[Tensor, "questions answers"]] = {}
        self.set_trait("clip", self._content(clip))
        self._soon = LatestOnly(self._answer, busy=lambda: False)
        self._later = LatestOnly(self._fill, busy=lambda: False, delay=0.2)
        self._answer()
        self._fill()
        self.observe(self._ask, ["question", "method", "ratio", "mark"])

    @traitlets.validate("question")
    def _one_of_the_questions(self, proposal: Any) -> int:
        value: int = proposal.value
        if not 0 <= value < len(self._asked):
            raise traitlets.TraitError(f"question: got {value}; expected 0 to {len(self._asked) - 1}")
        return value

    def close(self) -> None:
        """End the view, and let go of the model and of what it saw."""
        super().close()
        self._testbed = None
        self._answers.clear()

    def _content(self, clip: SceneClip) -> dict[str, Any]:
        rows, columns = find_grid(self._seen.tokens.shape[1])
        return {
            "images": encode_frames(clip.frames),
            "width": clip.frames.shape[2],
            "height": clip.frames.shape[1],
            "rows": rows,
            "columns": columns,
            "questions": [{"text": one.text, "answer": one.answer, "kind": one.kind} for one in self._asked],
            "methods": [{"name": name, "title": entry.title} for name, entry in METHODS.items()],
            "least": LEAST,
            "most": MOST,
            "markedUpTo": MARKED_UP_TO,
        }

    def _ask(self, _: Any) -> None:
        self._soon.ask()
        self._later.ask()

    def _answer(self) -> None:
        """Answer at once what is asked."""
        if self._testbed is None:
            return
        out, probabilities = self._at(self.ratio)
        asked = self._asked[self.question]
        row = probabilities[self.question]
        choices = [{"word": word, "probability": float(row[ANSWERS.index(word)])} for word in asked.choices]
        self.set_trait(
            "result",
            {
                "question": self.question,
                "method": self.method,
                "ratio": self.ratio,
                "index": out.index.tolist(),
                "context": out.is_context.int().tolist(),
                "needed": None,
                "said": ANSWERS[int(row.argmax())],
                "right": asked.answer,
                "probability": float(row[ANSWERS.index(asked.answer)]),
                "choices": choices,
            },
        )

    def _fill(self) -> None:
        """Then what takes longer: the curve, and the tokens that the answer needs."""
        if self._testbed is None:
            return
        place = ANSWERS.index(self._asked[self.question].answer)
        points = [[ratio, float(self._at(ratio, False)[1][self.question, place])] for ratio in CURVE]
        self.set_trait("curve", {"question": self.question, "method": self.method, "points": points})
        if self.mark and self.ratio <= MARKED_UP_TO:
            out, _ = self._at(self.ratio)
            asked = self._asked[self.question]
            needed = needed_tokens(self._testbed, out, asked, asked.answer)
            self.set_trait("result", {**self.result, "needed": np.round(needed.numpy(), 4).tolist()})
        elif self.result["needed"] is not None:
            self.set_trait("result", {**self.result, "needed": None})

    def _at(self, ratio: float, with_tokens: bool = True) -> tuple[Any, Float[Tensor, "questions answers"]]:
        """What the method keeps at a ratio (None where it is not asked for), and all answers from it."""
        assert self._testbed is not None
        key = self.method, round(ratio, 6)
        out: Compression | None = None
        if with_tokens or key not in self._answers:
            out = compressed(self._seen, self.method, ratio, "head")
        if key not in self._answers:
            self._answers[key] = answered(self._testbed, self._seen, out, self._asked)
        return out, self._answers[key]

    def table(self) -> list[dict[str, Any]]:
        """Every question with what the model says from the kept tokens, and the probability of the right answer."""
        _, probabilities = self._at(self.ratio, False)
        said = [ANSWERS[int(row.argmax())] for row in probabilities]
        right = [float(row[ANSWERS.index(one.answer)]) for row, one in zip(probabilities, self._asked, strict=True)]
        return [
            {"question": one.text, "kind": one.kind, "right": one.answer, "said": word, "probability": round(chance, 3)}
            for one, word, chance in zip(self._asked, said, right, strict=True)
        ]
