"""The figures of the project, each from a real run: what `infomerge figures` writes."""

import dataclasses
import io
import math
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from IPython.display import Image, Markdown, display

from infomerge import plots
from infomerge.budget import energy_spectrum
from infomerge.compression import Compression
from infomerge.config import InfoMergeConfig
from infomerge.encoders import EfficientNetEncoder, Encoding
from infomerge.methods import METHODS, compress
from infomerge.models import compressing, load, save_random_model
from infomerge.plots.style import PrintFigure
from infomerge.redundancy import adjacent_difference, fingerprints, temporal_fingerprint_difference
from infomerge.results import (
    PAPER_RATIOS,
    ROW_MEASURES,
    ROW_NAMES,
    knob_panels,
    method_panels,
    paper_part_panel,
    part_panels,
    prior_comparisons,
    prior_panels,
)
from infomerge.video import Clip, sample_clip, sample_names

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


def tour() -> tuple[Clip, Encoding, Compression]:
    """The clip of most figures, compressed to 15 %."""
    return *encoded("tour"), compressed("tour", InfoMergeConfig.paper(0.15))


@figure("The method on one clip: from segments to the sequence that the language model reads.", "tour at 15 %")
def method_overview() -> PrintFigure:
    """The five steps, on the tour's frozen cartoon."""
    clip, encoding, out = tour()
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
    clip, _, out = tour()
    return plots.budget_chart(clip.frames, clip.timestamps, out, title="tour at 15 %", true_cuts=true_cuts(clip))


def _sheet(draw: Callable[..., PrintFigure]) -> PrintFigure:
    clip, encoding, out = tour()
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


@figure(
    "How well each static prior tells still cells from moving ones, under eleven disturbances of growing strength. "
    "With the tokens of a network the adjacent-frame difference wins nearly everywhere; TFD wins under sensor noise.",
    "100 procedural clips, EfficientNet-Lite0 at 192 pixels (6 x 6 tokens); data/results/static_priors.csv",
)
def static_priors() -> PrintFigure:
    """AUROC of TFD and of the adjacent difference against the strength of each disturbance."""
    return plots.prior_curves(prior_panels("scenes"), measure="AUROC")


@figure(
    "The tokens decide which static prior finds still cells better: mean paired difference in AUROC under eleven "
    "disturbances, for a network's tokens and for bare pixels.",
    "100 procedural clips; data/results/static_priors.csv, patch_priors.csv, patch_priors_14x14.csv",
)
def prior_verdicts() -> PrintFigure:
    """TFD against the adjacent difference, condition by condition, for three kinds of tokens."""
    return plots.prior_verdicts(prior_comparisons(), measure="AUROC")


@figure(
    "What each part adds, paired by clip, at three retention ratios; filled marks may be claimed. TFD spares "
    "duplicates; uniqueness moves budget to the event, which costs coverage and fidelity elsewhere; no change in event "
    "recall can be claimed. Grey: the paper's own numbers, another quantity.",
    "60 procedural clips, EfficientNet-Lite0 at 320 pixels (10 x 10 tokens); data/results/ablation.csv",
)
def what_each_part_adds() -> PrintFigure:
    """Differences between the rows of Tables 4 and 5."""
    return plots.part_differences(part_panels(), paper=paper_part_panel())


@figure(
    "The rows of Tables 4 and 5 against the retention ratio: how much of the budget goes to the event, how much of it "
    "is recalled, and what the worst covered tokens get. Rows with uniqueness stand apart from the others at 5 %.",
    "60 procedural clips, EfficientNet-Lite0 at 320 pixels (10 x 10 tokens); data/results/ablation.csv",
)
def ablation_rows() -> PrintFigure:
    """Three measures of each row, with intervals over clips."""
    return plots.method_curves(method_panels(ROW_MEASURES, ROW_NAMES, PAPER_RATIOS))


