"""Figures of all methods on one clip, and of a clip inside a Video-LLM."""

import tempfile
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from infomerge import plots
from infomerge.compression import Compression
from infomerge.config import InfoMergeConfig
from infomerge.measure.comparing import shared
from infomerge.methods import methods_for
from infomerge.paper.clips import fullest_frames
from infomerge.paper.recipes import Drawn, NotInClipError, Request, figure
from infomerge.plots.style import page_width

ROWS = 8
"""As many methods as can be read on a page."""
ALIKE = 0.85
"""Methods that share this much of what they keep, of what either keeps, look the same on paper."""


def most_different(
    runs: Mapping[str, Compression], most: int = ROWS, first: Sequence[str] = ("infomerge", "fastvid")
) -> dict[str, list[str]]:
    """Methods that keep different tokens, each with those that are left out because they keep nearly the same.

    Begins with those that the paper compares; then always the method that shares least with the nearest of those that
    were taken, until there are enough or all others are alike to one of them.

    Args:
        runs: the method's name -> its compression of the same tokens.
        most: how many to take.
        first: those that are always taken.
    """
    taken: dict[str, list[str]] = {name: [] for name in first}
    nearest = {
        name: max((shared(runs[known], out), known) for known in first)
        for name, out in runs.items()
        if name not in taken
    }
    while nearest and len(taken) < most:
        name = min(nearest, key=lambda name: nearest[name][0])
        if nearest[name][0] >= ALIKE:
            break
        del nearest[name]
        taken[name] = []
        for other, (share, owner) in nearest.items():
            nearest[other] = max((share, owner), (shared(runs[name], runs[other]), name), key=lambda pair: pair[0])
    for name, (share, owner) in nearest.items():
        if share >= ALIKE:
            taken[owner].append(name)
    # In the registry's order, InfoMerge's relatives side by side.
    return {name: taken[name] for name in runs if name in taken}


@figure(
    "methods_side_by_side",
    f"What methods keep of one clip at the same budget, and of which frames: up to {ROWS} of all methods, chosen so "
    "that what they keep differs most. Shown is, of each of the longest scenes, the frame of which InfoMerge keeps "
    "most. One clip: it shows how they differ, not which is better.",
    "tour at 15 %",
    "clip",
)
def clip_by_every_method(request: Request) -> Drawn:
    """A row for each of the methods of `infomerge.methods` that differ most, or for those that are asked for."""
    clip = request.clip()
    known = list(methods_for())
    names = known if request.panels is None else [name for name in known if name in request.panels]
    every = {name: clip.compress(name, retention_ratio=request.ratio) for name in names or known}
    chosen = most_different(every) if request.panels is None else {name: [] for name in request.panels}
    kept = np.bincount(next(iter(every.values())).frame.numpy(), minlength=len(clip.tokens))
    scenes = list(clip.true_cuts) or _found_cuts(next(iter(every.values())))
    columns = 5 if page_width(request.width or "double") >= 5 else 3
    shown = fullest_frames(scenes, kept, columns)
    look = request.look(f"{clip.name} at {request.percent}", panels=True)
    findings = "" if request.panels is not None else _left_out(chosen, every)
    return Drawn(plots.methods_side_by_side(clip, every, shown, **look | {"panels": list(chosen)}), findings)


def _found_cuts(out: Compression) -> list[int]:
    return [end - 1 for _, end in out.trace.bounds[:-1]]


def _left_out(chosen: Mapping[str, Sequence[str]], every: Mapping[str, Compression]) -> str:
    """Which methods are not drawn, and beside which they would look the same."""
    alike = [f"{', '.join(names)} (as {name})" for name, names in chosen.items() if names]
    named = {name for names in chosen.values() for name in names} | set(chosen)
    others = [name for name in every if name not in named]
    sentences = []
    if alike:
        sentences.append(f"Left out, since at least {ALIKE:.0%} of what they keep is the same: {'; '.join(alike)}.")
    if others:
        sentences.append(f"Left out for want of room: {', '.join(others)}.")
    return " ".join(sentences)


@figure(
    "shorter_prompt",
    "The prompt of a Video-LLM before and after compression: the places that go, to scale, and the positions that "
    "kept tokens and words keep, on one scale.",
    "tour at 15 %, in LLaVA-OneVision's class and prompt, with a small tower of random weights",
    "clip",
)
def clip_in_a_prompt(request: Request) -> Drawn:
    """What `infomerge.models.compressing` does to a prompt."""
    # The only figure that needs transformers.
    from infomerge.models import compressing, load, save_tiny_random_model

    clip = request.clip()
    if clip.frames is None:
        raise NotInClipError(f"shorter_prompt: got {clip.name} without frames; expected a clip with pictures")
    with tempfile.TemporaryDirectory() as folder:
        model, processor = load(str(save_tiny_random_model(folder)))
    prompt = processor(clip.frames, clip.times, "What happens in this clip?", clip.duration)
    with torch.no_grad(), compressing(model, InfoMergeConfig.paper(request.ratio)) as run:
        model(**prompt.inputs)
    assert run.call is not None
    return Drawn(plots.prompt_diagram(*run.call.prompt(), **request.look()))
