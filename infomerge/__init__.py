"""InfoMerge: information-aware token compression for video language models (arXiv 2606.02161)."""

from infomerge.compression import Compression, Trace, compress
from infomerge.config import InfoMergeConfig, PresetWarning

__version__ = "0.1.0"
__all__ = ["Compression", "InfoMergeConfig", "PresetWarning", "Trace", "__version__", "compress"]
