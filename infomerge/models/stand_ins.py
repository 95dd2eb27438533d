"""What stands in for methods of an attached model: with a video in the call they shorten it and go on to the stock one.

All take the module and what it had under the name itself, if anything.
"""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import torch
from packaging.version import Version

from infomerge.models.adapters import VideoAdapter
from infomerge.models.arguments import PIXELS, cache_in, cache_of, option_of, with_lengths
from infomerge.models.cache_state import CompressedPrompt, continued, load, next_position_ids, store
from infomerge.models.compressed_call import forward_position_ids, generation_position_ids, ready
from infomerge.models.full_prompt import FullPrompt, FullPromptStreamer
from infomerge.models.run import Attachment, active_on, stock_method
from infomerge.models.visuals import KeptFeatures

_READS_CHUNKS = Version("5.23")
"""Before it, `prefill_chunk_size` gave each chunk the features and positions of another one."""


# What it does to the arguments is not for a compiler; the stock `forward` that it calls is compiled as ever.
@torch.compiler.disable(recursive=False)  # type: ignore[untyped-decorator]
def forward(module: Any, own: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`forward` of a model, or of the one below its head."""
    stock, attachment, inputs, prompt = _prepared(module, own, args, kwargs)
    if attachment is None:
        return stock(*args, **kwargs)
    attachment.thread.forwarding = True
    try:
        output = stock(**inputs)
    finally:
        attachment.thread.forwarding = False
    if prompt is not None:
        _remember(output, prompt)
    return output


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _prepared(
    module: Any, own: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Attachment | None, dict[str, Any], CompressedPrompt | None]:
    """The stock `forward`, what is attached where that matters, the arguments, and what its cache is to keep."""
    stock = stock_method(module, own, "forward")
    active = active_on(module)
    if active is None or active[0].thread.forwarding:
        return stock, None, {}, None
    attachment, adapter = active
    inputs = _by_name(stock, args, kwargs)
    features = inputs.get("mm_encoder_outputs")
    # By `generate`; where the prefill goes in chunks, each has features of a plain type.
    if isinstance(features, KeptFeatures) or (features and attachment.thread.prompt is not None):
        return stock, attachment, ready(adapter, inputs), None
    call = attachment.compress(inputs, forward_position_ids)
    if call is not None:
        return stock, attachment, ready(adapter, call.inputs), call.prompt_state
    _refuse_encoded(adapter, inputs)
    earlier = load(cache_in(inputs))
    if earlier is None:
        _warn_of_embeddings(inputs)
    elif inputs.get("position_ids") is None:
        inputs["position_ids"] = next_position_ids(earlier, inputs)
    return stock, attachment, inputs, None


@torch.compiler.disable  # type: ignore[untyped-decorator]
def _remember(output: Any, prompt: CompressedPrompt) -> None:
    """Let a cache remember the shortened prompt that has gone into it."""
    if (cache := cache_of(output)) is not None:
        store(cache, prompt)


@torch.no_grad()
def generate(model: Any, own: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`generate` of a model; prompts come back as they were given."""
    stock = stock_method(model, own, "generate")
    active = active_on(model)
    if active is None:
        return stock(*args, **kwargs)
    attachment, _ = active
    given = _by_name(stock_method(model, None, "generate"), args, kwargs)
    if isinstance(given.get("mm_encoder_outputs"), KeptFeatures):  # once more, from within a shortened call
        return stock(**given)
    if given.get("inputs") is not None and given.get("input_ids") is not None:  # which it refuses
        return stock(**given)
    inputs = dict(given)
    if (ids := inputs.pop("inputs", None)) is not None:
        inputs["input_ids"] = ids
    cache = cache_in(inputs)
    earlier = load(cache)
    call = attachment.compress(inputs, generation_position_ids)
    if call is not None:
        shorter, prompt = call.inputs, call.prompt_state
    elif earlier is not None:
        shorter, prompt = continued(earlier, inputs)
    else:
        with _showing(attachment, None):
            return stock(**given)
    _check_options(model, inputs)
    full = FullPrompt(inputs["input_ids"], prompt.length)
    if shorter.get("streamer") is not None:
        shorter["streamer"] = FullPromptStreamer(shorter["streamer"], full)
    with _showing(attachment, full):
        result = stock(**with_lengths(model, shorter, full))
    for filled in (cache, cache_of(result)):
        if filled is not None:
            store(filled, prompt)
    if isinstance(result, torch.Tensor):
        return full.restored(result)
    result.sequences = full.restored(result.sequences)
    return result


def logits_processors(model: Any, own: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`_get_logits_processor`, with which `generate` prepares what changes scores."""
    stock, prompt = stock_method(model, own, "_get_logits_processor"), _shown_on(model)
    return stock(*args, **kwargs) if prompt is None else prompt.processors(stock, *args, **kwargs)


def stopping_criteria(model: Any, own: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`_get_stopping_criteria`, with which `generate` prepares what ends it."""
    stock, prompt = stock_method(model, own, "_get_stopping_criteria"), _shown_on(model)
    return stock(*args, **kwargs) if prompt is None else prompt.criteria(stock, *args, **kwargs)


def _by_name(stock: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by name."""
    signature = inspect.signature(stock)
    given = dict(signature.bind_partial(*args, **kwargs).arguments)
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            given |= given.pop(name, {})
    return given


def _shown_on(model: Any) -> FullPrompt | None:
    active = active_on(model)
    return None if active is None else active[0].thread.prompt


@contextmanager
def _showing(attachment: Attachment, prompt: FullPrompt | None) -> Iterator[None]:
    """Inside the block, hooks of `generate` are shown this prompt; a hook may itself call `generate`."""
    before, attachment.thread.prompt = attachment.thread.prompt, prompt
    try:
        yield
    finally:
        attachment.thread.prompt = before


def _refuse_encoded(adapter: VideoAdapter, inputs: dict[str, Any]) -> None:
    """Refuse encoded videos: without pixels no attention tells what is salient, and a decoding loop has begun.

    Raises:
        ValueError: there are some.
    """
    features = inputs.get("mm_encoder_outputs") or {}
    if features.get(adapter.modality) is None:
        return
    with_pixels = {**inputs, PIXELS[adapter.modality]: features[adapter.modality]}
    if adapter.modality == "video" or adapter.videos(with_pixels):
        raise ValueError(
            "mm_encoder_outputs: got videos that are encoded already, as a class's own `generate` hands them on; "
            "expected pixels, and `model.generate(...)` of the model that InfoMerge is attached to"
        )


def _warn_of_embeddings(inputs: dict[str, Any]) -> None:
    if inputs.get("inputs_embeds") is not None and inputs.get("input_ids") is None:
        warnings.warn(
            "inputs_embeds: got a prompt of embeddings, in which a video is not compressed; give input_ids and pixels",
            stacklevel=4,
        )


def _check_options(model: Any, inputs: dict[str, Any]) -> None:
    """What a shortened `generate` cannot do, or does with the shorter prompt alone."""

    def chosen(name: str) -> Any:
        return option_of(name, inputs, inputs.get("generation_config"), model.generation_config)

    if Version(version("transformers")) < _READS_CHUNKS and chosen("prefill_chunk_size"):
        raise ValueError(
            f"prefill_chunk_size: got one beside a compressed video and transformers {version('transformers')}; "
            f"expected none before {_READS_CHUNKS}, the first that reads encoded videos in chunks"
        )
    if chosen("token_healing"):
        raise ValueError("token_healing: got True beside a compressed video; expected False, as it changes the prompt")
    if callable(inputs.get("custom_generate")):
        warnings.warn(
            "custom_generate: got a function, which is given the shorter prompt, as the language model is; "
            "its processors and criteria, and what `generate` returns, have the full one",
            stacklevel=4,
        )
