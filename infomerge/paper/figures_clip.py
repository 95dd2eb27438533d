"""Figures of one clip: the method, its inputs, what is kept, and where the budget goes."""

import dataclasses
from collections.abc import Callable

import numpy as np
from jaxtyping import Int
from torch import Tensor

from infomerge import plots
from infomerge.budget import energy_spectrum
from infomerge.compression import Compression
from infomerge.config import InfoMergeConfig
from infomerge.encoders import EfficientNetEncoder, Encoding
from infomerge.paper.clips import compressed, encoded, true_cuts
from infomerge.paper.labels import PAPER_RATIOS
from infomerge.paper.recipes import Drawn, figure
from infomerge.paper.tables import paper_tables
from infomerge.plots.style import PrintFigure
from infomerge.redundancy import adjacent_difference, fingerprints, temporal_fingerprint_difference
from infomerge.video import Clip, sample_names

TOUR_RATIO = 0.15
NOISE_LEVELS = 40
"""Standard deviation of the noise in grey levels, so strong that the eye sees it at the size of a patch."""


def tour() -> tuple[Clip, Encoding, Compression]:
    """The clip of most figures, compressed to 15 %."""
    clip, encoding = encoded("tour")
    return clip, encoding, compressed(encoding, InfoMergeConfig.paper(TOUR_RATIO))


@figure(
    "method_overview",
    "The method on one clip: from segments to the sequence that the language model reads. The panels in the middle "
    "show the segment with the most static tokens.",
    "tour at 15 %",
)
def tour_overview() -> Drawn:
    """The five steps, on the segment of the tour in which most stands still: the cartoon and its freeze."""
    clip, encoding, out = tour()
    static = out.trace.static.sum(dim=1) * out.trace.segments.diff(dim=1).squeeze(1)
    return Drawn(plots.method_overview(clip.frames, clip.timestamps, out, encoding.grid, int(static.argmax())))


@figure(
    "fingerprint_matrices",
    "Fingerprint matrices (eq. 1) of three positions: the one of the smallest fingerprint difference (TFD), the one of "
    "the largest, and a still one under sensor noise.",
    f"bigbuckbunny, first 8 of 32 sampled frames; sensor noise of {NOISE_LEVELS} grey levels on one static patch",
)
def bunny_fingerprints() -> Drawn:
    """Three positions of the cartoon: a static one, a moving one, and a static one under sensor noise."""
    clip, encoding = encoded("bigbuckbunny")
    rows, columns = encoding.grid
    frames = clip.frames[:8].copy()
    order = temporal_fingerprint_difference(encoding.tokens[:8].double()).argsort()
    static, moving = int(order[0]), int(order[-1])
    noisy = _still_and_far(order, columns)
    height, width = frames.shape[1:3]
    row, column = divmod(noisy, columns)
    patch = np.s_[
        :,
        row * height // rows : (row + 1) * height // rows,
        column * width // columns : (column + 1) * width // columns,
    ]
    noise = np.random.default_rng(0).normal(0, NOISE_LEVELS, frames[patch].shape)
    frames[patch] = (frames[patch] + noise).round().clip(0, 255).astype(np.uint8)
    tokens = EfficientNetEncoder()(frames).tokens.double()
    shown = [static, noisy, moving]
    return Drawn(
        plots.fingerprint_matrices(
            frames,
            shown,
            ["static", "noisy", "moving"],
            fingerprints(tokens)[shown].numpy(),
            temporal_fingerprint_difference(tokens)[shown].numpy(),
            adjacent_difference(tokens)[shown].numpy(),
            encoding.grid,
        )
    )


def _still_and_far(order: Int[Tensor, "positions"], columns: int) -> int:
    """Of the stillest eighth of positions the one farthest from the stillest, which shows another part of the frame."""
    rows, places = (order[: len(order) // 8] // columns).double(), (order[: len(order) // 8] % columns).double()
    return int(order[((rows - rows[0]) ** 2 + (places - places[0]) ** 2).argmax()])


@figure(
    "spectrum",
    "Share of the tokens' energy that the first singular directions hold (the paper's Figure 4), for four clips and "
    "EfficientNet-Lite0; the paper's number is of another encoder and other clips.",
    "all samples, 32 frames each",
)
def sample_spectra() -> Drawn:
    """How redundant each sample's tokens are."""
    spectra = {name: energy_spectrum(encoded(name)[1].tokens.flatten(0, 1)).numpy() for name in sample_names()}
    return Drawn(plots.energy_spectrum(spectra, paper_share=paper_tables()["fig4_spectrum"]["top20_energy_share"]))


@figure(
    "budgets_over_time",
    "Budgets over time (the paper's Figures 7 and 8): similarity, uniqueness, richness, weight, and context tokens a "
    "frame by content against by length.",
    "tour at 15 %",
)
def tour_budgets() -> Drawn:
    """The budget chart of the tour."""
    clip, _, out = tour()
    return Drawn(plots.budget_chart(clip.frames, clip.timestamps, out, title="tour at 15 %", true_cuts=true_cuts(clip)))


def _sheet(draw: Callable[..., PrintFigure]) -> Drawn:
    clip, encoding, out = tour()
    cuts = true_cuts(clip)
    return Drawn(
        draw(clip.frames, clip.timestamps, out, encoding.grid, title="tour: InfoMerge at 15 %", true_cuts=cuts)
    )


@figure(
    "contact_sheet",
    "Which tokens are kept: salient ones outlined, context ones outlined and dotted, all others grey.",
    "tour at 15 %",
)
def tour_sheet() -> Drawn:
    """The contact sheet of the tour."""
    return _sheet(plots.contact_sheet)


@figure(
    "retained_tokens",
    "Retained-token heat maps: how many tokens of the clip each kept token stands for.",
    "tour at 15 %",
)
def tour_heat() -> Drawn:
    """The heat sheet of the tour."""
    return _sheet(plots.heat_sheet)


@figure(
    "ownership",
    "What is left of the clip: every patch in the mean colour of its group over the whole clip.",
    "tour at 15 %",
)
def tour_ownership() -> Drawn:
    """The ownership sheet of the tour."""
    return _sheet(plots.ownership_sheet)


@figure(
    "content_against_length",
    "InfoMerge's budgets by content against FastVID's by length, at three retention ratios.",
    "tour at 5, 10, 15 %",
)
def tour_allocations() -> Drawn:
    """How many context tokens move, and where to."""
    clip, encoding = encoded("tour")
    runs = {ratio: compressed(encoding, InfoMergeConfig.paper(ratio)) for ratio in PAPER_RATIOS}
    return Drawn(plots.allocation_comparison(clip.frames, clip.timestamps, runs, title="tour"))


@figure(
    "budget_shift_temperature",
    "Budgets of the segments under temperatures: 0, where every frame weighs the same and budgets follow length, and "
    "those of the paper's Figure 5.",
    "tour at 15 %",
)
def tour_temperatures() -> Drawn:
    """How the temperature pulls budgets apart."""
    clip, encoding = encoded("tour")
    base = InfoMergeConfig.paper(TOUR_RATIO)
    temperatures = [0, *(tau for tau, _ in paper_tables()["fig5_temperature_videomme_r10"])]
    runs = {tau: compressed(encoding, dataclasses.replace(base, temperature=tau)) for tau in temperatures}
    return Drawn(
        plots.budget_shift(clip.frames, clip.timestamps, runs, knob=r"temperature $\tau$", title="tour at 15 %")
    )
