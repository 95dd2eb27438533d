"""Every way of calling an attached model compresses its videos, or says in one line that it does not."""

import copy
import functools
import warnings
from typing import Any

import pytest
import torch
from torch import nn
from transformers import Pipeline
from transformers.generation import GenerationMixin

from infomerge.models import attach, attachment, compressing, detach
from tests.models.calls import FULL, SHORT, asked, logits, prompts_of, tiny
from tests.tiny_models import KINDS, Kind


@torch.no_grad()
def test_forward_by_any_name_compresses(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, *prompts_of(kind)["a batch"])
    stock = logits(model, inputs), model.model(**inputs).last_hidden_state
    names = ("input_ids", "attention_mask")
    with compressing(model, SHORT) as run:
        expected = logits(model, inputs)
        assert expected.shape[1] == run.length < inputs["input_ids"].shape[1]
        for call in (model.forward, functools.partial(nn.Module.__call__, model)):
            run.call = None
            assert torch.equal(call(**inputs).logits, expected)
            assert len(run.last) == 2
        rest = {name: value for name, value in inputs.items() if name != "input_ids"}
        assert torch.equal(model(inputs["input_ids"], **rest).logits, expected)
        run.call = None
        for call in (model.model, model.base_model.forward):
            hidden = call(**inputs).last_hidden_state
            torch.testing.assert_close(model.lm_head(hidden), expected)
        assert len(run.last) == 2
        cache = model.model(**inputs, use_cache=True).past_key_values
        words = {name: inputs[name][:, -1:] for name in names[:1]}
        assert torch.isfinite(model(**words, past_key_values=cache).logits).all()
    assert torch.equal(logits(model, inputs), stock[0])
    assert torch.equal(model.model(**inputs).last_hidden_state, stock[1])


def test_a_generate_past_the_model_is_refused(kind: Kind, model: Any) -> None:
    """A class's own function encodes videos before `forward` sees them."""
    inputs = kind.inputs(model, kind.prompt(8))
    images = kind.inputs(model, kind.prompt("image"))
    options = {"max_new_tokens": 2, "do_sample": False}
    answer = model.generate(**images, **options)
    with compressing(model, SHORT):
        for function in (type(model).generate, GenerationMixin.generate):
            with pytest.raises(ValueError, match="mm_encoder_outputs: got videos that are encoded already"):
                function(model, **inputs, **options)
            assert torch.equal(function(model, **images, **options), answer)
        assert model.generate(**inputs, **options).shape[1] == inputs["input_ids"].shape[1] + 2


def test_a_prompt_of_embeddings_is_said_not_to_be_compressed(kind: Kind, model: Any) -> None:
    ids = torch.tensor([[1, 5, 44, 45]])
    embedded = model.get_input_embeddings()(ids)
    expected = logits(model, {"input_ids": ids})
    with compressing(model, SHORT) as run:
        for call in (model, model.model):
            with pytest.warns(UserWarning, match="inputs_embeds: got a prompt of embeddings, in which a video is not"):
                found = call(inputs_embeds=embedded)
        torch.testing.assert_close(model.lm_head(found.last_hidden_state), expected)
        with pytest.warns(UserWarning, match="inputs_embeds"):
            model.generate(inputs_embeds=embedded, max_new_tokens=2)
        assert run.last == []
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="inputs_embeds")
            model(input_ids=ids)
            cache = model(**kind.inputs(model, kind.prompt(8)), use_cache=True).past_key_values
            model(inputs_embeds=embedded[:, -1:], past_key_values=cache)  # goes on from a compressed prompt


