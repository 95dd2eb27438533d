"""InfoMerge from end to end: `compress`, what it returns, and everything it saw on the way."""

from dataclasses import InitVar, dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge import budget as budgets
from infomerge import merging, redundancy, segmentation, selection
from infomerge.config import InfoMergeConfig
from infomerge.numerics import positions_of


@dataclass(frozen=True, eq=False)
class Trace:
    """Every intermediate of one run, on the tokens' device, in float64.

    `tfd`, `uniqueness` and `richness` are there under every configuration: where it did not need them they are computed
    when first read, from the caller's own tokens (which the trace refers to and does not copy).
    """

    tokens: Float[Tensor, "frames positions channels"]
    """The tokens that were compressed, as they were given."""
    segments: Int[Tensor, "segments 2"]
    """First frame and frame after the last (section 3.1)."""
    transition: Float[Tensor, "frames-1"]
    """t_l, similarity of each frame with the next (eq. 22)."""
    static: Bool[Tensor, "segments positions"]
    """S_k, the static candidates (section 3.2)."""
    weight: Float[Tensor, "segments"]
    """w_k (eq. 8), or |V_k| where the allocation is by length."""
    budget: Int[Tensor, "segments"]
    """B_k, context tokens of each segment (eq. 9)."""
    length_budget: Int[Tensor, "segments"]
    """What B_k would be by the segments' lengths alone: FastVID's allocation, to compare with."""
    saliency: Float[Tensor, "frames positions"]
    """A_l[p] as given, or the distance from the frame's mean."""
    penalised_saliency: Float[Tensor, "frames positions"]
    """A_l[p] after the penalty (eq. 10)."""
    salient: Int[Tensor, "frames salient"]
    """Positions that ATS keeps in each frame, ascending."""
    replaced: Bool[Tensor, "frames positions"]
    """Tokens that hold their position's segment mean (eq. 30)."""
    anchor_frames: Int[Tensor, "anchor_frames"]
    """Frames that give context anchors, ascending."""
    anchor_quota: Int[Tensor, "anchor_frames"]
    """Anchors that each of them gives."""
    density_scores: Float[Tensor, "anchor_frames positions"]
    """Logarithm of rho_i delta_i in each anchor frame (eq. 33); NaN where ATS took the token."""
    known: InitVar[dict[str, Tensor]]
    """Those of the properties below that the run computed anyway."""

    def __post_init__(self, known: dict[str, Tensor]) -> None:
        vars(self).update(known)

    @cached_property
    def tfd(self) -> Float[Tensor, "segments positions"]:
        """TFD_k(p) (eq. 2); NaN in segments of one frame."""
        return redundancy.static_scores(self.tokens.double(), self.segments, "tfd")

    @cached_property
    def adjacent(self) -> Float[Tensor, "segments positions"]:
        """DyCoke's adjacent-frame difference, the first-order prior; NaN in segments of one frame."""
        return redundancy.static_scores(self.tokens.double(), self.segments, "adjacent")

    @cached_property
    def uniqueness(self) -> Float[Tensor, "segments"]:
        """u_k (eq. 5)."""
        return budgets.uniqueness(self.tokens.double(), self.segments)

    @cached_property
    def richness(self) -> Float[Tensor, "segments"]:
        """e_k (eq. 7)."""
        return budgets.richness(self.tokens.double(), self.segments)

    @cached_property
    def segment_of_frame(self) -> Int[Tensor, "frames"]:
        """The number of the segment that each frame lies in."""
        return segmentation.segment_of_frame(self.segments)


