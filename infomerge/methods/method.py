"""What a method is: what it does, where it comes from, which options it takes, and how it is run."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge import fast
from infomerge.budget import requested_tokens
from infomerge.compression import Compression
from infomerge.config import InfoMergeConfig, Precision, did_you_mean, renamed_options
from infomerge.inputs import check_layers, check_shapes, clip_tensors
from infomerge.methods.result import Ownership, assemble
from infomerge.pipeline import run

Group = Literal["infomerge", "proposed", "published", "baseline"]
"""What kind of method it is: InfoMerge and its variants, what this project proposes, another publication's, or common
practice."""

Need = Literal["layers"]
"""An argument of `compress` that some methods cannot do without."""

WAYS: Mapping[Need, str] = MappingProxyType(
    {
        "layers": "hidden states of the encoder [layers, frames, positions, hidden], which encoders give that were "
        "made with keep_layers=True, such as EncodedClip.read('tour', EfficientNetEncoder(keep_layers=True))"
    }
)
"""What each need is, and how one comes by it, for the error that misses it."""

PRECISIONS = (*get_args(Precision), "auto")
"""How a method may be asked to compute; "auto" is "fast" on a GPU and "exact" on a CPU."""


@dataclass(frozen=True)
class Method:
    """A way of keeping a share of a clip's tokens: a configuration of InfoMerge, or a choice of who owns whom.

    Exactly one of `configure` and `choose` is given.
    """

    name: str
    """What it is called by, in lower case."""
    title: str
    """What figures and tables call it."""
    summary: str
    """What it does, in one line."""
    source: str
    """The publication it comes from."""
    group: Group
    departures: tuple[str, ...] = ()
    """Where it does something else than its source, one sentence each."""
    options: tuple[str, ...] = ()
    """The options it takes."""
    configure: Callable[..., InfoMergeConfig] | None = None
    """(retention_ratio, **options) -> the configuration of InfoMerge that it is."""
    choose: Callable[..., Ownership] | None = None
    """(features, saliency, requested, *needs, **options) -> which token stands for which; everything in float64, but
    for what it needs, which comes in its own dtype."""
    quick: Callable[..., Compression | str] | None = None
    """(tokens, saliency, frame_features, requested, **options) -> the compression at precision "fast", or why there is
    none for this run, which then is exact. What fits together is checked before, values are not."""
    check: Callable[..., None] | None = None
    """(**options) -> None; raises TypeError or ValueError for values that `choose` cannot take."""
    needs: tuple[Need, ...] = ()
    """What it cannot do without beside the tokens. Whoever runs all methods asks `methods_for`."""

    def settled(self, retention_ratio: float, options: Mapping[str, Any], precision: str = "exact") -> "Compressor":
        """The method at one ratio with its options, which are checked here and not only when it runs.

        Raises:
            ValueError, TypeError: the ratio or an option's value is out of range, or the method has no such option.
        """
        options = renamed_options(options, stacklevel=5)
        for option in options:
            if option not in self.options:
                known, hint = ", ".join(self.options) or "none", did_you_mean(option, self.options)
                raise ValueError(f"{option}: not an option of the method {self.name!r}{hint}; its options: {known}")
        if precision not in PRECISIONS:
            raise ValueError(f"precision: got {precision!r}; expected 'exact', 'fast' or 'auto'")
        if self.configure is not None:
            config = self.configure(retention_ratio, **options)
            return Compressor(self, config.retention_ratio, options, config, precision)
        if self.check is not None:
            self.check(**options)
        ratio = InfoMergeConfig(retention_ratio=retention_ratio).retention_ratio
        return Compressor(self, ratio, options, precision=precision)

    def __call__(
        self,
        tokens: Float[Tensor, "frames positions channels"],
        retention_ratio: float,
        saliency: Float[Tensor, "frames positions"] | None = None,
        frame_features: Float[Tensor, "frames features"] | None = None,
        *,
        layers: Float[Tensor, "layers frames positions hidden"] | None = None,
        **options: Any,
    ) -> Compression:
        """The same as `compress(tokens, self, retention_ratio=..., saliency=..., ..., **options)`."""
        compressor = self.settled(retention_ratio, options)
        return compressor(tokens, saliency=saliency, frame_features=frame_features, layers=layers)


@dataclass(frozen=True)
class Compressor:
    """A method with its ratio and options settled: what is handed to models, sweeps and commands.

    Called as `compressor(tokens, saliency=..., frame_features=..., layers=...)`; arguments, result and errors are those
    of `infomerge.compress`. Two with the same method, ratio and options are equal.
    """

    method: Method
    retention_ratio: float
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    config: InfoMergeConfig | None = None
    """The configuration of InfoMerge that it is; None for a method that is none."""
    precision: str = "exact"
    """One of `PRECISIONS`."""

    @property
    def name(self) -> str:
        """The method's name."""
        return self.method.name

    @property
    def title(self) -> str:
        """What figures and tables call the method."""
        return self.method.title

    @property
    def label(self) -> str:
        """The method and its ratio, for a title: "FastVID at 10 %"."""
        return f"{self.title} at {100 * self.retention_ratio:g} %"

    def to_dict(self) -> dict[str, Any]:
        """Method, ratio and options as plain values, for JSON; `make_compressor(**d)` is the way back."""
        plain = {"method": self.name, "retention_ratio": self.retention_ratio, **self.options}
        return plain if self.precision == "exact" else plain | {"precision": self.precision}

    @torch.no_grad()
    def __call__(
        self,
        tokens: Float[Tensor, "frames positions channels"],
        *,
        saliency: Float[Tensor, "frames positions"] | None = None,
        frame_features: Float[Tensor, "frames features"] | None = None,
        layers: Float[Tensor, "layers frames positions hidden"] | None = None,
    ) -> Compression:
        """Compress the tokens of a clip."""
        wanted = "exact" if self.precision == "auto" and tokens.device.type == "cpu" else self.precision
        if self.config is not None and wanted != "exact":
            return dataclasses.replace(fast.run(tokens, saliency, frame_features, self.config), method=self.name)
        why_not = f"precision='fast' does not cover the method {self.name!r}"
        if self.method.quick is not None and wanted != "exact":
            check_shapes(tokens, saliency, frame_features)
            requested = requested_tokens(len(tokens), tokens.shape[1], self.retention_ratio)
            quick = self.method.quick(tokens, saliency, frame_features, requested, **self.options)
            if isinstance(quick, Compression):
                return dataclasses.replace(quick, method=self.name)
            why_not = f"not by GPU kernels: {quick}"
        clip = clip_tensors(tokens, saliency, frame_features)
        needed = self._needed(clip.tokens, layers=layers)
        if self.config is not None:
            return dataclasses.replace(run(clip, self.config), method=self.name)
        assert self.method.choose is not None
        requested = requested_tokens(len(tokens), tokens.shape[1], self.retention_ratio)
        ownership = self.method.choose(clip.features, clip.saliency, requested, *needed, **self.options)
        out = assemble(clip, ownership, requested, self.name)
        if wanted == "exact":
            return out
        return dataclasses.replace(out, trace=dataclasses.replace(out.trace, arithmetic=f"float64: {why_not}"))

    def _needed(self, tokens: Float[Tensor, "frames positions channels"], **given: Any) -> list[Tensor]:
        """What the method needs beside the tokens, in the order in which it takes it."""
        if given["layers"] is not None:
            check_layers(given["layers"], tokens)
        for need in self.method.needs:
            if given[need] is None:
                raise ValueError(
                    f"{need}: got none; expected {WAYS[need]}, without which the method {self.name!r} cannot choose"
                )
        return [given[need].detach().contiguous() for need in self.method.needs]
