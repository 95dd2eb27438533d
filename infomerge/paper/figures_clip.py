"""Figures of one clip: the method, its inputs, what is kept, and where the budget goes.

Each is drawn from a sample for the gallery, and from a reader's own clip where there is one (`recipes.Request`).
"""

import dataclasses
from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from torch import Tensor

from infomerge import plots
from infomerge.budget import energy_spectrum
from infomerge.compression import Compression, InfoMergeTrace, infomerge_trace
from infomerge.config import InfoMergeConfig
from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import EfficientNetEncoder, Encoder
from infomerge.paper.clips import encoded
from infomerge.paper.labels import PAPER_RATIOS
from infomerge.paper.recipes import Drawn, NotInClipError, Request, figure
from infomerge.paper.tables import paper_tables
from infomerge.redundancy import adjacent_difference, fingerprints, temporal_fingerprint_difference
from infomerge.video import sample_names

NOISE_LEVELS = 40
"""Standard deviation of the noise in grey levels, so strong that the eye sees it at the size of a patch."""
MOST_FRAMES = 8
"""Frames of the fingerprint matrices at most."""


def compressed(request: Request, sample: str = "tour") -> tuple[EncodedClip, Compression]:
    """The clip that is asked for, compressed to the ratio that is asked for."""
    clip = request.clip(sample)
    return clip, clip.compress(retention_ratio=request.ratio)


@figure(
    "method_overview",
    "The method on one clip: from segments to the sequence that the language model reads. The panels in the middle "
    "show the segment of the smallest fingerprint difference.",
    "tour at 15 %",
    "clip",
)
def clip_overview(request: Request) -> Drawn:
    """The five steps, on the segment that changes least; of the tour, the cartoon and its freeze."""
    clip, out = compressed(request)
    # Segments of one frame have no fingerprints, and NaN for their difference.
    still = out.trace.tfd.mean(dim=1).nan_to_num(nan=torch.inf)
    return Drawn(plots.method_overview(clip, out, int(still.argmin()), **request.look(panels=True)))


