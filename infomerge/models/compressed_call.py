"""A call to a Video-LLM, made shorter: its videos encoded and compressed, and their placeholders dropped to fit."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from infomerge.compression import Compression
from infomerge.deprecation import warn_renamed
from infomerge.models.adapters import VideoAdapter
from infomerge.models.arguments import cache_in, checked_mask
from infomerge.models.cache_state import CompressedPrompt
from infomerge.models.sequence import counted_positions, gather_kept, index_of, kept_columns, kept_index
from infomerge.models.visuals import (
    Compressor,
    KeptFeatures,
    Visuals,
    compress_videos,
    encode,
    kept_features,
    kept_rows,
    other_modality,
    without_pixels,
)

PositionMode = Literal["original", "renumbered"]

# Arguments as long as the prompt, with what they hold at padding.
_ALONG = {"attention_mask": 0, "token_type_ids": 0, "mm_token_type_ids": 0, "labels": -100}


@dataclass(frozen=True, eq=False)
class CompressedVideo:
    """What became of one video of a call."""

    compression: Compression
    """The kept tokens, their owners and the trace."""
    grid: tuple[int, int]
    """Rows and columns of positions."""
    row: int
    """The video's row of the batch."""
    token_columns: Int[Tensor, "tokens"]
    """Where each token of the video, by flat index, stood in the prompt as it was given."""
    prompt_index: Int[Tensor, "kept"]
    """Where each kept token stands in the prompt that reached the language model, padding counted."""
    saliency_source: str
    """Where saliency came from."""
    frame_feature_source: str
    """Where the frames' global features (g_l of eq. 22) came from."""

    @property
    def columns(self) -> Int[Tensor, "kept"]:
        """Where each kept token stood in the prompt as it was given."""
        return self.token_columns[self.compression.index.to(self.token_columns.device)]

    @property
    def places(self) -> Int[Tensor, "kept"]:
        """The older name of `prompt_index`."""
        warn_renamed("CompressedVideo.places", "CompressedVideo.prompt_index")
        return self.prompt_index

    @property
    def requested(self) -> int:
        """Tokens that the retention ratio asks for."""
        return self.compression.requested

    @property
    def kept(self) -> int:
        """Tokens that reached the language model."""
        return self.compression.kept


class ComparedPrompt(NamedTuple):
    """One prompt before and after its videos were compressed."""

    frames: Int[np.ndarray, "sequence"]
    """The frame of the video token in each column of the full prompt, or -1; frames count on from video to video."""
    source: Int[np.ndarray, "shortened"]
    """The column of the full prompt that each one of the shorter prompt comes from, or -1 for padding."""
    full_positions: Int[np.ndarray, "axes sequence"]
    """Positions of the full prompt: one axis, or three of M-RoPE (time, height, width)."""
    positions: Int[np.ndarray, "axes shortened"]
    """Positions of the shorter one."""


@dataclass(frozen=True, eq=False)
class CompressedCall:
    """A call with a shorter prompt."""

    inputs: dict[str, Any]
    """Its arguments, with `KeptFeatures` in place of pixels."""
    videos: list[CompressedVideo]
    source: Int[Tensor, "batch shortened"]
    """The column of the full prompt that each one of the shorter prompt comes from, or PADDING."""
    full_position_ids: Int[Tensor, "*axes batch sequence"]
    """Positions of the prompts as they were given."""
    following: Int[Tensor, "batch"]
    """The position of the first token that a later call puts after each prompt."""

    @property
    def prompt_state(self) -> CompressedPrompt:
        """What a cache that this call fills is to keep."""
        return CompressedPrompt(
            self.source, self.inputs["position_ids"], self.following, self.full_position_ids.shape[-1]
        )

    def prompt(self, row: int = 0) -> ComparedPrompt:
        """One prompt before and after, on the CPU, as `infomerge.plots.prompt_diagram` draws it."""
        frames = torch.full(self.full_position_ids.shape[-1:], -1, device="cpu")
        for video in self.videos:
            if video.row == row:
                own = torch.arange(len(video.token_columns), device="cpu") // video.compression.positions
                frames[video.token_columns.cpu()] = own + frames.max() + 1
        given = (_rope_axes(positions) for positions in (self.full_position_ids, self.inputs["position_ids"]))
        full, short = (positions[..., row, :].reshape(-1, positions.shape[-1]).cpu().numpy() for positions in given)
        return ComparedPrompt(frames.numpy(), self.source[row].cpu().numpy(), full, short)


