"""Prompts of every supported class, shortened as promised, and everything else left alone."""

import functools
from typing import Any

import pytest
import torch
from torch import Tensor

from infomerge.methods import get_method
from infomerge.models import attachment, compressing
from infomerge.models.adapters import adapter_for
from tests.models.calls import CASES, FULL, SHORT, alone, language_inputs, logits, promised, prompts_of, tiny, tokens_of
from tests.tiny_models import IMAGE, KINDS, VIDEO, Kind


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_at_ratio_1_nothing_changes(kind: Kind, attention: str, case: str) -> None:
    model = tiny(kind.name, attention)
    inputs = kind.inputs(model, *prompts_of(kind)[case])
    before = logits(model, inputs)
    answer = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    with compressing(model, FULL) as run:
        after = logits(model, inputs)
        same = model.generate(**inputs, max_new_tokens=4, do_sample=False)
    assert run.last
    assert torch.equal(after, before)
    assert torch.equal(same, answer)


@pytest.mark.parametrize("case", CASES)
def test_the_sequence_is_as_short_as_promised(kind: Kind, model: Any, case: str) -> None:
    prompts = prompts_of(kind)[case]
    inputs = kind.inputs(model, *prompts)
    with compressing(model, SHORT) as run, language_inputs(model) as seen:
        short = logits(model, inputs)
    videos = [frames for prompt in prompts for frames in prompt.videos]
    assert [video.kept for video in run.last] == [promised(kind, frames) for frames in videos]
    assert [video.requested for video in run.last] == [promised(kind, frames) for frames in videos]
    lengths = [
        len(prompt.ids) - sum(tokens_of(kind, frames) - promised(kind, frames) for frames in prompt.videos)
        for prompt in prompts
    ]
    assert short.shape[:2] == (len(prompts), max(lengths))
    assert seen[0]["inputs_embeds"].shape[1] == run.length == max(lengths)
    assert seen[0]["attention_mask"].sum(dim=1).tolist() == lengths
    assert run.full_length == inputs["input_ids"].shape[1]


@pytest.mark.parametrize("case", CASES)
def test_the_trace_tells_what_reached_the_language_model(kind: Kind, model: Any, case: str) -> None:
    prompts = prompts_of(kind)[case]
    inputs = kind.inputs(model, *prompts)
    with language_inputs(model) as full, torch.no_grad():
        model(**inputs)
    with compressing(model, SHORT) as run, language_inputs(model) as seen, torch.no_grad():
        model(**inputs)
    embedded, positions = seen[0]["inputs_embeds"], seen[0]["position_ids"]
    given = full[0]["position_ids"]
    if given is None:
        given = torch.arange(run.full_length).expand(len(prompts), -1)
    token = VIDEO if (inputs["input_ids"] == VIDEO).any() else IMAGE
    assert len(run.last) == sum(len(prompt.videos) for prompt in prompts)
    for video in run.last:
        out = video.compression
        assert torch.equal(embedded[video.row, video.prompt_index], out.tokens)
        assert torch.equal(positions[..., video.row, video.prompt_index], given[..., video.row, video.columns])
        # Frame by frame, position by position: the n-th token of the video stood at its n-th placeholder.
        assert (inputs["input_ids"][video.row, video.columns] == token).all()
        placeholders = _video_placeholders(kind, inputs["input_ids"][video.row], video, out.trace.tokens.shape[:2])
        assert torch.equal(video.columns, placeholders[out.index])
        assert video.grid[0] * video.grid[1] == out.positions


def _video_placeholders(kind: Kind, ids: Tensor, video: Any, shape: Any) -> Tensor:
    """Columns of the tokens of the video that holds `video.columns`, found in the prompt's ids alone."""
    row: list[int] = ids.tolist()
    for frames in (8, 6):
        visual = kind.visual(frames)
        for start in range(len(row) - len(visual) + 1):
            if row[start : start + len(visual)] != visual:
                continue
            places = [start + n for n, token in enumerate(visual) if token in (VIDEO, IMAGE)]
            if int(video.columns[0]) in places and shape[0] == frames // kind.frames_per_token:
                return torch.tensor(places)[: shape[0] * shape[1]]
    raise AssertionError("no video of the prompt holds these columns")


