"""InfoMerge inside a stock Video-LLM of transformers: attached to one model, and taken off again without a trace.

What happens in a call with a video: the model's own encoder makes the visual features, InfoMerge keeps some of them,
the placeholders of the others leave the prompt, and the stock `forward` or `generate` goes on with the shorter one. All
of that is done to the arguments of the call: no class is changed, and no code of the model is replaced.
"""

import functools
import inspect
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, get_args

import torch
from packaging.specifiers import SpecifierSet
from packaging.version import Version
from torch import Tensor

from infomerge.deprecation import warn_renamed
from infomerge.methods import make_compressor
from infomerge.models.adapters import VideoAdapter, adapter_for, supported
from infomerge.models.arguments import cache_in, cache_of, option_of, with_lengths
from infomerge.models.cache_state import CompressedPrompt, continued, load, next_position_ids, store
from infomerge.models.compressed_call import (
    CompressedCall,
    CompressedVideo,
    Compressor,
    KeptFeatures,
    PositionMode,
    compress_call,
    forward_position_ids,
    generation_position_ids,
    ready,
)

TESTED = SpecifierSet(">=5.21,<5.25")
"""Releases of transformers that the tests run with; pyproject.toml names the first of them as the oldest."""

_READS_CHUNKS = Version("5.23")
"""Before it, `prefill_chunk_size` gave each chunk the features and positions of another one."""

_NAME = "_infomerge"
"""The attribute of a model that holds its `_Attachment`."""
_CHANGING = threading.RLock()
"""Held while something is attached or taken off."""


@dataclass(eq=False)
class Run:
    """A compression that is attached to a model: its options, and what the last call with a video did."""

    compressor: Compressor
    position_mode: PositionMode
    call: CompressedCall | None = None
    """The last call with a video: its arguments as the language model got them, and where they came from."""

    @property
    def positions(self) -> PositionMode:
        """The older name of `position_mode`."""
        warn_renamed("Run.positions", "Run.position_mode")
        return self.position_mode

    @property
    def last(self) -> list[CompressedVideo]:
        """Every video of the last call that had any, in the order of the prompts."""
        return [] if self.call is None else self.call.videos

    @property
    def full_length(self) -> int:
        """Length of that call's prompts as they were given, padding counted."""
        return 0 if self.call is None else self.call.full_position_ids.shape[-1]

    @property
    def length(self) -> int:
        """Length of its prompts as they reached the language model."""
        return 0 if self.call is None else self.call.source.shape[1]


class _ThreadState(threading.local):
    """Per-thread state of the calls of one model."""

    call: CompressedCall | None = None
    """The call that `forward` is busy with."""
    generating: bool = False
    """Whether a shortened call of `generate` goes on."""


