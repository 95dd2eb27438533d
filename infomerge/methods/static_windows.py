"""HoliTom's windows: runs of frames chosen so that the most tokens stand still in them, and shares of a budget."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from infomerge.numerics import cosine, rounded


class Windows(NamedTuple):
    """Runs of frames, and the positions that stand still in each."""

    edges: Int[Tensor, "windows 2"]
    """First frame and frame after the last of each."""
    static: Bool[Tensor, "windows positions"]
    """Positions that are similar in all neighboring frames of the window; none in a window of one frame."""
    weakest: Float[Tensor, "windows positions"]
    """The smallest of these similarities, rounded; 1 in a window of one frame."""

    def sizes(self) -> Int[Tensor, "groups"]:
        """Tokens of each group: of every window its static positions, once, and then those left in its frames."""
        still, positions = self.static.sum(1).tolist(), self.static.shape[1]
        sizes = []
        for (start, end), count in zip(self.edges.tolist(), still, strict=True):
            sizes += [count, *[positions - count] * (end - start)]
        return torch.tensor(sizes, device="cpu")

    def parted(self) -> list["Windows"]:
        """Each window as one of its own."""
        return [Windows(*parts) for parts in zip(*(part.split(1) for part in self), strict=True)]

    def keeping(self, requested: int) -> "Windows":
        """The same with as many positions let go, least static first, as it takes to have `requested` tokens."""
        lengths = (self.edges[:, 1] - self.edges[:, 0]).to(self.static.device)
        spare = int(self.sizes().sum()) - requested
        if spare >= 0:
            return self
        window, position = self.static.nonzero().unbind(1)
        order = torch.argsort(self.weakest[window, position], stable=True)
        won = (lengths[window[order]] - 1).cumsum(0)
        let_go = order[: int((won < -spare).sum()) + 1]
        static = self.static.clone()
        static[window[let_go], position[let_go]] = False
        return self._replace(static=static)


def static_windows(features: Float[Tensor, "frames positions channels"], threshold: float) -> Windows:
    """The windows of largest total gain: static positions times (frames - 1), the tokens that merging them saves.

    A position is static in a window where each of its similarities with the next frame is above the threshold. By
    dynamic programming over the windows' ends; of equal gains the one whose last window is shortest.
    """
    similarity = rounded(cosine(features[:-1], features[1:]))
    frames = len(features)
    still = (similarity > threshold).cpu()
    gain = torch.zeros(frames, frames, dtype=torch.long, device="cpu")
    for start in range(frames - 1):
        held = still[start:].cumprod(0).sum(1)
        gain[start, start + 1 :] = held * torch.arange(1, frames - start, device="cpu")
    gains = gain.tolist()
    best, first = [0] * (frames + 1), [0] * (frames + 1)  # of the frames before each
    for end in range(1, frames + 1):
        best[end], first[end] = best[end - 1], end - 1
        for start in range(end - 2, -1, -1):
            if best[start] + gains[start][end - 1] > best[end]:
                best[end], first[end] = best[start] + gains[start][end - 1], start
    edges = []
    end = frames
    while end > 0:
        edges.append((first[end], end))
        end = first[end]
    edges.reverse()
    weakest = torch.ones(len(edges), features.shape[1], dtype=features.dtype, device=features.device)
    for number, (start, end) in enumerate(edges):
        if end - start > 1:
            weakest[number] = similarity[start : end - 1].amin(0)
    alone = torch.tensor([end - start == 1 for start, end in edges], device=features.device)
    return Windows(torch.tensor(edges, device=features.device), (weakest > threshold) & ~alone[:, None], weakest)


def share_by_size(total: int, sizes: Int[Tensor, "groups"]) -> list[int]:
    """`total` in whole shares proportional to the sizes, none above its size; `total` is at most their sum.

    The shares of the groups up to any one are their exact share, rounded: small groups take turns.
    """
    whole = max(1, int(sizes.sum()))
    up_to = (2 * total * sizes.cumsum(0) + whole) // (2 * whole)
    return torch.diff(up_to, prepend=up_to.new_zeros(1)).tolist()
