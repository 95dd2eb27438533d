"""The figures of the project, each from a real run: what `infomerge figures` writes."""

import csv
import dataclasses
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from infomerge import plots
from infomerge.budget import energy_spectrum
from infomerge.compression import Compression, compress
from infomerge.config import InfoMergeConfig
from infomerge.encoders import EfficientNetEncoder, Encoding
from infomerge.measure.statistics import compare_family, mean_interval
from infomerge.plots.style import PrintFigure
from infomerge.redundancy import adjacent_difference, fingerprints, temporal_fingerprint_difference
from infomerge.video import DISTURBANCES, Clip, sample_clip, sample_names

RESULTS = Path(__file__).parent.parent / "data" / "results" / "static_priors.csv"

PAPER_TOP20_SHARE = 0.881
"""Energy that the paper's Figure 4 finds in the first 20 directions."""


@dataclass(frozen=True)
class FigureRecipe:
    """One figure: what it shows, and how it is made."""

    name: str
    caption: str
    inputs: str
    draw: Callable[[], PrintFigure]


FIGURES: dict[str, FigureRecipe] = {}


def figure(caption: str, inputs: str) -> Callable[[Callable[[], PrintFigure]], Callable[[], PrintFigure]]:
    """Register a function as the figure of its own name."""

    def register(draw: Callable[[], PrintFigure]) -> Callable[[], PrintFigure]:
        FIGURES[draw.__name__] = FigureRecipe(draw.__name__, caption, inputs, draw)
        return draw

    return register


@cache
def encoded(name: str) -> tuple[Clip, Encoding]:
    """A sample clip and its tokens, made once a process."""
    clip = sample_clip(name)
    return clip, EfficientNetEncoder()(clip.frames)


@cache
def compressed(name: str, config: InfoMergeConfig) -> Compression:
    """A sample clip's compression, made once a process."""
    _, encoding = encoded(name)
    return compress(encoding.tokens, config, saliency=encoding.saliency, frame_features=encoding.frame_features)


def true_cuts(clip: Clip) -> list[int]:
    """The sampled frames after which a clip is known to cut."""
    return [] if clip.truth is None else clip.truth.cut_after(clip.timestamps).tolist()


@figure("The method on one clip: from segments to the sequence that the language model reads.", "tour at 15 %")
def method_overview() -> PrintFigure:
    """The five steps, on the tour's frozen cartoon."""
    clip, encoding = encoded("tour")
    out = compressed("tour", InfoMergeConfig.paper(0.15))
    longest_still = 9  # the cartoon and its freeze
    return plots.method_overview(clip.frames, clip.timestamps, out, encoding.grid, longest_still)


@figure(
    "Fingerprint matrices (eq. 1) of a static, a moving and a noisy position. Noise spoils the resemblance of all "
    "frames to each other a little, motion spoils distant frames more than near ones.",
    "bigbuckbunny, first 8 of 32 sampled frames; sensor noise of 40 grey levels on one static patch",
)
def fingerprint_matrices() -> PrintFigure:
    """Three positions of the cartoon: a static one, a moving one, and a static one under sensor noise."""
    clip, encoding = encoded("bigbuckbunny")
    rows, columns = encoding.grid
    frames = clip.frames[:8].copy()
    order = temporal_fingerprint_difference(encoding.tokens[:8].double()).argsort()
    static, noisy, moving = int(order[0]), int(order[25]), int(order[-1])
    height, width = frames.shape[1:3]
    row, column = divmod(noisy, columns)
    patch = np.s_[
        :,
        row * height // rows : (row + 1) * height // rows,
        column * width // columns : (column + 1) * width // columns,
    ]
    noise = np.random.default_rng(0).normal(0, 40, frames[patch].shape)
    frames[patch] = (frames[patch] + noise).round().clip(0, 255).astype(np.uint8)
    tokens = EfficientNetEncoder()(frames).tokens.double()
    shown = [static, noisy, moving]
    return plots.fingerprint_matrices(
        frames,
        shown,
        ["static", "noisy", "moving"],
        fingerprints(tokens)[shown].numpy(),
        temporal_fingerprint_difference(tokens)[shown].numpy(),
        adjacent_difference(tokens)[shown].numpy(),
        encoding.grid,
    )