@dataclass(eq=False)
class _Attachment:
    """What is attached to one model, and how to take it off. It lies on the model, whose copies get an idle one."""

    runs: list[tuple[Run, VideoAdapter]] = field(default_factory=list)
    """The last entry is active; without one, calls are stock."""
    own_generate: Any = None
    """The model's own attribute `generate`, if it had one beside its class's."""
    rope_deltas: Any = None
    """What the model remembered of its last prompt's positions."""
    hooks: list[Any] = field(default_factory=list)
    """Empty where the model is a copy of an attached one, which brought its hooks and its `generate` along."""
    thread: _ThreadState = field(default_factory=_ThreadState)
    lock: Any = field(default_factory=threading.RLock)

    def __reduce__(self) -> Any:
        return _Attachment, ()

    def compress(self, inputs: Mapping[str, Any], full_position_ids: Any) -> CompressedCall | None:
        run, adapter = self.runs[-1]
        with self.lock:  # the attention of the tower can be watched for one thread at a time
            call = compress_call(adapter, run.compressor, run.position_mode, inputs, full_position_ids)
            run.call = call or run.call
        return call


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
    tokens; `forward` the logits of the shorter prompt, to which `labels` are shortened along. Images and text are left
    as they are. The features of videos come without gradients. A model can be attached to more than once: the newest
    run works, for all threads. Copies of an attached model work as without a compression.

    SmolVLM and InternVL are handed frames as images, which the captions between them tell apart: 'Frame2: ' is a frame,
    'Image2: ' an image. So their calls need the checkpoint's tokenizer.

    A cache that a call with a video has filled can be continued without the video, as a stock one can, while something
    is attached. It remembers what was dropped, and so do its copies. What follows the video in it can be cropped, and
    it can be reset.

    Args:
        model: of one of the classes in `infomerge.models.SUPPORTED`: {supported}.
        method: what compresses each video, as `infomerge.compress` takes it: a name of `infomerge.methods`, an
            `InfoMergeConfig`, or any callable `(tokens, saliency=...) -> Compression`. Without one, InfoMerge.
        retention_ratio: share of the tokens to keep; without it, the method's own or 10 %.
        position_mode: "original": kept tokens keep the positions, 1-D or M-RoPE, that they had in the full prompt, and
            the words after them theirs. "renumbered": positions count through the shorter prompt, on all axes alike.
        tokenizer: of the checkpoint. Only SmolVLM and InternVL need one, and only where it does not lie in the folder
            or cache that the model was loaded from.
        processor: of the checkpoint, in place of `tokenizer`.
        options: of the method, such as `temperature=0`.

    Returns:
        The run, whose `last` holds the compressions of the last call.

    Raises:
        TypeError: the model or the method is of no supported class.
        ValueError: an option is unknown or out of range, or the tokenizer is needed and not to be had.

    Warns:
        UserWarning: the tests do not cover the release of transformers.
    """
    position_mode = older_names(position_mode, options)
    if position_mode not in get_args(PositionMode):
        accepted = " and ".join(map(repr, get_args(PositionMode)))
        raise ValueError(f"position_mode: found {position_mode!r}; accepted are {accepted}")
    adapter = adapter_for(model, getattr(processor, "tokenizer", None) if tokenizer is None else tokenizer)
    _check_release()
    run = Run(make_compressor(method, retention_ratio=retention_ratio, **options), position_mode)
    adapter.ready()
    with _CHANGING:
        attachment = _attachment_of(model)
        if attachment is None:
            # Partial, not a method: it can be copied and saved together with the model.
            own = vars(model).get("generate")
            attachment = _Attachment(own_generate=own)
            attachment.hooks = [
                model.register_forward_pre_hook(_before_forward, with_kwargs=True),
                model.register_forward_hook(_after_forward),
            ]
            model.generate = functools.partial(_generate, model, own)
            setattr(model, _NAME, attachment)
        if not attachment.runs:
            attachment.rope_deltas = getattr(model.base_model, "rope_deltas", None)
        attachment.runs.append((run, adapter))
    return run


if attach.__doc__:  # python -OO strips docstrings
    attach.__doc__ = attach.__doc__.replace("{supported}", ", ".join(supported()))


def detach(model: Any) -> None:
    """Take the newest run off a model; after the last one the model is as it was before the first.

    Raises:
        ValueError: nothing is attached to it.
    """
    with _CHANGING:
        runs = runs_of(model)
        if not runs:
            raise ValueError("model: found one with nothing attached; accepted is a model after `attach`")
        _take_off(model, runs[-1])


def runs_of(model: Any) -> list[Run]:
    """What is attached to a model, the active run last."""
    attachment = _attachment_of(model)
    return [] if attachment is None else [run for run, _ in attachment.runs]


def _take_off(model: Any, run: Run) -> None:
    with _CHANGING:
        attachment = _attachment_of(model)
        if attachment is None or run not in runs_of(model):  # `detach` was faster
            return
        attachment.runs = [(other, adapter) for other, adapter in attachment.runs if other is not run]
        if attachment.runs:
            return
        if attachment.hooks:
            for hook in attachment.hooks:
                hook.remove()
            del model.generate
            if attachment.own_generate is not None:
                model.generate = attachment.own_generate
            delattr(model, _NAME)
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


def _attachment_of(model: Any) -> _Attachment | None:
    attachment: _Attachment | None = vars(model).get(_NAME)
    return attachment


def _active(model: Any) -> tuple[_Attachment, VideoAdapter] | None:
    """What is at work on a model; None on a copy of an attached one."""
    attachment = _attachment_of(model)
    return (attachment, attachment.runs[-1][1]) if attachment is not None and attachment.runs else None


def _before_forward(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The arguments of `forward`, with a shorter prompt where there is a video."""
    active = _active(model)
    if active is None:
        return None
    attachment, adapter = active
    attachment.thread.call = None
    inputs = inspect.signature(model.forward).bind_partial(*args, **kwargs).arguments
    inputs |= inputs.pop("kwargs", {})
    features = inputs.get("mm_encoder_outputs")
    # By `_generate`; where the prefill goes in chunks, each has features of a plain type.
    if isinstance(features, KeptFeatures) or (features and attachment.thread.generating):
        return (), ready(adapter, inputs)
    attachment.thread.call = call = attachment.compress(inputs, forward_position_ids)
    if call is not None:
        return (), ready(adapter, call.inputs)
    prompt = load(cache_in(inputs))
    if prompt is not None and inputs.get("position_ids") is None:
        return (), {**inputs, "position_ids": next_position_ids(prompt, inputs)}
    return None


