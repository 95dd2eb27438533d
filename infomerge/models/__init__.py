"""InfoMerge inside stock Video-LLMs of transformers."""

from typing import TYPE_CHECKING, Any

from infomerge.extras import needs

# Looked for only: its import takes a second, which a model that is there has already paid.
with needs("models", "transformers"):
    from infomerge.models.attachment import Run, attach, compressing, detach
    from infomerge.models.families import FAMILIES
    from infomerge.models.prompting import Prompter
    from infomerge.models.rehearsal import save_random_model
    from infomerge.models.shortening import CompressedVideo

if TYPE_CHECKING:
    from infomerge.models.asking import Answer, answer, ask, load

SUPPORTED = tuple(FAMILIES)
"""Names of the supported classes of transformers."""

__all__ = [
    "SUPPORTED",
    "Answer",
    "CompressedVideo",
    "Prompter",
    "Run",
    "answer",
    "ask",
    "attach",
    "compressing",
    "detach",
    "load",
    "save_random_model",
]


def __getattr__(name: str) -> Any:
    # Asking needs the video readers, which the rest must do without: in lmms-eval, and on a machine with a GPU alone.
    if name in ("Answer", "answer", "ask", "load"):
        from infomerge.models import asking

        return getattr(asking, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
