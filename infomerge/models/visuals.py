"""The visual features of a call: encoded by the model, and compressed where they are videos."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.compression import Compression
from infomerge.models.adapters import VideoAdapter, VideoRows
from infomerge.models.arguments import PIXELS

FALLBACK = "distance from the frame's mean token"
"""Where saliency comes from when the vision tower tells none."""

POOLED = "the tower's pooled output"
MEANS = "mean of the frame's tokens"
"""Where the frames' global features come from: the tower, or the tokens when it has none or the method takes none."""

Compressor = Callable[..., Compression]
"""(tokens, saliency=...) -> Compression, as `compress` is. It may take `frame_features` too."""


class KeptFeatures(dict[str, Any]):
    """Encoded images and videos, by modality as transformers calls them, of which a part was kept."""


@dataclass(frozen=True, eq=False)
class Visuals:
    """The visual features of one modality, and which of them are videos."""

    output: Any
    """What the model's encoder returned."""
    rows: list[Float[Tensor, "_ channels"]]
    """Of each image or video."""
    placeholder_index: Int[Tensor, "all_rows 2"]
    """Row of the batch and column of the placeholder of each row of features."""
    videos: list[VideoRows]
    saliency: list[Float[Tensor, "_ _"]] | None
    """[frames, positions] of each video."""
    frame_features: list[Float[Tensor, "_ features"]] | None
    """[frames, features] of each video."""
    layers: list[Float[Tensor, "layers _ _ hidden"]] | None
    """[layers, frames, positions, hidden] of each video, where the method needs them."""
    sources: tuple[str, str]
    """Where saliency and the frames' features come from."""


def encode(
    adapter: VideoAdapter,
    inputs: Mapping[str, Any],
    ids: Int[Tensor, "batch sequence"],
    videos: list[VideoRows],
    compressor: Compressor,
) -> Visuals:
    """The features of a call with videos, and what the tower tells the compressor about them.

    Raises:
        ValueError: there are more or fewer placeholders than rows of features.
    """
    with ExitStack() as stack:
        attention = stack.enter_context(adapter.watched(inputs))
        states = stack.enter_context(adapter.watched_layers(inputs)) if "layers" in needs_of(compressor) else None
        output = _encoded(adapter, inputs, adapter.modality)
    rows = list(output.pooler_output)
    placeholders = (ids == adapter.placeholder_id).nonzero()
    found, accepted = len(placeholders), sum(map(len, rows))
    if found != accepted:
        raise ValueError(
            f"input_ids: got {found} placeholders of {adapter.modality} tokens; expected {accepted}, as many as "
            "the pixels give"
        )
    saliency = pooled = None
    if attention.source is not None:
        saliency = adapter.saliency(inputs, attention.received, videos)
    if attention.pooled and _takes(compressor, "frame_features"):
        pooled = list(torch.cat(attention.pooled).split([video.frames for video in videos]))
    sources = attention.source or FALLBACK, MEANS if pooled is None else POOLED
    layers = None if states is None else adapter.layers(states, videos)
    return Visuals(output, rows, placeholders, videos, saliency, pooled, layers, sources)


def needs_of(compressor: Compressor) -> tuple[str, ...]:
    """What a method cannot do without beside the tokens; nothing where that is not known."""
    return getattr(getattr(compressor, "method", None), "needs", ())


def _takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a function has an argument of some name."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # such as built-in ones
        return False
    return name in parameters or any(part.kind is part.VAR_KEYWORD for part in parameters.values())


def _encoded(adapter: VideoAdapter, inputs: Mapping[str, Any], modality: str) -> Any:
    function = getattr(adapter.base_model, f"get_{modality}_features")
    known = {
        name: inputs[name]
        for name in inspect.signature(function).parameters
        if name != "kwargs" and inputs.get(name) is not None
    }
    with _loaded(adapter.base_model):
        return function(**known, return_dict=True)


@contextmanager
def _loaded(model: Any) -> Iterator[None]:
    """Bring in the weights that accelerate keeps elsewhere between two calls of `forward`, past which encoders are run.

    Only those of the model itself, such as a newline between frames: its parts are called by their own `forward`.
    """
    hook = getattr(model, "_hf_hook", None)
    if hook is None or not any(weight.is_meta for weight in model.parameters(recurse=False)):
        yield
        return
    hook.pre_forward(model)
    try:
        yield
    finally:
        hook.post_forward(model, None)


def compress_videos(visuals: Visuals, compressor: Compressor) -> list[Compression]:
    """The compression of each video."""
    features = torch.cat(visuals.rows)
    compressions = []
    for number, video in enumerate(visuals.videos):
        tokens = features[video.start : video.end].view(video.frames, video.tokens_per_frame, -1)
        saliency = None if visuals.saliency is None else visuals.saliency[number].to(tokens.device)
        beside = {}
        if visuals.frame_features is not None:
            beside["frame_features"] = visuals.frame_features[number].to(tokens.device)
        if visuals.layers is not None:
            beside["layers"] = visuals.layers[number].to(tokens.device)
        compressions.append(compressor(tokens, saliency=saliency, **beside))
    return compressions


def kept_rows(visuals: Visuals, compressions: Sequence[Compression]) -> Bool[Tensor, "all_rows"]:
    """Rows of visual features that stay: all that are no tokens of a video, and kept tokens."""
    kept = torch.ones(len(visuals.placeholder_index), dtype=torch.bool, device=visuals.rows[0].device)
    for video, compression in zip(visuals.videos, compressions, strict=True):
        kept[video.start : video.end] = False
        kept[video.start + compression.index] = True
    return kept


def kept_features(visuals: Visuals, compressions: Sequence[Compression], kept_rows: Bool[Tensor, "all_rows"]) -> Any:
    """The encoder's output, with the kept tokens in place of all."""
    sizes = [int(part.sum()) for part in kept_rows.split([len(row) for row in visuals.rows])]

    def shorter(rows: Sequence[Tensor], carry: bool) -> list[Tensor]:
        given = torch.cat(list(rows))
        features = given.clone()
        for video, compression in zip(visuals.videos, compressions, strict=True):
            values = compression.tokens
            if carry:
                values = compression.carry(
                    given[video.start : video.end].view(video.frames, video.tokens_per_frame, -1)
                )
            features[video.start + compression.index] = values.to(features.dtype)
        return list(features[kept_rows].split(sizes))

    fields: dict[str, Any] = {"pooler_output": shorter(visuals.rows, carry=False)}
    layers = getattr(visuals.output, "deepstack_features", None)
    if layers is not None:
        fields["deepstack_features"] = [shorter(layer, carry=True) for layer in layers]
    return type(visuals.output)(**fields)


def without_pixels(adapter: VideoAdapter, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that the encoders do not read."""
    read = set()
    for modality in PIXELS:
        function = getattr(adapter.base_model, f"get_{modality}_features", None)
        read |= set(inspect.signature(function).parameters) if function else set()
    read |= {"video_compression_mask"}
    return {name: value for name, value in inputs.items() if name not in read}


def other_modality(adapter: VideoAdapter, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Images beside a video, encoded as ever: the model takes no pixels beside encoded features."""
    others = {name for name, pixels in PIXELS.items() if name != adapter.modality and inputs.get(pixels) is not None}
    return {name: _encoded(adapter, inputs, name) for name in others}
