"""Every method by name, with its source and where it departs from it."""

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.budget import split_budget
from infomerge.compression import Compression, check_inputs, compress
from infomerge.config import PAPER_PRESETS, InfoMergeConfig
from infomerge.methods import pruning
from infomerge.methods.dycoke import dycoke
from infomerge.methods.result import Ownership, assemble
from infomerge.methods.tome import tome
from infomerge.methods.visionzip import visionzip
from infomerge.selection import frame_distinctness


@dataclass(frozen=True)
class Method:
    """A way of keeping a share of a clip's tokens, callable as `method(tokens, retention_ratio, ...)`."""

    name: str
    run: Callable[..., Compression]
    """What is called, with input that has been checked."""
    summary: str
    """What it does, in one line."""
    source: str
    """The publication it comes from."""
    departures: tuple[str, ...]
    """Where it does something else than its source, one sentence each."""
    options: tuple[str, ...] = ()
    """The options it takes."""

    def __call__(
        self,
        tokens: Float[Tensor, "frames positions channels"],
        retention_ratio: float,
        saliency: Float[Tensor, "frames positions"] | None = None,
        frame_features: Float[Tensor, "frames features"] | None = None,
        **options: Any,
    ) -> Compression:
        """Keep exactly round(retention_ratio * frames * positions) tokens, at least one.

        Takes what `infomerge.compress` takes, computes in float64 as it does, and never changes its inputs. The same
        input gives the same output. Methods that need no saliency or no frame features ignore them.

        Args:
            tokens: visual tokens of any float dtype, on any device that has float64.
            retention_ratio: share of the tokens that is kept, in (0, 1].
            saliency: how much each token matters; without it, its Euclidean distance from its frame's mean token.
            frame_features: one global feature a frame; without it, the mean of the frame's tokens.
            options: see `options`.

        Raises:
            TypeError: an argument is not a float tensor.
            ValueError: an argument has the wrong shape, is empty, holds NaN or infinity or lies on another device; the
                retention ratio or an option's value is out of range; the method has no such option.
        """
        for option in options:
            if option not in self.options:
                known = ", ".join(self.options) or "none"
                raise ValueError(f"{option}: not an option of the method {self.name!r}; its options: {known}")
        check_inputs(tokens, saliency, frame_features)
        ratio = InfoMergeConfig(retention_ratio=retention_ratio).retention_ratio
        with torch.no_grad():
            out = self.run(tokens, ratio, saliency, frame_features, **options)
        return dataclasses.replace(out, method=self.name)


def _configured(preset: Callable[..., InfoMergeConfig]) -> Callable[..., Compression]:
    """A method that is a configuration of InfoMerge."""

    def run(
        tokens: Tensor, ratio: float, saliency: Tensor | None, frame_features: Tensor | None, **options: Any
    ) -> Compression:
        return compress(tokens, preset(ratio, **options), saliency=saliency, frame_features=frame_features)

    return run


def _owned(choose: Callable[..., Ownership]) -> Callable[..., Compression]:
    """A method that decides which token stands for which."""

    def run(tokens: Tensor, ratio: float, saliency: Tensor | None, _: Tensor | None, **options: Any) -> Compression:
        features = tokens.double()
        saliency = frame_distinctness(features) if saliency is None else saliency
        config = InfoMergeConfig(retention_ratio=ratio)
        requested = split_budget(tokens.shape[0], tokens.shape[1], config).requested
        ownership = choose(features, saliency.double(), requested, **options)
        return assemble(tokens, saliency.double(), ownership, requested)

    return run


def _paper(**row: Any) -> Callable[..., InfoMergeConfig]:
    """The paper's preset with the options of one row of its tables, without a word about ratios between its own."""

    def preset(ratio: float, **options: Any) -> InfoMergeConfig:
        nearest = min(PAPER_PRESETS, key=lambda known: (round(abs(known - ratio), 9), known))
        return dataclasses.replace(InfoMergeConfig.paper(nearest, **(row | options)), retention_ratio=ratio)

    return preset


INFOMERGE = "Liu et al., InfoMerge, arXiv 2606.02161"
COUNT = "Rounded so that the count is exact, where the source rounds each segment or frame alone."
POOL = "Tokens merge into the anchors of their whole segment, each into one."
PRESET = "Between the ratios of Table 7 the nearest row's values are taken."
CONFIG_OPTIONS = tuple(
    option.name
    for option in dataclasses.fields(InfoMergeConfig)
    # The ratio is an argument of its own, and the other rounding would keep another number of tokens.
    if option.name not in ("retention_ratio", "rounding")
)


