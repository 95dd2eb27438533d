"""InfoMerge inside a stock Video-LLM of transformers: attached to one model, and taken off again without a trace.

What happens in a call with a video: the model's own encoder makes the visual features, InfoMerge keeps some of them,
the placeholders of the others leave the prompt, and the stock `forward` or `generate` goes on with the shorter one. All
of that is done to the arguments of the call, by stand-ins for `forward` and `generate` that lie on this one model: no
class is changed, and the stock code runs.
"""

import functools
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import Any, get_args

from packaging.specifiers import SpecifierSet

from infomerge.deprecation import warn_renamed
from infomerge.methods import Compressor, make_compressor
from infomerge.models.adapters import adapter_class, adapter_for, supported
from infomerge.models.compressed_call import PositionMode
from infomerge.models.run import Attachment, Run, attachment_of
from infomerge.models.visuals import needs_of

__all__ = ["TESTED", "Run", "attach", "compressing", "detach", "older_names", "runs_of", "unwrapped"]

TESTED = SpecifierSet(">=5.21,<5.25")
"""Releases of transformers that the tests run with; pyproject.toml names the first of them as the oldest."""

_CHANGING = threading.RLock()
"""Held while something is attached or taken off."""


def attach(
    model: Any,
    method: Any = None,
    *,
    retention_ratio: float | None = None,
    position_mode: PositionMode = "original",
    tokenizer: Any = None,
    processor: Any = None,
    **options: Any,
) -> Run:
    """Compress the videos of every `forward` and `generate` of one model, until `detach`.

    The model gives the same kinds of output as before. `generate` returns the prompt as it was given and the new
    tokens, and its processors, criteria, prefix functions and streamers are shown the same; a draft model and a
    `custom_generate` function work on the shorter prompt. `forward`, that of the model or of the one below its head,
    gives the outputs of the shorter prompt, to which `labels` are shortened along; columns in `logits_to_keep` are
    those of the full prompt. `image_hidden_states` and `video_hidden_states` hold the features that were put in place,
    in one row of tokens (InternVL's stock output has a row for each frame) and without the tower's own states (which
    SmolVLM's has beside them). Images and text are left as they are. The features of videos come without gradients. A
    model can be attached to more than once: the newest run works, for all threads. Copies of an attached model work as
    without a compression.

    What is given past the model is not compressed, and says so: `type(model).generate(model, ...)` and encoded videos
    are refused, a prompt of embeddings is warned of. The encoders, such as `get_video_features`, give every token.

    Where the tower pools (SigLIP's head, CLIP's [CLS]), that output is each frame's global feature (g_l of eq. 22), and
    the mean of the frame's tokens where it does not. In float16 and bfloat16 the model's features are rounded before
    anything is decided on them: a few of the kept tokens may be others than in float32.

    SmolVLM and InternVL are handed frames as images, which the captions between them tell apart: 'Frame2: ' is a frame,
    'Image2: ' an image. So their calls need the checkpoint's tokenizer.

    A cache that a call with a video has filled can be continued without the video, as a stock one can, while something
    is attached. It remembers what was dropped, and so do its copies. What follows the video in it can be cropped, and
    it can be reset.

    Args:
        model: of one of the classes in `infomerge.models.SUPPORTED`: {supported}. What `torch.compile`, PEFT, or a
            parallel trainer wrapped around it is looked into.
        method: what compresses each video, as `infomerge.compress` takes it: a name of `infomerge.methods`, an
            `InfoMergeConfig`, or any callable `(tokens, saliency=...) -> Compression`, which is handed `frame_features`
            too if it takes them. Without one, InfoMerge.
        retention_ratio: share of the tokens to keep; without it, the method's own or 10 %.
        position_mode: "original": kept tokens keep the positions, 1-D or M-RoPE, that they had in the full prompt, and
            the words after them theirs. "renumbered": positions count through the shorter prompt, on all axes alike.
        tokenizer: of the checkpoint. Only SmolVLM and InternVL need one, and only where it does not lie in the folder
            or cache that the model was loaded from.
        processor: of the checkpoint, in place of `tokenizer`.
        options: of the method, such as `temperature=0`. And `precision`, "auto" if not given: fast on a GPU, exact on
            a CPU, as the trace of each compression says.

    Returns:
        The run, whose `last` holds the compressions of the last call.

    Raises:
        TypeError: the model or the method is of no supported class.
        ValueError: an option is unknown or out of range, or the tokenizer is needed and not to be had.

    Warns:
        UserWarning: the tests do not cover the release of transformers.
    """
    from infomerge.models import stand_ins  # with it comes torch's compiler, as with any model of transformers

    position_mode = older_names(position_mode, options)
    if position_mode not in get_args(PositionMode):
        accepted = " and ".join(map(repr, get_args(PositionMode)))
        raise ValueError(f"position_mode: got {position_mode!r}; expected {accepted}")
    model = unwrapped(model)
    adapter = adapter_for(model, getattr(processor, "tokenizer", None) if tokenizer is None else tokenizer)
    _check_release()
    compressor = _settled(method, retention_ratio, options)
    for need in needs_of(compressor):
        if need not in adapter.gives:
            raise ValueError(
                f"method: got {compressor.name!r}, which needs {need}; expected for {adapter.class_name} one of "
                f"infomerge.methods.methods_for({', '.join(map(repr, adapter.gives))})"
            )
    run = Run(compressor, position_mode)
    adapter.ready()
    with _CHANGING:
        attachment = attachment_of(model)
        if attachment is None:
            attachment = Attachment()
            for module, name, function in (
                (model, "forward", stand_ins.forward),
                (model.base_model, "forward", stand_ins.forward),
                (model, "generate", stand_ins.generate),
                (model, "_get_logits_processor", stand_ins.logits_processors),
                (model, "_get_stopping_criteria", stand_ins.stopping_criteria),
            ):
                attachment.stand_in(module, name, function)
        if not attachment.runs:
            attachment.rope_deltas = getattr(model.base_model, "rope_deltas", None)
        attachment.runs.append((run, adapter))
    return run


