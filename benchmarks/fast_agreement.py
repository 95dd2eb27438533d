"""How far precision "fast" agrees with "exact" on random clips: `python -m benchmarks.fast_agreement`.

Clips of 32 frames whose scenes have random lengths, each at one of the paper's ratios. On a GPU bf16 tokens of 3584
channels; on a CPU float32 ones of 96. Exits with 1 where a clip's segments or budgets differ, two runs differ in a bit,
or fewer than 99.5 % of all kept tokens are the same.
"""

import argparse
import sys
from pathlib import Path

import torch

from benchmarks.clips import scenes
from benchmarks.tables import write_rows
from infomerge import compress
from tests.agreement import agreement

RATIOS = (0.05, 0.10, 0.15)


def random_lengths(generator: torch.Generator, frames: int = 32) -> tuple[int, ...]:
    """Lengths of scenes that fill so many frames; half of the clips have one that is long."""
    lengths = [int(torch.randint(12, 23, (), generator=generator))] if torch.rand((), generator=generator) < 0.5 else []
    while sum(lengths) < frames:
        lengths.append(min(int(torch.randint(1, 9, (), generator=generator)), frames - sum(lengths)))
    order = torch.randperm(len(lengths), generator=generator)
    return tuple(lengths[place] for place in order)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    on_gpu = torch.device(arguments.device).type == "cuda"
    channels, dtype = (3584, torch.bfloat16) if on_gpu else (96, torch.float32)
    generator, rows = torch.Generator().manual_seed(0), []
    for number in range(arguments.clips):
        tokens = scenes(random_lengths(generator), 196, channels, number, dtype, arguments.device)
        ratio = RATIOS[number % len(RATIOS)]
        exact = compress(tokens, retention_ratio=ratio)
        fast, again = (compress(tokens, retention_ratio=ratio, precision="fast") for _ in range(2))
        same = torch.equal(fast.tokens, again.tokens) and torch.equal(fast.assignment, again.assignment)
        found = agreement(exact, fast)
        error = float((exact.trace.richness - fast.trace.richness).abs().max())
        lengths = " ".join(map(str, exact.trace.lengths.tolist()))
        rows.append(
            {"clip": number, "retention_ratio": ratio, "segments": lengths, "arithmetic": fast.trace.arithmetic}
            | {name: round(float(value), 6) for name, value in found._asdict().items() if name != "segments"}
            | {"segments_equal": found.segments, "richness_error": f"{error:.1e}", "same_bits_again": same}
        )
    kept = [float(row["kept"]) for row in rows]
    owners = [float(row["owners"]) for row in rows]
    print(f"{len(rows)} clips of {channels} channels, {rows[0]['arithmetic']}")
    print(
        f"equal: segments in {sum(row['segments_equal'] for row in rows)}, budgets in "
        f"{sum(row['budgets'] == 1 for row in rows)}, all kept tokens in {sum(share == 1 for share in kept)}; "
        f"same bits again in {sum(row['same_bits_again'] for row in rows)}"
    )
    print(
        f"kept tokens equal: mean {sum(kept) / len(kept):.5f}, worst {min(kept):.4f}; owners: mean "
        f"{sum(owners) / len(owners):.5f}, worst {min(owners):.4f}"
    )
    print(
        f"widest margin of a choice that differs: {max(float(row['margin']) for row in rows):.4f} standard deviations; "
        f"largest error of richness: {max(float(row['richness_error']) for row in rows):.1e}"
    )
    if arguments.out:
        write_rows(arguments.out, rows)
    good = all(row["segments_equal"] and row["budgets"] == 1 and row["same_bits_again"] for row in rows)
    sys.exit(not good or sum(kept) / len(kept) < 0.995)


if __name__ == "__main__":
    main()
