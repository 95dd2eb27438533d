"""The contract that adapters keep, ours and others', and the registry that finds them."""

import inspect
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from infomerge import models
from infomerge.models import SUPPORTED, VideoAdapter, attach, check_adapter, compressing, contract, register
from infomerge.models import adapters as registry
from infomerge.models.adapters import adapter_class, adapters
from infomerge.models.adapters.internvl import InternVLAdapter
from infomerge.models.adapters.llava import LlavaOnevisionAdapter
from infomerge.models.adapters.qwen_vl import Qwen2VLAdapter
from tests.tiny_models import KINDS

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def added() -> Iterator[None]:
    """What a test registers is forgotten after it."""
    before = dict(registry._ADDED)
    yield
    registry._ADDED.clear()
    registry._ADDED.update(before)


@pytest.mark.parametrize("name", SUPPORTED)
def test_every_adapter_keeps_the_contract(name: str) -> None:
    assert check_adapter(name) == [check.promise for check in contract.CHECKS]


def test_the_template_registers_a_class_that_keeps_the_contract(added: None) -> None:
    template = runpy.run_path(str(ROOT / "docs" / "adapter_template.py"))
    assert (*SUPPORTED, "MyVideoLM") == models.SUPPORTED
    check_adapter(template["MyVideoLMAdapter"])
    own = template["MyVideoLM"](KINDS["LlavaOnevision"].build().config)
    assert adapter_class(own) is template["MyVideoLMAdapter"]
    # The class that it is built on, and its configuration, keep their own adapter.
    assert adapter_class(KINDS["LlavaOnevision"].build()) is LlavaOnevisionAdapter
    assert adapter_class(KINDS["LlavaOnevision"].build().config) is LlavaOnevisionAdapter
    own.config.architectures = ["MyVideoLM"]
    assert adapter_class(own.config) is template["MyVideoLMAdapter"]


class OneFrameLate(LlavaOnevisionAdapter):
    """Takes the second frame for the first."""

    def videos(self, inputs: Any) -> list[Any]:
        found = super().videos(inputs)
        return [type(video)(video.start + 1, video.frames, video.grid) for video in found]


class OneFrameShort(LlavaOnevisionAdapter):
    def videos(self, inputs: Any) -> list[Any]:
        return [type(video)(video.start, video.frames - 1, video.grid) for video in super().videos(inputs)]


class WrongOutput(LlavaOnevisionAdapter):
    def pooled_output(self, rows: list[Tensor]) -> Any:
        return torch.cat(rows).flip(0)[None]


class Blind(LlavaOnevisionAdapter):
    def saliency(self, inputs: Any, received: Any, videos: Any) -> list[Tensor]:
        return [torch.ones_like(part) for part in super().saliency(inputs, received, videos)]


class TakesImages(InternVLAdapter):
    """Counts everything of one tile as frames."""

    first_caption = re.compile(r"")
    next_caption = re.compile(r".*", re.DOTALL)

    def counts_on(self, captions: Any, caption: Any) -> bool:
        return True


@pytest.mark.parametrize(
    ("broken", "name", "promise"),
    [
        (OneFrameLate, "LlavaOnevisionForConditionalGeneration", "positions: the n-th token of a video is not at"),
        (OneFrameShort, "LlavaOnevisionForConditionalGeneration", "rows: videos: got 7 frames"),
        (WrongOutput, "LlavaOnevisionForConditionalGeneration", "ratio 1: logits of forward differ"),
        (Blind, "LlavaOnevisionForConditionalGeneration", "saliency: saliency is the same everywhere"),
        (TakesImages, "InternVLForConditionalGeneration", "rows: videos: got some among plain images"),
        (type("Unregistered", (Qwen2VLAdapter,), {}), "", "its model is one of Qwen2VLAdapter; is it registered"),
    ],
)
def test_a_broken_promise_is_named(
    broken: type[VideoAdapter], name: str, promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "STOCK", {**registry.STOCK, name: broken} if name else registry.STOCK)
    with pytest.raises(contract.BrokenPromiseError, match=f"{broken.__name__}, .*|{promise}") as caught:
        check_adapter(broken)
    assert promise in str(caught.value)


