"""InfoMerge inside a stock Video-LLM of transformers: attached to one model, and taken off again without a trace.

What happens in a call with a video: the model's own encoder makes the visual features, InfoMerge keeps some of them,
the placeholders of the others leave the prompt, and the stock `forward` or `generate` goes on with the shorter one. All
of that is done to the arguments of the call: no class is changed, and no code of the model is replaced.
"""

import copy
import functools
import inspect
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any
from weakref import WeakKeyDictionary

import torch
from packaging.specifiers import SpecifierSet
from torch import Tensor, nn

from infomerge.config import InfoMergeConfig
from infomerge.methods import compress
from infomerge.models.conversation import Memory, continued, next_positions, recalled, remember
from infomerge.models.families import Family, family_of
from infomerge.models.shortening import (
    Call,
    CompressedVideo,
    Compressor,
    Positions,
    ShortenedFeatures,
    forward_positions,
    generation_positions,
    ready,
    shorten,
)

TESTED = SpecifierSet(">=5.21,<5.24")
"""Releases of transformers that the tests run with; pyproject.toml names the same."""


@dataclass(eq=False)
class Run:
    """A compression that is attached to a model: its options, and what the last call with a video did."""

    compressor: Compressor
    positions: Positions
    call: Call | None = None
    """The last call with a video: its arguments as the language model got them, and where each place came from."""

    @property
    def last(self) -> list[CompressedVideo]:
        """Every video of the last call that had any, in the order of the prompts."""
        return [] if self.call is None else self.call.videos

    @property
    def full_length(self) -> int:
        """Length of that call's prompts as they were given, padding counted."""
        return 0 if self.call is None else self.call.full_positions.shape[-1]

    @property
    def length(self) -> int:
        """Length of its prompts as they reached the language model."""
        return 0 if self.call is None else self.call.source.shape[1]


class _Busy(threading.local):
    """What one thread is at with one model."""

    call: Call | None = None
    """The call that `forward` is busy with."""
    generating: bool = False
    """Whether a shortened call of `generate` goes on."""


@dataclass
class _Attachment:
    """What is attached to one model, and how to take it off."""

    family: Family
    runs: list[Run]
    """The last one is at work."""
    own_generate: Any
    """The model's own attribute `generate`, if it had one beside its class's."""
    rope_deltas: Any
    """What the model remembered of its last prompt's positions."""
    hooks: list[Any] = field(default_factory=list)
    """Empty where the model is a copy of an attached one, which brought its hooks and its `generate` along."""
    busy: _Busy = field(default_factory=_Busy)
    lock: Any = field(default_factory=threading.RLock)

    def shorten(self, model: Any, inputs: Mapping[str, Any], full_positions: Any) -> Call | None:
        run = self.runs[-1]
        with self.lock:  # the attention of the tower can be watched for one thread at a time
            call = shorten(model, self.family, run.compressor, run.positions, inputs, full_positions)
            run.call = call or run.call
        return call


_ATTACHED: "WeakKeyDictionary[nn.Module, _Attachment]" = WeakKeyDictionary()
_CHANGING = threading.RLock()
"""Held while something is attached or taken off."""


