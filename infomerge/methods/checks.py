"""What every method promises, as checks that anyone can run on a method of their own: `check_method("my-method")`."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from infomerge.budget import requested_tokens
from infomerge.compression import Compression
from infomerge.methods.method import Method
from infomerge.methods.registry import get_method

RATIOS = (0.001, 0.1, 0.37, 1.0)
"""Every clip is compressed at each; the first keeps one token of any of them."""


@dataclass(frozen=True, eq=False)
class Run:
    """A clip, and what a method made of it."""

    method: Method
    retention_ratio: float
    tokens: Float[Tensor, "frames positions channels"]
    given: tuple[Tensor, ...]
    """Tokens, saliency and frame features, in the order in which a method takes them."""
    before: tuple[Tensor, ...]
    """Copies of them, made before the method ran."""
    options: dict[str, Any]
    out: Compression
    beside: dict[str, Tensor] = field(default_factory=dict)
    """What the method needs beside them."""

    @property
    def size(self) -> int:
        """Tokens of the clip."""
        return self.tokens.shape[0] * self.tokens.shape[1]


def check_method(method: str | Method, **options: Any) -> None:
    """Run a method on small clips of every shape that breaks methods, and check what it promises.

    The clips have cuts, stand still, hold ties, zeros, one frame, one position or one token, in every float dtype. It
    takes about a second.

    Args:
        method: a name of `infomerge.methods.METHODS`, or a `Method` that need not be registered.
        options: of the method.

    Raises:
        AssertionError: the method breaks a promise. The message names the method, the clip, the ratio, the promise and
            what was found.
        ValueError: there is no method of that name, or it has no such option.
    """
    method = get_method(method) if isinstance(method, str) else method
    _describes_itself(method)
    for name, tokens in _clips():
        for ratio in RATIOS:
            run = _run(method, tokens, ratio, options)
            for check in CHECKS:
                problem = check(run)
                if problem:
                    raise AssertionError(
                        f"{method.name}, clip {name!r} {list(tokens.shape)} {tokens.dtype}, retention ratio {ratio:g}: "
                        f"{_promise(check)} Found: {problem}"
                    )


def exact_count(run: Run) -> str | None:
    """Keeps exactly round(ratio * frames * positions) tokens, at least one."""
    frames, positions, _ = run.tokens.shape
    wanted = requested_tokens(frames, positions, run.retention_ratio)
    return None if run.out.kept == run.out.requested == wanted else f"{run.out.kept} kept, {wanted} requested"


def ascending_indices(run: Run) -> str | None:
    """Kept tokens stand in temporal order, none of them twice."""
    index = run.out.index
    inside = bool((index >= 0).all()) and bool((index < run.size).all())
    return None if inside and bool((index.diff() > 0).all()) else f"indices {index.tolist()}"


def owned_once(run: Run) -> str | None:
    """Every token has one owner, which is a kept token; a kept token owns itself."""
    owner, own = run.out.assignment, torch.arange(run.out.kept, device="cpu")
    if owner.shape != (run.size,):
        return f"{list(owner.shape)} owners for {run.size} tokens"
    if not torch.equal(owner[run.out.index], own):
        return f"the kept tokens' owners {owner[run.out.index].tolist()}"
    return None if torch.equal(owner.unique(), own) else f"the owners {owner.unique().tolist()}"


def shapes_and_dtype(run: Run) -> str | None:
    """The kept tokens are finite, [kept, channels], in the dtype of the clip's tokens."""
    kept, expected = run.out.tokens, (run.out.kept, run.tokens.shape[2])
    if kept.shape != expected or kept.dtype != run.tokens.dtype:
        return f"{list(kept.shape)} {kept.dtype}"
    return None if bool(kept.isfinite().all()) else "NaN or infinite values"


def merges_as_planned(run: Run) -> str | None:
    """`plan.merge` of the clip's own tokens gives the kept tokens, and `plan.unmerge` a clip of the same shape."""
    plan, out = run.out.plan, run.out
    merged, whole = plan.merge(run.tokens), plan.unmerge(out.tokens)
    if merged.shape != out.tokens.shape or not torch.allclose(merged.double(), out.tokens.double(), atol=1e-6):
        return "other tokens"
    if whole.shape != run.tokens.shape:
        return f"a clip of shape {list(whole.shape)}"
    return None if torch.equal(whole.flatten(0, 1)[out.index], out.tokens) else "kept tokens in other places"


