"""Two methods on clips without ground truth: how often they decide differently, what it costs, and what noise does.

What may be said follows from intervals over clips and a paired test (`statistics`); of all else nothing is said but
that it is undecided.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from infomerge.compression import Compression, InfoMergeTrace
from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import Encoder
from infomerge.measure.coverage import coverage
from infomerge.measure.detection import encode_disturbed, prior_scores
from infomerge.measure.fidelity import Classifier, fidelity
from infomerge.measure.statistics import Comparison, Interval, compare_family, mean_interval
from infomerge.methods import Compressor
from infomerge.redundancy import static_candidates
from infomerge.video.noise import disturb

LEVEL = 0.05
"""Of the tests, over all that one comparison says."""


@dataclass(frozen=True)
class Quality:
    """Something measured of each of two compressions."""

    title: str
    better: str
    """"higher" or "lower"."""


QUALITIES: Mapping[str, Quality] = {
    "coverage_mean": Quality("coverage (mean cosine of tokens to their owners)", "higher"),
    "coverage_worst": Quality("coverage of the worst 1 % of the tokens", "higher"),
    "kl_divergence": Quality("KL divergence of the encoder's answers from those for all tokens (nats)", "lower"),
}
"""What is held against each other on clean clips, by the names of its columns."""


def shared(one: Compression, other: Compression) -> float:
    """Of the tokens that either of two compressions of a clip keeps, the share that both do."""
    both = np.intersect1d(one.index.cpu().numpy(), other.index.cpu().numpy(), assume_unique=True).size
    return both / max(1, one.kept + other.kept - both)


def same_owners(one: Compression, other: Compression) -> float:
    """The share of a clip's tokens that the same token stands for in both compressions."""
    owners = [out.index[out.assignment].cpu() for out in (one, other)]
    return float((owners[0] == owners[1]).double().mean())


def differences_by_frame(one: Compression, other: Compression) -> Int[np.ndarray, "frames"]:
    """How many tokens of each frame only one of two compressions keeps."""
    frames = len(one.trace.tokens)
    kept = np.zeros((2, frames * one.positions), dtype=bool)
    for row, out in enumerate((one, other)):
        kept[row, out.index.cpu().numpy()] = True
    return np.asarray((kept[0] ^ kept[1]).reshape(frames, -1).sum(axis=1))


def shared_candidates(one: Compression, other: Compression) -> float:
    """Of the static candidates that either of two compressions names, the share that both do.

    NaN where one of them names none, or their segments differ.
    """
    traces = one.trace, other.trace
    if not all(isinstance(trace, InfoMergeTrace) for trace in traces) or traces[0].bounds != traces[1].bounds:
        return math.nan
    first, second = (trace.static.cpu() for trace in traces if isinstance(trace, InfoMergeTrace))
    either = int((first | second).sum())
    return int((first & second).sum()) / either if bool(first.any()) and bool(second.any()) else math.nan


def same_candidates(clean: Compression, disturbed: EncodedClip) -> float:
    """Of the static candidates on clean and on disturbed tokens, the share that both name.

    On the clean clip's segments, so that the prior alone is tried. NaN where the method has no static prior, or no
    segment has two frames.
    """
    trace, config = clean.trace, clean.config
    if config is None or config.static_prior == "none" or not isinstance(trace, InfoMergeTrace):
        return math.nan
    scores = prior_scores(disturbed.tokens, trace.segments, config.static_prior)
    now = static_candidates(scores, config.static_ratio)
    either = int((trace.static | now).sum())
    return int((trace.static & now).sum()) / either if either else math.nan


Row = dict[str, str | int | float]
"""One clip under one disturbance: its name and what was measured; columns of the two methods end in _a and _b."""


def compare_clip(
    clip: EncodedClip,
    methods: tuple[Compressor, Compressor],
    *,
    encoder: Encoder | None = None,
    disturbances: Sequence[tuple[str, float]] = (),
    seed: int = 0,
) -> tuple[Row, list[Row], tuple[Compression, Compression]]:
    """Measure two methods on one clip.

    Args:
        clip: the clean clip.
        methods: A and B.
        encoder: the one that encoded it; of one with a head of its own the answers are compared, and it encodes the
            disturbed frames.
        disturbances: names and strengths, as `disturb` takes them.
        seed: draws the disturbances' patterns.

    Returns:
        The clean clip's row; one for each disturbance, with how much of what was kept stays kept (`kept_stable`) and of
        the static candidates (`static_stable`); and the clean compressions.

    Raises:
        ValueError: a disturbance is unknown or too strong, or there are no frames or is no encoder to disturb.
    """
    one, other = (clip.compress(method) for method in methods)
    changed = differences_by_frame(one, other)
    row: Row = {
        "clip": clip.name,
        "frames": len(clip.tokens),
        "kept_alike": shared(one, other),
        "owners_alike": same_owners(one, other),
        "static_alike": shared_candidates(one, other),
        "frames_alike": float((changed == 0).mean()),
        "most_different_frame": int(changed.argmax()),
    }
    full = encoder.classify(clip.tokens) if isinstance(encoder, Classifier) else None
    for letter, out in (("a", one), ("b", other)):
        found = coverage(out)
        row |= {f"coverage_mean_{letter}": found.mean, f"coverage_worst_{letter}": found.worst}
        if full is not None and isinstance(encoder, Classifier):
            row[f"kl_divergence_{letter}"] = fidelity(out, encoder, full).kl_divergence
    if disturbances and (encoder is None or clip.frames is None):
        raise ValueError(
            "disturbances: got tokens of one's own; expected a clip with frames and a network to encode it"
        )
    rows: list[Row] = []
    for name, strength in disturbances:
        assert encoder is not None
        assert clip.frames is not None
        noisy = encode_disturbed(clip, encoder, disturb(name, clip.frames, strength, seed))
        line: Row = {"clip": clip.name, "disturbance": name, "strength": strength}
        for letter, method, out in (("a", methods[0], one), ("b", methods[1], other)):
            line[f"kept_stable_{letter}"] = shared(out, noisy.compress(method))
            line[f"static_stable_{letter}"] = same_candidates(out, noisy)
        rows.append(line)
    return row, rows, (one, other)