def compress_call(
    adapter: VideoAdapter,
    compressor: Compressor,
    position_mode: PositionMode,
    inputs: Mapping[str, Any],
    full_position_ids: Callable[..., Int[Tensor, "*axes batch sequence"]],
) -> CompressedCall | None:
    """Compress the videos of a call; None where it has none.

    Args:
        adapter: of the model.
        compressor: what compresses each video.
        position_mode: "original" or "renumbered", as `attach` takes it.
        inputs: the call's arguments by name, of `forward` or of `generate`.
        full_position_ids: (model, inputs, ids, mask) -> what the stock model would take as positions of the full
            prompt.

    Raises:
        ValueError: the call cannot be shortened: no `input_ids`, a filled cache, a mask that is not 2-D, or
            placeholders that do not fit the pixels.
    """
    videos = adapter.videos(inputs)
    if not videos:
        return None
    ids, mask = _checked_prompt(inputs)
    # Images that are encoded together with videos keep their gradients.
    has_images = adapter.modality == "image" and int((ids == adapter.placeholder_id).sum()) > sum(
        video.end - video.start for video in videos
    )
    with torch.set_grad_enabled(torch.is_grad_enabled() and has_images):
        visuals = encode(adapter, inputs, ids, videos, compressor)
    with torch.no_grad():
        compressions = compress_videos(visuals, compressor)
    kept = kept_rows(visuals, compressions)

    keep = torch.ones_like(ids, dtype=torch.bool)
    keep[tuple(visuals.placeholder_index.T)] = kept.to(ids.device)
    source = kept_columns(keep, mask)
    shorter = without_pixels(adapter, inputs)
    for name, fill in _ALONG.items():
        if isinstance(value := inputs.get(name), Tensor):
            shorter[name] = gather_kept(value, source, fill)
    shorter["input_ids"] = gather_kept(ids, source, _padding_id(adapter.model))
    # Without a mask, gaps between positions would be taken for the ends of packed sequences.
    shorter["attention_mask"] = gather_kept(mask, source, 0)
    full = full_position_ids(adapter.model, inputs, ids, mask)
    shorter["position_ids"] = _position_ids(position_mode, full, source, shorter["attention_mask"])
    if (wanted := inputs.get("logits_to_keep")) is not None:
        shorter["logits_to_keep"] = kept_index(source, wanted, ids.shape[1])
    shorter["mm_encoder_outputs"] = KeptFeatures(other_modality(adapter, inputs))
    shorter["mm_encoder_outputs"][adapter.modality] = kept_features(visuals, compressions, kept)
    return CompressedCall(
        inputs=shorter,
        videos=_records(visuals, compressions, source),
        source=source,
        full_position_ids=full,
        following=_following(full if position_mode == "original" else shorter["position_ids"]),
    )


def forward_position_ids(
    model: Any, inputs: Mapping[str, Any], ids: Int[Tensor, "batch sequence"], mask: Int[Tensor, "batch sequence"]
) -> Int[Tensor, "*axes batch sequence"]:
    """The positions that a stock `forward` takes for a full prompt."""
    positions = inputs.get("position_ids")
    if positions is None and hasattr(model.base_model, "compute_3d_position_ids"):
        function = model.base_model.compute_3d_position_ids
        known = {name: inputs.get(name) for name in inspect.signature(function).parameters}
        positions = function(**known | {"input_ids": ids, "inputs_embeds": None, "past_key_values": None})
    if positions is None:
        positions = torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
    checked: Tensor = positions
    return checked


def generation_position_ids(
    model: Any, inputs: Mapping[str, Any], ids: Int[Tensor, "batch sequence"], mask: Int[Tensor, "batch sequence"]
) -> Int[Tensor, "*axes batch sequence"]:
    """The positions that a stock `generate` takes for a full prompt."""
    if inputs.get("position_ids") is not None:
        given: Tensor = inputs["position_ids"]
        return given
    known = {name: value for name, value in inputs.items() if value is not None and name != "input_ids"}
    positions: Tensor = model._prepare_position_ids_for_generation(ids, known | {"attention_mask": mask})
    return positions.expand(*positions.shape[:-2], *ids.shape)