@figure(
    "Share of the tokens' energy that the first singular directions hold (the paper's Figure 4), for four clips and "
    "EfficientNet-Lite0; the paper's number is of another encoder and other clips.",
    "all samples, 32 frames each",
)
def spectrum() -> PrintFigure:
    """How redundant each sample's tokens are."""
    spectra = {name: energy_spectrum(encoded(name)[1].tokens.flatten(0, 1)).numpy() for name in sample_names()}
    return plots.energy_spectrum(spectra, paper_share=PAPER_TOP20_SHARE)


@figure(
    "Budgets over time (the paper's Figures 7 and 8): similarity, uniqueness, richness, weight, and context tokens a "
    "frame by content against by length.",
    "tour at 15 %",
)
def budgets_over_time() -> PrintFigure:
    """The budget chart of the tour."""
    clip, _ = encoded("tour")
    out = compressed("tour", InfoMergeConfig.paper(0.15))
    return plots.budget_chart(clip.frames, clip.timestamps, out, title="tour at 15 %", true_cuts=true_cuts(clip))


def _sheet(draw: Callable[..., PrintFigure]) -> PrintFigure:
    clip, encoding = encoded("tour")
    out = compressed("tour", InfoMergeConfig.paper(0.15))
    cuts = true_cuts(clip)
    return draw(clip.frames, clip.timestamps, out, encoding.grid, title="tour: InfoMerge at 15 %", true_cuts=cuts)


@figure(
    "Which tokens are kept: salient ones outlined, context ones outlined and dotted, all others grey.", "tour at 15 %"
)
def contact_sheet() -> PrintFigure:
    """The contact sheet of the tour."""
    return _sheet(plots.contact_sheet)


@figure("Retained-token heat maps: how many tokens of the clip each kept token stands for.", "tour at 15 %")
def retained_tokens() -> PrintFigure:
    """The heat sheet of the tour."""
    return _sheet(plots.heat_sheet)


@figure("What is left of the clip: every patch in the mean colour of its group over the whole clip.", "tour at 15 %")
def ownership() -> PrintFigure:
    """The ownership sheet of the tour."""
    return _sheet(plots.ownership_sheet)


@figure("InfoMerge's budgets by content against FastVID's by length, at three retention ratios.", "tour at 5, 10, 15 %")
def content_against_length() -> PrintFigure:
    """How many context tokens move, and where to."""
    clip, _ = encoded("tour")
    runs = {ratio: compressed("tour", InfoMergeConfig.paper(ratio)) for ratio in (0.05, 0.10, 0.15)}
    return plots.allocation_comparison(clip.frames, clip.timestamps, runs, title="tour")


@figure(
    "Budgets under the temperature: at 0 they follow length, from 5 on they are nearly all or nothing.", "tour at 15 %"
)
def budget_shift_temperature() -> PrintFigure:
    """How the temperature pulls budgets apart."""
    clip, _ = encoded("tour")
    base = InfoMergeConfig.paper(0.15)
    temperatures = (0, 0.5, 0.8, 1.2, 2, 5, 10)
    runs = {tau: compressed("tour", dataclasses.replace(base, temperature=tau)) for tau in temperatures}
    return plots.budget_shift(clip.frames, clip.timestamps, runs, knob=r"temperature $\tau$", title="tour at 15 %")


