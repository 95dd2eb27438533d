"""What methods say about where they depart from their sources, against what they do."""

import re

import pytest
import torch

from infomerge.methods import METHODS, compress
from infomerge.methods.registry import ROUNDED


@pytest.mark.parametrize("row", range(3))
def test_fastvid_splits_its_count_as_it_says(row: int) -> None:
    """Of 32 frames of 196 tokens: 5, 11 and 17 salient tokens a frame, and 154, 275 and 397 context tokens."""
    (departure,) = (text for text in METHODS["fastvid"].departures if "salient" in text)
    ours = departure.split(" here ")[1]
    salient, context = (
        int(re.findall(r"\d+", part)[row]) for part in (ours[: ours.index("154")], ours[ours.index("154") :])
    )
    tokens = torch.randn(32, 196, 4, generator=torch.Generator().manual_seed(0))
    out = compress(tokens, "fastvid", retention_ratio=(0.05, 0.1, 0.15)[row])
    assert int(out.is_context.sum()) == context
    assert torch.bincount(out.frame[~out.is_context], minlength=32).tolist() == [salient] * 32


def test_methods_that_round_say_so() -> None:
    earlier, later = ("fastvid", "visionzip", "dycoke", "tome"), ("holitom", "unicomp", "flashvid", "kitoke", "tango")
    for name in (*earlier, *later, "simplecluster"):
        assert ROUNDED in METHODS[name].departures


def test_dycoke_compresses_the_third_frame_of_the_last_window() -> None:
    tokens = torch.randn(8, 16, 4, generator=torch.Generator().manual_seed(0))
    tokens[6] = tokens[4]  # what the published code would keep whole
    out = compress(tokens, "dycoke", retention_ratio=0.5)
    assert (out.frame == 6).sum() < 16
