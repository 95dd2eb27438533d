"""How redundant a clip's tokens are: their energy spectrum (Figure 4)."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from infomerge.plots.style import (
    BLUE,
    GRAY,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    SMALL,
    VERMILLION,
    Width,
    single_axes,
    styled,
)
from infomerge.plots.texts import letters_of

LINES = (
    (BLUE, "-"),
    (ORANGE, "--"),
    (GREEN, "-."),
    (PURPLE, ":"),
    (VERMILLION, (0, (5, 1, 1, 1))),
    (SKY, (0, (3, 1))),
    (INK, (0, (1, 1))),
    (GRAY, "-"),
)
"""Colour and dash of each clip: two ways to tell one from another."""


@styled
def energy_spectrum(
    spectra: Mapping[str, Float[np.ndarray, "..."]],
    *,
    top: int = 20,
    paper_share: float | None = None,
    title: str = "",
    width: Width = "single",
    ax: Axes | None = None,
) -> Figure:
    """Share of the tokens' energy that the first singular directions hold, one line a clip, marked at the 20th.

    Args:
        spectra: clip's name -> energy share of each singular direction, largest first (eq. 6).
        top: directions whose share is read off.
        paper_share: the share that the paper prints for them, drawn beside ours.
        title: above the axes.
        width: of the figure: "single", "double", or inches.
        ax: axes of one's own.

    Raises:
        ValueError: there are more clips than lines that can be told apart.
    """
    if len(spectra) > len(LINES):
        raise ValueError(f"spectra: got {len(spectra)}; expected up to {len(LINES)}")
    figure, axes = single_axes(width, 2.4, ax)
    most = max(len(spectrum) for spectrum in spectra.values())
    for (name, spectrum), (color, dash) in zip(spectra.items(), LINES, strict=False):
        share = np.cumsum(spectrum)
        held = share[min(top, len(share)) - 1]
        label = f"{_short(name)}: {held:.1%}"
        axes.plot(np.arange(1, len(share) + 1), share, color=color, linestyle=dash, label=label)
        axes.plot(min(top, len(share)), held, marker="o", markersize=3.5, color=color)
    if paper_share is not None:
        # Hollow, and wider than the clips' marks: it lies on one of them.
        look = {"marker": "D", "markersize": 6.5, "color": INK, "markerfacecolor": "none", "linestyle": ""}
        axes.plot(top, paper_share, label=f"paper: {paper_share:.1%}", **look)
    axes.axvline(top, color=GRAY, linewidth=0.6, linestyle="--", zorder=0)
    axes.set(
        xscale="log", ylim=(0, 1.03), xlabel="singular directions, largest first", ylabel="share of the energy held"
    )
    ticks = sorted({tick for tick in (1, 5, top, 100) if tick < 0.6 * most} | {most, min(top, most)})
    axes.set_xticks(ticks, labels=[str(tick) for tick in ticks], minor=False)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    heading = f"held by the first {top}"
    legend = axes.legend(title=heading, title_fontsize=SMALL, fontsize=SMALL, loc="lower right", alignment="left")
    for text in legend.get_texts():
        text.set_parse_math(False)
    if title:
        axes.set_title(letters_of(title), parse_math=False)
    return figure


def _short(name: str) -> str:
    """A clip's name for a legend: its beginning and its end, where it is long."""
    name = letters_of(name)
    return name if len(name) <= 24 else f"{name[:14]}\u2026{name[-9:]}"
