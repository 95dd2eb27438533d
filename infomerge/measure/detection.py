"""How well a static prior (section 3.2) finds what stands still, on clips whose truth is known."""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from infomerge.config import InfoMergeConfig, StaticPrior
from infomerge.deprecation import deprecated_names
from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import Encoder, Encoding
from infomerge.extras import needs
from infomerge.measure.statistics import Comparison, compare_family
from infomerge.numerics import rounded
from infomerge.redundancy import static_candidates, static_scores
from infomerge.segmentation import find_segments, transition_similarity
from infomerge.video.clip import Clip
from infomerge.video.noise import disturb
from infomerge.video.scenes import CellTruth, SceneClip
from infomerge.video.truth import GroundTruth

PRIORS: tuple[StaticPrior, ...] = ("tfd", "adjacent")
"""The priors that are compared; TFD and adjacent difference are one and the same in segments of two frames."""


def auroc(scores: Float[np.ndarray, "scores"], positive: Bool[np.ndarray, "labels"]) -> float:
    """Area under the ROC curve: how often a positive scores above a negative, where equal scores count half.

    NaN where there are no positives or no negatives.

    Raises:
        ValueError: a score is NaN, or there are not as many scores as labels.
    """
    _check_scores(scores, positive)
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if not positives or not negatives:
        return math.nan
    with needs("sweep"):
        from scipy.stats import rankdata
    above = rankdata(scores)[positive].sum() - positives * (positives + 1) / 2
    return float(above / (positives * negatives))


def average_precision(scores: Float[np.ndarray, "scores"], positive: Bool[np.ndarray, "labels"]) -> float:
    """Mean precision at each positive found, from the highest score down; equal scores are found together.

    Scores that tell nothing give the share of positives. NaN where there are no positives.

    Raises:
        ValueError: a score is NaN, or there are not as many scores as labels.
    """
    _check_scores(scores, positive)
    if not positive.any():
        return math.nan
    _, group = np.unique(-scores, return_inverse=True)
    new = np.bincount(group, weights=positive)
    precision = np.cumsum(new) / np.cumsum(np.bincount(group))
    return float((new * precision).sum() / new.sum())


def _check_scores(scores: Float[np.ndarray, "scores"], positive: Bool[np.ndarray, "labels"]) -> None:
    if len(scores) != len(positive):
        raise ValueError(f"positive: got {len(positive)} labels; expected one for each of the {len(scores)} scores")
    if np.isnan(scores).any():
        raise ValueError(f"scores: got {int(np.isnan(scores).sum())} values that are NaN; expected numbers")


def scene_segments(truth: CellTruth) -> Int[Tensor, "segments 2"]:
    """The clip's true scenes as segments: first frame and frame after the last of each."""
    _, lengths = torch.unique_consecutive(truth.scene, return_counts=True)
    ends = lengths.cumsum(0)
    return torch.stack((ends - lengths, ends), dim=1)


def dyseg_segments(encoding: Encoding | EncodedClip, config: InfoMergeConfig) -> Int[Tensor, "segments 2"]:
    """The segments that `infomerge.compress` finds with this encoding (eq. 22 and 23)."""
    given = encoding.frame_features
    features = encoding.tokens.double().mean(dim=1) if given is None else given.double()
    return find_segments(transition_similarity(features), config.min_segments, config.segment_threshold)


def still_positions(truth: CellTruth, segments: Int[Tensor, "segments 2"]) -> Bool[Tensor, "segments positions"]:
    """Which positions truly stand still in each segment: their clean pixels are the same in all of its frames.

    Nothing stands still across a cut. In a segment that is only a part of a scene, a cell that the moving object
    does not touch in that time stands still, even where `CellTruth.still`, which holds for whole scenes, says no.

    Raises:
        ValueError: the truth is that of a batch of clips, or the segments go beyond it.
    """
    if truth.changed.ndim != 3:
        raise ValueError(f"truth: got shape {list(truth.changed.shape)}; expected that of one clip, of 3 dimensions")
    if int(segments.max()) > len(truth.scene):
        raise ValueError(f"segments: got frame {int(segments.max())}; expected up to {len(truth.scene)}")
    changed = truth.changed.flatten(1)
    still = [
        ~changed[start + 1 : end].any(dim=0) & (truth.scene[start] == truth.scene[end - 1])
        for start, end in segments.tolist()
    ]
    return torch.stack(still)


def shot_segments(clip: Clip) -> Int[Tensor, "segments 2"]:
    """A real clip's true shots as segments: first frame and frame after the last of each, of those that are sampled.

    Raises:
        ValueError: nothing is known about the clip.
    """
    cuts = _known_truth(clip).cut_after(clip.timestamps).tolist()
    bounds = [0, *(cut + 1 for cut in cuts), len(clip.frames)]
    return torch.tensor(list(pairwise(bounds)), device="cpu")


