"""What one item of a sweep does: disturb and encode a clip, compress its tokens, and measure what came of it."""

import dataclasses
import functools
import hashlib
import json
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from time import perf_counter
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from infomerge.compression import Compression
from infomerge.config import InfoMergeConfig
from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import EfficientNetEncoder, Encoder, Encoding, load_encoder
from infomerge.measure.coverage import Coverage, coverage
from infomerge.measure.detection import (
    PRIORS,
    detect,
    dyseg_segments,
    prior_scores,
    scene_segments,
    still_positions,
)
from infomerge.measure.fidelity import Fidelity, fidelity
from infomerge.measure.keeping import Keeping, keeping
from infomerge.measure.own_truth import CUTS, EVENTS, cuts, events
from infomerge.measure.resumable import Outcome
from infomerge.measure.sweep_clips import clip_kind, file_digest
from infomerge.measure.sweep_config import UNDISTURBED, Group, Item, Sweep, SweepConfig, token_path
from infomerge.measure.sweep_table import Row, segment_rows
from infomerge.methods import get_method, make_compressor
from infomerge.video import (
    CellTruth,
    Clip,
    SceneClip,
    TruncatedClipWarning,
    disturb,
    open_clip,
    sample_clip,
    scene_clip,
)

LONGEST_ERROR = 500
SYNTHETIC_GRID, SYNTHETIC_CHANNELS, SYNTHETIC_SCENES = (4, 4), 16, 3


@dataclass(frozen=True, eq=False)
class SharedClip:
    """What the items of one group share: a clip encoded under one disturbance, and what is computed of it once."""

    encoded: EncodedClip
    """The disturbed frames and their tokens; what is known of the clip holds of the clean frames."""
    encoder: EfficientNetEncoder | None = None
    """None where no encoder made the tokens, or one without a head of its own."""

    @property
    def cells(self) -> CellTruth:
        """What is true of the clean clip's cells, for the measures of procedural clips."""
        assert self.encoded.cells is not None
        return self.encoded.cells

    @cached_property
    def full_logits(self) -> Float[Tensor, "frames classes"]:
        """The network's answers for all tokens."""
        assert self.encoder is not None
        return self.encoder.classify(self.encoded.tokens)

    @cached_property
    def detection(self) -> dict[str, float]:
        """How well each prior finds what stands still, which no method has a part in."""
        tokens, config = self.encoded.tokens, InfoMergeConfig()
        bounds = {"scenes": scene_segments(self.cells), "dyseg": dyseg_segments(self.encoded, config)}
        scores_of = {}
        for (segmentation, segments), prior in product(bounds.items(), PRIORS):
            scores, still = prior_scores(tokens, segments, prior), still_positions(self.cells, segments)
            result = detect(scores, still, config.static_ratio)
            for name in DETECTED:
                scores_of[f"detection_{segmentation}_{prior}_{name}"] = float(getattr(result, name))
        return scores_of


@dataclass(frozen=True, eq=False)
class Context:
    """What a measure looks at."""

    clip: SharedClip
    compression: Compression


@dataclass(frozen=True)
class Measure:
    """A measure by the columns that it fills."""

    columns: tuple[str, ...]
    run: Callable[[Context], Mapping[str, float]]
    """Gives a number for each column."""
    needs: Literal["nothing", "truth", "encoder", "clip"] = "nothing"
    """What a clip must have for it: the truth of a procedural clip, an encoder with a head of its own, or a clip at
    all. The columns stay empty for other clips."""

    def applies(self, kind: str, has_head: bool = True) -> bool:
        """Whether clips of this kind have what it needs.

        Args:
            kind: as of `sweep_clips.clip_kind`.
            has_head: whether the sweep's encoder has a head of its own.
        """
        known = {"nothing": True, "truth": kind == "scene", "clip": kind != "tokens"}
        return (known | {"encoder": kind != "tokens" and has_head})[self.needs]


DETECTED = ("auroc", "average_precision", "candidate_precision", "still_share")


def _columns(prefix: str, result: type) -> tuple[str, ...]:
    return tuple(f"{prefix}{field.name}" for field in dataclasses.fields(result))


def _prefixed(prefix: str, result: Any) -> dict[str, float]:
    return {f"{prefix}{name}": value for name, value in dataclasses.asdict(result).items()}


