"""`compress` in kernels: what they cover, the run, and a result that is read without haste."""

from typing import Any

import torch
from torch import Tensor

from infomerge import budget as budgets
from infomerge.compression import Compression, InfoMergeTrace
from infomerge.config import InfoMergeConfig
from infomerge.fast.kernels.graph import Graphs
from infomerge.fast.kernels.layout import Layout, carve, layout, shaped, views
from infomerge.fast.kernels.run import launch
from infomerge.fast.unread import Unread
from infomerge.inputs import check_inputs, check_shapes
from infomerge.merging import MergePlan
from infomerge.numerics import positions_of

MOST_FRAMES, MOST_POSITIONS = 128, 1024
"""What one program can hold at once."""

COVERED = {
    "segmentation": ("fixed",),
    "rounding": ("exact",),
    "merge_scope": ("segment",),
    "static_prior": ("tfd", "none"),
    "salient_split": ("floor",),
    "anchors": ("density",),
}
"""Values of options that the kernels know, for those of which they do not know all."""

DTYPES = (torch.bfloat16, torch.float16, torch.float32)


def not_covered(tokens: Tensor, config: InfoMergeConfig) -> str | None:
    """Why the kernels cannot do this run; None where they can."""
    frames, positions, channels = tokens.shape
    if tokens.dtype not in DTYPES:
        return f"tokens in {tokens.dtype}"
    if not (2 <= frames <= MOST_FRAMES and 16 <= positions <= MOST_POSITIONS and channels >= 16):
        return f"a clip of {frames} x {positions} x {channels}"
    if config.retention_ratio == 1:
        return "retention_ratio=1"
    for option, covered in COVERED.items():
        if getattr(config, option) not in covered:
            return f"{option}={getattr(config, option)!r}"
    sizes = layout((frames, positions, channels), config)
    if sizes.context < frames:
        return f"{sizes.context} context tokens for {frames} frames"
    return None


def compress(
    tokens: Tensor, saliency: Tensor | None, frame_features: Tensor | None, config: InfoMergeConfig, graphs: bool
) -> Compression:
    """A compression that the host has not waited for. Bad values in the tensors are told when its trace is read."""
    check_shapes(tokens, saliency, frame_features)
    tokens = tokens.detach().contiguous()
    sizes = layout(tuple(tokens.shape), config)
    saliency = None if saliency is None else saliency.detach().contiguous()
    frame_features = None if frame_features is None else frame_features.detach().contiguous()
    given = (tokens, saliency, frame_features, config, sizes)
    if graphs:
        kept, blocks = GRAPHS.replay(*given)
    else:
        kept, blocks = run(*given)
    out = shaped(sizes.results(), views(sizes.results(), blocks))
    replaced = out["replaced"].view(torch.bool)
    plan = MergePlan(
        index=out["index"],
        is_context=out["is_context"].view(torch.bool),
        assignment=out["assignment"],
        positions=sizes.positions,
        source=out["source"],
        target=out["target"],
        merge_weight=config.merge_weight,
        replaced=replaced,
        segments=out["bounds"],
    )
    trace = UnreadTrace(tokens, "GPU kernels", lambda: _read(*given, out))
    return Compression(kept, plan, sizes.requested, trace, config)


def run(
    tokens: Tensor, saliency: Tensor | None, frame_features: Tensor | None, config: InfoMergeConfig, sizes: Layout
) -> tuple[Tensor, dict[torch.dtype, Tensor]]:
    """The kept tokens, and the blocks of memory that hold the other results."""
    blocks = carve(sizes.results(), tokens.device)
    blocks[torch.int64].zero_()  # indices that bad input leaves unwritten shall be indices all the same
    scratch = views(sizes.scratch(), carve(sizes.scratch(), tokens.device))
    return launch(tokens, saliency, frame_features, config, sizes, views(sizes.results(), blocks), scratch), blocks


GRAPHS = Graphs(run)


class UnreadTrace(Unread, InfoMergeTrace):
    """A trace of InfoMerge whose fields are taken off the GPU when the first of them is read.

    How many segments there are is known to the GPU alone until then, so that reading waits for it.
    """


def _read(
    tokens: Tensor,
    saliency: Tensor | None,
    frame_features: Tensor | None,
    config: InfoMergeConfig,
    sizes: Layout,
    out: dict[str, Tensor],
) -> dict[str, Any]:
    """The fields of an `InfoMergeTrace`, from the slots of a run."""
    if not (out["energies"].isfinite().all() and out["saliency"].isfinite().all()):
        check_inputs(tokens, saliency, frame_features)
    segments = out["bounds"][out["bounds"][:, 0] < out["bounds"][:, 1]]
    used = len(segments)
    anchor_frames = out["is_anchor_frame"].nonzero().squeeze(1)
    salient = out["salient"].view(torch.bool)
    lengths = segments[:, 1] - segments[:, 0]
    scores = out["scores"].double().masked_fill(salient, torch.nan)
    tfd = out["tfd"][:used].double()
    return {
        "segments": segments,
        "saliency": out["saliency"].double(),
        "transition": out["transition"],
        "static": out["static"][:used].view(torch.bool),
        "weight": out["weight"][:used],
        "budget": out["budget"][:used].long(),
        "length_budget": budgets.allocate(lengths.double(), sizes.context, lengths * sizes.free, "exact"),
        "penalized_saliency": out["penalized"].double(),
        "salient": positions_of(salient, sizes.salient_per_frame),
        "replaced": out["replaced"].view(torch.bool),
        "anchor_frames": anchor_frames,
        "anchor_quota": out["quota"][anchor_frames].long(),
        "density_scores": scores[anchor_frames],
        "measured": {
            "tfd": tfd.masked_fill(lengths[:, None] == 1, torch.nan),
            "uniqueness": out["uniqueness"][:used],
            **({"richness": out["richness"][:used]} if config.allocation == "caba" else {}),
        },
    }