def known_still_positions(
    clip: Clip, grid: tuple[int, int], segments: Int[Tensor, "segments 2"]
) -> Bool[Tensor, "segments positions"]:
    """Which positions of a real clip are known to stand still in each segment: one still region holds them throughout.

    Of the others nothing is known: they may move or stand still.

    Raises:
        ValueError: nothing is known about the clip.
    """
    truth = _known_truth(clip)
    size = (clip.frames.shape[1], clip.frames.shape[2])
    still = torch.zeros(len(segments), grid[0] * grid[1], dtype=torch.bool, device="cpu")
    # One region at a time: what lies in one and then in another has changed.
    for region in truth.still_regions:
        cells = dataclasses.replace(truth, still_regions=(region,)).still_cells(grid, clip.timestamps, size)
        held = torch.from_numpy(cells).flatten(1)
        still |= torch.stack([held[start:end].all(dim=0) for start, end in segments.tolist()])
    return still


def _known_truth(clip: Clip) -> GroundTruth:
    if clip.truth is None:
        raise ValueError(f"clip: got no ground truth for {clip.metadata.name!r}; expected the sample clips")
    return clip.truth


def prior_scores(
    tokens: Float[Tensor, "frames positions channels"], segments: Int[Tensor, "segments 2"], prior: StaticPrior
) -> Float[Tensor, "segments positions"]:
    """A prior's scores as the method compares them, in float64 and rounded; small means static, NaN undefined."""
    return rounded(static_scores(tokens.double(), segments, prior))


@dataclass(frozen=True)
class Detection:
    """How well scores tell still positions from others: means over those segments of a clip that can tell.

    Every number is NaN where no segment can tell.
    """

    auroc: float
    """0.5 for chance, 1 where every still position scores below every other one."""
    average_precision: float
    """Of finding the still positions; to be held against `still_share`."""
    candidate_precision: float
    """Share of the floor(rho N) static candidates, which are all that the method uses, that truly stand still."""
    still_share: float
    """Share of positions that stand still: average precision and candidate precision of chance."""
    segments: int
    """How many segments count."""
    one_frame: int
    """Segments left out because the scores are undefined: those of one frame."""
    one_class: int
    """Segments left out because all positions stand still, or none."""


def detect(
    scores: Float[Tensor, "segments positions"], still: Bool[Tensor, "segments positions"], static_ratio: float = 0.10
) -> Detection:
    """Judge a prior's scores by the truth, segment by segment, since the method ranks positions within segments only.

    Args:
        scores: small means static; NaN throughout a segment where they are undefined.
        still: the truth.
        static_ratio: rho, the share of positions that become static candidates.
    """
    candidates = static_candidates(scores, static_ratio).cpu().numpy()
    ranked, truth = -scores.double().cpu().numpy(), still.cpu().numpy()
    undefined = np.isnan(ranked).any(axis=1)
    one_class = ~undefined & (truth.all(axis=1) | ~truth.any(axis=1))
    counted = np.flatnonzero(~undefined & ~one_class)
    return Detection(
        auroc=_mean([auroc(ranked[k], truth[k]) for k in counted]),
        average_precision=_mean([average_precision(ranked[k], truth[k]) for k in counted]),
        candidate_precision=_mean([_mean(truth[k][candidates[k]]) for k in counted]),
        still_share=_mean([_mean(truth[k]) for k in counted]),
        segments=len(counted),
        one_frame=int(undefined.sum()),
        one_class=int(one_class.sum()),
    )


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else math.nan


def encode_disturbed(
    encoded: EncodedClip, encoder: Encoder, frames: UInt8[np.ndarray, "frames height width 3"]
) -> EncodedClip:
    """The clip with other frames and what `encoder(frames)` gives, each different picture encoded once.

    Pictures of the clean clip are not encoded again: disturbances of single frames leave most of them as they are. For
    encoders whose output for a frame does not depend on the frames beside it, as that of `EfficientNetEncoder` does
    not.

    Raises:
        ValueError: the clip has no frames.
    """
    if encoded.frames is None:
        raise ValueError("encoded: got tokens without frames; expected a clip that was read or rendered")
    place_of = {frame.tobytes(): number for number, frame in enumerate(encoded.frames)}
    new: list[int] = []
    places = []
    for number, frame in enumerate(frames):
        content = frame.tobytes()
        if content not in place_of:
            place_of[content] = len(encoded.frames) + len(new)
            new.append(number)
        places.append(place_of[content])
    parts = [encoded.encoding, encoder(frames[new])] if new else [encoded.encoding]
    return dataclasses.replace(
        encoded,
        frames=frames,
        tokens=torch.cat([part.tokens for part in parts])[places],
        saliency=_rows([part.saliency for part in parts], places),
        frame_features=_rows([part.frame_features for part in parts], places),
    )


def _rows(parts: Sequence[Tensor | None], places: Sequence[int]) -> Tensor | None:
    given = [part for part in parts if part is not None]
    return torch.cat(given)[places] if given else None


