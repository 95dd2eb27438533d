"""The same numbers give the same bits however they lie in memory, and numbers too large give one clear error."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from infomerge import compress
from infomerge.inputs import LARGEST, check_inputs, check_layers
from infomerge.methods import METHODS, make_compressor
from tests.clips import configurations, random_clip

INPUTS = ("tokens", "saliency", "frame_features", "layers")


def layouts(value: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The same numbers with other strides."""
    dims = list(range(value.ndim))
    yield "transposed", value.permute(dims[::-1]).contiguous().permute(dims[::-1])
    wide = torch.full((*value.shape[:-1], 2 * value.shape[-1] + 1), torch.nan, dtype=value.dtype)
    sliced = wide[..., 1::2]
    sliced.copy_(value)
    yield "sliced", sliced
    frames_last = value.movedim(0, -1).contiguous().movedim(-1, 0)
    yield "frames last", frames_last


def inputs(seed: int, scale: float, dtype: torch.dtype) -> dict[str, Tensor]:
    g = torch.Generator().manual_seed(seed)
    tokens = (random_clip(g, 9, 12, 33) * scale).to(dtype)
    return {
        "tokens": tokens,
        "saliency": torch.rand(9, 12, generator=g, dtype=torch.float64),
        "frame_features": torch.randn(9, 17, generator=g, dtype=torch.float64),
        "layers": tokens.double()[None] + torch.randn(3, 9, 12, 33, generator=g, dtype=torch.float64) * scale,
    }


def call(name: str, given: dict[str, Tensor], **options: Any) -> Any:
    given = dict(given)
    return make_compressor(name, retention_ratio=0.3, **options)(given.pop("tokens"), **given)


@pytest.mark.parametrize("name", METHODS)
def test_the_layout_in_memory_changes_no_bit(name: str) -> None:
    given = inputs(1, 1e18, torch.float32)
    out = call(name, given)
    lying = {what: dict(layouts(value)) for what, value in given.items()}
    for layout in lying["tokens"]:
        changed = {what: lying[what][layout] for what in INPUTS}
        assert all(torch.equal(changed[what], given[what]) for what in INPUTS)
        other = call(name, changed)
        assert torch.equal(out.index, other.index), layout
        assert torch.equal(out.assignment, other.assignment), layout
        assert torch.equal(out.tokens, other.tokens), layout


@pytest.mark.parametrize("name", METHODS)
def test_an_expanded_clip_is_read_like_its_copy(name: str) -> None:
    given = inputs(3, 1.0, torch.float32)
    given["tokens"] = given["tokens"][:1].expand(9, 12, 33)
    out, other = call(name, given), call(name, given | {"tokens": given["tokens"].clone()})
    assert torch.equal(out.index, other.index)
    assert torch.equal(out.tokens, other.tokens)


def test_the_fast_way_does_not_see_the_layout() -> None:
    given = inputs(4, 1.0, torch.float32)
    tokens = given["tokens"]
    compressor = make_compressor("infomerge", retention_ratio=0.3, precision="fast")
    out = compressor(tokens)
    for layout, value in layouts(tokens):
        assert torch.equal(out.tokens, compressor(value).tokens), layout


@pytest.mark.parametrize("name", METHODS)
def test_numbers_whose_products_overflow_are_refused_by_name(name: str) -> None:
    given = inputs(5, 1.0, torch.float64)
    for what, largest in zip(INPUTS, (1e160, torch.finfo(torch.float64).max, 1e160, 1e160), strict=True):
        bad = given[what].clone()
        bad.flatten()[3] = -largest
        with pytest.raises(ValueError, match=rf"{what}: got a value of .*; expected numbers from -1e\+60 to 1e\+60"):
            call(name, given | {what: bad})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("dtype", "largest"),
    [(torch.float64, LARGEST), (torch.float16, None)],
)
@pytest.mark.parametrize("name", METHODS)
def test_the_largest_numbers_that_are_taken_give_finite_tokens(
    name: str, dtype: torch.dtype, largest: float | None
) -> None:
    given = inputs(6, 1.0, torch.float64)
    tokens, top = given["tokens"], torch.finfo(dtype).max if largest is None else largest
    given["tokens"] = (tokens / tokens.abs().max() * top).clamp(-top, top).to(dtype)
    given["layers"] = given["tokens"][None].repeat(3, 1, 1, 1)
    out = call(name, given)
    assert out.tokens.isfinite().all()
    assert out.kept == out.requested
    for measure in ("uniqueness", "richness"):
        assert getattr(out.trace, measure).isfinite().all(), measure


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_eight_bits_are_refused_by_name(dtype: torch.dtype) -> None:
    tokens = torch.ones(3, 4, 5)
    with pytest.raises(TypeError, match=r"tokens: got dtype torch\.float8.*; expected a float dtype"):
        check_inputs(tokens.to(dtype))
    with pytest.raises(TypeError, match=r"saliency: got dtype torch\.float8.*; expected a float dtype"):
        check_inputs(tokens, torch.ones(3, 4).to(dtype))


@pytest.mark.parametrize("seed", range(20))
def test_carrying_the_tokens_gives_the_tokens(seed: int) -> None:
    g = torch.Generator().manual_seed(seed)
    tokens = random_clip(g, 12, 16, 5)
    config = dataclasses.replace(configurations(g, 0.4), merge_scope="anchor_frame")
    out = compress(tokens, config)
    assert torch.allclose(out.carry(tokens), out.tokens, atol=1e-9)


@pytest.mark.parametrize("what", INPUTS)
def test_tensors_without_numbers_in_rows_are_refused_by_name(what: str) -> None:
    given = inputs(1, 1.0, torch.float32)
    nested = torch.nested.nested_tensor(list(given[what]))
    for kind, odd in {"sparse": given[what].to_sparse(), "nested": nested}.items():
        changed = given | {what: odd}
        with pytest.raises(TypeError, match=f"{what}: got a .*{kind}.* tensor; expected a dense one"):
            check_layers(changed["layers"], given["tokens"]) if what == "layers" else check_inputs(
                changed["tokens"], changed["saliency"], changed["frame_features"]
            )
    with pytest.raises(TypeError, match="tokens: got a tensor on meta"):
        check_inputs(given["tokens"].to("meta"))
