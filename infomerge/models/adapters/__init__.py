"""The supported classes of Video-LLMs, one adapter each; others are added by `register` or by an entry point.

A family is one file of this folder, which is found there.

An entry point of the group "infomerge.adapters" has the name of a model class and names its adapter:

    [project.entry-points."infomerge.adapters"]
    MyVideoLMForConditionalGeneration = "my_package.adapter:MyVideoLMAdapter"
"""

import functools
import importlib
import pkgutil
import warnings
from collections.abc import Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any

from infomerge.models.adapters.base import (
    SUFFIX,
    Attention,
    ProcessedFrames,
    VideoAdapter,
    VideoMetadata,
    VideoRows,
)
from infomerge.models.adapters.tiny import TinyModel

__all__ = [
    "Attention",
    "ProcessedFrames",
    "TinyModel",
    "VideoAdapter",
    "VideoMetadata",
    "VideoRows",
    "adapter_class",
    "adapter_for",
    "adapters",
    "register",
    "supported",
]


def _in_this_folder() -> dict[str, type[VideoAdapter]]:
    """The adapters of all files here that have a model class's name, by it."""
    found = {}
    for part in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{part.name}")
        for value in vars(module).values():
            is_adapter = isinstance(value, type) and issubclass(value, VideoAdapter)
            if is_adapter and value.__module__ == module.__name__ and "class_name" in vars(value):
                found[value.class_name] = value
    return found


STOCK: Mapping[str, type[VideoAdapter]] = MappingProxyType(_in_this_folder())
"""The classes of transformers that this package knows."""

_ADDED: dict[str, type[VideoAdapter]] = {}


def register(class_name: str, adapter: type[VideoAdapter]) -> None:
    """Let `attach`, `load` and everything else take a further class of models.

    Args:
        class_name: of the model class, whichever module has it. A class that has one is found by its nearest parent.
        adapter: a subclass of `VideoAdapter`; `check_adapter` tells whether it keeps what it promises.

    Raises:
        TypeError: `adapter` is no subclass of `VideoAdapter`.
        ValueError: another adapter has the name.
    """
    if not (isinstance(adapter, type) and issubclass(adapter, VideoAdapter)):
        raise TypeError(f"adapter: got {adapter!r}; expected subclasses of VideoAdapter")
    known = adapters().get(class_name, adapter)
    if known is not adapter:
        raise ValueError(f"class_name: got {class_name!r}, which {known.__name__} has; expected another name")
    _ADDED[class_name] = adapter


def adapters() -> dict[str, type[VideoAdapter]]:
    """All adapters by the names of their model classes: this package's, those of entry points, those registered."""
    return {**STOCK, **_from_entry_points(), **_ADDED}


@functools.cache
def _from_entry_points() -> dict[str, type[VideoAdapter]]:
    """Adapters that other packages name; one that fails is left out with a warning."""
    found = {}
    for point in entry_points(group="infomerge.adapters"):
        try:
            if point.name not in STOCK:
                found[point.name] = point.load()
        except Exception as error:
            warnings.warn(f"the adapter {point.name!r} of {point.value} was left out: {error}", stacklevel=2)
    return found


def supported() -> tuple[str, ...]:
    """Names of the supported model classes."""
    return tuple(adapters())


def adapter_class(model_or_config: Any) -> type[VideoAdapter]:
    """The adapter of a model, or of the model that a configuration is for.

    Raises:
        TypeError: there is none.
    """
    known = adapters()
    if not hasattr(model_or_config, "model_type"):
        for kind in type(model_or_config).__mro__:
            # A class of somebody else's may have the name of one of transformers, and be another.
            if kind.__name__ in known and (kind.__name__ not in STOCK or kind.__module__.startswith("transformers.")):
                return known[kind.__name__]
        found = type(model_or_config).__name__
        raise TypeError(f"model: got {found}; expected {', '.join(known)}, of transformers")
    # Several classes may share a configuration; a checkpoint names its own.
    named = [name for name in model_or_config.architectures or () if name in known]
    name = type(model_or_config).__name__
    own = [
        class_name
        for class_name, adapter in known.items()
        if name == (adapter.config_name or f"{class_name.removesuffix(SUFFIX)}Config")
    ]
    if not own:
        raise TypeError(f"model: got a {name}; expected those of {', '.join(known)}")
    return known[next((class_name for class_name in named if class_name in own), own[0])]


def adapter_for(model_or_config: Any, tokenizer: Any = None) -> VideoAdapter:
    """The adapter of a model or a configuration, bound to it.

    Raises:
        TypeError: there is none.
    """
    return adapter_class(model_or_config)(model_or_config, tokenizer)