def detection_rows(
    encoded: EncodedClip,
    encoder: Encoder,
    disturbance: str,
    strength: float,
    *,
    seed: int | None = None,
    config: InfoMergeConfig | None = None,
    priors: Sequence[StaticPrior] = PRIORS,
) -> list[dict[str, str | int | float]]:
    """Disturb one clip, encode it, and judge each prior on the clip's true scenes and on the segments of DySeg.

    The truth is that of the clean pixels: a position whose picture stands still is redundant, however noisy it is. Of
    a real clip only some still regions are known, and all else counts as not still: what stands still there unknown
    costs both priors alike.

    Args:
        encoded: the clean clip; a procedural one, or a real one of which something is known.
        encoder: the one that encoded it; see `encode_disturbed`.
        disturbance: a name that `infomerge.video.noise.disturb` knows.
        strength: in the disturbance's unit; 0 leaves the clip clean.
        seed: draws the disturbance's pattern; without one, the clip's own, so that every clip has another pattern, and
            0 for a real clip.
        config: for DySeg and the static ratio; without one, the defaults.
        priors: which ones.

    Returns:
        One row for each segmentation ("scenes", which are a real clip's shots, and "dyseg") and prior: clip (its seed
        or its name), disturbance, strength, seed, segmentation, prior, and the fields of `Detection`.

    Raises:
        ValueError: an argument of `disturb` is out of range, or nothing is known about the clip.
    """
    config = InfoMergeConfig() if config is None else config
    if encoded.source is None:
        raise ValueError("encoded: got tokens without a clip; expected a clip that was read or rendered")
    label = encoded.source.script.seed if isinstance(encoded.source, SceneClip) else encoded.name
    seed = (label if isinstance(label, int) else 0) if seed is None else seed
    disturbed = encode_disturbed(encoded, encoder, disturb(disturbance, encoded.source.frames, strength, seed))
    rows: list[dict[str, str | int | float]] = []
    bounds = {"scenes": _true_segments(encoded), "dyseg": dyseg_segments(disturbed, config)}
    for segmentation, segments in bounds.items():
        still = _still(encoded, segments)
        for prior in priors:
            scores = prior_scores(disturbed.tokens, segments.to(disturbed.tokens.device), prior)
            found = detect(scores, still, config.static_ratio)
            rows.append(
                {
                    "clip": label,
                    "disturbance": disturbance,
                    "strength": float(strength),
                    "seed": seed,
                    "segmentation": segmentation,
                    "prior": prior,
                    **dataclasses.asdict(found),
                }
            )
    return rows


def _true_segments(encoded: EncodedClip) -> Int[Tensor, "segments 2"]:
    if encoded.cells is not None:
        return scene_segments(encoded.cells)
    assert isinstance(encoded.source, Clip)
    return shot_segments(encoded.source)


def _still(encoded: EncodedClip, segments: Int[Tensor, "segments 2"]) -> Bool[Tensor, "segments positions"]:
    if encoded.cells is not None:
        return still_positions(encoded.cells, segments.to(encoded.cells.changed.device))
    assert isinstance(encoded.source, Clip)
    return known_still_positions(encoded.source, encoded.grid, segments.cpu())


def compare_priors(
    rows: Iterable[Mapping[str, str]], segmentation: str = "scenes", measure: str = "auroc"
) -> dict[tuple[str, float], Comparison]:
    """TFD against the adjacent difference in every condition of a measured table, paired by clip.

    P-values are corrected by Holm over all conditions of the table.

    Args:
        rows: of one clip under one condition each, as text: disturbance, strength, and for each prior the column
            `{segmentation}_{prior}_{measure}`, empty where it is undefined.
        segmentation: "scenes" or "dyseg".
        measure: a field of `Detection` that the table has.

    Returns:
        (disturbance, strength) -> comparison, in which "higher" means that TFD is better; the clean clips, at strength
        0 of "none", and the rest in the table's order.

    Raises:
        KeyError: a column is missing.
    """
    return compare_family(paired_priors(rows, segmentation, measure))


def paired_priors(
    rows: Iterable[Mapping[str, str]], segmentation: str = "scenes", measure: str = "auroc"
) -> dict[tuple[str, float], tuple[Float[np.ndarray, "clips"], Float[np.ndarray, "clips"]]]:
    """What TFD and the adjacent difference reach on each clip, by condition; NaN where it is undefined.

    Arguments and errors as for `compare_priors`.
    """
    pairs: dict[tuple[str, float], list[list[float]]] = defaultdict(list)
    for row in rows:
        both = [float(row[f"{segmentation}_{prior}_{measure}"] or "nan") for prior in PRIORS]
        pairs[row["disturbance"], float(row["strength"])].append(both)
    return {condition: (np.array(both)[:, 0], np.array(both)[:, 1]) for condition, both in pairs.items()}


__getattr__ = deprecated_names(
    __name__,
    {
        "know_clip": ("infomerge.encoded_clip", "EncodedClip.from_clip"),
        "know_sample": ("infomerge.encoded_clip", "EncodedClip.from_clip"),
    },
)
