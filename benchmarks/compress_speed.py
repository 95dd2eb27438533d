"""How long `compress` takes, against the floor of reading its tokens once: `python -m benchmarks.compress_speed`.

Prints the median over repeats for several clip sizes, the share of each stage at the paper's size, and the ratio to one
plain matrix product of the tokens with themselves, so that numbers from different machines can be compared.
"""

import argparse
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table

from infomerge import InfoMergeConfig, budget, compress, redundancy

SIZES = ((32, 196, 320), (32, 196, 1152), (64, 169, 1152), (32, 196, 3584), (256, 196, 320))


def median_seconds(action: Callable[[], object], device: torch.device, repeats: int) -> float:
    """Median wall time of an action, waiting for the device before and after each run."""
    times = []
    for _ in range(repeats + 1):
        _wait(device)
        start = time.perf_counter()
        action()
        _wait(device)
        times.append(time.perf_counter() - start)
    return sorted(times[1:])[repeats // 2]


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def scenes(frames: int, positions: int, channels: int, device: torch.device) -> torch.Tensor:
    """Eight scenes of equal length, still up to noise: segments as a real clip has them."""
    g = torch.Generator().manual_seed(0)
    scene = torch.randn(8, positions, channels, generator=g).repeat_interleave(frames // 8, 0)
    return (scene + 0.3 * torch.randn(frames, positions, channels, generator=g)).to(device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)

    table = Table(
        "tokens", "ratio", "compress (ms)", "richness (ms)", "TFD (ms)", "one product (ms)", "compress / product"
    )
    for size in SIZES:
        tokens = scenes(*size, device)
        flat = tokens.flatten(0, 1)
        product = median_seconds(lambda flat=flat: flat.T @ flat, device, arguments.repeats)
        for ratio in (0.05, 0.15):
            config = InfoMergeConfig.paper(ratio)
            total = median_seconds(lambda c=config, t=tokens: compress(t, c), device, arguments.repeats)
            segments = compress(tokens, config).trace.segments
            wide = tokens.double()
            rich = median_seconds(lambda t=wide, s=segments: budget.richness(t, s), device, arguments.repeats)
            prior = median_seconds(
                lambda t=wide, s=segments: redundancy.static_scores(t, s, "tfd"), device, arguments.repeats
            )
            values = (total, rich, prior, product)
            table.add_row(
                " x ".join(map(str, size)),
                f"{ratio:.0%}",
                *(f"{1e3 * v:.1f}" for v in values),
                f"{total / product:.1f}",
            )
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    console = Console(width=120)
    console.print(f"torch {torch.__version__}, {name}, float32 tokens, median of {arguments.repeats}")
    console.print(table)


if __name__ == "__main__":
    main()