def prior_panels(segmentation: str, measure: str = "auroc") -> list[plots.DisturbanceCurves]:
    """The measured table of static priors (data/results/static_priors.csv) as curves with intervals and verdicts.

    Clean clips stand at strength 0 of every disturbance. A verdict is given where the 95 % interval of the paired
    difference leaves out zero and Wilcoxon's test, corrected by Holm over all conditions, agrees.

    Args:
        segmentation: "scenes" for the clips' true scenes, "dyseg" for the segments that are found.
        measure: "auroc" or "candidate_precision".

    Raises:
        FileNotFoundError: the project's data folder is not beside the package.
    """
    by_condition: dict[tuple[str, float], list[tuple[float, float]]] = defaultdict(list)
    with RESULTS.open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            both = [float(row[f"{segmentation}_{prior}_{measure}"] or "nan") for prior in ("tfd", "adjacent")]
            by_condition[row["disturbance"], float(row["strength"])].append((both[0], both[1]))
    values = {condition: np.array(pairs).T for condition, pairs in by_condition.items()}
    comparisons = compare_family({condition: (tfd, adjacent) for condition, (tfd, adjacent) in values.items()})
    winners = {"higher": "TFD", "lower": "adjacent", "undecided": ""}
    panels = []
    for name in sorted({name for name, _ in values} - {"none"}):
        conditions = [("none", 0.0), *sorted(condition for condition in values if condition[0] == name)]
        curves = {}
        for number, prior in enumerate(("TFD", "adjacent")):
            intervals = [mean_interval(values[condition][number]) for condition in conditions]
            curves[prior] = np.array([[found.mean, found.low, found.high] for found in intervals]).T
        panels.append(
            plots.DisturbanceCurves(
                name.replace("_", " "),
                DISTURBANCES[name].unit,
                np.array([strength for _, strength in conditions]),
                curves,
                [winners[comparisons[condition].verdict] for condition in conditions],
            )
        )
    return panels


@figure(
    "How well each static prior tells still cells from moving ones, under eleven disturbances of growing strength. The "
    "adjacent-frame difference wins nearly everywhere; TFD wins under sensor noise.",
    "100 procedural clips, EfficientNet-Lite0 at 192 pixels (6 x 6 tokens); data/results/static_priors.csv",
)
def static_priors() -> PrintFigure:
    """AUROC of TFD and of the adjacent difference against the strength of each disturbance."""
    return plots.prior_curves(prior_panels("scenes"), measure="AUROC")


def write_figures(names: Iterable[str], folder: Path) -> list[tuple[FigureRecipe, float]]:
    """Draw figures and write each as PDF and PNG, with the gallery README.md where all of them are written.

    Args:
        names: of the figures, as in `FIGURES`.
        folder: where to; files of the same names are replaced.

    Returns:
        Each figure's recipe with the seconds that it took.

    Raises:
        ValueError: there is no figure of some name.
    """
    names = list(names)
    for name in names:
        if name not in FIGURES:
            raise ValueError(f"figure: found {name!r}; accepted are {', '.join(FIGURES)}")
    timed = []
    for name in names:
        start = time.perf_counter()
        plots.save(FIGURES[name].draw(), folder / name)
        timed.append((FIGURES[name], time.perf_counter() - start))
    if set(names) == set(FIGURES):
        (folder / "README.md").write_text(gallery(timed), encoding="utf-8")
    return timed


def gallery(timed: Iterable[tuple[FigureRecipe, float]]) -> str:
    """The gallery page: every figure with its caption, function, command, inputs and seconds."""
    lines = ["# Figures", "", "Written by `make figures`, from real runs; a second run gives the same pictures.", ""]
    for recipe, seconds in timed:
        lines += [
            f"## {recipe.name.replace('_', ' ').capitalize()}",
            "",
            f"![{recipe.caption}]({recipe.name}.png)",
            "",
            recipe.caption,
            "",
            f"`infomerge figures {recipe.name}`, function `infomerge.figures.{recipe.name}`. "
            f"Input: {recipe.inputs}. Drawn in {math.ceil(seconds)} s, what it shares with those above not counted.",
            "",
        ]
    return "\n".join(lines)
