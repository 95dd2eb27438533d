"""Whether a GPU keeps the same tokens as the CPU, on random and structured clips: `python -m benchmarks.gpu_equality`.

InfoMerge under configurations drawn from all, and with `--methods` every other method, too. Exits with 1 if any clip's
index or assignment differs, or its kept tokens differ by more than 1e-9 relative.
"""

import argparse
import sys
from collections.abc import Iterator

import torch
from torch import Tensor

from infomerge import InfoMergeConfig, compress
from infomerge.methods import METHODS, Compressor, make_compressor
from tests.clips import RATIOS, configurations, random_clip, structured_clips


def runs(clips: list[Tensor], with_methods: bool) -> Iterator[tuple[str, Tensor, InfoMergeConfig | Compressor]]:
    """What is compared: by which name, on which clip, and how it is compressed."""
    g = torch.Generator().manual_seed(0)
    for number, clip in enumerate(clips):
        ratio = RATIOS[number % len(RATIOS)]
        yield "infomerge", clip, configurations(g, ratio)
        for name, method in METHODS.items() if with_methods else ():
            # What needs more than tokens cannot be compared on tokens alone.
            if method.choose is not None and not method.needs:
                yield name, clip, make_compressor(name, retention_ratio=ratio)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--methods", action="store_true", help="compare every other method, too")
    arguments = parser.parse_args()
    g = torch.Generator().manual_seed(0)
    clips = [random_clip(g, 20, 25, 24) for _ in range(40)] + [clip for _, clip in structured_clips()]
    differing: dict[str, int] = {}
    for name, clip, how in runs(clips, arguments.methods):
        cpu, gpu, again = compress(clip, how), compress(clip.cuda(), how), compress(clip.cuda(), how)
        same = torch.equal(cpu.index, gpu.index.cpu()) and torch.equal(cpu.assignment, gpu.assignment.cpu())
        close = torch.allclose(cpu.tokens, gpu.tokens.cpu(), rtol=1e-9, atol=1e-12)
        repeats = torch.equal(gpu.tokens, again.tokens)
        differing[name] = differing.get(name, 0) + (not (same and close and repeats))
    print(f"{torch.cuda.get_device_name()}: {len(clips)} clips, differing from the CPU or from themselves:")
    print(", ".join(f"{name} {count}" for name, count in differing.items()))
    sys.exit(any(differing.values()))


if __name__ == "__main__":
    main()
