"""The options of InfoMerge, and the values that the papers use."""

import dataclasses
import difflib
import warnings
from collections.abc import Collection, Mapping
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError, model_validator
from pydantic.dataclasses import dataclass
from pydantic_core import ArgsKwargs, PydanticCustomError

from infomerge.deprecation import warn_renamed

Segmentation = Literal["fixed", "adaptive"]
StaticPrior = Literal["tfd", "adjacent", "none", "aligned"]
Allocation = Literal["caba", "length"]
Rounding = Literal["exact", "paper"]
MergeScope = Literal["segment", "anchor_frame"]
SalientSplit = Literal["floor", "exact", "clip"]
Anchors = Literal["density", "distance", "farthest"]

Precision = Literal["exact", "fast"]
"""Float64, so that near ties do not depend on the machine; or float32 and a GPU's own arithmetic, in a fraction of the
time, where near ties may fall differently."""

DEFAULT_RATIO = 0.10

# Table 7: retention ratio -> (temperature tau, static ratio rho). lambda, alpha and beta are the same in every row.
PAPER_PRESETS = {0.05: (2.0, 0.05), 0.10: (1.2, 0.10), 0.15: (1.2, 0.09)}


RENAMED = {"neighbours": "neighbors"}
"""Options that had another name in the release before."""


def renamed_options(given: Mapping[str, Any], *, stacklevel: int) -> dict[str, Any]:
    """Options under their present names, with a warning for each that came under its old one."""
    for old in RENAMED.keys() & given.keys():
        warn_renamed(f"the option {old!r}", repr(RENAMED[old]), stacklevel=stacklevel)
    return {RENAMED.get(name, name): value for name, value in given.items()}


