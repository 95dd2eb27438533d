"""Figures of all methods on one clip, and of a clip inside a Video-LLM."""

import tempfile

import numpy as np
import torch

from infomerge import plots
from infomerge.config import InfoMergeConfig
from infomerge.paper.clips import encoded, fullest_frames
from infomerge.paper.labels import FIFTEEN
from infomerge.paper.recipes import Drawn, figure

RATIO = 0.15
COLUMNS = 6
"""As many frames as stand side by side in two columns of a paper and can still be read."""


@figure(
    "methods_side_by_side",
    f"What each of fifteen methods keeps of one clip at the same budget, and of which frames. Shown is, of each of the "
    f"{COLUMNS} longest scenes, the frame of which InfoMerge keeps most. One clip: it shows how they differ, not which "
    "is better.",
    "tour at 15 %",
)
def tour_by_every_method() -> Drawn:
    """A row for each of the methods that notebook 09 compares."""
    clip = encoded("tour")
    runs = {name: clip.compress(name, retention_ratio=RATIO) for name in FIFTEEN}
    kept = np.bincount(runs["infomerge"].frame.numpy(), minlength=len(clip.tokens))
    shown = fullest_frames(clip.true_cuts, kept, COLUMNS)
    return Drawn(plots.methods_side_by_side(clip, runs, shown, title="tour at 15 %"))


@figure(
    "shorter_prompt",
    "The prompt of a Video-LLM before and after compression: the places that go, to scale, and the positions that "
    "kept tokens and words keep.",
    "tour at 15 %, in LLaVA-OneVision's class and prompt, with a small tower of random weights",
)
def tour_in_a_prompt() -> Drawn:
    """What `infomerge.models.compressing` does to a prompt."""
    # The only figure that needs transformers.
    from infomerge.models import compressing, load, save_tiny_random_model

    clip = encoded("tour")
    assert clip.frames is not None
    with tempfile.TemporaryDirectory() as folder:
        model, processor = load(str(save_tiny_random_model(folder)))
    prompt = processor(clip.frames, clip.times, "What happens in this clip?", clip.duration)
    with torch.no_grad(), compressing(model, InfoMergeConfig.paper(RATIO)) as run:
        model(**prompt.inputs)
    assert run.call is not None
    return Drawn(plots.prompt_diagram(*run.call.prompt()))