@figure(
    "fingerprint_matrices",
    "Fingerprint matrices (eq. 1) of three positions over the frames of one segment: the one of the smallest "
    "fingerprint difference (TFD), one that is nearly as still, and the one of the largest. In the project's own "
    "picture, and wherever the encoder is there to encode it again, the second has sensor noise of "
    f"{NOISE_LEVELS} grey levels on it. Below each: its differences of second (TFD) and of first order (adjacent).",
    f"bigbuckbunny, first 8 of 32 sampled frames; sensor noise of {NOISE_LEVELS} grey levels on one static patch",
    "clip",
)
def clip_fingerprints(request: Request) -> Drawn:
    """Three positions: a static one, a static one under sensor noise, and a moving one."""
    clip = request.clip("bigbuckbunny")
    if clip.frames is None:
        raise NotInClipError(f"fingerprint_matrices: got {clip.name} without frames; expected a clip with pictures")
    start, end = (0, MOST_FRAMES) if not request.clips else _longest(infomerge_trace(clip.compress(), "figures"))
    frames, tokens = clip.frames[start:end].copy(), clip.tokens[start:end].double()
    order = temporal_fingerprint_difference(tokens).argsort().tolist()
    # The last of the stillest eighth: as still as the eye can see, and not at the stillest one's side.
    static, second, moving = order[0], order[len(order) // 8], order[-1]
    encoder = request.encoder if request.clips else EfficientNetEncoder()
    if encoder is not None:
        tokens = _with_noise(frames, second, clip.grid, encoder)
    shown = [static, second, moving]
    return Drawn(
        plots.fingerprint_matrices(
            frames,
            shown,
            ["static", "nearly static" if encoder is None else "noisy", "moving"],
            fingerprints(tokens)[shown].numpy(),
            temporal_fingerprint_difference(tokens)[shown].numpy(),
            adjacent_difference(tokens)[shown].numpy(),
            clip.grid,
            **request.look(),
        )
    )


def _longest(trace: InfoMergeTrace) -> tuple[int, int]:
    """The first frames of the longest segment."""
    start, end = max(trace.bounds, key=lambda bounds: bounds[1] - bounds[0])
    if end - start < 2:
        raise NotInClipError("fingerprint_matrices: got segments of one frame alone; expected a clip with longer ones")
    return start, min(end, start + MOST_FRAMES)


def _with_noise(
    frames: UInt8[np.ndarray, "frames height width 3"], position: int, grid: tuple[int, int], encoder: Encoder
) -> Float[Tensor, "frames positions channels"]:
    """The tokens of frames with noise on one patch, which is drawn into them."""
    rows, columns = grid
    height, width = frames.shape[1:3]
    row, column = divmod(position, columns)
    patch = np.s_[
        :,
        row * height // rows : (row + 1) * height // rows,
        column * width // columns : (column + 1) * width // columns,
    ]
    noise = np.random.default_rng(0).normal(0, NOISE_LEVELS, frames[patch].shape)
    frames[patch] = (frames[patch] + noise).round().clip(0, 255).astype(np.uint8)
    return encoder(frames).tokens.double()


@figure(
    "spectrum",
    "Share of the tokens' energy that the first singular directions hold (the paper's Figure 4); the paper's number is "
    "of another encoder and other clips.",
    "all samples, 32 frames each, EfficientNet-Lite0",
    "clips",
)
def clip_spectra(request: Request) -> Drawn:
    """How redundant each clip's tokens are."""
    clips = list(request.clips) or [encoded(name) for name in sample_names()]
    spectra = {clip.name: energy_spectrum(clip.tokens.flatten(0, 1)).numpy() for clip in clips}
    paper = paper_tables()["fig4_spectrum"]["top20_energy_share"]
    return Drawn(plots.energy_spectrum(spectra, paper_share=paper, **request.look()))


@figure(
    "budgets_over_time",
    "Budgets over time (the paper's Figures 7 and 8): similarity, uniqueness, richness, weight, and context tokens per "
    "frame by content against by length.",
    "tour at 15 %",
    "clip",
)
def clip_budgets(request: Request) -> Drawn:
    """The budget chart."""
    clip, out = compressed(request)
    return Drawn(plots.budget_chart(clip, out, **request.look(f"{clip.name} at {request.percent}", panels=True)))


def _sheet(draw: Callable[..., Figure], request: Request) -> Drawn:
    clip, out = compressed(request)
    return Drawn(draw(clip, out, **request.look(f"{clip.name}: InfoMerge at {request.percent}")))


@figure(
    "contact_sheet",
    "Which tokens are kept: salient ones outlined, context ones outlined and dotted, all others, which are merged into "
    "them, grey.",
    "tour at 15 %",
    "clip",
)
def clip_sheet(request: Request) -> Drawn:
    """The contact sheet."""
    return _sheet(plots.contact_sheet, request)


@figure(
    "retained_tokens",
    "Retained-token heat maps: the darker a kept token, the more tokens of the clip it stands for.",
    "tour at 15 %",
    "clip",
)
def clip_heat(request: Request) -> Drawn:
    """The heat sheet."""
    return _sheet(plots.heat_sheet, request)


@figure(
    "ownership",
    "What is left of the clip: every patch in the mean colour of its group over the whole clip; a dot on each kept "
    "token.",
    "tour at 15 %",
    "clip",
)
def clip_ownership(request: Request) -> Drawn:
    """The ownership sheet."""
    return _sheet(plots.ownership_sheet, request)


@figure(
    "content_against_length",
    "InfoMerge's budgets by content against FastVID's by length, at three retention ratios on one scale.",
    "tour at 5, 10, 15 %",
    "clip",
)
def clip_allocations(request: Request) -> Drawn:
    """How many context tokens move, and where to."""
    clip = request.clip()
    runs = {ratio: clip.compress(retention_ratio=ratio) for ratio in PAPER_RATIOS}
    return Drawn(plots.allocation_comparison(clip, runs, **request.look(clip.name, panels=True)))


@figure(
    "budget_shift_temperature",
    "Budgets of the segments under temperatures: 0, where every frame weighs the same and budgets follow length, and "
    "those of the paper's Figure 5.",
    "tour at 15 %",
    "clip",
)
def clip_temperatures(request: Request) -> Drawn:
    """How the temperature pulls budgets apart."""
    clip = request.clip()
    base = InfoMergeConfig.paper(request.ratio)
    temperatures = [0, *(tau for tau, _ in paper_tables()["fig5_temperature_videomme_r10"])]
    runs = {tau: clip.compress(dataclasses.replace(base, temperature=tau)) for tau in temperatures}
    look = request.look(f"{clip.name} at {request.percent}", panels=True)
    return Drawn(plots.budget_shift(clip, runs, knob=r"temperature $\tau$", **look))