def did_you_mean(name: str, names: Collection[str]) -> str:
    """The closest of the names there are, as a question in brackets; nothing where none is close."""
    close = difflib.get_close_matches(name, names, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def paper_row(retention_ratio: float) -> float:
    """The retention ratio of Table 7's row that is nearest to this one, the lower of two."""
    return min(PAPER_PRESETS, key=lambda known: (round(abs(known - retention_ratio), 9), known))


class PresetWarning(UserWarning):
    """A preset was asked for at a retention ratio for which its source prints no values."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid", allow_inf_nan=False))
class InfoMergeConfig:
    """Every option of `infomerge.compress`, validated when it is made. The symbol of the paper stands behind each.

    Options that are not given are the paper's. The temperature and the static ratio come from Table 7's row of the
    retention ratio, between and beyond its rows from the nearest one. Options are given by keyword, and change with
    `dataclasses.replace`, which keeps all others and validates again.

    Raises:
        pydantic.ValidationError: (a ValueError) for a value outside its range, or an option that does not exist. The
            message names the option, what was found and what is accepted; `explain` gives it in one line.
    """

    retention_ratio: float = Field(default=DEFAULT_RATIO, gt=0, le=1)
    """r: share of the clip's tokens that is kept, in (0, 1]."""

    context_fraction: float = Field(default=0.4, ge=0, le=1)
    """d: share of the kept tokens that are context tokens (A.4)."""

    min_segments: int = Field(default=8, ge=1)
    """c: at least this many segments, where the clip has as many frames (eq. 23)."""

    segment_threshold: float = Field(default=0.9, ge=-1, le=1)
    """tau_seg: frames less similar than this are always cut apart (eq. 23)."""

    segmentation: Segmentation = "fixed"
    """Cuts by c and tau_seg as they are, "fixed"; or "adaptive": c is 1, and tau_seg 1 - 4 median(1 - t_l) of the clip
    where that is lower, so that a calm clip is not cut by force, and a restless one only where it changes most."""

    static_ratio: float = Field(
        default_factory=lambda given: PAPER_PRESETS[paper_row(given["retention_ratio"])][1], ge=0, le=1
    )
    """rho: share of a segment's positions that become static candidates (section 3.2); Table 7 where not given."""

    static_penalty: float = Field(default=12.0, ge=0)
    """lambda: penalty on a static position that was kept before, in standard deviations of saliency (eq. 10)."""

    uniqueness_weight: float = Field(default=0.9, ge=0)
    """alpha: weight of a segment's uniqueness in its budget (section 3.3)."""

    richness_weight: float = Field(default=0.1, ge=0)
    """beta: weight of a segment's richness in its budget (section 3.3)."""

    temperature: float = Field(
        default_factory=lambda given: PAPER_PRESETS[paper_row(given["retention_ratio"])][0], ge=0
    )
    """tau: how strongly content moves the budgets; at 0 they follow lengths (eq. 8); Table 7 where not given."""

    anchor_interval: int = Field(default=4, ge=1)
    """Every how many frames of a segment there is an anchor frame (A.7)."""

    merge_weight: float = Field(default=0.6, ge=0, le=1)
    """mu: least weight of the anchor in its merged token (eq. 34)."""

    neighbors: int = Field(default=4, ge=1)
    """k: nearest neighbours in the density of a token, itself included (eq. 31)."""

    static_prior: StaticPrior = "tfd"
    """What finds static candidates: "tfd" (eq. 2), "adjacent" (DyCoke's first-order difference), "none", or "aligned":
    eq. 2 of fingerprints that look for each position's best match among itself and its neighbors."""

    allocation: Allocation = "caba"
    """Budgets by content, "caba" (eq. 8), or by the number of frames, "length"."""

    rounding: Rounding = "exact"
    """"exact" keeps round(r L N) tokens, always; "paper" rounds each segment alone (eq. 21) and may drift."""

    merge_scope: MergeScope = "segment"
    """Tokens merge into the anchors of their "segment", or into those of every "anchor_frame" (FastVID)."""

    salient_split: SalientSplit = "floor"
    """T_s rounded down in every frame, "floor" (A.4); the total alone rounded down and shared evenly, "exact"; or that
    total where the clip is most salient, "clip", few in some frames and many in others."""

    anchors: Anchors = "density"
    """Anchors by "density" peaks (eq. 33); by their "distance" to what is denser, delta alone; or the "farthest" points
    of each segment, weighted by saliency, from its salient tokens and from each other: no density, no anchor frames."""

    @model_validator(mode="before")
    @classmethod
    def _know_every_option(cls, arguments: Any) -> Any:
        positional = arguments.args if isinstance(arguments, ArgsKwargs) else None
        given = dict((arguments.kwargs if isinstance(arguments, ArgsKwargs) else arguments) or {})
        if positional:
            raise PydanticCustomError(
                "positional_option",
                "options are given by keyword, such as retention_ratio={first}; got {count} without one",
                {"first": repr(positional[0]), "count": len(positional)},
            )
        given = renamed_options(given, stacklevel=6)
        names = [field.name for field in dataclasses.fields(cls)]
        for name in given:
            if name not in names:
                raise PydanticCustomError(
                    "unknown_option",
                    "unknown option {name}{hint}; the options are {names}",
                    {"name": repr(name), "hint": did_you_mean(name, names), "names": ", ".join(names)},
                )
        return given

    @property
    def by_content(self) -> bool:
        """Whether budgets follow what segments show: where temperature or both weights are 0, they follow lengths."""
        return self.allocation == "caba" and self.temperature > 0 and self.uniqueness_weight + self.richness_weight > 0

    @property
    def neighbours(self) -> int:
        """The old name of `neighbors`."""
        warn_renamed("InfoMergeConfig.neighbours", "InfoMergeConfig.neighbors")
        return self.neighbors

    @classmethod
    def paper(cls, retention_ratio: float, **options: Any) -> "InfoMergeConfig":
        """The paper's values for this retention ratio (Table 7) as the constructor takes them; `options` override some.

        Between and beyond the table's rows a `PresetWarning` says which row's values are taken.
        """
        config = cls(retention_ratio=retention_ratio, **options)
        row = paper_row(config.retention_ratio)
        if row != config.retention_ratio:
            temperature, static_ratio = PAPER_PRESETS[row]
            warnings.warn(
                f"the paper has no values for a retention ratio of {config.retention_ratio:g}: taking those of {row:g} "
                f"(temperature {temperature:g}, static_ratio {static_ratio:g})",
                PresetWarning,
                stacklevel=2,
            )
        return config

    @classmethod
    def fastvid(cls, retention_ratio: float, **options: Any) -> "InfoMergeConfig":
        """FastVID as a configuration: no static prior, budgets by length, merging for each anchor frame."""
        preset = {"static_prior": "none", "allocation": "length", "merge_scope": "anchor_frame"}
        return cls(retention_ratio=retention_ratio, **(preset | options))

    def to_dict(self) -> dict[str, Any]:
        """The options as plain numbers and strings, for JSON; `InfoMergeConfig(**d)` is the way back."""
        return dataclasses.asdict(self)

    def changes(self) -> dict[str, Any]:
        """The retention ratio where it is not 10 %, and the options that differ from the paper's at that ratio.

        That is what a reader needs to be told: `InfoMergeConfig(**config.changes())` is the same configuration.
        """
        usual = InfoMergeConfig(retention_ratio=self.retention_ratio).to_dict() | {"retention_ratio": DEFAULT_RATIO}
        return {name: value for name, value in self.to_dict().items() if value != usual[name]}

    def to_python(self) -> str:
        """The line of Python that makes this configuration, with nothing but `changes`."""
        return f"InfoMergeConfig({', '.join(f'{name}={value!r}' for name, value in self.changes().items())})"


def explain(error: ValidationError) -> str:
    """A validation error in one line: which options, what was found, what is accepted."""
    parts = []
    for problem in error.errors(include_url=False):
        if problem["type"] == "default_factory_not_called":  # follows from the ratio's own error
            continue
        where = ".".join(str(place) for place in problem["loc"])
        found = f" (got {problem['input']!r})" if where else ""
        parts.append(f"{where}: {problem['msg']}{found}" if where else problem["msg"])
    return "; ".join(parts)