@figure(
    "Nine methods from 5 to 50 %. InfoMerge, FastVID and ToMe recall the event at ratios where the others lose it; "
    "ToMe covers the clips best.",
    "60 procedural clips, EfficientNet-Lite0 at 320 pixels (10 x 10 tokens); data/results/ablation.csv",
)
def compared_methods() -> PrintFigure:
    """Three measures of each method, with intervals over clips."""
    return plots.method_curves(method_panels())


@figure(
    "Three options at 10 %. Temperature trades KL divergence for the event's share of the budget, the penalty changes "
    "nothing from 5 on, and richness in place of uniqueness lowers KL divergence. Grey: the paper's own numbers, "
    "another quantity.",
    "60 procedural clips; data/results/hyper_parameters.csv",
)
def hyper_parameters() -> PrintFigure:
    """The paper's Figures 5 and 6 and Table 6, measured here and as printed."""
    return plots.knob_curves(knob_panels(), paper_measure="paper: VideoMME\naccuracy (%)")


@figure(
    "What fifteen methods keep of one clip at the same budget, and of which frames. One clip: it shows how they "
    "differ, not which is better.",
    "tour at 15 %",
)
def methods_side_by_side() -> PrintFigure:
    """A row for each method of `infomerge.methods`."""
    clip, encoding = encoded("tour")
    runs = {name: method(encoding.tokens, 0.15, encoding.saliency) for name, method in METHODS.items()}
    shown = (4, 9, 13, 16, 22, 29)
    return plots.methods_side_by_side(
        clip.frames, clip.timestamps, runs, encoding.grid, shown, title="tour at 15 %", true_cuts=true_cuts(clip)
    )


@figure(
    "The prompt of a Video-LLM before and after compression: the places that go, to scale, and the positions that "
    "kept tokens and words keep.",
    "tour at 15 %, in LLaVA-OneVision's class and prompt, with a small tower of random weights",
)
def shorter_prompt() -> PrintFigure:
    """What `infomerge.models.compressing` does to a prompt."""
    clip, _ = encoded("tour")
    with tempfile.TemporaryDirectory() as folder:
        model, prompter = load(str(save_random_model(folder)))
    prompt = prompter(clip.frames, clip.timestamps, "What happens in this clip?", clip.metadata.duration)
    with torch.no_grad(), compressing(model, InfoMergeConfig.paper(0.15)) as run:
        model(**prompt.inputs)
    assert run.call is not None
    return plots.prompt_diagram(*run.call.prompt())


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
    recipes = _recipes(names)
    timed = []
    for recipe in recipes:
        start = time.perf_counter()
        plots.save(recipe.draw(), folder / recipe.name)
        timed.append((recipe, time.perf_counter() - start))
    if {recipe.name for recipe in recipes} == set(FIGURES):
        (folder / "README.md").write_text(gallery(timed), encoding="utf-8")
    return timed


def show(*names: str) -> None:
    """Draw figures and show each in a notebook, over its caption.

    They are shown as PNG in 256 colours, at a third of the size: a notebook can hold all of them.

    Args:
        names: of the figures, as in `FIGURES`.

    Raises:
        ValueError: there is no figure of some name.
    """
    for recipe in _recipes(names):
        picture = Image(_in_256_colours(recipe.draw()._repr_png_()))  # type: ignore[no-untyped-call]
        display(picture, Markdown(recipe.caption))  # type: ignore[no-untyped-call]


def _recipes(names: Iterable[str]) -> list[FigureRecipe]:
    names = list(names)
    for name in names:
        if name not in FIGURES:
            raise ValueError(f"figure: found {name!r}; accepted are {', '.join(FIGURES)}")
    return [FIGURES[name] for name in names]


def _in_256_colours(png: bytes) -> bytes:
    """The same picture with its 256 colours chosen for it; undithered, so that surfaces stay even."""
    smaller = io.BytesIO()
    with PIL.Image.open(io.BytesIO(png)) as picture:
        few = picture.convert("RGB").quantize(256, PIL.Image.Quantize.MEDIANCUT, dither=PIL.Image.Dither.NONE)
        few.save(smaller, "PNG", optimize=True)
    return smaller.getvalue()


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