def test_batched_and_single_agree(kind: Kind, model: Any) -> None:
    prompts = [kind.prompt(8), kind.prompt(8, question=9)]
    together = kind.inputs(model, *prompts)
    with compressing(model, SHORT):
        both = model.generate(
            **together, max_new_tokens=1, do_sample=False, return_dict_in_generate=True, output_logits=True
        )
        for row in range(2):
            single = alone(together, prompts, row)
            own = model.generate(
                **single, max_new_tokens=1, do_sample=False, return_dict_in_generate=True, output_logits=True
            )
            torch.testing.assert_close(both.logits[0][row], own.logits[0][0], atol=1e-4, rtol=0)


@pytest.mark.parametrize("with_mask", [True, False])
def test_a_far_visual_token_still_matters(kind: Kind, model: Any, with_mask: bool) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    if not with_mask:
        del inputs["attention_mask"]
    changed = dict(inputs)
    pixels = "pixel_values_videos" if "pixel_values_videos" in inputs else "pixel_values"
    changed[pixels] = inputs[pixels].clone()
    part = changed[pixels][0] if changed[pixels].ndim == 5 else changed[pixels]
    part[: max(1, len(part) // 8)] *= -1  # the first frame
    # What the compression keeps must not depend on the change, or it would do the influencing.
    fixed = functools.cache(lambda: _first_compression(model, inputs))

    def same_tokens(tokens: Tensor, saliency: Tensor | None) -> Any:
        out = fixed()
        values = out.carry(tokens)
        return type(out)(**{**vars(out), "tokens": values})

    for options in ({"use_cache": False}, {"use_cache": True}):
        with compressing(model, same_tokens) as run:
            one, other = logits(model, inputs, **options)[0, -1], logits(model, changed, **options)[0, -1]
            first = run.last[0].columns
            steps = {"max_new_tokens": 1, "do_sample": False, "return_dict_in_generate": True, "output_logits": True}
            third, fourth = (model.generate(**given, **options, **steps).logits[0][0] for given in (inputs, changed))
        assert (first.diff() > 1).any(), "there must be gaps between positions"
        assert (one - other).abs().max() > 1e-3
        assert (third - fourth).abs().max() > 1e-3
        torch.testing.assert_close(one, third, atol=1e-4, rtol=0)


def _first_compression(model: Any, inputs: dict[str, Any]) -> Any:
    with compressing(model, SHORT) as run:
        logits(model, inputs)
    return run.last[0].compression


def test_renumbered_positions_count_through(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, *prompts_of(kind)["a batch"])
    with compressing(model, SHORT, position_mode="renumbered") as run, language_inputs(model) as seen:
        logits(model, inputs)
        answer = model.generate(**inputs, max_new_tokens=3, do_sample=False)
        uncached = model.generate(**inputs, max_new_tokens=3, do_sample=False, use_cache=False)
    mask, positions = seen[0]["attention_mask"], seen[0]["position_ids"]
    for row in range(2):
        assert torch.equal(
            positions[..., row, :][..., mask[row] == 1],
            torch.arange(int(mask[row].sum())).expand(*positions.shape[:-2], -1),
        )
    assert torch.equal(answer, uncached)
    assert run.position_mode == "renumbered"


def test_text_and_images_are_left_alone(kind: Kind, model: Any) -> None:
    text = kind.inputs(model, kind.prompt(question=6))
    images = kind.inputs(model, kind.prompt("image", "image"))
    for inputs in (text, images):
        plain = logits(model, inputs)
        answer = model.generate(**inputs, max_new_tokens=3, do_sample=False)
        with compressing(model, SHORT) as run:
            assert torch.equal(logits(model, inputs), plain)
            assert torch.equal(model.generate(**inputs, max_new_tokens=3, do_sample=False), answer)
        assert run.last == []


def test_padding_on_the_right_stays_on_the_right(kind: Kind, model: Any) -> None:
    left = kind.inputs(model, *prompts_of(kind)["a batch"])
    order = torch.sort((left["attention_mask"] == 0).byte(), dim=1, stable=True).indices
    right = {
        name: value.gather(1, order) if value.shape == order.shape and name != "pixel_values" else value
        for name, value in left.items()
    }
    # Counted from each prompt's first token, as generate counts; a stock forward counts padding on the left too.
    left["position_ids"] = (left["attention_mask"].cumsum(1) - 1).clamp(min=0)
    right["position_ids"] = torch.arange(order.shape[1]).expand(order.shape)
    with compressing(model, SHORT):
        scores = {}
        for side, inputs in (("left", left), ("right", right)):
            found = logits(model, inputs)
            call = attachment.runs_of(model)[-1].call
            assert call is not None
            mask = call.inputs["attention_mask"]
            scores[side] = [row[real == 1] for row, real in zip(found, mask, strict=True)]
    for a, b in zip(scores["left"], scores["right"], strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=0)


def test_a_mask_of_booleans_is_a_mask(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, *prompts_of(kind)["a batch"])
    true = inputs | {"attention_mask": inputs["attention_mask"].bool()}
    options = {"max_new_tokens": 3, "do_sample": False}
    for config in (SHORT, FULL):
        with compressing(model, config):
            assert torch.equal(logits(model, true), logits(model, inputs))
            assert torch.equal(model.generate(**true, **options), model.generate(**inputs, **options))


def test_further_arguments_of_forward_arrive_as_they_were_given(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    with compressing(model, SHORT) as run, language_inputs(model) as seen, torch.no_grad():
        out = model(**inputs, output_hidden_states=True, use_cache=False)
    assert len(out.hidden_states) == 4
    assert all(states.shape[1] == run.length for states in out.hidden_states)
    assert "kwargs" not in seen[0]


def test_labels_are_shortened_along(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, *prompts_of(kind)["a batch"])
    labels = inputs["input_ids"].masked_fill(inputs["attention_mask"] == 0, -100)
    labels = labels.masked_fill((labels == VIDEO) | (labels == IMAGE), -100)
    with compressing(model, SHORT) as run, torch.no_grad():
        out = model(**inputs, labels=labels)
    kept = []
    for row, (answer, scores) in enumerate(zip(labels, out.logits, strict=True)):
        # The words after the video, whose scores stand at the end of the shorter prompt too.
        words = int((answer.flip(0) == -100).nonzero()[0])
        own = scores[-words - 1 : -1].log_softmax(dim=-1).gather(1, answer[-words:, None])
        kept.append(own[1:])
        assert run.last[row].row == row
    assert torch.isfinite(out.loss)
    assert out.loss > 0
    assert all(torch.isfinite(part).all() for part in kept)


@pytest.mark.parametrize("prompt", [(8,), (8, "image")], ids=["video", "video and image"])
def test_images_have_gradients_and_videos_none(kind: Kind, prompt: tuple[Any, ...]) -> None:
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(*prompt))
    given = {name: value.requires_grad_() for name, value in inputs.items() if name.startswith("pixel_values")}
    with compressing(model, SHORT) as run:
        model(**inputs, labels=inputs["input_ids"]).loss.backward()
    assert not run.last[0].compression.tokens.requires_grad
    assert adapter_for(model).text_model.layers[0].mlp.up_proj.weight.grad is not None
    tower = [part for name, part in model.named_parameters() if "vision" in name or "visual" in name]
    assert len(tower) > 20
    assert any(part.grad is not None for part in tower) == ("image" in prompt)
    videos, images = given.get("pixel_values_videos"), given.get("pixel_values")
    if videos is None:  # frames as images, before the image's two tiles
        assert images is not None
        own = None if images.grad is None else images.grad.view(-1, *images.shape[-3:])
        assert own is None or not own[:8].any()
        assert (own is not None and bool(own[8:].any())) == ("image" in prompt)
    else:
        assert videos.grad is None
        assert images is None or images.grad.any()


def test_other_methods_can_be_attached(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    for name in ("farthest", "fastvid", "visionzip", "uniform-frames"):
        with compressing(model, functools.partial(get_method(name), retention_ratio=0.15)) as run:
            assert logits(model, inputs).shape[1] == run.length
        assert run.last[0].compression.method == name
        assert run.last[0].kept == promised(kind, 8)


def test_frames_as_images_are_told_from_images() -> None:
    for name in ("SmolVLM", "InternVL"):
        kind, model = KINDS[name], tiny(name)
        inputs = kind.inputs(model, kind.prompt("image", 5, "image", 4))
        with compressing(model, SHORT) as run:
            logits(model, inputs)
        assert [len(video.compression.trace.transition) + 1 for video in run.last] == [5, 4]


def test_video_llama_3_must_not_drop_tokens_before() -> None:
    kind, model = KINDS["VideoLlama3"], tiny("VideoLlama3")
    inputs = kind.inputs(model, kind.prompt(8))
    keep = torch.ones(72, dtype=torch.bool)
    with compressing(model, SHORT):
        all_kept = logits(model, inputs | {"video_compression_mask": keep})
        assert torch.equal(all_kept, logits(model, inputs))
        keep[3] = False
        with pytest.raises(ValueError, match="video_compression_mask: got one that drops tokens"):
            logits(model, inputs | {"video_compression_mask": keep})