def attach(model: Any, config: InfoMergeConfig | Compressor | None = None, *, positions: Positions = "original") -> Run:
    """Compress the videos of every `forward` and `generate` of one model, until `detach`.

    The model gives the same kinds of output as before. `generate` returns the prompt as it was given and the new
    tokens; `forward` the logits of the shorter prompt, to which `labels` are shortened along. Images and text are left
    as they are. SmolVLM and InternVL are handed frames as images, which their captions tell apart: images of one tile
    count as frames where the captions have the same form, such as 'Image2: ' for 'Frame2: '. The features of videos
    come without gradients. A model can be attached to more than once: the newest run works, for all threads. Copies of
    an attached model work as without a compression.

    A cache that a call with a video has filled can be continued without the video, as a stock one can, while something
    is attached. It remembers what was dropped, and so do its copies. What follows the video in it can be cropped, and
    it can be reset.

    Args:
        model: a LlavaOnevision, LlavaNextVideo, Qwen2VL, Qwen2_5_VL, Qwen3VL, SmolVLM, InternVL or VideoLlama3 model
            for conditional generation, of stock transformers.
        config: the options; without one, the paper's at a retention ratio of 10 %. Or any callable
            `(tokens, saliency=...) -> Compression`, such as `functools.partial(get_method("fastvid"),
            retention_ratio=0.1)`.
        positions: "original": kept tokens keep the positions, 1-D or M-RoPE, that they had in the full prompt, and the
            words after them theirs. "renumbered": positions count through the shorter prompt, on all axes alike.

    Returns:
        The run, whose `last` holds the compressions of the last call.

    Raises:
        TypeError: the model or the config is of no supported class.
        ValueError: `positions` is unknown.
        ImportError: the release of transformers is not one that the tests cover.
    """
    if positions not in ("original", "renumbered"):
        raise ValueError(f"positions: found {positions!r}; accepted are 'original' and 'renumbered'")
    family = family_of(model)
    found = version("transformers")
    if not TESTED.contains(found, prereleases=True):
        raise ImportError(f"transformers: found {found}; accepted are releases {TESTED}, which the tests cover")
    run = Run(_compressor(config), positions)
    with _CHANGING:
        if model in _ATTACHED:
            _ATTACHED[model].runs.append(run)
            return run
        own_generate = vars(model).get("generate")
        attachment = _Attachment(family, [run], own_generate, getattr(model.base_model, "rope_deltas", None))
        if getattr(own_generate, "func", None) is not _generate:
            attachment.hooks = [
                model.register_forward_pre_hook(_before_forward, with_kwargs=True),
                model.register_forward_hook(_after_forward),
            ]
            # A partial, and no method, because it can be copied and saved together with the model.
            model.generate = functools.partial(_generate, model, own_generate)
        _ATTACHED[model] = attachment
    return run


def detach(model: Any) -> None:
    """Take the newest run off a model; after the last one the model is as it was before the first.

    Raises:
        ValueError: nothing is attached to it.
    """
    with _CHANGING:
        if model not in _ATTACHED:
            raise ValueError("model: found one with nothing attached; accepted is a model after `attach`")
        _take_off(model, _ATTACHED[model].runs[-1])


def _take_off(model: Any, run: Run) -> None:
    with _CHANGING:
        attachment = _ATTACHED.get(model)
        if attachment is None or run not in attachment.runs:  # `detach` was faster
            return
        attachment.runs.remove(run)
        if attachment.runs:
            return
        del _ATTACHED[model]
        if attachment.hooks:
            for hook in attachment.hooks:
                hook.remove()
            del model.generate
            if attachment.own_generate is not None:
                model.generate = attachment.own_generate
        if hasattr(model.base_model, "rope_deltas"):
            model.base_model.rope_deltas = attachment.rope_deltas


@contextmanager
def compressing(
    model: Any, config: InfoMergeConfig | Compressor | None = None, *, positions: Positions = "original"
) -> Iterator[Run]:
    """`attach` for the block; at its end the same run is taken off, whatever was attached meanwhile.

    with compressing(model, InfoMergeConfig.paper(0.1)) as run:
        model.generate(**inputs)
    run.last[0].compression
    """
    run = attach(model, config, positions=positions)
    try:
        yield run
    finally:
        _take_off(model, run)


def _compressor(config: Any) -> Compressor:
    if config is None or isinstance(config, InfoMergeConfig):
        return functools.partial(compress, config=config)
    if callable(config):
        checked: Compressor = config
        return checked
    raise TypeError(
        f"config: found {type(config).__name__}; accepted are an InfoMergeConfig and a callable "
        "(tokens, saliency=...) -> Compression"
    )