@dataclass(frozen=True, eq=False)
class Compression:
    """The kept tokens of a clip, where each came from, and which tokens it stands for."""

    tokens: Float[Tensor, "kept channels"]
    """Kept tokens in temporal order, in the dtype that the clip's tokens had."""
    index: Int[Tensor, "kept"]
    """Flat index frame * positions + position of each, ascending, without repeats."""
    is_context: Bool[Tensor, "kept"]
    """True for context tokens (merged), False for salient ones."""
    assignment: Int[Tensor, "tokens"]
    """For every token of the clip, which kept token (0..kept-1) stands for it; a kept token's own number."""
    requested: int
    """Tokens that the retention ratio asks for."""
    positions: int
    """Tokens a frame before compression."""
    config: InfoMergeConfig
    trace: Trace
    method: str = "infomerge"
    """The name of what made it, as in `infomerge.methods`."""

    @property
    def kept(self) -> int:
        """Number of kept tokens."""
        return len(self.index)

    @property
    def frame(self) -> Int[Tensor, "kept"]:
        """The frame of each kept token."""
        return self.index // self.positions

    @property
    def position(self) -> Int[Tensor, "kept"]:
        """The position of each kept token within its frame, row-major."""
        return self.index % self.positions

    def members(self, token: int) -> Int[Tensor, "members"]:
        """Flat indices of all tokens that kept token number `token` stands for, itself included."""
        return (self.assignment == token).nonzero().squeeze(1)

    def carry(self, features: Float[Tensor, "frames positions features"]) -> Float[Tensor, "kept features"]:
        """Other features of the same tokens, merged as the tokens were: DeepStack's, or patches of the frames.

        Static positions take their segment mean (eq. 29), context tokens are merged (eq. 34). With merge_scope
        "anchor_frame", where a token is merged into several anchors, each one goes to its owner alone. Tokens of a
        segment that keeps none go into no other token, though one of another segment stands for them. Computed in
        float64; a token's own features come back as `tokens`.
        """
        flat = selection.replace_static(features.double(), self.trace.replaced, self.trace.segments).flatten(0, 1)
        segment = self.trace.segment_of_frame.repeat_interleave(self.positions)
        free = segment == segment[self.index][self.assignment]
        free[self.index] = False
        owner = self.assignment[free]
        counts = torch.bincount(owner, minlength=self.kept)
        # Summed in the order of the tokens: a scattered sum would depend on the order of a GPU's threads.
        ordered = flat[free][torch.argsort(owner, stable=True)]
        means = torch.segment_reduce(ordered, "sum", lengths=counts, axis=0) / counts.clamp(min=1)[:, None]
        weight = (1 / (counts + 1).double()).clamp(min=self.config.merge_weight)[:, None]
        own = flat[self.index]
        merges = (self.is_context & (counts > 0))[:, None]
        return torch.where(merges, weight * own + (1 - weight) * means, own).to(features.dtype)


def compress(
    tokens: Float[Tensor, "frames positions channels"],
    config: InfoMergeConfig | None = None,
    *,
    saliency: Float[Tensor, "frames positions"] | None = None,
    frame_features: Float[Tensor, "frames features"] | None = None,
) -> Compression:
    """Keep a share of a clip's visual tokens by InfoMerge.

    Computes in float64, so that near ties do not depend on the machine, and never changes its inputs. The same input
    gives the same output, bit for bit, on the same machine.

    Args:
        tokens: visual tokens of any float dtype, on any device that has float64.
        config: the options; without one, the paper's at a retention ratio of 10 %.
        saliency: how much each token matters, higher is more (A_l of eq. 10): attention of [CLS] or of a pooling head.
            Without it, each token's Euclidean distance from its frame's mean token.
        frame_features: one global feature a frame (g_l of eq. 22). Without it, the mean of the frame's tokens.

    Raises:
        TypeError: an argument is not a float tensor, or the config not an InfoMergeConfig.
        ValueError: an argument has the wrong shape, is empty, holds NaN or infinity, or lies on another device.
    """
    config = InfoMergeConfig() if config is None else config
    if not isinstance(config, InfoMergeConfig):
        raise TypeError(f"config: found {type(config).__name__}; accepted is an InfoMergeConfig")
    check_inputs(tokens, saliency, frame_features)
    with torch.no_grad():
        return _compress(tokens, config, saliency, frame_features)


