"""Beams, chunks, sampling, streamers and attention implementations of `generate`."""

import copy
import itertools
from typing import Any

import pytest
import torch
import transformers
from packaging.version import Version
from torch import Tensor, nn

from infomerge.methods import compress
from infomerge.models import compressing
from tests.models.calls import CASES, SHORT, alone, logits, prompts_of
from tests.tiny_models import KINDS, Kind


@pytest.mark.parametrize("case", ["one video", "a batch", "image and video"])
def test_beams_are_those_of_single_prompts(kind: Kind, model: Any, case: str) -> None:
    prompts = prompts_of(kind)[case]
    inputs = kind.inputs(model, *prompts)
    options = {"max_new_tokens": 4, "do_sample": False, "num_beams": 3, "num_return_sequences": 2, "eos_token_id": None}
    scored = {"return_dict_in_generate": True, "output_scores": True}
    with compressing(model, SHORT) as run:
        out = model.generate(**inputs, **options, **scored)
        beams = out.sequences
        assert beams.shape == (2 * len(prompts), inputs["input_ids"].shape[1] + 4)
        assert torch.equal(beams[:, :-4], inputs["input_ids"].repeat_interleave(2, dim=0))
        # One beam is greedy decoding, whose score the best of three beams reaches or beats.
        best = _score(model, inputs, beams[::2])
        greedy = model.generate(**inputs, **options | {"num_beams": 1, "num_return_sequences": 1})
        assert (best >= _score(model, inputs, greedy) - 1e-4).all()
        for row in range(len(prompts)):
            single = model.generate(**alone(inputs, prompts, row), **options, **scored)
            both = slice(2 * row, 2 * row + 2)
            assert torch.equal(single.sequences[:, -4:], beams[both, -4:])
            torch.testing.assert_close(single.sequences_scores, out.sequences_scores[both], atol=1e-4, rtol=0)
        assert run.last


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("options", [{}, {"num_beams": 2}], ids=["greedy", "beams"])
def test_a_prompt_can_be_read_in_chunks(kind: Kind, model: Any, case: str, options: dict[str, Any]) -> None:
    if Version(transformers.__version__) < Version("5.23"):
        with compressing(model, SHORT), pytest.raises(ValueError, match="prefill_chunk_size: found one beside"):
            model.generate(**kind.inputs(model, kind.prompt(8)), prefill_chunk_size=6, max_new_tokens=1)
        return
    inputs = kind.inputs(model, *prompts_of(kind)[case])
    told = {"return_dict_in_generate": True, "output_logits": True}
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None, **options, **told}
    with compressing(model, SHORT) as run:
        whole = model.generate(**inputs, **options)
        assert run.length > 12
        chunks = model.generate(**inputs, **options, prefill_chunk_size=6)
    assert torch.equal(chunks.sequences, whole.sequences)
    torch.testing.assert_close(torch.stack(chunks.logits), torch.stack(whole.logits), atol=1e-4, rtol=0)


def _score(model: Any, inputs: dict[str, Any], sequences: Tensor) -> Tensor:
    """Log-probability of the last four ids of each sequence, by one uncached pass over the whole."""
    count = sequences.shape[1] - inputs["input_ids"].shape[1]
    mask = torch.cat([inputs["attention_mask"], torch.ones(len(sequences), count, dtype=torch.long)], dim=1)
    types = {}
    if "mm_token_type_ids" in inputs:
        kinds = inputs["mm_token_type_ids"]
        types["mm_token_type_ids"] = torch.cat([kinds, kinds.new_zeros(len(kinds), count)], dim=1)
    positions = model._prepare_position_ids_for_generation(
        sequences, {**inputs, "input_ids": sequences, "attention_mask": mask, **types}
    )
    given = {**inputs, "input_ids": sequences, "attention_mask": mask, **types, "position_ids": positions}
    if positions.ndim == 3:  # answers count on from the last position of the prompt
        prompt = inputs["input_ids"].shape[1]
        last = positions[..., prompt - 1 : prompt]
        given["position_ids"] = torch.cat([positions[..., :prompt], last + 1 + torch.arange(count)], dim=-1)
    scores = logits(model, given)[:, -count - 1 : -1].log_softmax(dim=-1)
    return scores.gather(2, sequences[:, -count:, None]).sum(dim=(1, 2))


