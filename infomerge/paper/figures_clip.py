"""Figures of one clip: the method, its inputs, what is kept, and where the budget goes."""

import dataclasses
from collections.abc import Callable

import numpy as np

from infomerge import plots
from infomerge.budget import energy_spectrum
from infomerge.compression import Compression
from infomerge.config import InfoMergeConfig
from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import EfficientNetEncoder
from infomerge.paper.clips import encoded
from infomerge.paper.labels import PAPER_RATIOS
from infomerge.paper.recipes import Drawn, figure
from infomerge.paper.tables import paper_tables
from infomerge.plots.style import PrintFigure
from infomerge.redundancy import adjacent_difference, fingerprints, temporal_fingerprint_difference
from infomerge.video import sample_names

TOUR_RATIO = 0.15
NOISE_LEVELS = 40
"""Standard deviation of the noise in grey levels, so strong that the eye sees it at the size of a patch."""


def tour() -> tuple[EncodedClip, Compression]:
    """The clip of most figures, compressed to 15 %."""
    clip = encoded("tour")
    return clip, clip.compress(retention_ratio=TOUR_RATIO)


@figure(
    "method_overview",
    "The method on one clip: from segments to the sequence that the language model reads. The panels in the middle "
    "show the segment of the smallest fingerprint difference.",
    "tour at 15 %",
)
def tour_overview() -> Drawn:
    """The five steps, on the segment of the tour that changes least: the cartoon and its freeze."""
    clip, out = tour()
    # Segments of one frame have no fingerprints, and NaN for their difference.
    stillest = int(np.nanargmin(out.trace.tfd.mean(dim=1).numpy()))
    return Drawn(plots.method_overview(clip, out, stillest))


@figure(
    "fingerprint_matrices",
    "Fingerprint matrices (eq. 1) of three positions: the one of the smallest fingerprint difference (TFD), the one of "
    "the largest, and a still one under sensor noise.",
    f"bigbuckbunny, first 8 of 32 sampled frames; sensor noise of {NOISE_LEVELS} grey levels on one static patch",
)
def bunny_fingerprints() -> Drawn:
    """Three positions of the cartoon: a static one, a moving one, and a static one under sensor noise."""
    clip = encoded("bigbuckbunny")
    rows, columns = clip.grid
    assert clip.frames is not None
    frames = clip.frames[:8].copy()
    order = temporal_fingerprint_difference(clip.tokens[:8].double()).argsort().tolist()
    # The last of the stillest eighth: as still as the eye can see, and not at the stillest one's side.
    static, noisy, moving = order[0], order[len(order) // 8], order[-1]
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
            clip.grid,
        )
    )


@figure(
    "spectrum",
    "Share of the tokens' energy that the first singular directions hold (the paper's Figure 4), for four clips and "
    "EfficientNet-Lite0; the paper's number is of another encoder and other clips.",
    "all samples, 32 frames each",
)
def sample_spectra() -> Drawn:
    """How redundant each sample's tokens are."""
    spectra = {name: energy_spectrum(encoded(name).tokens.flatten(0, 1)).numpy() for name in sample_names()}
    return Drawn(plots.energy_spectrum(spectra, paper_share=paper_tables()["fig4_spectrum"]["top20_energy_share"]))


@figure(
    "budgets_over_time",
    "Budgets over time (the paper's Figures 7 and 8): similarity, uniqueness, richness, weight, and context tokens per "
    "frame by content against by length.",
    "tour at 15 %",
)
def tour_budgets() -> Drawn:
    """The budget chart of the tour."""
    clip, out = tour()
    return Drawn(plots.budget_chart(clip, out, title="tour at 15 %"))


def _sheet(draw: Callable[..., PrintFigure]) -> Drawn:
    clip, out = tour()
    return Drawn(draw(clip, out, title="tour: InfoMerge at 15 %"))


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
    clip = encoded("tour")
    runs = {ratio: clip.compress(retention_ratio=ratio) for ratio in PAPER_RATIOS}
    return Drawn(plots.allocation_comparison(clip, runs, title="tour"))


@figure(
    "budget_shift_temperature",
    "Budgets of the segments under temperatures: 0, where every frame weighs the same and budgets follow length, and "
    "those of the paper's Figure 5.",
    "tour at 15 %",
)
def tour_temperatures() -> Drawn:
    """How the temperature pulls budgets apart."""
    clip = encoded("tour")
    base = InfoMergeConfig.paper(TOUR_RATIO)
    temperatures = [0, *(tau for tau, _ in paper_tables()["fig5_temperature_videomme_r10"])]
    runs = {tau: clip.compress(dataclasses.replace(base, temperature=tau)) for tau in temperatures}
    return Drawn(plots.budget_shift(clip, runs, knob=r"temperature $\tau$", title="tour at 15 %"))
