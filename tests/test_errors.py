"""What `compress` says about input that it cannot take: the argument, what was found, what is accepted."""

import subprocess
import sys
from typing import Any

import pytest
import torch

from infomerge import InfoMergeConfig, compress
from infomerge.inputs import check_inputs

TOKENS = torch.randn(4, 5, 6)
NAN = torch.full((4, 5, 6), torch.nan)
INFINITE = torch.where(torch.arange(6) == 2, torch.inf, TOKENS)


@pytest.mark.parametrize(
    ("tokens", "options", "error", "message"),
    [
        ([[1.0]], {}, TypeError, r"tokens: got list; expected a torch.Tensor \[frames, positions, channels\]"),
        (TOKENS.long(), {}, TypeError, "tokens: got dtype torch.int64; expected a float dtype"),
        (TOKENS[0], {}, ValueError, r"tokens: got 2 dimensions, shape \[5, 6\]; expected \[frames"),
        (NAN, {}, ValueError, "tokens: got 120 values that are NaN or infinite"),
        (INFINITE, {}, ValueError, "tokens: got 20 values that are NaN or infinite"),
        (TOKENS[:0], {}, ValueError, r"tokens: got an empty clip, shape \[0, 5, 6\]"),
        (TOKENS[:, :, :0], {}, ValueError, r"tokens: got an empty clip, shape \[4, 5, 0\]"),
        (TOKENS, {"saliency": torch.ones(4, 6)}, ValueError, r"saliency: got shape \[4, 6\]; .*\[4, 5\]"),
        (TOKENS, {"saliency": torch.ones(20)}, ValueError, "saliency: got 1 dimensions"),
        (TOKENS, {"saliency": NAN[:, :, 0]}, ValueError, "saliency: got 20 values that are NaN"),
        (TOKENS, {"saliency": torch.ones(4, 5).int()}, TypeError, "saliency: got dtype torch.int32"),
        (TOKENS, {"frame_features": torch.ones(3, 8)}, ValueError, r"frame_features: got shape \[3, 8\]; .*4 frames"),
        (TOKENS, {"frame_features": torch.ones(4, 0)}, ValueError, r"frame_features: got shape \[4, 0\]"),
        (TOKENS, {"saliency": torch.ones(4, 5, device="meta")}, ValueError, "saliency: got one on meta; expected the"),
    ],
)
def test_bad_input(tokens: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        check_inputs(tokens, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("compress(torch.ones(3, 4))", "ValueError: tokens: got 2 dimensions, shape [3, 4]"),
        ("compress(torch.ones(3, 4, 5), 0.15)", "TypeError: method: got float; expected"),
    ],
)
def test_compress_checks_its_input_itself(call: str, message: str) -> None:
    # In a process of its own, where the tests' type checker does not speak first.
    program = f"import torch; from infomerge import compress; {call}"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.stderr.splitlines()[-1].startswith(message)


def test_importing_the_core_loads_no_model_plot_or_video_library() -> None:
    heavy = ("transformers", "matplotlib", "plotly", "av", "decord", "IPython")
    program = f"import sys; from infomerge import compress; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_gradients_do_not_flow_and_are_not_needed() -> None:
    out = compress(TOKENS.clone().requires_grad_(), InfoMergeConfig(retention_ratio=0.5))
    assert not out.tokens.requires_grad