@torch.no_grad()
def test_logits_can_be_asked_for_by_column(kind: Kind, model: Any) -> None:
    inputs = kind.inputs(model, *prompts_of(kind)["a batch"])
    length = inputs["input_ids"].shape[1]
    if logits(model, inputs, logits_to_keep=1).shape[1] != 1:
        assert kind.name == "VideoLlama3", "its forward makes all logits whatever it is asked"
        return
    ways: list[Any] = [torch.tensor([length - 1, length - 2]), torch.tensor([-1, -2]), [length - 1], slice(-3, None)]
    ways += [torch.arange(length) >= length - 2, 2, 0]
    with compressing(model, FULL):
        found = [logits(model, inputs, logits_to_keep=way) for way in ways]
    for way, scores in zip(ways, found, strict=True):
        assert torch.equal(scores, logits(model, inputs, logits_to_keep=way))
    with compressing(model, SHORT) as run:
        whole = logits(model, inputs)
        for way in ways:
            # The words at the end stand there in the shorter prompt too.
            asked_for = slice(-way, None) if isinstance(way, int) else way
            expected = whole if way is ways[-1] else whole[:, torch.arange(length)[asked_for] - length]
            torch.testing.assert_close(logits(model, inputs, logits_to_keep=way), expected)
        gone = min(set(run.last[0].token_columns.tolist()) - set(run.last[0].columns.tolist()))
        with pytest.raises(ValueError, match=f"logits_to_keep: got column {gone}, which was dropped"):
            logits(model, inputs, logits_to_keep=torch.tensor([gone]))


class Wrapper(nn.Module):
    """What wraps a model under one name, and calls the model's `forward` past its hooks, as PEFT does."""

    def __init__(self, model: Any, name: str) -> None:
        super().__init__()
        self.name = name
        if name == "get_base_model":
            self.base_model, self.get_base_model = nn.ModuleDict({"model": model}), lambda: model
        else:
            setattr(self, name, model)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return attachment.unwrapped(self).forward(*args, **kwargs)


@pytest.mark.parametrize("name", ["_orig_mod", "module", "_fsdp_wrapped_module", "get_base_model"])
def test_wrapped_models_are_unwrapped(name: str) -> None:
    kind = KINDS["LlavaOnevision"]
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(8))
    wrapped = Wrapper(Wrapper(model, name), "module")
    expected = None
    with compressing(model, SHORT):
        expected = logits(model, inputs)
    run = attach(wrapped, SHORT)
    assert attachment.runs_of(wrapped) == attachment.runs_of(model) == [run]
    assert torch.equal(logits(wrapped, inputs), expected)
    detach(wrapped)
    assert attachment.runs_of(model) == []
    with pytest.raises(TypeError, match="model: got Linear; expected InternVLForConditionalGeneration"):
        attach(Wrapper(nn.Linear(2, 2), name))


def test_other_wrappers_are_refused_and_the_way_is_named() -> None:
    model = tiny("LlavaOnevision")
    for function in (attach, detach, attachment.runs_of):
        with pytest.raises(TypeError, match=r"got Wrapper, which holds a LlavaOnevisionFor\w+ as `\.pretrained_model`"):
            function(Wrapper(model, "pretrained_model"))
    with pytest.raises(TypeError, match=r"as `\.deep\.model`; expected that"):
        attach(nn.ModuleDict({"deep": nn.ModuleDict({"model": model})}))
    for nothing in (None, "a name", model.config, nn.Identity()):
        with pytest.raises(TypeError, match="model: got "):
            attach(nothing)


def test_parallel_copies_are_refused() -> None:
    """On one device, or none, `DataParallel` calls the model itself; on more it copies the model in every call."""
    kind, model = KINDS["LlavaOnevision"], tiny("LlavaOnevision")
    inputs = kind.inputs(model, kind.prompt(8))
    parallel = nn.DataParallel(model)
    with compressing(parallel, SHORT) as run:
        assert logits(parallel, inputs).shape[1] == run.length
    parallel.device_ids = [0, 1]
    with pytest.raises(TypeError, match="got a DataParallel over 2 devices"):
        attach(parallel, SHORT)