def _before_forward(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The arguments of `forward`, with a shorter prompt where there is a video."""
    attachment = _ATTACHED.get(model)
    if attachment is None:  # a copy of an attached model
        return None
    attachment.busy.call = None
    inputs = inspect.signature(model.forward).bind_partial(*args, **kwargs).arguments
    inputs |= inputs.pop("kwargs", {})
    features = inputs.get("mm_encoder_outputs")
    # By `_generate`; where the prefill goes in chunks, each has features of a plain type.
    if isinstance(features, ShortenedFeatures) or (features and attachment.busy.generating):
        return (), ready(model, attachment.family, inputs)
    attachment.busy.call = call = attachment.shorten(model, inputs, forward_positions)
    if call is not None:
        return (), ready(model, attachment.family, call.inputs)
    memory = recalled(inputs.get("past_key_values"))
    if memory is not None and inputs.get("position_ids") is None:
        return (), {**inputs, "position_ids": next_positions(memory, inputs)}
    return None


def _after_forward(model: Any, args: tuple[Any, ...], output: Any) -> None:
    """Let a cache remember the shortened prompt that has gone into it."""
    attachment = _ATTACHED.get(model)
    if attachment is None:
        return
    cache = getattr(output, "past_key_values", None)
    if attachment.busy.call is not None and cache is not None:
        remember(cache, Memory.of(attachment.busy.call))
    attachment.busy.call = None


@torch.no_grad()
def _generate(model: Any, own: Any, /, *args: Any, **kwargs: Any) -> Any:
    """The model's `generate`, with a shorter prompt where there is a video; prompts come back as they were given.

    `own` is the model's own attribute `generate`, if it had one.
    """
    stock = own or functools.partial(type(model).generate, model)
    attachment = _ATTACHED.get(model)
    if attachment is None:  # a copy of an attached model
        return stock(*args, **kwargs)
    names = list(inspect.signature(type(model).generate).parameters)[1:]
    kwargs |= dict(zip(names, args, strict=False))
    inputs = dict(kwargs)
    ids = inputs.pop("inputs", None)
    if ids is not None:
        inputs["input_ids"] = ids
    cache = inputs.get("past_key_values")
    earlier = recalled(cache)
    call = attachment.shorten(model, inputs, generation_positions)
    if call is not None:
        shorter, memory = call.inputs, Memory.of(call)
    elif earlier is not None:
        shorter, memory = continued(earlier, inputs)
    else:
        return stock(**kwargs)
    attachment.busy.generating = True
    try:
        result = stock(**_with_lengths(model, shorter, memory.lost))
    finally:
        attachment.busy.generating = False
    for filled in (cache, getattr(result, "past_key_values", None)):
        if filled is not None:
            remember(filled, memory)
    sequences = result if isinstance(result, Tensor) else result.sequences
    prompts = inputs["input_ids"].repeat_interleave(len(sequences) // len(memory.source), dim=0)
    sequences = torch.cat([prompts.to(sequences.device), sequences[:, memory.length :]], dim=1)
    if isinstance(result, Tensor):
        return sequences
    result.sequences = sequences
    return result


def _with_lengths(model: Any, inputs: dict[str, Any], lost: int) -> dict[str, Any]:
    """The arguments of a shortened call, with lengths that count the prompt less by what it lost."""
    inputs = dict(inputs)
    own = inputs.get("generation_config")
    for length, new in (("max_length", "max_new_tokens"), ("min_length", "min_new_tokens")):
        found = _option(length, inputs, own, model.generation_config)
        if not found or _option(new, inputs, own, model.generation_config) is not None:
            continue
        if own is not None and length not in inputs:
            own = inputs["generation_config"] = copy.deepcopy(own)
            setattr(own, length, found - lost)
        else:
            inputs[length] = found - lost
    return inputs


def _option(name: str, inputs: Mapping[str, Any], *configs: Any) -> Any:
    """An option of `generate`, from where it takes it: an argument, the given configuration, the model's own."""
    values = [inputs.get(name), *(getattr(config, name, None) for config in configs)]
    return next((value for value in values if value is not None), None)
