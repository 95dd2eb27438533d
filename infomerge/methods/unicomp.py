"""UniComp (arXiv 2512.03575): what no other token can stand for is kept, in groups of frames, frames and positions."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from infomerge.methods.ranges import check_number
from infomerge.methods.registry import ROUNDED, owning_method
from infomerge.methods.result import Merges, Ownership, own_by_similarity
from infomerge.numerics import floor_count, group_means, ranks, rounded, unit


def check_options(frame_threshold: object = 0.005, cover_threshold: object = 0.2) -> None:
    """Refuse options that are out of range."""
    check_number("frame_threshold", frame_threshold, 0, 2)
    check_number("cover_threshold", cover_threshold, 0, 2)


@owning_method(
    "unicomp",
    "UniComp",
    "like frames become one, unlike ones get more tokens, and a token stays where no kept one covers it",
    "Yuan et al., UniComp, arXiv 2512.03575; code Apache-2.0",
    "Similarity is that of the tokens, not of the keys of the encoder's last attention.",
    "Frames are compared by their mean token, not by the encoder's pooled output.",
    "The count is exact: what is short of it are, group by group, the tokens that the budget cut off, then those that "
    "were covered, the most unique first; the latter are not fused.",
    "Where the grouped frames hold fewer tokens than are asked for, groups are parted before the frame that is least "
    "like its group's first; the published code keeps fewer tokens.",
    "A budget within a billionth below a whole number is that number.",
    "No newline token after each group.",
    "A dropped token is owned by the most similar kept token of its group, or of the clip where that keeps none.",
    ROUNDED,
    check=check_options,
)
def unicomp(
    features: Float[Tensor, "frames positions channels"],
    saliency: Float[Tensor, "frames positions"],
    requested: int,
    frame_threshold: float = 0.005,
    cover_threshold: float = 0.2,
) -> Ownership:
    """Uniqueness is 1 - cosine: of a frame to others it sets budgets, of a token to others it decides who stays.

    A frame joins the group before it if it is as good as the group's first one, and a group becomes its mean frame.
    Groups that are less like the others get a larger budget. In a group the positions that are less like the others
    come first; each stays unless one before it covers it, and becomes the mean of itself and the mean of what it
    covers. Saliency plays no part.

    `frame_threshold` (U_f) is the uniqueness up to which a frame joins, `cover_threshold` (U_c) that below which one
    token covers another.

    Departs from its source: see `METHODS["unicomp"].departures`.
    """
    positions = features.shape[1]
    group = group_frames(features, requested, frame_threshold)
    fused = group_means(features.flatten(1), group, int(group[-1]) + 1).view(-1, *features.shape[1:])
    weight = choose(fused, requested, cover_threshold)
    sizes = torch.bincount(group)
    first = sizes.cumsum(0) - sizes
    seat = (first[:, None] * positions + torch.arange(positions, device=features.device)).flatten()
    owner = seat[own_by_similarity(fused, weight.any(2))].view(-1, positions)[group].flatten()

    # A position of a group that goes into a kept one is the same position of each of its frames.
    number, into, goes = weight.nonzero().unbind(1)
    length = sizes[number]
    share = weight[number, into, goes] / length
    row = torch.repeat_interleave(length)
    frame = first[number[row]] + torch.arange(len(row), device=row.device) - (length.cumsum(0) - length)[row]
    source, target = frame * positions + goes[row], (first[number] * positions + into)[row]
    other = source != target
    merged = torch.zeros_like(owner, dtype=torch.bool)
    merged[target[other]] = True
    edges = torch.stack((first, first + sizes), dim=1)
    return Ownership(owner, merged, edges, Merges(source[other], target[other], share[row][other]))


def group_frames(
    features: Float[Tensor, "frames positions channels"], requested: int, threshold: float
) -> Int[Tensor, "frames"]:
    """The number of each frame's group: runs of frames that are like their first, with room for the count.

    A frame joins while the group holds at most floor(1 / r) frames. Parted further, where the groups hold fewer tokens
    than are asked for, before the frames that are least like their group's first.
    """
    frames, positions, _ = features.shape
    most = frames * positions // requested
    directions = unit(features.mean(1))
    first, starts, likeness = 0, [True], [1.0]
    for frame in range(1, frames):
        likeness.append(float(rounded(directions[frame] @ directions[first])))
        starts.append(not (round(1 - likeness[-1], 6) <= threshold and frame - first <= most))
        if starts[-1]:
            first = frame
    groups_needed = -(-requested // positions)
    joined = sorted((frame for frame in range(frames) if not starts[frame]), key=lambda frame: likeness[frame])
    for frame in joined[: max(0, groups_needed - sum(starts))]:
        starts[frame] = True
    return torch.tensor(starts, device=features.device).cumsum(0) - 1


def budgets(fused: Float[Tensor, "groups positions channels"], requested: int) -> list[int]:
    """Tokens of each group: by a softmax of how unlike the others it is, within a cap of twice the even share.

    U_i is the mean cosine of a group's mean token with those of all groups; u = (mean(U) - U) sqrt(groups). What the
    cap takes away goes in equal parts to the groups below it, as far as it divides.
    """
    groups, positions, _ = fused.shape
    directions = unit(fused.mean(1))
    likeness = (directions @ directions.T).mean(1)
    cap = min(positions, max(1, 2 * (requested // groups)))
    if groups <= requested // cap:
        return [cap] * groups
    share = torch.softmax((likeness.mean() - likeness) * groups**0.5, dim=0) * requested
    budget = [min(cap, floor_count(part)) for part in share.tolist()]
    while (below := sum(part < cap for part in budget)) and (more := (requested - sum(budget)) // below):
        budget = [min(cap, part + more) for part in budget]
    return budget


def choose(
    fused: Float[Tensor, "groups positions channels"], requested: int, threshold: float
) -> Float[Tensor, "groups positions others"]:
    """What every position of a group that is kept is made of: the weight of each position; zeros for all others.

    Exactly as many are kept as requested. Those that are kept for the count alone, or because nothing has to go, are
    fused with none.
    """
    groups, positions, _ = fused.shape
    itself = torch.eye(positions, dtype=fused.dtype, device=fused.device).expand(groups, -1, -1)
    if groups * positions == requested:
        return itself
    directions = unit(fused)
    similarity = rounded(directions @ directions.mT)
    covering = (rounded(1 - similarity) < threshold) | (itself > 0)
    likeness = rounded(similarity.mean(2))
    rank = ranks(likeness)
    unique, covered = torch.zeros_like(rank, dtype=torch.bool), torch.zeros_like(rank, dtype=torch.bool)
    here = torch.arange(groups, device=fused.device)
    for position in torch.argsort(likeness, dim=1, stable=True).unbind(1):
        stays = ~covered[here, position]
        unique[here, position] = stays
        covered |= covering[here, position] & stays[:, None]

    found = unique.sum(1).tolist()
    budget = budgets(fused, requested)
    poor = [number for number in range(groups) if found[number] < budget[number]]
    if sum(found) > sum(budget) and poor and len(poor) < groups:
        spare = sum(budget[number] - found[number] for number in poor)
        budget = [part + (0 if n in poor else spare // (groups - len(poor))) for n, part in enumerate(budget)]
    allowed = torch.tensor(budget, device=fused.device)[:, None]
    kept = unique & (ranks(torch.where(unique, rank, positions).to(fused.dtype)) < allowed)

    # What is short of the count: cut-off ones before covered ones, then the most unique first.
    turn = torch.where(kept, 2, torch.where(unique, 0, 1)).flatten()
    by_likeness = torch.argsort(likeness.flatten(), stable=True)
    queue = by_likeness[torch.argsort(turn[by_likeness], stable=True)]
    kept.view(-1)[queue[: requested - int(kept.sum())]] = True
    fused_with = covering.to(fused.dtype)
    fusing = 0.5 * itself + 0.5 * fused_with / fused_with.sum(2, keepdim=True)
    return torch.where(unique[:, :, None], fusing, itself) * kept[:, :, None]