def test_compiled_models_compress() -> None:
    kind = KINDS["LlavaOnevision"]
    model = kind.build(text_config={"num_hidden_layers": 1})
    inputs = kind.inputs(model, kind.prompt(8))
    options = {"max_new_tokens": 2, "do_sample": False}
    graphs = []

    def backend(graph: Any, _: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(model, backend=backend)
    with compressing(compiled, SHORT) as run:
        expected = logits(model, inputs)
        run.call = None
        torch.testing.assert_close(logits(compiled, inputs), expected)
        assert graphs, "nothing was compiled"
        assert len(run.last) == 1
        assert torch.equal(compiled.generate(**inputs, **options), model.generate(**inputs, **options))
    assert logits(model, inputs).shape[1] == inputs["input_ids"].shape[1]


def test_a_forward_that_others_put_on_the_model_stays() -> None:
    """As accelerate does, before or after `attach`."""
    kind = KINDS["Qwen2VL"]
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(8))
    plain, calls = logits(model, inputs), []

    def put_on() -> Any:
        before = model.forward

        @functools.wraps(before)
        def forward(*args: Any, **kwargs: Any) -> Any:
            calls.append(1)
            return before(*args, **kwargs)

        model.forward = forward
        return forward

    own = put_on()
    with compressing(model, SHORT) as run:
        assert logits(model, inputs).shape[1] == run.length
        assert len(calls) == 1
    assert model.forward is own
    with compressing(model, SHORT) as run:
        later = put_on()
        assert logits(model, inputs).shape[1] == run.length
    assert model.forward is later
    assert torch.equal(logits(model, inputs), plain)


def test_weights_that_a_hook_brings_in_for_a_call_are_there_for_the_encoder() -> None:
    """As accelerate does with weights kept elsewhere; LLaVA-OneVision's encoder reads one of the model's own."""
    kind, model = KINDS["LlavaOnevision"], KINDS["LlavaOnevision"].build()
    inputs = kind.inputs(model, kind.prompt(8))
    with compressing(model, SHORT):
        expected = logits(model, inputs)
    base, newline, stock = model.model, model.model.image_newline, model.model.forward

    class Hook:
        def pre_forward(self, module: Any) -> None:
            module.image_newline = newline

        def post_forward(self, module: Any, output: Any) -> Any:
            module.image_newline = nn.Parameter(newline.to("meta"))
            return output

    def forward(*args: Any, **kwargs: Any) -> Any:
        base._hf_hook.pre_forward(base)
        return base._hf_hook.post_forward(base, stock(*args, **kwargs))

    base._hf_hook, base.forward = Hook(), forward
    base._hf_hook.post_forward(base, None)
    with compressing(model, SHORT):
        for _ in range(2):
            assert torch.equal(logits(model, inputs), expected)
            assert base.image_newline.is_meta


def test_a_pipeline_compresses() -> None:
    kind = KINDS["LlavaNextVideo"]
    model = kind.build()
    inputs = kind.inputs(model, kind.prompt(8))

    class Answering(Pipeline):
        def _sanitize_parameters(self, **_: Any) -> Any:
            return {}, {}, {}

        def preprocess(self, input_: Any, **_: Any) -> Any:
            return dict(input_)

        def _forward(self, input_tensors: Any, **_: Any) -> Any:
            return {"answer": self.model.generate(**input_tensors, max_new_tokens=3, do_sample=False)}

        def postprocess(self, model_outputs: Any, **_: Any) -> Any:
            return model_outputs["answer"]

    pipeline = Answering(model, device=-1)
    with compressing(model, SHORT) as run:
        assert torch.equal(pipeline(inputs), model.generate(**inputs, max_new_tokens=3, do_sample=False))
    assert len(run.last) == 1


def test_a_step_of_training_shortens_labels(kind: Kind) -> None:
    model = copy.deepcopy(tiny(kind.name)).train()
    inputs = kind.inputs(model, kind.prompt(8))
    labels = inputs["input_ids"].clone()
    labels[:, :-3] = -100
    with compressing(model, SHORT) as run:
        out = model(**inputs, labels=labels)
        out.loss.backward()
    scores = out.logits[0, -4:-1].log_softmax(dim=-1)
    expected = -scores.gather(1, labels[0, -3:, None]).mean()
    torch.testing.assert_close(out.loss, expected)
    assert out.logits.shape[1] == run.length
    assert model.lm_head.weight.grad.abs().sum() > 0


def test_text_alone_is_stock_by_every_name(kind: Kind, model: Any) -> None:
    given = asked(kind, torch.tensor([[1, 5, 44, 45]]))
    expected = logits(model, given), model.generate(**given, max_new_tokens=3, do_sample=False)
    with compressing(model, SHORT), torch.no_grad():
        assert torch.equal(model.forward(**given).logits, expected[0])
        assert torch.equal(GenerationMixin.generate(model, **given, max_new_tokens=3, do_sample=False), expected[1])
        assert torch.equal(model.generate(**given, max_new_tokens=3, do_sample=False), expected[1])
