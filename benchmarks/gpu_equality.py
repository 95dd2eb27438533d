"""Whether a GPU keeps the same tokens as the CPU, on random and structured clips: `python -m benchmarks.gpu_equality`.

Exits with 1 if any clip's index or assignment differs, or its kept tokens differ by more than 1e-9 relative.
"""

import sys

import torch

from infomerge import compress
from tests.clips import RATIOS, configurations, random_clip, structured_clips


def main() -> None:
    g = torch.Generator().manual_seed(0)
    clips = [random_clip(g, 20, 25, 24) for _ in range(40)] + [clip for _, clip in structured_clips()]
    differing = 0
    for number, clip in enumerate(clips):
        config = configurations(g, RATIOS[number % len(RATIOS)])
        cpu, gpu, again = compress(clip, config), compress(clip.cuda(), config), compress(clip.cuda(), config)
        same = torch.equal(cpu.index, gpu.index.cpu()) and torch.equal(cpu.assignment, gpu.assignment.cpu())
        close = torch.allclose(cpu.tokens, gpu.tokens.cpu(), rtol=1e-9, atol=1e-12)
        repeats = torch.equal(gpu.tokens, again.tokens)
        differing += not (same and close and repeats)
    print(f"{torch.cuda.get_device_name()}: {len(clips)} clips, {differing} differ from the CPU or from themselves")
    sys.exit(differing > 0)


if __name__ == "__main__":
    main()
