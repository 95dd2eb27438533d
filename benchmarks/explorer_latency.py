"""From a turned knob of BudgetExplorer to the message for the browser: python -m benchmarks.explorer_latency.

32 frames of 196 tokens of 320 channels, as the clip "tour" gives them, with another configuration pinned beside the one
that moves. The time that a browser takes to draw comes on top; the last line is for the tokens, which are chosen when
the knobs rest.
"""

import statistics
import time
from collections.abc import Sequence

import torch

from infomerge.widgets.budget_explorer import BudgetExplorer

DRAGS: dict[str, Sequence[float]] = {
    "temperature": [0.1 * step for step in range(1, 61)],
    "uniqueness_weight": [0.02 * step for step in range(1, 61)],
    "static_ratio": [0.01 * step for step in range(1, 61)],
    "retention_ratio": [0.005 * step for step in range(1, 61)],
    "segment_threshold": [0.01 * step for step in range(40, 100)],
}


def milliseconds(explorer: BudgetExplorer, option: str, values: Sequence[float]) -> list[float]:
    """How long each step of a drag over these values takes."""
    taken = []
    for value in values:
        start = time.perf_counter()
        explorer.set(**{option: value})
        taken.append(1e3 * (time.perf_counter() - start))
    return taken


def main() -> None:
    torch.set_num_threads(min(2, torch.get_num_threads()))
    print(f"milliseconds a step, {torch.get_num_threads()} threads           median    p95    max")
    for option, values in DRAGS.items():
        explorer = BudgetExplorer("tour")
        explorer.pin()
        taken = milliseconds(explorer, option, values)
        p95 = statistics.quantiles(taken, n=20)[-1]
        print(f"{option:40} {statistics.median(taken):6.1f} {p95:6.1f} {max(taken):6.1f}")
        explorer.close()
    explorer = BudgetExplorer("tour")
    explorer.pin()
    taken = []
    for value in DRAGS["temperature"][:20]:
        explorer.set(temperature=value)
        start = time.perf_counter()
        explorer._choose_tokens()
        taken.append(1e3 * (time.perf_counter() - start))
    name = "tokens of A and B, when the knobs rest"
    print(f"{name:40} {statistics.median(taken):6.1f} {statistics.quantiles(taken, n=20)[-1]:6.1f} {max(taken):6.1f}")


if __name__ == "__main__":
    main()
