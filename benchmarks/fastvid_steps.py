"""The steps of FastVID (arXiv 2503.11187) in the token dtype, frame by frame, to time beside `compress`.

As its publication describes them, with the loops over segments and anchor frames that its authors' code has, so that
the time is comparable. What it keeps is near to, not the same as, `compress(tokens, "fastvid")`.
"""

import itertools

import torch
from torch import Tensor


def fastvid_steps(
    tokens: Tensor, saliency: Tensor, frame_features: Tensor, ratio: float, context_fraction: float = 0.4
) -> Tensor:
    """Kept tokens of a clip [frames, positions, channels]."""
    frames, positions, _ = tokens.shape
    features = frame_features / frame_features.norm(dim=-1, keepdim=True)
    transition = (features[:-1] * features[1:]).sum(-1)
    cut = transition.topk(min(7, frames - 1), largest=False).indices
    cut = torch.unique(torch.cat((cut, (transition < 0.9).nonzero().squeeze(1))))
    edges = [0, *(cut.sort().values + 1).tolist(), frames]

    kept_per_frame = int(positions * ratio)
    context_per_frame = round(kept_per_frame * context_fraction)
    salient_per_frame = kept_per_frame - context_per_frame
    kept, places = [], []
    for start, end in itertools.pairwise(edges):
        segment = tokens[start:end]
        mask = torch.zeros(segment.shape[:2], dtype=torch.bool, device=tokens.device)
        mask.scatter_(1, saliency[start:end].topk(salient_per_frame, dim=1).indices, True)
        index = mask.flatten().nonzero().squeeze(1)
        kept.append(segment.flatten(0, 1)[index])
        places.append(index + start * positions)
        merged, where = _merge(segment, mask, context_per_frame * (end - start))
        kept.append(merged)
        places.append(where + start * positions)
    return torch.cat(kept)[torch.cat(places).argsort()]


def _merge(segment: Tensor, salient: Tensor, context: int) -> tuple[Tensor, Tensor]:
    """Anchors of every fourth frame, counted from the last, each of which takes in what is most similar to it."""
    frames, positions, channels = segment.shape
    anchor_frames = list(range(frames - 1, -1, -4))[::-1]
    free = (~salient).flatten().nonzero().squeeze(1)
    rest = segment.flatten(0, 1)[free]
    unit = rest / rest.norm(dim=-1, keepdim=True)
    outs, places = [], []
    for number, frame in enumerate(anchor_frames):
        share = context // len(anchor_frames) + (number < context % len(anchor_frames))
        candidates = (~salient[frame]).nonzero().squeeze(1)
        share = min(share, len(candidates))
        if share == 0:
            continue
        chosen = candidates[_density_peaks(segment[frame, candidates], share)].sort().values
        anchors = segment[frame, chosen]
        similarity = unit @ (anchors / anchors.norm(dim=-1, keepdim=True)).T
        owner = torch.zeros_like(similarity).scatter_(1, similarity.argmax(1, keepdim=True), 1)
        counts = owner.sum(0)[:, None]
        means = owner.T @ rest / counts.clamp(min=1)
        weight = (1 / (counts + 1)).clamp(min=0.6)
        outs.append(weight * anchors + (1 - weight) * means)
        places.append(chosen + frame * positions)
    if not outs:
        return segment.new_zeros(0, channels), free[:0]
    return torch.cat(outs), torch.cat(places)


def _density_peaks(tokens: Tensor, count: int, neighbors: int = 4) -> Tensor:
    """Indices of the `count` best density peaks among the tokens of one frame."""
    distance = torch.cdist(tokens.float(), tokens.float()) / tokens.shape[1] ** 0.5
    density = (-distance.topk(min(neighbors, len(tokens)), largest=False).values.square().mean(-1)).exp()
    density = density + torch.rand_like(density) * 1e-6
    denser = density[None, :] > density[:, None]
    delta = torch.where(denser, distance, distance.max()).amin(-1)
    return (density * delta).topk(count).indices