def _after_forward(model: Any, args: tuple[Any, ...], output: Any) -> None:
    """Let a cache remember the shortened prompt that has gone into it."""
    active = _active(model)
    if active is None:
        return
    thread = active[0].thread
    if thread.call is not None and (cache := cache_of(output)) is not None:
        store(cache, thread.call.prompt_state)
    thread.call = None


@torch.no_grad()
def _generate(model: Any, own: Any, /, *args: Any, **kwargs: Any) -> Any:
    """The model's `generate`, with a shorter prompt where there is a video; prompts come back as they were given.

    `own` is the model's own attribute `generate`, if it had one.
    """
    stock = own or functools.partial(type(model).generate, model)
    active = _active(model)
    if active is None:
        return stock(*args, **kwargs)
    attachment, _ = active
    names = list(inspect.signature(type(model).generate).parameters)[1:]
    kwargs |= dict(zip(names, args, strict=False))
    inputs = dict(kwargs)
    ids = inputs.pop("inputs", None)
    if ids is not None:
        inputs["input_ids"] = ids
    cache = cache_in(inputs)
    earlier = load(cache)
    call = attachment.compress(inputs, generation_position_ids)
    if call is not None:
        shorter, prompt = call.inputs, call.prompt_state
    elif earlier is not None:
        shorter, prompt = continued(earlier, inputs)
    else:
        return stock(**kwargs)
    if Version(version("transformers")) < _READS_CHUNKS and option_of(
        "prefill_chunk_size", inputs, inputs.get("generation_config"), model.generation_config
    ):
        raise ValueError(
            f"prefill_chunk_size: found one beside a compressed video and transformers {version('transformers')}; "
            f"accepted is none before {_READS_CHUNKS}, the first that reads encoded videos in chunks"
        )
    attachment.thread.generating = True
    try:
        result = stock(**with_lengths(model, shorter, prompt.lost))
    finally:
        attachment.thread.generating = False
    for filled in (cache, cache_of(result)):
        if filled is not None:
            store(filled, prompt)
    return _with_full_prompts(result, inputs["input_ids"], prompt)


def _with_full_prompts(result: Any, ids: Tensor, prompt: CompressedPrompt) -> Any:
    """What `generate` returned, with the prompts as they were given before the new tokens."""
    sequences = result if isinstance(result, Tensor) else result.sequences
    prompts = ids.repeat_interleave(len(sequences) // len(prompt.source), dim=0)
    sequences = torch.cat([prompts.to(sequences.device), sequences[:, prompt.length :]], dim=1)
    if isinstance(result, Tensor):
        return sequences
    result.sequences = sequences
    return result