def _compress(
    tokens: Float[Tensor, "frames positions channels"],
    config: InfoMergeConfig,
    saliency: Float[Tensor, "frames positions"] | None,
    frame_features: Float[Tensor, "frames features"] | None,
) -> Compression:
    frames, positions, _ = tokens.shape
    features = tokens.double()
    saliency = selection.frame_distinctness(features) if saliency is None else saliency
    frame_features = features.mean(dim=1) if frame_features is None else frame_features
    identity = config.retention_ratio == 1
    known: dict[str, Tensor] = {}

    # Section 3.1: segments.
    transition = segmentation.transition_similarity(frame_features.double())
    segments = segmentation.find_segments(transition, config.min_segments, config.segment_threshold)
    lengths = segments[:, 1] - segments[:, 0]

    # Section 3.2: static candidates. At a retention ratio of 1 nothing is penalised or replaced.
    scores = redundancy.static_scores(features, segments, config.static_prior)
    static = redundancy.static_candidates(scores, 0 if identity else config.static_ratio)
    if config.static_prior != "none":
        known[config.static_prior] = scores

    # Section 3.3: budgets.
    split = budgets.split_budget(frames, positions, config)
    free = positions - split.salient_per_frame
    weight = lengths.double()
    if config.allocation == "caba":
        known["uniqueness"] = budgets.uniqueness(features, segments)
        known["richness"] = budgets.richness(features, segments)
        weight = budgets.content_weight(known["uniqueness"], known["richness"], segments, config)
    room = lengths * free
    budget = room if identity else budgets.allocate(weight, split.context, room, config.rounding)
    length_budget = room if identity else budgets.allocate(lengths.double(), split.context, room, config.rounding)

    # Section 3.4: salient tokens, with the penalty.
    chosen = selection.select_salient(
        saliency.double(), static, segments, split.salient_per_frame, config.static_penalty
    )
    features = selection.replace_static(features, chosen.replaced, segments)

    # Section 3.4: context tokens, under the hard mask.
    anchor_frames = merging.find_anchor_frames(segments, budget, config.anchor_interval, free)
    candidates = positions_of(~chosen.salient[anchor_frames.frame], free)
    density = merging.density_scores(features[anchor_frames.frame[:, None], candidates], config.neighbours)
    anchor_chosen = merging.choose_anchors(density, candidates, anchor_frames, static)
    anchors = torch.zeros_like(chosen.salient)
    anchors[anchor_frames.frame] = torch.zeros_like(anchors[anchor_frames.frame]).scatter_(1, candidates, anchor_chosen)
    merged = merging.merge(features, chosen.salient, anchors, segments, config.merge_weight, config.merge_scope)

    # Kept tokens in temporal order.
    kept = (chosen.salient | anchors).flatten()
    index = kept.nonzero().squeeze(1)
    number = kept.cumsum(0) - 1
    density_map = features.new_full((len(candidates), positions), torch.nan).scatter_(1, candidates, density)
    return Compression(
        tokens=merged.tokens.flatten(0, 1)[index].to(tokens.dtype),
        index=index,
        is_context=anchors.flatten()[index],
        assignment=number[merged.owner],
        requested=split.requested,
        positions=positions,
        config=config,
        trace=Trace(
            tokens=tokens.detach(),
            segments=segments,
            transition=transition,
            static=static,
            weight=weight,
            budget=budget,
            length_budget=length_budget,
            saliency=saliency.double(),
            penalised_saliency=chosen.penalised,
            salient=positions_of(chosen.salient, split.salient_per_frame),
            replaced=chosen.replaced,
            anchor_frames=anchor_frames.frame,
            anchor_quota=anchor_frames.quota,
            density_scores=density_map,
            known=known,
        ),
    )


def check_inputs(tokens: Any, saliency: Any = None, frame_features: Any = None) -> None:
    """Raise the one error that tells what is wrong with a clip's tensors, as `compress` documents it."""
    _check_tensor("tokens", tokens, "[frames, positions, channels]", 3)
    frames, positions, channels = tokens.shape
    if frames == 0 or positions == 0 or channels == 0:
        raise ValueError(f"tokens: found an empty clip, shape {list(tokens.shape)}; accepted is at least [1, 1, 1]")
    given = {"tokens": tokens}
    if saliency is not None:
        _check_tensor("saliency", saliency, "[frames, positions]", 2)
        if saliency.shape != (frames, positions):
            raise ValueError(
                f"saliency: found shape {list(saliency.shape)}; accepted is [frames, positions] of the tokens, "
                f"[{frames}, {positions}]"
            )
        given["saliency"] = saliency
    if frame_features is not None:
        _check_tensor("frame_features", frame_features, "[frames, features]", 2)
        if len(frame_features) != frames or frame_features.shape[1] == 0:
            raise ValueError(
                f"frame_features: found shape {list(frame_features.shape)}; accepted is [frames, features] with a row "
                f"for each of the {frames} frames of the tokens"
            )
        given["frame_features"] = frame_features
    for name, value in given.items():
        if value.device != tokens.device:
            raise ValueError(f"{name}: found on {value.device}; accepted is the device of the tokens, {tokens.device}")
        finite = torch.isfinite(value)
        if not finite.all():
            bad = int((~finite).sum())
            raise ValueError(f"{name}: found {bad} values that are NaN or infinite; accepted are finite numbers")


def _check_tensor(name: str, value: Any, shape: str, rank: int) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: found {type(value).__name__}; accepted is a torch.Tensor {shape}")
    if not value.is_floating_point():
        raise TypeError(f"{name}: found dtype {value.dtype}; accepted is a float dtype (float16 to float64, bfloat16)")
    if value.ndim != rank:
        raise ValueError(f"{name}: found {value.ndim} dimensions, shape {list(value.shape)}; accepted is {shape}")
