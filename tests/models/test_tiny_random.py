"""Small checkpoints with random weights take the whole way that real ones take."""

from pathlib import Path

import pytest
import torch

from infomerge import InfoMergeConfig
from infomerge.models import SUPPORTED, ask, load, save_tiny_random_model
from infomerge.video import sample_clip


@pytest.mark.parametrize(("name", "tokens"), [("LlavaOnevision", 8 * 196), ("Qwen2_5_VL", 4 * 120)])
def test_a_random_checkpoint_answers(tmp_path: Path, name: str, tokens: int) -> None:
    folder = save_tiny_random_model(tmp_path / name, name)
    model, processor = load(str(folder))
    clip = sample_clip("bigbuckbunny", num_frames=8)
    question = "Wer läuft? 誰?"
    full = ask(model, processor, clip, question, max_new_tokens=3)
    short = ask(model, processor, clip, question, InfoMergeConfig.paper(0.1), max_new_tokens=3)
    assert full.visual_tokens == tokens
    assert short.kept_tokens == round(0.1 * tokens)
    assert short.length == full.length - tokens + short.kept_tokens
    assert short.new_tokens == full.new_tokens == 3
    assert processor.tokenizer.decode(processor.tokenizer(question).input_ids) == question


@pytest.mark.parametrize("name", [name for name in SUPPORTED if not name.startswith(("LlavaOnevision", "Qwen2_5"))])
def test_every_class_has_a_random_checkpoint_that_answers(tmp_path: Path, name: str) -> None:
    folder = save_tiny_random_model(tmp_path / name, name)
    model, processor = load(str(folder))
    clip = sample_clip("bigbuckbunny", num_frames=4)
    found = ask(model, processor, clip, "What runs?", retention_ratio=0.25, max_new_tokens=2)
    assert type(model).__name__ == name
    assert found.requested_tokens == found.kept_tokens == round(found.visual_tokens / 4)


def test_the_same_seed_gives_the_same_weights_and_leaves_torch_alone(tmp_path: Path) -> None:
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    models = [load(str(save_tiny_random_model(tmp_path / str(n), seed=seed)))[0] for n, seed in enumerate((4, 4, 5))]
    assert torch.equal(torch.rand(3), expected)
    weights = [torch.cat([weight.flatten() for weight in model.parameters()]) for model in models]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"folder: got .* with something in it; expected a new or empty one"):
        save_tiny_random_model(tmp_path)
    with pytest.raises(ValueError, match="name: got 'Llava'; expected InternVL, LlavaOnevision, "):
        save_tiny_random_model(tmp_path / "new", "Llava")
