"""Every method by name, and `compress`, which runs any of them."""

import inspect
import re
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any, overload

from jaxtyping import Float
from torch import Tensor

from infomerge.compression import Compression
from infomerge.config import DEFAULT_RATIO, InfoMergeConfig
from infomerge.deprecation import warn_renamed
from infomerge.methods.method import Compressor, Group, Method, Need
from infomerge.methods.result import Ownership

METHODS: dict[str, Method] = {}
"""The methods by name: InfoMerge and its variants, this project's own, other publications' from new to old, and common
practice."""

ENTRY_POINTS = "infomerge.methods"
"""The group of entry points under which other packages name a `Method` of theirs."""

ROUNDED = "Similarities are compared after rounding to 6 decimals, and equal ones are ordered by position."
"""What every method that compares similarities does so that the same clip gives the same tokens on every machine."""

Choose = Callable[..., Ownership]
CustomMethod = Callable[..., Compression]
"""Anything called as `method(tokens, saliency=...)`."""


def register_method(method: Method) -> Method:
    """Make a method known by its name, to `compress`, `attach`, the commands, sweeps and figures.

    Raises:
        ValueError: another method has this name, or the method has neither or both of `configure` and `choose`.
    """
    if METHODS.get(method.name, method) != method:
        raise ValueError(f"name: got {method.name!r}, which another method has; expected a name of its own")
    if (method.configure is None) == (method.choose is None):
        found = "neither" if method.choose is None else "both"
        raise ValueError(f"{method.name}: got {found} of configure and choose; expected one of them")
    METHODS[method.name] = method
    return method


def owning_method(
    name: str,
    title: str,
    summary: str,
    source: str,
    *departures: str,
    group: Group = "published",
    check: Callable[..., None] | None = None,
    needs: tuple[Need, ...] = (),
) -> Callable[[Choose], Choose]:
    """Register a function (features, saliency, requested, *needs, **options) -> Ownership as a method.

    The function's further parameters are the method's options. All else is as in `Method`.
    """

    def register(choose: Choose) -> Choose:
        options = tuple(inspect.signature(choose).parameters)[3 + len(needs) :]
        given = (name, title, summary, source, group, departures, options)
        register_method(Method(*given, choose=choose, check=check, needs=needs))
        return choose

    return register


def methods_for(*given: Need) -> dict[str, Method]:
    """The methods by name that can run on tokens and what is given beside them, such as "layers"."""
    return {name: method for name, method in METHODS.items() if {*method.needs} <= {*given}}


def get_method(name: str) -> Method:
    """The method of this name.

    Raises:
        ValueError: there is none; the message lists those that there are.
    """
    if name not in METHODS:
        raise ValueError(f"method: got {name!r}; expected {', '.join(METHODS)}")
    return METHODS[name]


@overload
def make_compressor(
    method: "str | InfoMergeConfig | Method | Compressor | None" = None,
    *,
    retention_ratio: float | None = None,
    **options: Any,
) -> Compressor: ...
@overload
def make_compressor(
    method: CustomMethod, *, retention_ratio: float | None = None, **options: Any
) -> "Compressor | CustomMethod": ...
def make_compressor(
    method: "str | InfoMergeConfig | Method | Compressor | CustomMethod | None" = None,
    *,
    retention_ratio: float | None = None,
    precision: str | None = None,
    **options: Any,
) -> "Compressor | CustomMethod":
    """A method with its ratio and options settled, by the one signature that everything takes.

    Args:
        method: a name of `METHODS`; None for "infomerge"; an `InfoMergeConfig`; a `Method` or `Compressor`; or any
            callable `(tokens, saliency=...) -> Compression`, which comes back as it is.
        retention_ratio: share of the tokens that is kept, in (0, 1]; without one, that of the configuration or 10 %.
        precision: "exact" (the default), "fast", or "auto": fast on a GPU, exact on a CPU. See `compress`.
        options: of the method; for InfoMerge those of `InfoMergeConfig`. They change what a configuration says.

    Raises:
        TypeError: `method` is of no accepted type.
        ValueError: no method has that name, it has no such option, or a value is out of range.
    """
    if "config" in options:
        warn_renamed("config=", "the argument 'method', which takes an InfoMergeConfig too")
        if method is not None:
            raise ValueError("config: given beside a method; expected one of them")
        method = options.pop("config")
    if precision is not None and not isinstance(precision, str):
        raise TypeError(f"precision: got {type(precision).__name__}; expected 'exact', 'fast' or 'auto'")
    given = options if retention_ratio is None else {**options, "retention_ratio": retention_ratio}
    if isinstance(method, Compressor):
        settled = {"retention_ratio": method.retention_ratio, **method.options, **given}
        return method.method.settled(settled.pop("retention_ratio"), settled, precision or method.precision)
    if isinstance(method, InfoMergeConfig):
        config = InfoMergeConfig(**{**method.to_dict(), **given})
        changes = {name: value for name, value in config.changes().items() if name != "retention_ratio"}
        return METHODS["infomerge"].settled(config.retention_ratio, changes, precision or "exact")
    if method is None or isinstance(method, str | Method):
        known = method if isinstance(method, Method) else get_method("infomerge" if method is None else method)
        ratio = DEFAULT_RATIO if retention_ratio is None else retention_ratio
        return known.settled(ratio, options, precision or "exact")
    if callable(method):
        if precision is not None:
            given = {**given, "precision": precision}
        if given:
            raise ValueError(
                f"{next(iter(given))}: given beside a callable; expected options of named methods, or a "
                "functools.partial of the callable"
            )
        return method
    raise TypeError(
        f"method: got {type(method).__name__}; expected a method's name, an InfoMergeConfig, a Compressor, and a "
        "callable (tokens, saliency=...) -> Compression; a ratio goes by keyword, as in retention_ratio=0.1"
    )