def segments_cover_the_clip(run: Run) -> str | None:
    """The segments of the trace are contiguous and cover all frames."""
    edges = run.out.trace.segments
    whole = edges[0, 0] == 0 and edges[-1, 1] == len(run.tokens) and torch.equal(edges[1:, 0], edges[:-1, 1])
    return None if whole and bool((run.out.trace.lengths > 0).all()) else f"segments {edges.tolist()}"


def inputs_unchanged(run: Run) -> str | None:
    """Leaves what it is given as it was."""
    names = ("tokens", "saliency", "frame_features")
    changed = [name for name, a, b in zip(names, run.given, run.before, strict=True) if not torch.equal(a, b)]
    return f"changed: {', '.join(changed)}" if changed else None


def repeatable(run: Run) -> str | None:
    """The same input gives the same output bit for bit, without the global random generator."""
    state = torch.random.get_rng_state()
    _, saliency, features = run.given
    again = run.method(run.tokens, run.retention_ratio, saliency, features, **run.beside, **run.options)
    if not torch.equal(torch.random.get_rng_state(), state):
        return "the global generator was used"
    same = torch.equal(again.tokens, run.out.tokens) and torch.equal(again.assignment, run.out.assignment)
    return None if same else "another result in the second run"


def identity_at_ratio_one(run: Run) -> str | None:
    """At a retention ratio of 1 every token is kept, unchanged."""
    changed = run.retention_ratio == 1 and not torch.equal(run.out.tokens, run.tokens.flatten(0, 1))
    return "changed tokens" if changed else None


CHECKS: tuple[Callable[[Run], str | None], ...] = (
    exact_count,
    ascending_indices,
    owned_once,
    shapes_and_dtype,
    merges_as_planned,
    segments_cover_the_clip,
    inputs_unchanged,
    repeatable,
    identity_at_ratio_one,
)
"""Each says what it found where a promise is broken, and None where it holds; its docstring is the promise."""


def _promise(check: Callable[[Run], str | None]) -> str:
    return (check.__doc__ or check.__name__).splitlines()[0]


def _describes_itself(method: Method) -> None:
    for what in ("name", "title", "summary", "source"):
        if not getattr(method, what):
            raise AssertionError(f"{method.name or 'a method'}: has no {what}, which lists and figures show.")
    if not re.fullmatch(r"[a-z0-9+-]+", method.name):
        raise AssertionError(f"{method.name}: a name is in lower case, such as 'my-method', to be typed in commands.")
    for departure in method.departures:
        if not departure.endswith("."):
            raise AssertionError(f"{method.name}: a departure is a sentence. Found: {departure!r}")


def _run(method: Method, tokens: Tensor, ratio: float, options: dict[str, Any]) -> Run:
    saliency = tokens.double().square().mean(-1).to(tokens.dtype)
    given = (tokens, saliency, tokens.double().mean(1).to(tokens.dtype))
    before = tuple(tensor.clone() for tensor in given)
    beside = {"layers": _layers(tokens)} if "layers" in method.needs else {}
    out = method(tokens, ratio, saliency, given[2], **beside, **options)
    return Run(method, ratio, tokens, given, before, options, out, beside)


def _layers(tokens: Float[Tensor, "frames positions channels"]) -> Float[Tensor, "4 frames positions channels"]:
    """Hidden states that end in the tokens, for methods that need some: what comes before them is turned and mixed."""
    wide = tokens.double()
    return torch.stack([wide.flip(2), wide.roll(1, 2) + 1, wide.roll(1, 1), wide]).to(tokens.dtype)


def _clips() -> Iterator[tuple[str, Float[Tensor, "frames positions channels"]]]:
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64, device="cpu")

    scenes = normal(3, 9, 6).repeat_interleave(torch.tensor([7, 2, 5], device="cpu"), dim=0)
    yield "three scenes", scenes + 0.3 * normal(14, 9, 6)
    yield "still, half precision", normal(1, 8, 5).repeat(12, 1, 1).half()
    yield "noise, bfloat16", normal(10, 7, 5).bfloat16()
    yield "ties, float32", normal(9, 12, 3).sign().float()
    yield "all zero", torch.zeros(6, 4, 3, device="cpu")
    yield "one frame", normal(1, 16, 4)
    yield "one position", normal(11, 1, 4)
    yield "one token", normal(1, 1, 3)
