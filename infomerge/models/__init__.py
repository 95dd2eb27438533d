"""InfoMerge inside stock Video-LLMs of transformers."""

import importlib
from typing import TYPE_CHECKING, Any

from infomerge.deprecation import deprecated_names
from infomerge.extras import needs

# Looked for only: its import takes a second, which a model that is there has already paid.
with needs("models", "transformers"):
    from infomerge.models.adapters import VideoAdapter, register
    from infomerge.models.attachment import Run, attach, compressing, detach
    from infomerge.models.compressed_call import CompressedVideo
    from infomerge.models.processing import Processor, StockProcessor
    from infomerge.models.tiny_random import save_tiny_random_model

if TYPE_CHECKING:
    from infomerge.models.contract import check_adapter
    from infomerge.models.loading import load
    from infomerge.models.question_answering import Answer, answer, ask

    SUPPORTED: tuple[str, ...]
    """Names of the model classes that `attach` takes, those that others registered included."""

__all__ = [
    "SUPPORTED",
    "Answer",
    "CompressedVideo",
    "Processor",
    "Run",
    "StockProcessor",
    "VideoAdapter",
    "answer",
    "ask",
    "attach",
    "check_adapter",
    "compressing",
    "detach",
    "load",
    "register",
    "save_tiny_random_model",
]

# Asking needs the video readers, which the rest must do without: in lmms-eval, and on a machine with a GPU alone.
_LATER = {
    "Answer": "question_answering",
    "answer": "question_answering",
    "ask": "question_answering",
    "check_adapter": "contract",
    "load": "loading",
}
_older_name = deprecated_names(
    __name__,
    {
        "Prompter": (__name__, "Processor"),
        "save_random_model": (__name__, "save_tiny_random_model"),
    },
)


def __getattr__(name: str) -> Any:
    if name == "SUPPORTED":
        from infomerge.models.adapters import supported

        return supported()
    if name in _LATER:
        return getattr(importlib.import_module(f"infomerge.models.{_LATER[name]}"), name)
    return _older_name(name)