def test_sampling_is_repeatable_and_lengths_count_the_prompt_as_given(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    length = inputs["input_ids"].shape[1]
    with compressing(model, SHORT):
        answers = []
        for _ in range(2):
            torch.manual_seed(5)
            answers.append(model.generate(**inputs, do_sample=True, max_new_tokens=6, eos_token_id=None))
        assert torch.equal(answers[0], answers[1])
        assert torch.equal(answers[0][:, :length], inputs["input_ids"])
        limited = model.generate(**inputs, do_sample=False, max_length=length + 4, eos_token_id=None)
        assert limited.shape[1] == length + 4
        own = copy.deepcopy(model.generation_config)
        own.max_length, own.do_sample, own.eos_token_id = length + 4, False, None
        assert torch.equal(model.generate(**inputs, generation_config=own), limited)
        assert own.max_length == length + 4
        ids = inputs.pop("input_ids")
        assert torch.equal(
            model.generate(ids, **inputs, do_sample=False, max_length=length + 4, eos_token_id=None), limited
        )


def test_caches_streamers_and_missing_masks_change_no_answer(kind: Kind, model: Any) -> None:
    class Streamer:
        def __init__(self) -> None:
            self.seen: list[Tensor] = []

        def put(self, value: Tensor) -> None:
            self.seen.append(value.flatten())

        def end(self) -> None:
            self.ended = True

    inputs = kind.inputs(model, kind.prompt(8))
    options = {"max_new_tokens": 4, "do_sample": False, "eos_token_id": None}
    unmasked = {name: value for name, value in inputs.items() if name != "attention_mask"}
    streamer = Streamer()
    with compressing(model, SHORT):
        answer = model.generate(**inputs, **options)
        assert torch.equal(model.generate(**inputs, **options, cache_implementation="static"), answer)
        assert torch.equal(model.generate(**inputs, **options, streamer=streamer), answer)
        assert torch.equal(model.generate(**unmasked, **options), answer)
    assert torch.equal(torch.cat(streamer.seen[1:]), answer[0, -4:])
    assert streamer.ended


def test_generate_records_no_gradients(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, kind.prompt(8))
    modes = []

    def watching(tokens: Tensor, saliency: Tensor | None) -> Any:
        modes.append((torch.is_grad_enabled(), tokens.requires_grad))
        return compress(tokens, SHORT, saliency=saliency)

    with compressing(model, watching):
        model.generate(**inputs, max_new_tokens=1)
    assert modes == [(False, False)]


@pytest.mark.parametrize("name", ["LlavaOnevision", "Qwen2_5_VL"])
def test_flash_attention_sees_one_sequence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """transformers' own flash path, with kernels in plain torch in place of the package that is not here."""
    from transformers import modeling_flash_attention_utils as flash

    def attend(query: Tensor, key: Tensor, value: Tensor, causal: bool = False, **_: Any) -> Tensor:
        q, k, v = (part.transpose(1, 2) for part in (query, key, value))
        k, v = (part.repeat_interleave(q.shape[1] // part.shape[1], dim=1) for part in (k, v))
        mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool).tril(k.shape[2] - q.shape[2]) if causal else None
        return nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2)

    def attend_packed(
        query: Tensor, key: Tensor, value: Tensor, cu_seqlens_q: Tensor, cu_seqlens_k: Tensor, causal: bool, **_: Any
    ) -> Tensor:
        sequences.append(len(cu_seqlens_q) - 1)
        parts = []
        ends = list(zip(cu_seqlens_q.tolist(), cu_seqlens_k.tolist(), strict=True))
        for (q0, k0), (q1, k1) in itertools.pairwise(ends):
            parts.append(attend(query[None, q0:q1], key[None, k0:k1], value[None, k0:k1], causal)[0])
        return torch.cat(parts)

    sequences: list[int] = []
    kernels = (attend, attend_packed, None, flash._pad_input, flash._unpad_input)
    for state in ("_loaded_implementation", "_flash_fn", "_flash_varlen_fn", "_flash_with_kvcache_fn", "_pad_fn"):
        monkeypatch.setattr(flash, state, None)
    monkeypatch.setattr(flash, "_lazy_imports", lambda *_, **__: kernels)
    kind = KINDS[name]
    plain, model = kind.build(), kind.build()
    for module in model.modules():
        config = getattr(module, "config", None)
        if config is not None:
            config._attn_implementation_internal = "flash_attention_2"
    inputs = kind.inputs(model, kind.prompt(8))
    options = {"max_new_tokens": 3, "do_sample": False, "eos_token_id": None}
    with compressing(plain, SHORT):
        expected, answer = logits(plain, inputs), plain.generate(**inputs, **options)
    with compressing(model, SHORT) as run:
        for chunk in (None, 6) if Version(transformers.__version__) >= Version("5.23") else (None,):
            assert torch.equal(model.generate(**inputs, **options, prefill_chunk_size=chunk), answer)
        sequences.clear()
        found = logits(model, inputs, use_cache=False)
    assert (run.last[0].columns.diff() > 1).any()
    assert sequences.count(1) >= 3, "each layer of the decoder must see one sequence"
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