if attach.__doc__:  # python -OO strips docstrings
    attach.__doc__ = attach.__doc__.replace("{supported}", ", ".join(supported()))


def _settled(method: Any, retention_ratio: float | None, options: Mapping[str, Any]) -> Any:
    """What `make_compressor` makes of the arguments; fast on a GPU, unless the caller says how precise it shall be."""
    compressor = make_compressor(method, retention_ratio=retention_ratio, **options)
    if "precision" in options or isinstance(method, Compressor) or not isinstance(compressor, Compressor):
        return compressor
    return replace(compressor, precision="auto")


def detach(model: Any) -> None:
    """Take the newest run off a model; after the last one the model is as it was before the first.

    Raises:
        ValueError: nothing is attached to it.
    """
    with _CHANGING:
        model = unwrapped(model)
        runs = runs_of(model)
        if not runs:
            raise ValueError("model: got one with nothing attached; expected a model after `attach`")
        _take_off(model, runs[-1])


def runs_of(model: Any) -> list[Run]:
    """What is attached to a model, the active run last."""
    attachment = attachment_of(unwrapped(model))
    return [] if attachment is None else [run for run, _ in attachment.runs]


def _take_off(model: Any, run: Run) -> None:
    with _CHANGING:
        model = unwrapped(model)
        attachment = attachment_of(model)
        if attachment is None or run not in runs_of(model):  # `detach` was faster
            return
        attachment.runs = [(other, adapter) for other, adapter in attachment.runs if other is not run]
        if attachment.runs:
            return
        attachment.take_off()
        if hasattr(model.base_model, "rope_deltas"):
            model.base_model.rope_deltas = attachment.rope_deltas


@contextmanager
def compressing(
    model: Any,
    method: Any = None,
    *,
    retention_ratio: float | None = None,
    position_mode: PositionMode = "original",
    tokenizer: Any = None,
    processor: Any = None,
    **options: Any,
) -> Iterator[Run]:
    """`attach` for the block; at its end the same run is taken off, whatever was attached meanwhile.

    with compressing(model, retention_ratio=0.1) as run:
        model.generate(**inputs)
    run.last[0].compression
    """
    run = attach(
        model,
        method,
        retention_ratio=retention_ratio,
        position_mode=position_mode,
        tokenizer=tokenizer,
        processor=processor,
        **options,
    )
    try:
        yield run
    finally:
        _take_off(model, run)


def older_names(position_mode: Any, options: dict[str, Any]) -> Any:
    """The position mode, also from the name that the argument had before."""
    if "positions" not in options:
        return position_mode
    warn_renamed("positions=", "position_mode=", stacklevel=4)
    return options.pop("positions")


def unwrapped(model: Any) -> Any:
    """The model inside of what `torch.compile`, PEFT or a parallel trainer wrapped around it; else what was given.

    Raises:
        TypeError: it is a configuration, holds a model under another name, or copies one for several devices.
    """
    if hasattr(model, "model_type"):  # which has an adapter, too
        raise TypeError(f"model: got a {type(model).__name__}; expected a model that is made of it")
    try:
        adapter_class(model)
    except TypeError as error:
        parts = getattr(model, "_modules", {})
        inner = next((parts[name] for name in _WRAPPED if parts.get(name) is not None), None)
        if inner is None and callable(getattr(model, "get_base_model", None)):
            inner = model.get_base_model()
        if inner is None:
            _name_the_way(model, error)
            return model
        if len(getattr(model, "device_ids", None) or ()) > 1:
            raise TypeError(
                f"model: got a {type(model).__name__} over {len(model.device_ids)} devices, whose copies of the model "
                "are made anew for each call, without what is attached; expected one device a process, as "
                "DistributedDataParallel has"
            ) from error
        return unwrapped(inner)
    return model


_WRAPPED = ("_orig_mod", "module", "_fsdp_wrapped_module")
"""What torch.compile, (Distributed)DataParallel and DeepSpeed, and FSDP call the model that they wrap."""


def _name_the_way(model: Any, error: TypeError) -> None:
    """Raise an error that says where in a module a model is that can be attached to, if there is one."""
    for name, module in getattr(model, "named_modules", tuple)():
        try:
            adapter_class(module)
        except TypeError:
            continue
        raise TypeError(
            f"model: got {type(model).__name__}, which holds a {type(module).__name__} as `.{name}`; expected that"
        ) from error


@functools.cache
def _warn_of_release(found: str) -> None:
    warnings.warn(
        f"transformers {found} is not one of the releases {TESTED} that infomerge is tested with; "
        "infomerge.models.check_adapter tells whether a class of models still works",
        stacklevel=4,
    )


def _check_release() -> None:
    """Warn once of a release of transformers that the tests do not cover."""
    found = version("transformers")
    if not TESTED.contains(found, prereleases=True):
        _warn_of_release(found)