@dataclass(frozen=True)
class Findings:
    """What the rows of several clips allow to say of A and B."""

    alike: Interval
    """Of the tokens that either keeps, the share that both do."""
    compared: Mapping[tuple[str, ...], Comparison]
    """A less B: of each of `QUALITIES`, and of stability under each disturbance, by (what, disturbance, strength)."""
    sentences: Sequence[str]


STABLE = {"static_stable": "static candidates that stay", "kept_stable": "kept tokens that stay"}


def findings(rows: Sequence[Row], disturbed: Sequence[Row], names: tuple[str, str]) -> Findings:
    """What may be said, in sentences that claim no more than intervals and tests allow.

    P-values are corrected by Holm over all that is compared.

    Args:
        rows: of `compare_clip`, one for each clip.
        disturbed: its rows of disturbances.
        names: what A and B are called.

    Raises:
        ValueError: there is no row.
    """
    if not rows:
        raise ValueError("rows: got none; expected one for each clip")
    pairs: dict[tuple[str, ...], tuple[Float[np.ndarray, "clips"], Float[np.ndarray, "clips"]]] = {}
    for name in QUALITIES:
        if f"{name}_a" in rows[0]:
            pairs[(name,)] = _columns(rows, name)
    for condition in dict.fromkeys((str(row["disturbance"]), float(row["strength"])) for row in disturbed):
        some = [row for row in disturbed if (row["disturbance"], row["strength"]) == condition]
        for name in STABLE:
            values = _columns(some, name)
            if not np.isnan(values).all():
                pairs[name, condition[0], f"{condition[1]:g}"] = values
    compared = compare_family(pairs)
    alike = mean_interval(np.array([float(row["kept_alike"]) for row in rows]))
    sentences = [_how_alike("tokens", "keeps", "keep", alike, names)]
    static = mean_interval(np.array([float(row["static_alike"]) for row in rows]))
    if static.count:
        sentences.append(_how_alike("static candidates", "names", "name", static, names))
    sentences += [_sentence(key, found, pairs[key], names) for key, found in compared.items()]
    if (wanted := fewest_clips(len(compared))) > len(rows):
        sentences.append(
            f"{_counted(len(rows))} cannot decide anything: with {len(compared)} comparisons the paired test needs "
            f"{wanted} or more."
        )
    return Findings(alike, compared, sentences)


def fewest_clips(comparisons: int) -> int:
    """Clips from which on so many comparisons can be decided at all, where all clips agree."""
    return math.ceil(math.log2(2 * max(1, comparisons) / LEVEL) + 1e-9)


def _columns(rows: Sequence[Row], name: str) -> tuple[Float[np.ndarray, "clips"], Float[np.ndarray, "clips"]]:
    one, other = (np.array([float(row[f"{name}_{letter}"]) for row in rows]) for letter in "ab")
    return one, other


def _counted(clips: int) -> str:
    return f"{clips} clip{'s' * (clips != 1)}"


def _interval(found: Interval, form: str) -> str:
    low_high = "" if math.isnan(found.low) else f" [{found.low:{form}}, {found.high:{form}}]"
    return f"{found.mean:{form}}{low_high}"


def _how_alike(what: str, does: str, do: str, alike: Interval, names: tuple[str, str]) -> str:
    between = "" if math.isnan(alike.low) else f" [{alike.low:.1%}, {alike.high:.1%}]"
    return (
        f"Of the {what} that {names[0]} or {names[1]} {does}, both {do} {alike.mean:.1%}{between}, over "
        f"{_counted(alike.count)}."
    )


def _sentence(
    key: tuple[str, ...],
    found: Comparison,
    pair: tuple[Float[np.ndarray, "clips"], Float[np.ndarray, "clips"]],
    names: tuple[str, str],
) -> str:
    """One comparison in words: which is better where that is decided, and by how much in any case."""
    what, *condition = key
    title = STABLE.get(what) or QUALITIES[what].title
    if condition:
        title += f" under {condition[0].replace('_', ' ')} of {condition[1]}"
    means = f"{np.nanmean(pair[0]):.3f} and {np.nanmean(pair[1]):.3f}"
    difference = f"difference {_interval(found.difference, '+.4f')}"
    title = title[0].upper() + title[1:]
    if found.verdict == "undecided":
        return f"{title}: {means} with {names[0]} and {names[1]}, {difference}: undecided."
    better = "higher" if what in STABLE else QUALITIES[what].better
    winner = names[0] if found.verdict == better else names[1]
    claim = f"{winner} changes its mind less" if what in STABLE else f"{winner} is better"
    return f"{title}: {means} with {names[0]} and {names[1]}, {difference}: {claim}."
