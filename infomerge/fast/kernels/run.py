"""The pipeline in kernels: the order of `pipeline.run`, with no look at a value on the way."""

from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.config import InfoMergeConfig
from infomerge.fast.kernels import allocation, density, merging, redundancy, richness, segments, selection
from infomerge.fast.kernels.layout import TILE, Layout, carve, views
from infomerge.fast.products import products
from infomerge.fast.squarings import COEFFICIENTS, NEGLIGIBLE, SQUARINGS


def launch(
    tokens: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"] | None,
    frame_features: Float[Tensor, "frames features"] | None,
    config: InfoMergeConfig,
    sizes: Layout,
    out: dict[str, Tensor],
    scratch: dict[str, Tensor],
) -> Float[Tensor, "kept channels"]:
    """Compress a clip: fills `out` and gives the kept tokens."""
    find_segments(tokens, frame_features, config, sizes, out, scratch)
    find_static(tokens, sizes, out, scratch)
    # Richness is most of the work. It goes first, so that the launches of the rest are done meanwhile.
    if config.allocation == "caba":
        take_richness(tokens, sizes, scratch)
    take_uniqueness(sizes, scratch)
    share_out(config, sizes, out, scratch)

    if saliency is None:
        take_distinctness(tokens, sizes, out, scratch)
    else:
        out["saliency"][: sizes.tokens].copy_(saliency.flatten())
    features = select_salient(tokens, config, sizes, out, scratch)
    score_density(features, config, sizes, out, scratch)
    choose_anchors(sizes, out, scratch)
    assign(features, sizes, out, scratch)
    return merge(features, config, sizes, out, scratch)


def find_segments(
    tokens: Tensor,
    frame_features: Tensor | None,
    config: InfoMergeConfig,
    sizes: Layout,
    out: dict[str, Tensor],
    scratch: dict[str, Tensor],
) -> None:
    """Frame means and the segments (section 3.1)."""
    s, width = scratch, sizes.channels
    segments.frame_means[sizes.frames, _blocks(width, 64)](
        tokens, s["frame_means"], sizes.positions, width, BLOCK=64, ROWS=32
    )
    features = s["frame_means"][: sizes.frames * width] if frame_features is None else frame_features.contiguous()
    segments.transitions[(sizes.frames - 1,)](
        features, out["transition"], out["energies"], features.numel() // sizes.frames, BLOCK=1024
    )
    segments.segments[(1,)](
        out["transition"], s["segment_of"], s["start"], s["end"], out["bounds"], s["packing"], s["arrived"],
        sizes.frames, config.min_segments, config.segment_threshold, sizes.positions, width,
        WIDTH=sizes.frame_width, TILE=TILE,
    )  # fmt: skip


def find_static(tokens: Tensor, sizes: Layout, out: dict[str, Tensor], scratch: dict[str, Tensor]) -> None:
    """Fingerprint differences and static candidates (section 3.2)."""
    s = scratch
    redundancy.fingerprint_difference[(sizes.positions,)](
        tokens, s["segment_of"], s["start"], s["end"], out["tfd"], s["token_energy"],
        sizes.frames, sizes.positions, sizes.channels,
        WIDTH=sizes.frame_width, DEPTH=128 if sizes.frame_width <= 32 else 64, PRECISION="tf32x3", num_stages=3,
    )  # fmt: skip
    redundancy.static_candidates[(sizes.frames,)](
        out["tfd"], s["token_energy"], s["start"], s["end"], out["static"], s["trace_scale"],
        sizes.static_count, sizes.positions, WIDTH=sizes.position_width,
    )  # fmt: skip


def take_distinctness(tokens: Tensor, sizes: Layout, out: dict[str, Tensor], scratch: dict[str, Tensor]) -> None:
    """The saliency of who gave none."""
    segments.distinctness[(sizes.tokens,)](
        tokens, scratch["frame_means"], out["saliency"], sizes.positions, sizes.channels, BLOCK=1024
    )


def select_salient(
    tokens: Tensor, config: InfoMergeConfig, sizes: Layout, out: dict[str, Tensor], scratch: dict[str, Tensor]
) -> Tensor:
    """ATS, and the features in which static positions are replaced (section 3.4)."""
    s = scratch
    selection.salient[(sizes.frames,)](
        out["saliency"], out["static"], s["start"], s["end"], out["salient"], out["penalized"], out["replaced"],
        sizes.salient_per_frame, config.static_penalty, sizes.positions, WIDTH=sizes.position_width, num_warps=8,
    )  # fmt: skip
    features = torch.empty_like(tokens)
    selection.replace[sizes.tokens, _blocks(sizes.channels, 1024)](
        tokens, features, out["replaced"], s["segment_of"], s["start"], s["end"],
        sizes.positions, sizes.channels, BLOCK=1024,
    )  # fmt: skip
    return features


def score_density(
    features: Tensor, config: InfoMergeConfig, sizes: Layout, out: dict[str, Tensor], scratch: dict[str, Tensor]
) -> None:
    """Density scores of all free tokens (eq. 31 to 33)."""
    s, all_pairs = scratch, products(features)
    grid, width = (sizes.frames, _blocks(sizes.positions, 16)), sizes.position_width
    density.spreads[grid](
        all_pairs, out["salient"], s["spread"], s["farthest"], s["feature_energy"], sizes.positions, sizes.channels,
        min(config.neighbors, sizes.free), ROWS=16, WIDTH=width,
    )  # fmt: skip
    density.scores[grid](
        all_pairs, out["salient"], s["spread"], s["farthest"], out["scores"], sizes.positions, sizes.channels,
        ROWS=16, WIDTH=width,
    )  # fmt: skip