def _kept(context: Context) -> dict[str, float]:
    out = context.compression
    return {"tokens": out.assignment.numel(), "requested": out.requested, "kept": out.kept}


def _coverage(context: Context) -> dict[str, float]:
    return _prefixed("coverage_", coverage(context.compression))


def _fidelity(context: Context) -> dict[str, float]:
    clip = context.clip
    assert clip.encoder is not None
    return _prefixed("fidelity_", fidelity(context.compression, clip.encoder, clip.full_logits))


def _keeping(context: Context) -> dict[str, float]:
    return _prefixed("keeping_", keeping(context.compression, context.clip.cells))


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "kept": Measure(("tokens", "requested", "kept"), _kept),
        "coverage": Measure(_columns("coverage_", Coverage), _coverage),
        "fidelity": Measure(_columns("fidelity_", Fidelity), _fidelity, needs="encoder"),
        "keeping": Measure(_columns("keeping_", Keeping), _keeping, needs="truth"),
        "detection": Measure(
            tuple(
                f"detection_{segmentation}_{prior}_{name}"
                for segmentation, prior, name in product(("scenes", "dyseg"), PRIORS, DETECTED)
            ),
            lambda context: context.clip.detection,
            needs="truth",
        ),
        "cuts": Measure(CUTS, lambda context: cuts(context.clip.encoded, context.compression), needs="clip"),
        "events": Measure(EVENTS, lambda context: events(context.clip.encoded, context.compression), needs="clip"),
    }
)
"""The measures by name, in the order of their columns."""


def pattern_seed(clip: str, seed: int) -> int:
    """The seed of a clip's disturbance: each clip has a pattern of its own, so that clips are independent samples."""
    return int.from_bytes(hashlib.sha256(f"{clip} {seed}".encode()).digest()[:4], "big")


def synthetic_tokens(seed: int, num_frames: int) -> EncodedClip:
    """Random tokens for checking a set-up, built as a clip's are; they come from no picture and prove nothing.

    16 positions (4 x 4) of 16 channels in float32. Three scenes whose prototypes are drawn anew; in each, half of the
    positions stand still but for little noise, and the others wander.
    """
    rng = np.random.default_rng(seed)
    positions = math.prod(SYNTHETIC_GRID)
    scene = np.arange(num_frames) * SYNTHETIC_SCENES // num_frames
    prototypes = rng.standard_normal((SYNTHETIC_SCENES, positions, SYNTHETIC_CHANNELS))
    spread = np.where(rng.random((SYNTHETIC_SCENES, positions, 1)) < 0.5, 0.05, 1.0)
    noise = rng.standard_normal((num_frames, positions, SYNTHETIC_CHANNELS))
    tokens = torch.from_numpy((prototypes[scene] + spread[scene] * noise).astype(np.float32))
    return EncodedClip.from_arrays(tokens, grid=SYNTHETIC_GRID, name=f"tokens:{seed}")


@functools.lru_cache(maxsize=1)
def _network(name: str, image_size: int | None) -> Encoder:
    """Loaded once in each process."""
    return load_encoder(name, image_size=image_size)


def _encoder(clip: str, sweep: Sweep) -> Encoder:
    config = sweep.config
    if config.own_tokens:
        return load_encoder(str(sweep.folder / token_path(config.encoder, clip)), grid=config.grid)
    local = sweep.folder / config.encoder
    # A tower takes pictures of its own size; the sweep's is that of EfficientNet.
    return _network(str(local) if local.is_dir() else config.encoder, config.image_size if config.has_head else None)


def _encode(frames: UInt8[np.ndarray, "frames height width 3"], encoder: Encoder, config: SweepConfig) -> Encoding:
    """What the encoder gives for all frames; one at a time, so that it shows no progress bar of its own."""
    if config.own_tokens:
        return encoder(frames)
    encodings = [encoder(frame[None]) for frame in frames]
    return dataclasses.replace(
        encodings[0],
        tokens=torch.cat([encoding.tokens for encoding in encodings]),
        saliency=_joined([encoding.saliency for encoding in encodings]),
        frame_features=_joined([encoding.frame_features for encoding in encodings]),
    )


def _joined(parts: list[Tensor | None]) -> Tensor | None:
    given = [part for part in parts if part is not None]
    return torch.cat(given) if given else None


