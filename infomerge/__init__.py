"""InfoMerge: information-aware token compression for video language models (arXiv 2606.02161).

The names below are imported when they are first used, so that `import infomerge` alone costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

from infomerge.deprecation import deprecated_names

if TYPE_CHECKING:
    from infomerge import methods
    from infomerge.compression import ClipTrace, Compression, InfoMergeTrace
    from infomerge.config import InfoMergeConfig, PresetWarning
    from infomerge.encoded_clip import EncodedClip
    from infomerge.merging import MergePlan
    from infomerge.methods import compress
    from infomerge.models import attach, compressing

__version__ = "0.1.0"

_PLACES = {
    "ClipTrace": "infomerge.compression",
    "Compression": "infomerge.compression",
    "EncodedClip": "infomerge.encoded_clip",
    "InfoMergeConfig": "infomerge.config",
    "InfoMergeTrace": "infomerge.compression",
    "MergePlan": "infomerge.merging",
    "PresetWarning": "infomerge.config",
    "attach": "infomerge.models",
    "compress": "infomerge.methods",
    "compressing": "infomerge.models",
}

__all__ = [
    "ClipTrace",
    "Compression",
    "EncodedClip",
    "InfoMergeConfig",
    "InfoMergeTrace",
    "MergePlan",
    "PresetWarning",
    "__version__",
    "attach",
    "compress",
    "compressing",
    "methods",
]

_old_name = deprecated_names(__name__, {"Trace": ("infomerge.compression", "InfoMergeTrace")})


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(_PLACES[name]), name)
    if name == "methods":
        return importlib.import_module("infomerge.methods")
    return _old_name(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