def test_entry_points_are_read_and_a_damaged_one_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    group = "infomerge.adapters"
    points = (
        EntryPoint("TheirVideoLM", "infomerge.models.adapters.internvl:InternVLAdapter", group),
        EntryPoint("Damaged", "infomerge.nowhere:Adapter", group),
        EntryPoint("InternVLForConditionalGeneration", "infomerge.models.adapters.llava:LlavaOnevisionAdapter", group),
    )
    monkeypatch.setattr(registry, "entry_points", lambda *, group: points)
    registry._from_entry_points.cache_clear()
    with pytest.warns(UserWarning, match="the adapter 'Damaged' of infomerge.nowhere:Adapter was left out"):
        found = adapters()
    registry._from_entry_points.cache_clear()
    assert found["TheirVideoLM"] is InternVLAdapter
    assert "Damaged" not in found
    assert found["InternVLForConditionalGeneration"] is InternVLAdapter


def test_a_file_in_the_folder_is_a_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "another_family.py").write_text(
        "from infomerge.models.adapters.internvl import InternVLAdapter\n\n\n"
        "class AnotherAdapter(InternVLAdapter):\n    class_name = 'AnotherLM'\n\n\n"
        "class _SharedAdapter(InternVLAdapter):\n    pass\n"
    )
    monkeypatch.setattr(registry, "__path__", [*registry.__path__, str(tmp_path)])
    found = registry._in_this_folder()
    monkeypatch.delitem(sys.modules, "infomerge.models.adapters.another_family")
    monkeypatch.delattr(registry, "another_family")
    assert set(found) == {*registry.STOCK, "AnotherLM"}
    assert issubclass(found.pop("AnotherLM"), InternVLAdapter)
    assert found == dict(registry.STOCK)


def test_bad_registrations_are_refused(added: None) -> None:
    with pytest.raises(TypeError, match="adapter: got <class 'dict'>; expected subclasses of VideoAdapter"):
        inspect.unwrap(register)("MyVideoLM", dict)  # under the type-checking import hook
    with pytest.raises(ValueError, match="class_name: got 'InternVLForConditionalGeneration', which InternVLAdapter"):
        register("InternVLForConditionalGeneration", LlavaOnevisionAdapter)
    register("InternVLForConditionalGeneration", InternVLAdapter)
    with pytest.raises(TypeError, match="adapter: got 'Nobody'; expected InternVL"):
        check_adapter("Nobody")


def test_a_class_of_the_same_name_from_elsewhere_is_not_ours() -> None:
    theirs = type("InternVLForConditionalGeneration", (torch.nn.Module,), {"__module__": "remote_code"})()
    with pytest.raises(TypeError, match="model: got InternVLForConditionalGeneration"):
        attach(theirs)


def test_lists_of_classes_come_from_the_registry() -> None:
    readme, doc = (ROOT / "README.md").read_text(encoding="utf-8"), attach.__doc__ or ""
    for name in SUPPORTED:
        assert f"`{name.removesuffix('ForConditionalGeneration')}`" in readme
        assert name in doc
    guide = (ROOT / "docs" / "adding_a_model.md").read_text(encoding="utf-8").replace("`", "")
    for check in contract.CHECKS:
        assert f"| {check.name} | {check.promise} |" in guide


def test_old_names_work_and_say_what_is_new() -> None:
    kind = KINDS["LlavaOnevision"]
    model = kind.build()
    with pytest.warns(DeprecationWarning, match="Prompter is deprecated .* use infomerge.models.Processor"):
        assert models.Prompter is models.Processor
    with pytest.warns(DeprecationWarning, match="use infomerge.models.save_tiny_random_model"):
        assert models.save_random_model is models.save_tiny_random_model
    with pytest.warns(DeprecationWarning, match="positions= is deprecated .* use position_mode="):
        run = attach(model, positions="renumbered")
    with torch.no_grad():
        model(**kind.inputs(model, kind.prompt(8)))
    with pytest.warns(DeprecationWarning, match="config= is deprecated"), compressing(model, config=None):
        pass
    with pytest.warns(DeprecationWarning, match=r"use Run.position_mode"):
        assert run.positions == "renumbered"
    with pytest.warns(DeprecationWarning, match=r"use CompressedVideo.prompt_index"):
        assert torch.equal(run.last[0].places, run.last[0].prompt_index)
    with pytest.warns(DeprecationWarning, match=r"use infomerge.models.load"):
        from infomerge.models.asking import load
    assert load is models.load
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        models.nothing  # noqa: B018


def test_checks_hold_under_optimized_python_too() -> None:
    code = "from infomerge.models.contract import _require\n_require(False, 'broken')"
    run = subprocess.run([sys.executable, "-O", "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "BrokenPromiseError: broken" in run.stderr