def take_uniqueness(sizes: Layout, scratch: dict[str, Tensor]) -> None:
    """Products of the means, from which `share_out` takes u_k (eq. 3 to 5)."""
    s = scratch
    allocation.segment_means[sizes.frames + 1, _blocks(sizes.channels, 256)](
        s["frame_means"], s["start"], s["end"], s["segment_means"], sizes.frames, sizes.channels, BLOCK=256
    )
    allocation.mean_products[(sizes.frames + 1,)](
        s["segment_means"], s["mean_products"], sizes.frames, sizes.channels, BLOCK=1024
    )


def take_richness(tokens: Tensor, sizes: Layout, scratch: dict[str, Tensor]) -> None:
    """The traces of all F_j, from which `share_out` takes e_k (eq. 6 and 7)."""
    s, programs = scratch, _programs(tokens.device)
    matrices = views(sizes.matrices(), carve(sizes.matrices(), tokens.device))
    halves, low, diagonals, norms = (matrices[name] for name in ("halves", "low", "diagonals", "norms"))
    shape = {"WIDTH": sizes.frame_width, "TILE": TILE, "DEPTH": 64, "num_warps": 8, "num_stages": 3}
    richness.gram[(programs,)](
        tokens, halves, low, diagonals, s["start"], s["end"], s["trace_scale"], s["packing"],
        sizes.positions, sizes.channels, programs, OPERAND=richness.operand(tokens.dtype), **shape,
    )  # fmt: skip
    richness.squarings[(programs,)](
        halves, low, diagonals, norms, s["packing"], s["arrived"],
        sizes.gram_elements, sizes.diagonal, programs, SQUARINGS, **shape,
    )  # fmt: skip
    richness.traces[(sizes.frames, SQUARINGS + 2)](
        diagonals, norms, s["packing"], s["traces"], sizes.diagonal, SQUARINGS + 1,
        WIDTH=sizes.frame_width, TILE=TILE, BLOCK=1024,
    )  # fmt: skip


def share_out(config: InfoMergeConfig, sizes: Layout, out: dict[str, Tensor], scratch: dict[str, Tensor]) -> None:
    """Budgets (section 3.3), spread over the anchor frames."""
    s = scratch
    allocation.allocation[(1,)](
        s["traces"], _coefficients(s["traces"].device), s["mean_products"], s["segment_of"], s["start"], s["end"],
        out["weight"], out["uniqueness"], out["richness"], out["budget"], out["is_anchor_frame"], out["quota"],
        s["first_anchor"], sizes.context, sizes.frames, sizes.positions, sizes.channels, sizes.free,
        config.temperature, config.uniqueness_weight, config.richness_weight, NEGLIGIBLE, config.anchor_interval,
        BY_LENGTH=config.allocation == "length", POWERS=SQUARINGS + 1, WIDTH=sizes.frame_width,
        num_warps=1 if sizes.frame_width <= 32 else 4,
    )  # fmt: skip


def choose_anchors(sizes: Layout, out: dict[str, Tensor], scratch: dict[str, Tensor]) -> None:
    """Context anchors (eq. 12), and the places of all kept tokens."""
    s = scratch
    merging.anchors[(sizes.frames,)](
        out["scores"], out["salient"], out["static"], out["quota"], s["start"], s["end"], s["anchor"],
        sizes.positions, WIDTH=sizes.position_width, num_warps=8,
    )  # fmt: skip
    merging.numbering[(sizes.frames,)](
        s["anchor"], out["salient"], s["first_anchor"], s["anchor_token"], out["index"], out["is_context"],
        s["anchor_of_kept"], s["number"], sizes.positions, sizes.salient_per_frame, WIDTH=sizes.position_width,
    )  # fmt: skip


def assign(features: Tensor, sizes: Layout, out: dict[str, Tensor], scratch: dict[str, Tensor]) -> None:
    """The owner of every token, and the members of every anchor."""
    s = scratch
    merging.owners[(_blocks(sizes.tokens, 64),)](
        features, s["feature_energy"], s["anchor_token"], s["first_anchor"], out["quota"], s["segment_of"],
        s["start"], s["end"], s["number"], s["owner"], out["assignment"], sizes.tokens, sizes.positions,
        sizes.channels, ROWS=64, COLUMNS=64, DEPTH=64, PRECISION="tf32x3", num_warps=4, num_stages=4,
    )  # fmt: skip
    given = (s["anchor_token"], s["owner"], s["segment_of"], s["start"], s["end"], s["counts"])
    merging.member_counts[(sizes.context,)](*given, sizes.positions, BLOCK=1024)
    merging.members[(sizes.context,)](
        *given, s["number"], s["first_member"], out["source"], out["target"], sizes.positions, BLOCK=1024
    )


def merge(
    features: Tensor, config: InfoMergeConfig, sizes: Layout, out: dict[str, Tensor], scratch: dict[str, Tensor]
) -> Tensor:
    """The kept tokens (eq. 34)."""
    s = scratch
    kept = features.new_empty(sizes.requested, sizes.channels)
    merging.merge[sizes.requested, _blocks(sizes.channels, 512)](
        features, out["index"], s["anchor_of_kept"], s["first_member"], s["counts"], out["source"], kept,
        sizes.channels, config.merge_weight, ROWS=16, BLOCK=512,
    )  # fmt: skip
    return kept


def _blocks(count: int, size: int) -> int:
    return -(-count // size)


@lru_cache
def _programs(device: torch.device) -> int:
    """One for each multiprocessor: all of them run at once."""
    return torch.cuda.get_device_properties(device).multi_processor_count


@lru_cache
def _coefficients(device: torch.device) -> Tensor:
    return torch.tensor(COEFFICIENTS, dtype=torch.float64, device=device)
