"""`check_method`: every method of the package keeps what it promises, and a method that does not is told how."""

import dataclasses
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from infomerge import Compression, InfoMergeConfig, compress
from infomerge.methods import METHODS, Method, checks, registry
from infomerge.methods.checks import check_method
from infomerge.methods.result import Ownership
from tests.clips import random_clip

DOCS = Path(__file__).parent.parent / "docs"
TEMPLATES = {"method_template": "most-changed", "configuration_template": "context-only"}


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "METHODS", dict(METHODS))


@pytest.mark.parametrize("name", METHODS)
def test_every_method_keeps_its_promises(name: str) -> None:
    check_method(name)


def test_options_are_handed_on() -> None:
    check_method("random", seed=7)
    check_method("infomerge", merge_scope="anchor_frame", static_ratio=1.0)
    with pytest.raises(ValueError, match="sead: not an option of the method 'random'"):
        check_method("random", sead=7)


def method(choose: Any = None, **changes: Any) -> Method:
    return dataclasses.replace(
        Method("mine", "mine", "what it does", "common practice", "baseline", choose=choose), **changes
    )


def first_tokens(features: torch.Tensor, saliency: torch.Tensor, requested: int) -> Ownership:
    owner = torch.arange(features.shape[0] * features.shape[1]).clamp(max=requested - 1)
    return Ownership(owner, torch.zeros_like(owner, dtype=torch.bool))


def one_too_few(features: torch.Tensor, saliency: torch.Tensor, requested: int) -> Ownership:
    return first_tokens(features, saliency, max(1, requested - 1))


def owned_by_one_that_goes(features: torch.Tensor, saliency: torch.Tensor, requested: int) -> Ownership:
    owner, merged = first_tokens(features, saliency, requested)[:2]
    if len(owner) > requested + 1:
        owner[-1] = requested  # which is not kept
    return Ownership(owner, merged)


def by_chance(features: torch.Tensor, saliency: torch.Tensor, requested: int) -> Ownership:
    owner, merged = first_tokens(features, saliency, requested)[:2]
    owner[requested:] = torch.randint(requested, (len(owner) - requested,))
    return Ownership(owner, merged)


def untidy(features: torch.Tensor, saliency: torch.Tensor, requested: int) -> Ownership:
    saliency[0, 0] += 1
    return first_tokens(features, saliency, requested)


def half_of_the_clip(features: torch.Tensor, saliency: torch.Tensor, requested: int) -> Ownership:
    return first_tokens(features, saliency, requested)._replace(segments=torch.tensor([[0, (len(features) + 1) // 2]]))


def rounded_alone(retention_ratio: float, **options: Any) -> InfoMergeConfig:
    return InfoMergeConfig(retention_ratio=retention_ratio, rounding="paper", **options)


def test_a_plain_method_passes() -> None:
    check_method(method(first_tokens))


def test_an_owner_that_is_not_kept_is_refused_by_every_run() -> None:
    with pytest.raises(ValueError, match="mine: got 1 tokens whose owner is not kept"):
        method(owned_by_one_that_goes)(torch.ones(3, 4, 5), 0.5)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (method(one_too_few), "Keeps exactly .* Found: .* kept, .* requested"),
        (method(configure=rounded_alone), "Keeps exactly .* Found: .* kept, .* requested"),
        (method(by_chance), "The same input gives the same output .* Found: the global generator was used"),
        (method(untidy), "Leaves what it is given as it was. Found: changed: saliency"),
        (method(half_of_the_clip), "The segments of the trace are contiguous and cover all frames"),
        (method(first_tokens, summary=""), "mine: has no summary"),
        (method(first_tokens, name="Mine Own"), "Mine Own: a name is in lower case"),
        (method(first_tokens, departures=("no noise",)), "mine: a departure is a sentence. Found: 'no noise'"),
    ],
    ids=lambda value: value if isinstance(value, str) else getattr(value.choose, "__name__", value.name),
)
def test_a_broken_promise_is_named(broken: Method, promise: str) -> None:
    with pytest.raises(AssertionError, match=promise):
        check_method(broken)


def run_of(out: Compression, tokens: torch.Tensor, ratio: float) -> checks.Run:
    given = (tokens, tokens.mean(-1), tokens.mean(1))
    return checks.Run(METHODS["infomerge"], ratio, tokens, given, given, {}, out)


def test_what_no_ownership_can_break_is_checked_too() -> None:
    tokens = random_clip(torch.Generator().manual_seed(1), 8, 9, 5)
    out = compress(tokens, retention_ratio=0.2)
    assert checks.shapes_and_dtype(run_of(out, tokens, 0.2)) is None
    halved = dataclasses.replace(out, tokens=out.tokens.half())
    assert checks.shapes_and_dtype(run_of(halved, tokens, 0.2)) == f"[{out.kept}, 5] torch.float16"
    moved = dataclasses.replace(out, tokens=out.tokens + 1)
    assert checks.merges_as_planned(run_of(moved, tokens, 0.2)) == "other tokens"
    backwards = dataclasses.replace(out, plan=dataclasses.replace(out.plan, index=out.index.flip(0)))
    assert "indices" in str(checks.ascending_indices(run_of(backwards, tokens, 0.2)))
    whole = compress(tokens, retention_ratio=1.0)
    assert checks.identity_at_ratio_one(run_of(whole, tokens, 1.0)) is None
    assert checks.identity_at_ratio_one(run_of(whole, tokens + 1, 1.0)) == "changed tokens"


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("template", TEMPLATES)
def test_the_templates_of_the_guide_are_methods_that_keep_every_promise(template: str) -> None:
    made = runpy.run_path(str(DOCS / f"{template}.py"))["METHOD"]
    assert registry.METHODS[made.name] is made
    assert made.name == TEMPLATES[template]
    check_method(made.name)
    check_method(made, **({"distance": 3} if template == "method_template" else {"neighbors": 2}))
    out = compress(random_clip(torch.Generator().manual_seed(2), 6, 9, 4), made, retention_ratio=0.3)
    assert (out.method, out.kept) == (made.name, 16)


@pytest.mark.usefixtures("own_registry")
def test_the_method_of_the_template_keeps_what_changed() -> None:
    made = runpy.run_path(str(DOCS / "method_template.py"))["METHOD"]
    tokens = torch.zeros(3, 4, 2)
    tokens[:, :, 0] = torch.arange(4.0)
    tokens[2, 3, 1] = 5
    out = compress(tokens, made, retention_ratio=5 / 12)
    assert out.index.tolist() == [0, 1, 2, 3, 11]
    with pytest.raises(ValueError, match="distance: got 0; expected whole numbers from 1"):
        compress(tokens, made, retention_ratio=0.5, distance=0)


@pytest.mark.parametrize("first", ["import infomerge.methods", "import other_package.most_changed"])
def test_an_installed_package_adds_the_template_without_a_warning(tmp_path: Path, first: str) -> None:
    package, facts = tmp_path / "other_package", tmp_path / "other_package-1.0.dist-info"
    package.mkdir()
    facts.mkdir()
    (package / "__init__.py").touch()
    (package / "most_changed.py").write_text((DOCS / "method_template.py").read_text())
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: other-package\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[infomerge.methods]\nmost-changed = other_package.most_changed:METHOD\n")
    code = f"{first}; from infomerge.methods.checks import check_method; check_method('most-changed'); print('passed')"
    found = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{DOCS.parent}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == "passed\n", found.stderr
