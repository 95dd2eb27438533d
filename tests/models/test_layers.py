"""Methods that need the tower's layers get them where the family's adapter can give them, and else a clear refusal."""

import threading

import pytest
import torch
from torch import nn

from infomerge import attach, compress
from infomerge.encoders.layers import late_entries, recorded_states
from infomerge.models import compressing
from tests.models.calls import tiny
from tests.tiny_models import KINDS


@pytest.mark.parametrize("blocks", [2, 5])
@pytest.mark.parametrize("name", ["LlavaOnevision", "LlavaNextVideo"])
def test_evocut_sees_the_hidden_states_from_before_the_middle_to_the_features(name: str, blocks: int) -> None:
    kind = KINDS[name]
    model = kind.build(vision_config={"num_hidden_layers": blocks})
    inputs = kind.inputs(model, kind.prompt(8))
    with torch.no_grad(), compressing(model, "evocut", retention_ratio=0.25) as run:
        model(**inputs)
        states = model.model.vision_tower(
            inputs["pixel_values_videos"].flatten(0, 1), output_hidden_states=True
        ).hidden_states
    # LLaVA-NeXT-Video reads the last block but one, after [CLS].
    last = blocks - 1 if name == "LlavaNextVideo" else blocks
    first = min({2: 0, 5: 1}[blocks], last - 1)
    patches = torch.stack(states[first : last + 1])[:, :, int(name == "LlavaNextVideo") :]
    layers = patches.view(-1, 8, 3, 2, 3, 2, patches.shape[-1]).mean(dim=(3, 5)).flatten(2, 3)  # 2 x 2 patches a token
    out = run.last[0].compression
    expected = compress(out.trace.tokens, "evocut", retention_ratio=0.25, layers=layers)
    assert out.kept == 18
    assert torch.equal(out.index, expected.index)
    other = compress(out.trace.tokens, "evocut", retention_ratio=0.25, layers=layers.flip(2))
    assert not torch.equal(out.index, other.index), "the clip does not suit the test"


def test_families_whose_towers_give_no_layers_refuse_such_methods_when_they_are_attached() -> None:
    with pytest.raises(
        ValueError, match=r"method: got 'evocut', which needs layers; expected for InternVLFor.*methods_for\(\)"
    ):
        attach(tiny("InternVL"), "evocut")


def test_states_are_those_of_this_thread_and_hooks_come_off() -> None:
    blocks = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
    x = torch.randn(2, 3)
    with recorded_states(list(blocks)[1:]) as states:
        other = threading.Thread(target=lambda: blocks(x))
        other.start()
        other.join()
        assert states == [[], [], []]
        out = blocks(x)
    blocks(x)
    assert [len(calls) for calls in states] == [1, 1, 1]
    assert torch.equal(states[0][0], blocks[0](x))
    assert torch.equal(states[2][0], out)
    assert not states[2][0].requires_grad


def test_the_middle_block_is_where_evocut_begins() -> None:
    assert list(late_entries(24, 23))[:2] == [11, 12]
    assert list(late_entries(32, 32))[1] == 16
    assert list(late_entries(1, 1)) == [0, 1]