def _infomerge_methods() -> Iterator[Method]:
    def method(name: str, summary: str, source: str, *departures: str, **row: Any) -> Method:
        return Method(name, _configured(_paper(**row)), summary, source, departures, CONFIG_OPTIONS)

    ours = (COUNT, POOL, PRESET)
    yield method("infomerge", "InfoMerge as published: static prior TFD, budgets by content", INFOMERGE, *ours)
    yield method(
        "infomerge-adjacent",
        "InfoMerge with DyCoke's first-order difference in place of the fingerprints",
        f"{INFOMERGE}, Table 5",
        *ours,
        "The adjacent difference is defined here (windows of 4 frames, mean of 1 - cosine); the paper names it only.",
        static_prior="adjacent",
    )
    table = f"{INFOMERGE}, Table 4"
    by_length = {"allocation": "length"}
    yield method(
        "table4-none",
        "neither static prior nor budgets by content: the first row of Table 4",
        table,
        COUNT,
        "The paper's row is FastVID's to the digit; here it merges as InfoMerge does, so that the rows differ in the "
        "named parts alone.",
        static_prior="none",
        **by_length,
    )
    yield method("table4-tfd", "static prior TFD, budgets by length", table, *ours, **by_length)
    yield method(
        "table4-tfd+uniqueness", "static prior TFD, budgets by uniqueness alone", table, *ours, richness_weight=0.0
    )
    yield method(
        "table4-tfd+richness",
        "static prior TFD, budgets by richness alone",
        table,
        *ours,
        "The paper does not say whether beta grows where alpha is 0; here it stays.",
        uniqueness_weight=0.0,
    )
    yield method("table4-full", "the last row of Table 4, which is infomerge", table, *ours)
    yield Method(
        "fastvid",
        _configured(InfoMergeConfig.fastvid),
        "FastVID: salient tokens of every frame, and density-based merging for each anchor frame",
        "Shen et al., FastVID, arXiv 2503.11187",
        (
            COUNT,
            "A frame keeps floor((1 - d) r N) salient tokens; the published code rounds r N down first and the context "
            "share after it, which of 196 tokens at 10 % makes 12, not 11.",
            "No noise on the densities: equal ones are ordered by position.",
            "An anchor's mean takes in the tokens that were not kept, not the anchors too.",
            "Where the anchor frames cannot hold a segment's budget, further frames join.",
        ),
        CONFIG_OPTIONS,
    )


def _other_methods() -> Iterator[Method]:
    def method(name: str, choose: Callable[..., Ownership], summary: str, source: str, *departures: str) -> Method:
        # What follows features, saliency and the requested number.
        options = tuple(inspect.signature(choose).parameters)[3:]
        return Method(name, _owned(choose), summary, source, departures, options)

    yield method(
        "visionzip",
        visionzip,
        "each frame's dominant tokens by saliency, and contextual ones merged from the rest, 54 to 10",
        "Yang et al., VisionZip, arXiv 2412.04467",
        "Similarity is that of the tokens, not of the attention keys.",
        "A contextual token becomes the plain mean of itself and what it takes in.",
        "The clip's tokens are shared evenly among its frames, so that the count is exact.",
        "A frame of fewer than four kept tokens has dominant ones only, which own the rest unmerged.",
    )
    yield method(
        "dycoke",
        dycoke,
        "in windows of 4 frames, tokens that repeat an earlier frame's at their position merge into it",
        "Tao et al., DyCoke, arXiv 2411.15024",
        "Every compared frame keeps the same number of tokens (or one more) in place of a pruning rate.",
        "Below a quarter, the first frames of the windows form windows of 4 in their turn, down to a single frame, of "
        "which evenly spread positions stay.",
        "Merged tokens are averaged, where the published code drops them.",
        "The pruning of the cache while the answer is written is left out.",
    )
    yield method(
        "tome",
        tome,
        "bipartite soft matching of tokens across space and time, repeated until the count is reached",
        "Bolya et al., Token Merging, arXiv 2210.09461",
        "Runs once on the encoder's output, not a little in every block.",
        "Matches the tokens, not the attention keys.",
        "A round merges half of set A at most, so that it is the similar half.",
        "The sets alternate within a frame, and from frame to frame in which comes first.",
        "No later attention is weighed by the tokens' sizes.",
    )
    common = "common practice"
    spread = "Positions are spread by multiples of the golden section, so that they do not line up in columns."
    yield method("uniform-frames", pruning.uniform_frames, "whole frames at even distances", common, spread)
    yield method(
        "uniform-positions", pruning.uniform_positions, "the same spread positions in every frame", common, spread
    )
    yield method("random", pruning.random, "tokens drawn from the whole clip by a seed", common)
    yield method(
        "top-saliency",
        pruning.top_saliency,
        "the most salient tokens of the whole clip",
        "after Chen et al., FastV, arXiv 2403.06764",
        "Before the language model and by the encoder's saliency, not after its second layer by its attention.",
    )


METHODS: dict[str, Method] = {method.name: method for method in (*_infomerge_methods(), *_other_methods())}
"""The methods by name, InfoMerge and its variants first."""


def get_method(name: str) -> Method:
    """The method of this name.

    Raises:
        ValueError: there is none; the message lists those that there are.
    """
    if name not in METHODS:
        raise ValueError(f"method: found {name!r}; accepted are {', '.join(METHODS)}")
    return METHODS[name]
