"""The calls that people try first: one signature for every method, by name, configuration or compressor."""

import functools
import json
import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from typing import Any

import pytest
import torch

import infomerge
from infomerge import Compression, InfoMergeConfig, compress, methods
from infomerge.methods import METHODS, Method, make_compressor, methods_for, register_method, registry
from infomerge.methods.result import Ownership
from tests.clips import random_clip

TOKENS = random_clip(torch.Generator().manual_seed(0), 12, 16, 8)


def same(one: Compression, other: Compression) -> bool:
    return torch.equal(one.tokens, other.tokens) and torch.equal(one.assignment, other.assignment)


def test_a_ratio_is_enough_and_is_the_papers() -> None:
    for ratio in (0.05, 0.1, 0.15):
        out = compress(TOKENS, retention_ratio=ratio)
        assert out.config == InfoMergeConfig.paper(ratio)
        assert same(out, compress(TOKENS, InfoMergeConfig.paper(ratio)))
    assert compress(TOKENS).config == InfoMergeConfig.paper(0.1)


@pytest.mark.parametrize("name", methods_for())
def test_every_method_goes_by_its_name(name: str) -> None:
    out = compress(TOKENS, name, retention_ratio=0.2)
    assert (out.method, out.kept) == (name, 38)
    assert same(out, make_compressor(name, retention_ratio=0.2)(TOKENS))
    assert same(out, METHODS[name](TOKENS, 0.2))


def test_options_go_by_keyword_and_change_a_configuration() -> None:
    config = InfoMergeConfig.fastvid(0.2)
    assert compress(TOKENS, retention_ratio=0.2, temperature=3).config.temperature == 3
    assert compress(TOKENS, config, neighbors=2).config == InfoMergeConfig.fastvid(0.2, neighbors=2)
    assert compress(TOKENS, config, retention_ratio=0.3).config.retention_ratio == 0.3
    assert not same(compress(TOKENS, "random", seed=1), compress(TOKENS, "random", seed=2))


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("infomerge", {"retention_ratio": 0.05, "temperature": 0.5}),
        ("fastvid", {"retention_ratio": 0.3}),
        ("random", {"retention_ratio": 0.25, "seed": 7}),
        (InfoMergeConfig.fastvid(0.15, anchor_interval=2), {}),
    ],
)
def test_a_compressor_goes_through_json_and_back(method: Any, options: dict[str, Any]) -> None:
    compressor = make_compressor(method, **options)
    again = make_compressor(**json.loads(json.dumps(compressor.to_dict())))
    assert again == compressor
    assert same(again(TOKENS), compressor(TOKENS))
    assert make_compressor(compressor) == compressor
    assert make_compressor(compressor, retention_ratio=0.5).retention_ratio == 0.5


def test_labels_say_method_and_ratio() -> None:
    assert make_compressor("fastvid", retention_ratio=0.125).label == "FastVID at 12.5 %"
    assert make_compressor(InfoMergeConfig(retention_ratio=0.05)).label == "InfoMerge at 5 %"


def test_any_callable_is_handed_through_but_takes_no_options() -> None:
    mine = functools.partial(compress, method="tome")
    assert make_compressor(mine) is mine
    with pytest.raises(ValueError, match="retention_ratio: given beside a callable"):
        make_compressor(mine, retention_ratio=0.1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": 0.1}, TypeError, "method"),
        ({"method": "tomee"}, ValueError, "method: got 'tomee'; expected infomerge, .*tome"),
        ({"method": "tome", "seed": 1}, ValueError, "seed: not an option of the method 'tome'"),
        ({"method": "random", "seed": -1}, ValueError, "seed: got -1"),
        ({"retention_ratio": 0}, ValueError, "retention_ratio\n.*greater than 0"),
        ({"tempreature": 2}, ValueError, "tempreature: not an option of the method 'infomerge'"),
    ],
)
def test_what_is_not_accepted_is_said_before_anything_runs(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_compressor(**arguments)
    with pytest.raises(error, match=message):
        compress(TOKENS, **arguments)


def test_old_spellings_work_and_say_what_to_write() -> None:
    with pytest.warns(DeprecationWarning, match="config= is deprecated .* use the argument 'method'"):
        out = compress(TOKENS, config=InfoMergeConfig(retention_ratio=0.2))
    assert same(out, compress(TOKENS, retention_ratio=0.2))
    with pytest.warns(DeprecationWarning, match="neighbours.* use 'neighbors'"):
        config = InfoMergeConfig(neighbours=3)
    with pytest.warns(DeprecationWarning, match="neighbours"):
        assert config.neighbours == config.neighbors == 3
    with pytest.warns(DeprecationWarning, match="penalised_saliency"):
        assert out.trace.penalised_saliency is out.trace.penalized_saliency
    with pytest.warns(DeprecationWarning, match=re.escape("infomerge.Trace is deprecated")):
        assert infomerge.Trace is infomerge.InfoMergeTrace
    with pytest.warns(DeprecationWarning, match="MethodTrace"):
        assert methods.MethodTrace is infomerge.ClipTrace


def test_a_method_of_another_package_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("halves", "tests.test_signature:HALVES", registry.ENTRY_POINTS)
    broken = EntryPoint("broken", "tests.no_such_module:X", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry, broken])
    monkeypatch.setattr(registry, "METHODS", dict(METHODS))
    with pytest.warns(UserWarning, match="the method 'broken' .* was left out"):
        registry.load_methods_of_other_packages()
    assert registry.METHODS["halves"] is HALVES
    with pytest.raises(ValueError, match="name: got 'tome', which another method has"):
        register_method(Method("tome", "x", "x", "x", "baseline", choose=_first_tokens))
    with pytest.raises(ValueError, match="got neither of configure and choose"):
        register_method(Method("nothing", "x", "x", "x", "baseline"))


def _first_tokens(features: torch.Tensor, saliency: torch.Tensor, requested: int) -> Ownership:
    owner = torch.arange(features.shape[0] * features.shape[1]).clamp(max=requested - 1)
    return Ownership(owner, torch.zeros_like(owner, dtype=torch.bool))


HALVES = Method("halves", "halves", "the first tokens", "common practice", "baseline", choose=_first_tokens)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, infomerge; print(sorted({'torch', 'numpy', 'matplotlib', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_public_name_is_there() -> None:
    for name in infomerge.__all__:
        assert getattr(infomerge, name) is not None
        assert name in dir(infomerge)
    with pytest.raises(AttributeError, match="no attribute 'compres'"):
        _ = infomerge.compres
