"""The older name of `question_answering`, `loading` and `timing`."""

import warnings

from infomerge.models.loading import load
from infomerge.models.question_answering import Answer, answer, ask, described, record_answers
from infomerge.models.timing import Seconds

__all__ = ["Answer", "Seconds", "answer", "ask", "described", "load", "record_answers"]

warnings.warn(
    "infomerge.models.asking is now infomerge.models (load, ask, answer) and infomerge.models.question_answering",
    DeprecationWarning,
    stacklevel=2,
)
