"""The FLOPs that the paper prints, from the decoder's sizes."""

import pytest

from infomerge.measure.flops import QWEN2_7B, Decoder, decoder_of, layer_flops, prefill_flops

FULL = 32 * 196


@pytest.mark.parametrize(("ratio", "printed"), [(1, 48.8), (0.15, 6.3), (0.10, 4.2), (0.05, 2.1)])
def test_table_1(ratio: float, printed: float) -> None:
    assert round(prefill_flops(round(ratio * FULL)) / 1e12, 1) == printed


@pytest.mark.parametrize(("ratio", "printed"), [(0.15, 9.4), (0.10, 7.4), (0.05, 5.4)])
def test_table_1_fastv_runs_two_layers_on_all_tokens(ratio: float, printed: float) -> None:
    flops = prefill_flops(round(ratio * FULL), full_tokens=FULL, full_layers=2)
    assert round(flops / 1e12, 1) == printed


@pytest.mark.parametrize(("tokens_per_frame", "printed"), [(169, 94.1), (25, 11.0), (16, 6.9)])
def test_table_2(tokens_per_frame: int, printed: float) -> None:
    assert round(prefill_flops(64 * tokens_per_frame) / 1e12, 1) == printed


def test_no_tokens_cost_nothing_and_layers_add_up() -> None:
    assert prefill_flops(0) == 0
    assert prefill_flops(100) == pytest.approx(28 * layer_flops(100))


def test_a_configuration_gives_the_sizes() -> None:
    from transformers import LlamaConfig, LlavaOnevisionConfig

    qwen = {
        "model_type": "qwen2",
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
    }
    decoder = decoder_of(LlavaOnevisionConfig(text_config=qwen))
    assert round(prefill_flops(FULL, decoder) / 1e12, 1) == 48.8
    assert prefill_flops(941, decoder) == prefill_flops(941, QWEN2_7B)
    plain = LlamaConfig(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4)
    assert decoder_of(plain) == Decoder(2, 64, 96, 4, 4, 16)


@pytest.mark.parametrize("heads_of_their_own_size", [False, True])
def test_products_of_a_real_layer(heads_of_their_own_size: bool) -> None:
    """What torch counts in one layer with eager attention: two operations a multiply-accumulate."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import Qwen3Config, Qwen3Model

    size = 32 if heads_of_their_own_size else 16
    config = Qwen3Config(
        vocab_size=8,
        hidden_size=64,
        intermediate_size=80,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=size,
    )
    layer = Qwen3Model._from_config(config, attn_implementation="eager").layers[0]
    states, tables = torch.randn(1, 10, 64), (torch.ones(1, 10, size), torch.zeros(1, 10, size))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        layer(states, position_embeddings=tables, attention_mask=None)
    assert counter.get_total_flops() == 2 * layer_flops(10, decoder_of(config))


def test_sizes_that_are_missing_and_experts_are_refused() -> None:
    from transformers import PreTrainedConfig, Qwen3MoeConfig

    with pytest.raises(ValueError, match="got no num_hidden_layers in PreTrainedConfig"):
        decoder_of(PreTrainedConfig())
    with pytest.raises(ValueError, match="128 experts"):
        decoder_of(Qwen3MoeConfig())


def test_bad_layers() -> None:
    with pytest.raises(ValueError, match="full_layers: got 29; expected 0 to 28"):
        prefill_flops(10, full_tokens=20, full_layers=29)
    with pytest.raises(ValueError, match="full_tokens: got None"):
        prefill_flops(10, full_layers=2)
