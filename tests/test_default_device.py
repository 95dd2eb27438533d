"""What a program sets as torch's default device and dtype changes nothing: tensors lie where the tokens lie."""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from infomerge import compress
from infomerge.encoders.named import load_encoder
from infomerge.methods import METHODS, make_compressor
from infomerge.models import attach, detach, load
from infomerge.testbed.checkpoint import load_testbed
from infomerge.testbed.splits import FORMS, asked_about
from tests.clips import random_clip
from tests.models.calls import SHORT, tiny
from tests.tiny_models import KINDS

ROOT = Path(__file__).parent.parent
MAKERS = {"arange", "as_tensor", "empty", "eye", "full", "linspace", "ones", "rand", "randint", "randn", "randperm"}
MAKERS |= {"tensor", "zeros"}
# On "meta" a tensor has no numbers: whatever is made there by mistake fails, as it would beside a GPU's tensors.
DEFAULTS: dict[str, Any] = {"meta": "meta", "float64": torch.float64, "bfloat16": torch.bfloat16}


@contextmanager
def default(what: Any) -> Iterator[None]:
    before = torch.get_default_dtype()
    try:
        if isinstance(what, torch.dtype):
            torch.set_default_dtype(what)
        else:
            torch.set_default_device(what)
        yield
    finally:
        torch.set_default_dtype(before)
        torch.set_default_device(None)


def same(function: Callable[[], list[Tensor]], what: Any) -> None:
    expected = function()
    with default(what):
        found = function()
    assert [tensor.dtype for tensor in found] == [tensor.dtype for tensor in expected]
    assert all(map(torch.equal, found, expected))


@pytest.mark.parametrize("what", DEFAULTS.values(), ids=DEFAULTS)
@pytest.mark.parametrize("name", METHODS)
def test_every_method_computes_where_its_tokens_are(name: str, what: Any) -> None:
    generator = torch.Generator().manual_seed(1)
    tokens = random_clip(generator, 9, 12, 33).float()
    given = {
        "saliency": torch.rand(9, 12, generator=generator),
        "frame_features": torch.randn(9, 17, generator=generator),
        "layers": tokens[None] + torch.randn(3, 9, 12, 33, generator=generator),
    }

    def results() -> list[Tensor]:
        out = make_compressor(name, retention_ratio=0.3)(tokens, **given)
        fields = [field for field in dir(out.trace) if field[0] != "_" and field != "penalised_saliency"]
        seen = [getattr(out.trace, field) for field in fields]
        return [out.tokens, out.index, out.assignment, *(part.nan_to_num() for part in seen if torch.is_tensor(part))]

    same(results, what)


@pytest.mark.parametrize("what", ["meta", torch.bfloat16])
def test_clips_encoders_and_answers_do_not_depend_on_it(what: Any) -> None:
    testbed = load_testbed("subsets")

    def results() -> list[Tensor]:
        clip = FORMS["clean"].clip(8, "dev")
        seen = testbed.see(clip.frames[:8])
        out = compress(seen.tokens, retention_ratio=0.05, saliency=seen.saliency["head"])
        fast = compress(seen.tokens, retention_ratio=0.05, precision="fast")
        pictures = torch.as_tensor(clip.frames.copy(), device="cpu")
        encoding = load_encoder("efficientnet")(np.repeat(clip.frames[:1], 2, axis=0))
        answers = testbed.probabilities(out, asked_about(clip.script)[:3])
        return [pictures, seen.tokens, out.tokens, fast.tokens, encoding.tokens, answers]

    same(results, what)


@pytest.mark.parametrize("what", DEFAULTS.values(), ids=DEFAULTS)
def test_models_are_loaded_as_they_are_stored(what: Any) -> None:
    folder = ROOT / "data" / "testbed" / "subsets"
    same(lambda: [weight.data for weight in load(str(folder))[0].parameters()], what)


@pytest.mark.parametrize("what", ["meta", torch.bfloat16])
@pytest.mark.parametrize("name", ["LlavaOnevision", "Qwen3VL", "SmolVLM"])
def test_attached_models_do_not_depend_on_it(name: str, what: Any) -> None:
    kind, model = KINDS[name], tiny(name)
    inputs = kind.inputs(model, kind.prompt(8))

    def results() -> list[Tensor]:
        attach(model, SHORT)
        try:
            with torch.no_grad():
                scores = model(**inputs).logits
            return [scores, model.generate(**inputs, max_new_tokens=3, do_sample=False, repetition_penalty=1.2)]
        finally:
            detach(model)

    same(results, what)


def test_whatever_is_made_names_its_device() -> None:
    # The course's exercises make the numbers of their own examples.
    files = [path for path in (ROOT / "infomerge").rglob("*.py") if "course" not in path.parts]
    nameless = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr in MAKERS) == ("torch", True)
        and not any(keyword.arg in ("device", None) for keyword in node.keywords)
    ]
    assert nameless == []