def compress(
    tokens: Float[Tensor, "frames positions channels"],
    method: "str | InfoMergeConfig | Method | Compressor | CustomMethod | None" = None,
    *,
    retention_ratio: float | None = None,
    saliency: Float[Tensor, "frames positions"] | None = None,
    frame_features: Float[Tensor, "frames features"] | None = None,
    layers: Float[Tensor, "layers frames positions hidden"] | None = None,
    precision: str | None = None,
    **options: Any,
) -> Compression:
    """Keep a share of a clip's visual tokens, by InfoMerge or any other method.

    The steps of InfoMerge are in `infomerge.pipeline`, in order. Exactly round(retention_ratio * frames * positions)
    tokens are kept, at least one (but for InfoMerge's option rounding="paper"). Computes in float64, so that near ties
    do not depend on the machine, and never changes its inputs. The same input gives the same output, bit for bit, on
    the same machine.

    Args:
        tokens: visual tokens of any float dtype, on any device that has float64.
        method: a name of `infomerge.methods.METHODS`, an `InfoMergeConfig` or a `Compressor`; without one, InfoMerge.
        retention_ratio: share of the tokens that is kept, in (0, 1]; without one, that of the configuration or 10 %.
        saliency: how much each token matters, higher is more (A_l of eq. 10): attention of [CLS] or of a pooling head.
            Without it, each token's Euclidean distance from its frame's mean token.
        frame_features: one global feature per frame (g_l of eq. 22). Without it, the mean of the frame's tokens.
        layers: hidden states of consecutive layers of the encoder, two at least, the last one that of the tokens, at
            the tokens' positions. Only methods that need them look at them (`Method.needs`, `methods_for`).
        precision: "exact" (the default) is what is said above. "fast" computes InfoMerge and its configurations in
            float32, on a GPU by kernels that never wait for it: the same segments and budgets and, but for near ties,
            the same tokens, again bit for bit on every run; so it is of methods with a form of their own on a GPU
            ("farthest"), and exact of all others. "auto" is fast on a GPU and exact on a CPU. The trace says what was
            done (`trace.precision`, `trace.arithmetic`).
        options: of the method; for InfoMerge those of `InfoMergeConfig`, such as temperature=2.

    Raises:
        TypeError: an argument is not a float tensor, or the method of no accepted type.
        ValueError: an argument has the wrong shape, is empty, holds NaN or infinity, or lies on another device; there
            is no such method or option, or a value is out of range; or a method needs the `layers` and there are none.
    """
    given = options if precision is None else {**options, "precision": precision}
    compressor = make_compressor(method, retention_ratio=retention_ratio, **given)
    beside = {"layers": layers} if isinstance(compressor, Compressor) else {}
    return compressor(tokens, saliency=saliency, frame_features=frame_features, **beside)


def load_methods_of_other_packages() -> None:
    """Register what other packages name under `ENTRY_POINTS`; one that fails is left out with a warning."""
    for entry in entry_points(group=ENTRY_POINTS):
        if getattr(getattr(sys.modules.get(entry.module), "__spec__", None), "_initializing", False):
            continue  # it is being imported, and imports this package itself: it registers its method when it goes on
        try:
            register_method(entry.load())
        except Exception as error:
            warnings.warn(f"the method {entry.name!r} of {entry.value} was left out: {error}", stacklevel=2)


def in_order() -> None:
    """Put the methods into the order in which they are listed and drawn."""
    groups: tuple[Group, ...] = ("infomerge", "proposed", "published", "baseline")

    def place(method: Method) -> tuple[int, float]:
        number, year = (re.search(found, method.source) for found in (r"arXiv (\d{4}\.\d{5})", r"\b20(\d\d)\b"))
        # Without a number, it counts as later than all numbers of its year.
        date = float(number[1]) if number else float(f"{year[1]}99") if year else 0.0
        return groups.index(method.group), -date if method.group == "published" else 0.0

    ordered = sorted(METHODS.values(), key=place)
    METHODS.clear()
    METHODS.update((method.name, method) for method in ordered)
