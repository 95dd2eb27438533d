"""AnswerView: ask the testbed about a clip, drag the retention ratio and watch the answer and what it rests on.

The view is drawn by the modules of `answers/` from the widget's traits alone, so that a reload or a second view
shows what is true.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

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
from infomerge.widgets.asked import AskedView
from infomerge.widgets.lens_data import encode_frames
from infomerge.widgets.pages import ANSWERS_MIME, KINDS

LEAST, MOST = 0.01, 1.0
"""Retention ratios from which and up to which the slider goes."""

MARKED_UP_TO = 0.05
"""Up to this ratio the tokens that an answer needs are found: each is left out in turn, and at more it takes long."""

CURVE = (0.01, 0.014, 0.02, 0.03, 0.05, 0.07, 0.10, 0.15, 0.25, 0.5)
"""Retention ratios at which the curve of the probability is worked out."""

TURNED = ("question", "method", "ratio", "mark")
"""The traits that a page turns."""

TITLE = "Answers from the kept tokens"


class AnswerView(AskedView):
    """Ask a small Video-LLM about a clip from whatever tokens a method keeps of it.

    What is set in Python is answered at once and whole. A page asks first for the answer alone, and when its controls
    rest for what takes longer: the curve, and the tokens that the answer needs.

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

    mime = ANSWERS_MIME
    held = ("clip", "result", "curve", *TURNED)

    _esm, _css = KINDS[mime].module, KINDS[mime].style

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
        self._questions: Sequence[Question] = asked_about(clip.script)
        super().__init__(question=question, method=method, ratio=ratio)
        self._testbed: Testbed | None = testbed
        self._clip: SceneClip | None = clip
        self._seen = testbed.see(clip.frames).cpu()
        self._answers: dict[tuple[str, float], Float[Tensor, "questions answers"]] = {}
        self._resting = True
        self.set_trait("clip", self._content(clip))
        self._answer()
        self._complete()

    @traitlets.validate("question")
    def _one_of_the_questions(self, proposal: Any) -> int:
        value: int = proposal.value
        if not 0 <= value < len(self._questions):
            raise traitlets.TraitError(f"question: got {value}; expected 0 to {len(self._questions) - 1}")
        return value

    @traitlets.observe(*TURNED)
    def _turned(self, _: Any) -> None:
        if self.clip and not self.closed:
            self._answer()
            if self._resting:
                self._complete()

    def _asked(self, content: Mapping[str, Any], buffers: list[memoryview]) -> None:
        if content["ask"] == "rest":
            self._complete()
        elif content["option"] in TURNED:
            self._resting = False
            try:
                setattr(self, content["option"], content["value"])
            finally:
                self._resting = True
        self._say("")

    def __repr__(self) -> str:
        if self.closed:
            return "<AnswerView, closed>"
        return f"AnswerView(testbed, clip, {self.question}, {self.method!r}, {self.ratio:g})"

    def _content(self, clip: SceneClip) -> dict[str, Any]:
        rows, columns = find_grid(self._seen.tokens.shape[1])
        return {
            "title": TITLE,
            "images": encode_frames(clip.frames),
            "width": clip.frames.shape[2],
            "height": clip.frames.shape[1],
            "rows": rows,
            "columns": columns,
            "questions": [{"text": one.text, "answer": one.answer, "kind": one.kind} for one in self._questions],
            "methods": [{"name": name, "title": entry.title} for name, entry in METHODS.items()],
            "least": LEAST,
            "most": MOST,
            "markedUpTo": MARKED_UP_TO,
        }

    def _answer(self) -> None:
        """What the model says."""
        out, probabilities = self._at(self.ratio)
        asked = self._questions[self.question]
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

    def _complete(self) -> None:
        if self._testbed is None:  # closed
            return
        about = {"question": self.question, "method": self.method}
        if any(self.curve.get(name) != value for name, value in about.items()):
            place = ANSWERS.index(self._questions[self.question].answer)
            points = [[ratio, float(self._at(ratio, False)[1][self.question, place])] for ratio in CURVE]
            self.set_trait("curve", {**about, "points": points})
        if self.result["needed"] is None and self.mark and self.ratio <= MARKED_UP_TO:
            out, _ = self._at(self.ratio)
            asked = self._questions[self.question]
            needed = needed_tokens(self._testbed, out, asked, asked.answer)
            self.set_trait("result", {**self.result, "needed": np.round(needed.numpy(), 4).tolist()})

    def _at(self, ratio: float, with_tokens: bool = True) -> tuple[Any, Float[Tensor, "questions answers"]]:
        """What the method keeps at a ratio (None where it is not asked for), and all answers from it."""
        assert self._testbed is not None
        key = self.method, round(ratio, 6)
        out: Compression | None = None
        if with_tokens or key not in self._answers:
            out = compressed(self._seen, self.method, ratio, "head")
        if key not in self._answers:
            self._answers[key] = answered(self._testbed, self._seen, out, self._questions)
        return out, self._answers[key]

    def table(self) -> list[dict[str, Any]]:
        """Every question with what the model says from the kept tokens, and the probability of the right answer."""
        _, probabilities = self._at(self.ratio, False)
        said = [ANSWERS[int(row.argmax())] for row in probabilities]
        right = [float(row[ANSWERS.index(one.answer)]) for row, one in zip(probabilities, self._questions, strict=True)]
        return [
            {"question": one.text, "kind": one.kind, "right": one.answer, "said": word, "probability": round(chance, 3)}
            for one, word, chance in zip(self._questions, said, right, strict=True)
        ]

    def _still(self) -> str:
        """The frames with their kept tokens, and in words what is said from these: a JPEG."""
        from infomerge import plots  # a view that is never stored draws no figure

        assert self._clip is not None
        out, _ = self._at(self.ratio)
        grid = find_grid(self._seen.tokens.shape[1])
        sheet = plots.contact_sheet(self._clip.frames, self._clip.timestamps, out, grid, title=self._words())
        written = io.BytesIO()
        sheet.savefig(written, format="jpeg", dpi=120, pil_kwargs={"quality": 80})
        return base64.b64encode(written.getvalue()).decode()

    def _words(self) -> str:
        asked = self._questions[self.question]
        verdict = "right" if self.result["said"] == asked.answer else f"it is {asked.answer!r}"
        return f"{asked.text} From {len(self.result['index'])} tokens: {self.result['said']!r} ({verdict})"

    def _alt(self) -> str:
        return f"All frames of the clip with the tokens that {METHODS[self.method].title} keeps. {self._words()}"

    def _forget(self) -> None:
        self._testbed = self._clip = None
        del self._seen
        self._answers.clear()
        for name in ("clip", "result", "curve"):
            self.set_trait(name, {})
