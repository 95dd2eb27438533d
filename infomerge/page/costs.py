"""What a number of visual tokens costs a language model, as the page shows it: counted FLOPs, measured times."""

import csv
from typing import Any

from infomerge.measure.flops import prefill_flops
from infomerge.resources import data_file

MEASUREMENTS = "results/first_token.csv"
MODEL = "LLaVA-OneVision-7B"
ARITHMETIC = "GPU kernels"


def prefill_polynomial() -> tuple[int, int]:
    """Linear and quadratic coefficient of `prefill_flops`, whole numbers: what the page evaluates."""
    one, two = round(prefill_flops(1)), round(prefill_flops(2))
    quadratic = (two - 2 * one) // 2
    return one - quadratic, quadratic


def measured_prefill() -> dict[str, Any]:
    """The measured prefill times of data/results/first_token.csv, and what they were measured on.

    `points` are (visual tokens, milliseconds), ascending by tokens.
    """
    with data_file(MEASUREMENTS).open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == MODEL]
    compressed = [row for row in rows if row["arithmetic"] == ARITHMETIC]
    whole = next(row for row in rows if row["retention_ratio"] == "1")
    points = sorted((int(row["visual_tokens"]), float(row["prefill_ms"])) for row in [whole, *compressed])
    return {
        "points": points,
        "model": MODEL,
        "device": whole["device"],
        "gpu": whole["device"].removeprefix("NVIDIA ").split()[0],
        "compress_ms": max(float(row["compress_ms"]) for row in compressed),
        "source": f"data/{MEASUREMENTS}",
    }


def costs() -> dict[str, Any]:
    """Both of them as the page's data."""
    linear, quadratic = prefill_polynomial()
    return {"flops": {"linear": linear, "quadratic": quadratic}, "prefill": measured_prefill()}
