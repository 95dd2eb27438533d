"""From one token to a thousand frames: sizes, and memory that grows with the frames, not with their square."""

import json
import subprocess
import sys

import pytest
import torch

from infomerge import InfoMergeConfig, compress


@pytest.mark.parametrize("frames", [1, 2, 3, 7, 64, 1024])
@pytest.mark.parametrize(("positions", "channels"), [(1, 1), (2, 5), (9, 2)])
@pytest.mark.parametrize("ratio", [0.01, 0.3, 0.99])
def test_any_size(frames: int, positions: int, channels: int, ratio: float) -> None:
    tokens = torch.randn(frames, positions, channels, generator=torch.Generator().manual_seed(frames))
    out = compress(tokens, InfoMergeConfig(retention_ratio=ratio))
    assert out.kept == max(1, int(ratio * frames * positions + 0.5))


MEASURE = """
import json, resource, sys, torch
from infomerge import InfoMergeConfig, compress, merging, redundancy
merging.BLOCK_ELEMENTS = redundancy.BLOCK_ELEMENTS = 1 << 19
frames = int(sys.argv[1])
g = torch.Generator().manual_seed(0)
# A still scene with noise: one segment of all frames, the case in which similarities would grow with frames squared.
tokens = torch.randn(1, 64, 4, generator=g) + 0.1 * torch.randn(frames, 64, 4, generator=g)
config = InfoMergeConfig(retention_ratio=0.15, min_segments=1, segment_threshold=-1)
compress(tokens[:64], config)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
out = compress(tokens, config)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"segments": len(out.trace.segments), "mib": (peak - before) / 1024}))
"""


def peak_mib(frames: int) -> float:
    run = subprocess.run([sys.executable, "-c", MEASURE, str(frames)], capture_output=True, text=True, check=True)
    measured = json.loads(run.stdout)
    assert measured["segments"] == 1
    return float(measured["mib"])


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read in Linux's units")
def test_memory_grows_linearly_in_one_long_segment() -> None:
    # Held whole, 800 frames would need 328 MB of fingerprints and 1.1 GB of similarities; a block takes 4 MiB.
    assert peak_mib(800) < 60