def ready(adapter: VideoAdapter, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """A shortened call in the form that the model's `forward` reads."""
    given = dict(inputs["mm_encoder_outputs"])
    if (output := given.get(adapter.modality)) is not None:  # a chunk of a prompt may hold images alone
        pooled = adapter.pooled_output(list(output.pooler_output))
        given[adapter.modality] = type(output)(**{**output, "pooler_output": pooled})
    changed: dict[str, Any] = {"mm_encoder_outputs": given}
    ids, cache = inputs["input_ids"], cache_in(inputs)
    whole = ids.shape[1] + (0 if cache is None else int(cache.get_seq_length()))
    if inputs.get("attention_mask") is None:  # `generate` drops a mask of ones
        changed["attention_mask"] = ids.new_ones(len(ids), whole)
    if len(ids) == 1 and "flash" in (adapter.text_model.config._attn_implementation or ""):
        # Flash attention looks for packed sequences whatever the mask says, unless it is told that there is one.
        for name, length in (("q", ids.shape[1]), ("k", whole)):
            ends = torch.tensor([0, length], dtype=torch.int32, device=ids.device)
            changed |= {f"cu_seq_lens_{name}": ends, f"max_length_{name}": length}
    return {**inputs, **changed}


def _checked_prompt(inputs: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """Ids and mask of the prompt."""
    ids, cache = inputs.get("input_ids"), cache_in(inputs)
    if not isinstance(ids, Tensor):
        raise ValueError("input_ids: got none beside the pixels of a video; expected the prompt's ids")
    if inputs.get("inputs_embeds") is not None:
        raise ValueError("inputs_embeds: given beside the pixels of a video; expected input_ids alone")
    if inputs.get("mm_encoder_outputs"):
        raise ValueError("mm_encoder_outputs: given beside the pixels of a video; expected pixels alone")
    if cache is not None and cache.get_seq_length():
        raise ValueError(
            f"past_key_values: got {cache.get_seq_length()} tokens beside the pixels of a video; expected an "
            "empty cache, and the cache of a compressed call without the pixels"
        )
    return ids, checked_mask(inputs)


def _records(
    visuals: Visuals, compressions: Sequence[Compression], source: Int[Tensor, "batch shortened"]
) -> list[CompressedVideo]:
    records = []
    for video, compression in zip(visuals.videos, compressions, strict=True):
        placeholders = visuals.placeholder_index[video.start : video.end]
        row, columns = int(placeholders[0, 0]), placeholders[:, 1]
        index = index_of(source[row], columns[compression.index.to(columns.device)].contiguous())
        records.append(CompressedVideo(compression, video.grid, row, columns, index, *visuals.sources))
    return records


def _position_ids(
    mode: PositionMode,
    full: Int[Tensor, "*axes batch sequence"],
    source: Int[Tensor, "batch shortened"],
    mask: Int[Tensor, "batch shortened"],
) -> Int[Tensor, "*axes batch shortened"]:
    count = counted_positions(mask)
    if mode == "renumbered":
        return count.expand(*full.shape[:-2], *count.shape).clone()
    positions = gather_kept(full, source, 0)
    if positions.shape != _rope_axes(positions).shape:
        positions[0] = count
    return positions


def _rope_axes(positions: Int[Tensor, "*axes batch sequence"]) -> Int[Tensor, "*rope_axes batch sequence"]:
    """The axes that rotate queries and keys. The first of four does not: it only tells packed sequences apart."""
    return positions[1:] if positions.ndim == 3 and len(positions) == 4 else positions


def _following(positions: Int[Tensor, "*axes batch sequence"]) -> Int[Tensor, "batch"]:
    """Where a stock model counts on from in a later call: after the largest position of each row.

    That need not be the last token's. In Qwen2.5-VL the words after a video begin before its last seconds.
    """
    axes = _rope_axes(positions)
    return axes.reshape(-1, *axes.shape[-2:]).amax(dim=(0, 2)) + 1


def _padding_id(model: Any) -> int:
    """An id for padding, which the mask hides."""
    for config in (model.generation_config, model.config.get_text_config()):
        if isinstance(found := getattr(config, "pad_token_id", None), int):
            return found
    return 0
