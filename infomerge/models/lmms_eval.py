"""InfoMerge in lmms-eval, the evaluation harness of the field: its own models, with their videos compressed.

    python -m lmms_eval --model infomerge_llava_hf \
        --model_args pretrained=llava-hf/llava-onevision-qwen2-7b-ov-hf,retention_ratio=0.1 --tasks videomme

lmms-eval knows each model of `WRAPPED` by its own name after `infomerge_`, through the entry point of this package in
its group "lmms_eval.models". Arguments are those of lmms-eval's own model, and `method`, `retention_ratio`,
`position_mode` and the options of the method. Prompts, frames and scores stay lmms-eval's.

Nothing of lmms-eval is imported before it asks for a class.
"""

import difflib
import functools
import importlib
import inspect
import traceback
import warnings
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, get_args

from jaxtyping import Float
from pydantic import ValidationError
from torch import Tensor

from infomerge.compression import Compression
from infomerge.config import InfoMergeConfig, explain
from infomerge.deprecation import warn_renamed
from infomerge.methods import Compressor, get_method, make_compressor
from infomerge.models.adapters import adapters
from infomerge.models.attachment import attach
from infomerge.models.compressed_call import PositionMode

WRAPPED: dict[str, tuple[str, ...]] = {
    name: kinds for adapter in adapters().values() for name, kinds in adapter.lmms_eval_names.items()
}
"""Models of lmms-eval that run a class of transformers which `attach` takes, and which of their classes are wrapped."""

OWN = ("method", "retention_ratio", "position_mode", "positions")
"""Arguments that every wrapped model takes; those of the method come on top."""


def manifests() -> list[Any]:
    """What lmms-eval reads from the entry point: a name and where the classes are, for each of `WRAPPED`."""
    registry = importlib.import_module("lmms_eval.models.registry_v2")
    return [
        registry.ModelManifest(
            model_id=f"infomerge_{model_id}",
            **{f"{kind}_class_path": f"{__name__}.{kind}_{model_id}" for kind in kinds},
        )
        for model_id, kinds in WRAPPED.items()
    ]


def __getattr__(name: str) -> Any:
    """The classes that `manifests` names, made when they are asked for.

    Raises:
        AttributeError: it is none of them.
        ModuleNotFoundError: lmms-eval is not installed.
    """
    kind, _, model_id = name.partition("_")
    if kind not in WRAPPED.get(model_id, ()):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    models = importlib.import_module("lmms_eval.models")
    return wrapped(models.get_model(model_id, force_simple=kind == "simple"))


@functools.cache
def wrapped(base: type) -> type:
    """A model class of lmms-eval, with compression.

    Args:
        base: the class. Its `model` is a model of transformers that `attach` takes, once it is made.

    Returns:
        A subclass, which is made with the arguments of `base` and those of `split_arguments`.
    """
    return type(f"InfoMerge{base.__name__}", (_Compressing, base), {"_wraps": base, "__module__": __name__})


class _Compressing:
    """What `wrapped` puts before a model class of lmms-eval."""

    _wraps: ClassVar[type]

    def __init__(self, **arguments: Any) -> None:
        own, others = split_arguments(arguments, self._wraps)
        position_mode = own.pop("position_mode", "original")
        if "positions" in own:
            warn_renamed("positions=", "position_mode=")
            position_mode = own.pop("positions")
        if position_mode not in get_args(PositionMode):
            accepted = ", ".join(get_args(PositionMode))
            raise ValueError(f"position_mode: found {position_mode!r}; accepted are {accepted}")
        compressor = compressor_of(**own)
        super().__init__(**others)
        self.tally = Tally(compressor)
        model: Any = self.model  # type: ignore[attr-defined]  # of the class that is wrapped
        if compressor.retention_ratio != 1:
            attach(model, self.tally, position_mode=position_mode, processor=getattr(self, "processor", None))
        model.generate = _stopping(model.generate)

    def generate_until(self, requests: Any) -> Any:
        """As the class that is wrapped, and a line on what was kept."""
        self.tally.clear()
        answers = super().generate_until(requests)  # type: ignore[misc]
        if self.rank == 0:  # type: ignore[attr-defined]
            print(f"InfoMerge: {self.tally}", flush=True)
        return answers


class Tally:
    """A compressor that counts what goes through it."""

    def __init__(self, compressor: Callable[..., Compression]) -> None:
        self.compressor = compressor
        self.clear()

    def clear(self) -> None:
        """Start from nothing."""
        self.videos = self.tokens = self.requested = self.kept = 0

    def __call__(
        self,
        tokens: Float[Tensor, "frames positions channels"],
        saliency: Float[Tensor, "frames positions"] | None = None,
    ) -> Compression:
        """What the compressor returns."""
        out = self.compressor(tokens, saliency=saliency)
        self.videos += 1
        self.tokens += tokens.shape[0] * tokens.shape[1]
        self.requested += out.requested
        self.kept += out.kept
        return out

    def __str__(self) -> str:
        if not self.videos:
            return "no video was compressed"
        return f"{self.videos} videos of {self.tokens:,} tokens; {self.requested:,} requested, {self.kept:,} kept"


def split_arguments(arguments: Mapping[str, Any], base: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arguments of compression, and those of the model class of lmms-eval.

    Raises:
        ValueError: there is no such method, or an argument is neither of the method nor of the class.
    """
    options = (*OWN, *get_method(arguments.get("method", "infomerge")).options)
    signature = inspect.signature(base.__init__)  # type: ignore[misc]
    theirs = [name for name, kind in signature.parameters.items() if kind.kind is kind.POSITIONAL_OR_KEYWORD][1:]
    for name in arguments:
        if name not in (*options, *theirs):
            close = difflib.get_close_matches(name, [*options, *theirs], n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise ValueError(
                f"model_args: found {name!r}{hint}; accepted are {', '.join(options)} for the compression, and "
                f"{', '.join(theirs)} for {base.__name__} of lmms-eval"
            )
    own = {name: value for name, value in arguments.items() if name in options}
    return own, {name: value for name, value in arguments.items() if name not in options}


def compressor_of(method: str = "infomerge", retention_ratio: Any = 0.1, **options: Any) -> Compressor:
    """What compresses each video: `make_compressor`, whose errors come before a model is loaded.

    Raises:
        ValueError: there is no such method, it has no such option, or a value is out of range.
    """
    try:
        # From the command line a number may come as text.
        ratio = InfoMergeConfig(retention_ratio=retention_ratio).retention_ratio
        with warnings.catch_warnings():
            # lmms-eval turns warnings off. At 1 the values of the paper play no part.
            warnings.simplefilter("ignore" if ratio == 1 else "always")
            return make_compressor(method, retention_ratio=ratio, **options)
    except ValidationError as error:
        raise ValueError(f"model_args: {explain(error)}") from error
    except TypeError as error:
        raise ValueError(f"model_args: {error}") from error


def _stopping(generate: Any) -> Any:
    """A `generate` whose errors end the evaluation: some models of lmms-eval turn them into empty answers."""

    @functools.wraps(generate)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return generate(*args, **kwargs)
        except Exception as error:
            traceback.print_exc()
            raise SystemExit(f"the evaluation stops, as generating an answer failed: {error}") from error

    return run
