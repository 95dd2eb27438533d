"""InfoMerge and what it is compared with, behind one signature: `compress(tokens, NAME, retention_ratio=..., ...)`.

A method is one file of this folder, which registers it; docs/adding_a_method.md shows how.
"""

import importlib
import pkgutil

from infomerge.deprecation import deprecated_names
from infomerge.methods import registry
from infomerge.methods.method import Compressor, Method
from infomerge.methods.registry import (
    METHODS,
    compress,
    get_method,
    make_compressor,
    methods_for,
    register_method,
)

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
registry.in_order()
registry.load_methods_of_other_packages()

__all__ = [
    "METHODS",
    "Compressor",
    "Method",
    "compress",
    "get_method",
    "make_compressor",
    "methods_for",
    "register_method",
]

__getattr__ = deprecated_names(
    __name__,
    {
        "MethodCompression": ("infomerge.compression", "Compression"),
        "MethodTrace": ("infomerge.compression", "ClipTrace"),
    },
)
