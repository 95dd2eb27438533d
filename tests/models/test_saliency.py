"""Saliency of each tower, and what else is merged along."""

import itertools
import math
import threading
from typing import Any

import pytest
import torch
from torch import Tensor

from infomerge.encoders.attention import recorded_attention, recorded_input
from infomerge.methods import compress
from infomerge.models import compressing
from infomerge.models.adapters import adapter_for
from tests.models.calls import SHORT, language_inputs, logits, tiny
from tests.tiny_models import KINDS, Kind


def test_what_other_threads_encode_is_not_recorded() -> None:
    kind, model = KINDS["InternVL"], tiny("InternVL")
    images = kind.inputs(model, kind.prompt("image"))
    plain = logits(model, images)
    attention = adapter_for(model).attention(images)
    found: list[Tensor] = []
    with recorded_attention(attention, from_cls=True) as received, recorded_input(attention.q_proj) as seen:
        other = threading.Thread(target=lambda: found.append(logits(model, images)))
        other.start()
        other.join()
        assert received == []
        assert seen == []
        logits(model, images)
        assert len(received) == len(seen) == 1
    assert torch.equal(found[0], plain)


@pytest.mark.parametrize("name", ["LlavaOnevision", "LlavaNextVideo", "SmolVLM", "InternVL"])
def test_saliency_is_the_attention_of_the_tower(name: str) -> None:
    kind, model = KINDS[name], tiny(name, "eager")
    inputs = kind.inputs(model, kind.prompt(8))
    pixels = inputs["pixel_values" if "pixel_values" in inputs else "pixel_values_videos"]
    flat = pixels.flatten(0, 1) if pixels.ndim == 5 else pixels
    with compressing(model, SHORT) as run, torch.no_grad():
        model(**inputs)
        tower = model.model.vision_model if name == "SmolVLM" else model.model.vision_tower
        more = {"patch_attention_mask": torch.ones(8, 6, 6, dtype=torch.bool)} if name == "SmolVLM" else {}
        weights = tower(pixel_values=flat, output_attentions=True, **more).attentions
    # The block that the features come from: the last one, but for LLaVA-NeXT-Video's last but one.
    block = weights[-2 if name == "LlavaNextVideo" else -1].double().numpy()
    has_cls = name in ("LlavaNextVideo", "InternVL")
    patches = block[:, :, 0, 1:].mean(axis=1) if has_cls else block.mean(axis=(1, 2))
    grid = patches.reshape(8, 3, 2, 3, 2).mean(axis=(2, 4)).reshape(8, 9)  # 2 x 2 patches a token
    found = run.last[0].compression.trace.saliency
    torch.testing.assert_close(found, torch.from_numpy(grid), atol=1e-6, rtol=1e-4)


