"""The older name of `question_answering`, `loading` and `timing`."""

from infomerge.deprecation import deprecated_names

__getattr__ = deprecated_names(
    __name__,
    {
        "Answer": ("infomerge.models", "Answer"),
        "Seconds": ("infomerge.models.timing", "Seconds"),
        "Stopwatch": ("infomerge.models.timing", "Timer"),
        "answer": ("infomerge.models", "answer"),
        "ask": ("infomerge.models", "ask"),
        "described": ("infomerge.models.question_answering", "described"),
        "load": ("infomerge.models", "load"),
        "record_answers": ("infomerge.models.question_answering", "record_answers"),
    },
)