def _shared_clip(group: Group, sweep: Sweep) -> SharedClip:
    config, kind = sweep.config, clip_kind(group.clip)
    if kind == "tokens":
        return SharedClip(synthetic_tokens(_number(group.clip), config.num_frames))
    clip: Clip | SceneClip
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TruncatedClipWarning)
        if kind == "scene":
            clip = scene_clip(_number(group.clip), config.num_frames, config.scene_size)
        elif kind == "sample":
            clip = sample_clip(group.clip, config.num_frames)
        else:
            clip = open_clip(sweep.folder / group.clip, config.num_frames)
            # After the clip was read, so that a change in between is not missed.
            _check_same_file(group.clip, sweep)
    frames = clip.frames
    if group.disturbance != UNDISTURBED:
        frames = disturb(group.disturbance, frames, group.strength, pattern_seed(group.clip, group.seed))
    encoder = _encoder(group.clip, sweep)
    notes = [str(note.message) for note in caught if issubclass(note.category, TruncatedClipWarning)]
    encoded = EncodedClip.from_clip(clip, _encode(frames, encoder, config), encoder=encoder.name, notes=notes)
    head = encoder if isinstance(encoder, EfficientNetEncoder) else None
    return SharedClip(dataclasses.replace(encoded, name=group.clip, frames=frames), head)


def _check_same_file(name: str, sweep: Sweep) -> None:
    """The rows of a file are kept under its digest, so that they may not come from other content."""
    found, accepted = file_digest(sweep.folder, name), sweep.digests[name]
    if found != accepted:
        raise ValueError(
            f"clips: got another file under {name!r} (SHA-256 {found[:12]}) than when the sweep began; expected "
            f"the same ({accepted[:12]})"
        )


def _number(clip: str) -> int:
    return int(clip.partition(":")[2])


def run_group(group: Group, sweep: Sweep) -> Outcome:
    """Encode a clip and run every item of its group, on one torch thread; what raises becomes a row that says so."""
    torch.set_num_threads(1)
    started = perf_counter()
    try:
        clip = _shared_clip(group, sweep)
    except Exception as error:
        return Outcome(failed_rows(group, error))
    seconds = _seconds(started)
    segments: list[Row] = []
    rows = [_run_item(item, group, sweep, clip, segments) | {"encode_seconds": seconds} for item in group.items]
    return Outcome(rows, clip.encoded.notes, segments)


def _run_item(item: Item, group: Group, sweep: Sweep, clip: SharedClip, segments: list[Row]) -> Row:
    row = _identity(item, group)
    options = json.loads(item.options or "{}")
    if "seed" in get_method(item.method).options:
        options.setdefault("seed", item.seed)
    started = perf_counter()
    try:
        compressor = make_compressor(item.method, retention_ratio=item.ratio, **options)
        out = clip.encoded.compress(compressor)
        row["method_seconds"], started = _seconds(started), perf_counter()
        numbers = _measure(Context(clip, out), sweep.config, clip_kind(group.clip))
        per_segment = segment_rows(clip.encoded, out, _identity(item, group))
        row["measure_seconds"] = _seconds(started)
    except Exception as error:
        return row | _failure(error)
    segments += per_segment
    return row | {"status": "ok"} | numbers


def _measure(context: Context, config: SweepConfig, kind: str) -> Row:
    numbers: Row = {}
    for name in config.measures:
        measure = MEASURES[name]
        if not measure.applies(kind, config.has_head):
            continue
        values = measure.run(context)
        if set(values) != set(measure.columns):
            raise ValueError(f"{name}: got {', '.join(values)}; expected {', '.join(measure.columns)}")
        numbers |= {column: repr(value if isinstance(value, int) else float(value)) for column, value in values.items()}
    return numbers


def _identity(item: Item, group: Group) -> Row:
    return {
        "key": item.key,
        "clip": group.clip,
        "disturbance": group.disturbance,
        "strength": repr(group.strength),
        "seed": str(item.seed),
        "method": item.method,
        "options": item.options,
        "ratio": repr(item.ratio),
    }


def _failure(error: BaseException) -> Row:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return {"status": "failed", "error": text[:LONGEST_ERROR]}


def failed_rows(group: Group, error: BaseException) -> list[Row]:
    """The rows of a group that never came back."""
    return [_identity(item, group) | _failure(error) for item in group.items]


def _seconds(started: float) -> str:
    return f"{perf_counter() - started:.4f}"