def test_saliency_of_a_pooling_head_comes_first() -> None:
    kind = KINDS["LlavaOnevision"]
    model = kind.build(vision_config={"vision_use_head": True})
    inputs = kind.inputs(model, kind.prompt(8))
    head = model.model.vision_tower.head
    seen: list[Tensor] = []
    hook = head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    with compressing(model, SHORT) as run, torch.no_grad():
        model(**inputs)
        weights = head.attention(head.probe.repeat(8, 1, 1), seen[0], seen[0], average_attn_weights=True)[1]
    hook.remove()
    assert run.last[0].saliency_source == "attention of the pooling head"
    grid = weights[:, 0].view(8, 3, 2, 3, 2).mean(dim=(2, 4)).view(8, 9)
    torch.testing.assert_close(run.last[0].compression.trace.saliency.float(), grid, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("tower", ["siglip_vision_model", "clip_vision_model"])
def test_frames_are_told_apart_by_what_the_tower_pools(tower: str) -> None:
    """g_l of eq. 22, from a whole pass of the tower by itself; merging goes by it, and says so."""
    if tower == "siglip_vision_model":
        kind = KINDS["LlavaOnevision"]
        model = kind.build(vision_config={"vision_use_head": True})
    else:
        kind = KINDS["LlavaNextVideo"]
        model = kind.build()
    inputs = kind.inputs(model, kind.prompt(8, 8))
    given: list[Any] = []

    def watching(tokens: Tensor, saliency: Tensor | None = None, frame_features: Tensor | None = None) -> Any:
        given.append(frame_features)
        return compress(tokens, SHORT, saliency=saliency, frame_features=frame_features)

    with compressing(model, watching) as run, torch.no_grad():
        logits(model, inputs)
        pooled = model.model.vision_tower(inputs["pixel_values_videos"].flatten(0, 1)).pooler_output.split(8)
    assert len(given) == 2
    for video, features, expected in zip(run.last, given, pooled, strict=True):
        torch.testing.assert_close(features, expected)
        similarity = torch.cosine_similarity(expected[:-1].double(), expected[1:].double())
        torch.testing.assert_close(video.compression.trace.transition, similarity, atol=1e-6, rtol=1e-5)
        assert video.frame_feature_source == "the tower's pooled output"
    with compressing(model, SHORT) as other:
        logits(model, inputs)
    assert torch.equal(other.last[1].compression.index, run.last[1].compression.index)
    # A method of somebody's that takes none is given none.
    with compressing(model, lambda tokens, saliency: compress(tokens, SHORT, saliency=saliency)) as plain:
        logits(model, inputs)
    assert plain.last[0].frame_feature_source == "mean of the frame's tokens"


@pytest.mark.parametrize("name", ["LlavaOnevision", "Qwen3VL", "SmolVLM", "InternVL", "VideoLlama3"])
def test_towers_that_do_not_pool_leave_it_to_the_tokens(name: str) -> None:
    kind, model = KINDS[name], tiny(name)
    with compressing(model, SHORT) as run:
        logits(model, kind.inputs(model, kind.prompt(8)))
    video = run.last[0]
    means = video.compression.trace.tokens.double().mean(dim=1)
    similarity = torch.cosine_similarity(means[:-1], means[1:])
    torch.testing.assert_close(video.compression.trace.transition, similarity, atol=1e-6, rtol=1e-5)
    assert video.frame_feature_source == "mean of the frame's tokens"


@pytest.mark.parametrize("name", ["Qwen2VL", "Qwen2_5_VL", "Qwen3VL", "VideoLlama3"])
def test_saliency_of_towers_with_rotary_positions(name: str) -> None:
    kind, model = KINDS[name], tiny(name, "eager")
    inputs = kind.inputs(model, kind.prompt(8, 6))
    attention = adapter_for(model).attention(inputs)
    seen: list[tuple[Any, ...]] = []
    hook = attention.register_forward_pre_hook(
        lambda _, args, kwargs: seen.append((args[0] if args else kwargs["hidden_states"], kwargs)), with_kwargs=True
    )
    with compressing(model, SHORT) as run, torch.no_grad():
        model(**inputs)
    hook.remove()
    states, given = seen[0]
    with torch.no_grad():
        if name == "VideoLlama3":
            query, key = (part(states).view(len(states), 4, 8) for part in (attention.q_proj, attention.k_proj))
        else:
            query, key, _ = attention.qkv(states).view(len(states), 3, 4, 8).unbind(1)
    cosine, sine = (part.double()[:, None] for part in given["position_embeddings"])
    query, key = (_rotated(part.double(), cosine, sine) for part in (query, key))
    received, ends = [], given["cu_seqlens"].tolist()
    for start, end in itertools.pairwise(ends):
        scores = torch.einsum("qhc,khc->hqk", query[start:end], key[start:end]) / math.sqrt(8)
        received.append(scores.softmax(dim=-1).mean(dim=(0, 1)))
    tokens = torch.cat(received).view(-1, 4).mean(dim=1)
    if name == "Qwen2_5_VL":
        # The tower puts its own tokens back into order after merging; the same order brings saliency back.
        with torch.no_grad():
            out = model.model.visual(inputs["pixel_values_videos"], grid_thw=inputs["video_grid_thw"])
            merged = model.model.visual.merger(out.last_hidden_state)
        order = [int((merged - row).abs().sum(dim=1).argmin()) for row in out.pooler_output]
        assert order != list(range(len(order))), "windows must reorder something"
        tokens = tokens[order]
    found = torch.cat([video.compression.trace.saliency.flatten() for video in run.last])
    torch.testing.assert_close(found, tokens, atol=1e-6, rtol=1e-4)


def _rotated(values: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    first, second = values.chunk(2, dim=-1)
    return values * cosine + torch.cat([-second, first], dim=-1) * sine


def test_recording_attention_costs_the_model_nothing(kind: Kind) -> None:
    inputs = kind.inputs(tiny(kind.name), kind.prompt(8))
    answers = {}
    for attention in ("sdpa", "eager"):
        with compressing(tiny(kind.name, attention), SHORT) as run:
            logits(tiny(kind.name, attention), inputs)
        answers[attention] = run.last[0].compression
    assert torch.equal(answers["sdpa"].index, answers["eager"].index)
    torch.testing.assert_close(answers["sdpa"].trace.saliency, answers["eager"].trace.saliency, atol=1e-5, rtol=1e-3)


def test_without_attention_the_fallback_is_told() -> None:
    kind, model = KINDS["LlavaOnevision"], tiny("LlavaOnevision")
    inputs = kind.inputs(model, kind.prompt(8))
    with compressing(model, SHORT) as run, torch.no_grad():
        model(**inputs, vision_feature_layer=-4)  # the embeddings, to which no block has paid attention
    assert run.last[0].saliency_source == "distance from the frame's mean token"
    tokens = run.last[0].compression.trace.tokens
    assert torch.equal(run.last[0].compression.index, compress(tokens, SHORT).index)


def test_deepstack_features_are_merged_with_the_same_owners() -> None:
    kind, model = KINDS["Qwen3VL"], tiny("Qwen3VL")
    inputs = kind.inputs(model, kind.prompt(8, 6))
    with torch.no_grad():
        layers = model.model.get_video_features(
            inputs["pixel_values_videos"], inputs["video_grid_thw"], return_dict=True
        ).deepstack_features
    with compressing(model, SHORT) as run, language_inputs(model) as seen:
        logits(model, inputs)
    assert len(layers) == len(seen[0]["deepstack_visual_embeds"]) == 2
    for layer, found in zip(layers, seen[0]["deepstack_visual_embeds"], strict=True):
        expected = []
        for video, features in zip(run.last, layer, strict=True):
            out = video.compression
            expected.append(out.carry(features.view(*out.trace.tokens.shape[:2], -1)))
        torch.testing.assert_close(found, torch.cat(expected))


def test_the_newline_after_a_llava_video_survives() -> None:
    kind, model = KINDS["LlavaOnevision"], tiny("LlavaOnevision")
    inputs = kind.inputs(model, kind.prompt(8, 8))
    with compressing(model, SHORT) as run, language_inputs(model) as seen:
        logits(model, inputs)
    embedded = seen[0]["inputs_embeds"][0]
    newlines = (embedded == model.model.image_newline).all(dim=1).nonzero().flatten().tolist()
    assert newlines == [int(video.prompt_index[-1]) + 1 for video in run.last]
