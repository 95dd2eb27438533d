"""How redundant a clip's tokens are: their energy spectrum (Figure 4)."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from infomerge.plots.style import BLUE, GRAY, GREEN, INK, ORANGE, PURPLE, SINGLE_COLUMN, VERMILLION, PrintFigure, styled

LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (PURPLE, ":"), (VERMILLION, (0, (5, 1, 1, 1))))
"""Colour and dash of each clip: two ways to tell one from another."""


@styled
def energy_spectrum(
    spectra: Mapping[str, Float[np.ndarray, "..."]], *, top: int = 20, paper_share: float | None = None
) -> PrintFigure:
    """Share of the energy that the first directions hold, one line a clip, marked at the `top`-th.

    Args:
        spectra: clip's name -> energy share of each singular direction, largest first (eq. 6).
        top: directions whose share is read off.
        paper_share: the share that the paper prints for them, drawn beside ours.

    Raises:
        ValueError: there are more clips than lines that can be told apart.
    """
    if len(spectra) > len(LINES):
        raise ValueError(f"spectra: got {len(spectra)}; expected up to {len(LINES)}")
    figure = PrintFigure(figsize=(SINGLE_COLUMN, 2.4), layout="constrained")
    axes = figure.subplots()
    for (name, spectrum), (color, dash) in zip(spectra.items(), LINES, strict=False):
        share = np.cumsum(spectrum)
        held = share[min(top, len(share)) - 1]
        axes.plot(np.arange(1, len(share) + 1), share, color=color, linestyle=dash, label=f"{name}: {held:.1%}")
        axes.plot(min(top, len(share)), held, marker="o", markersize=3.5, color=color)
    if paper_share is not None:
        axes.plot(
            top, paper_share, marker="D", markersize=4.5, color=INK, linestyle="", label=f"paper: {paper_share:.1%}"
        )
    axes.axvline(top, color=GRAY, linewidth=0.6, linestyle="--", zorder=0)
    axes.set(
        xscale="log", ylim=(0, 1.03), xlabel="singular directions, largest first", ylabel="share of the energy held"
    )
    axes.set_xticks([1, 5, top, 100, 320], labels=["1", "5", str(top), "100", "320"], minor=False)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.legend(title=f"held by the first {top}", title_fontsize=7, loc="lower right", alignment="left")
    return figure
