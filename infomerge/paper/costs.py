"""What compression saves a Video-LLM of full size, and what it costs: the measured tables, for notebooks and pages."""

import csv
from dataclasses import dataclass

from infomerge.measure.flops import prefill_flops
from infomerge.paper.markdown import markdown_table
from infomerge.paper.tables import paper_tables
from infomerge.resources import data_file


@dataclass(frozen=True)
class FirstToken:
    """A row of data/results/first_token.csv; times are medians in milliseconds."""

    model: str
    device: str
    arithmetic: str
    """How compression computed; empty for all tokens."""
    retention_ratio: float
    visual_tokens: int
    encode: float
    compress: float
    prefill: float
    prefill_graph: float
    first_token: float
    first_token_low: float
    first_token_high: float

    @property
    def parts(self) -> dict[str, float]:
        """What the time to the first token is made of, in ms; the rest is what no part was measured to be."""
        parts = {"encoder": self.encode, "compression": self.compress, "prefill": self.prefill}
        return parts | {"rest": max(0.0, self.first_token - sum(parts.values()))}


def first_tokens(model: str, arithmetic: str = "GPU kernels") -> list[FirstToken]:
    """The measured times of one model, by falling ratio: all tokens first, then compressed in this arithmetic.

    Args:
        model: "LLaVA-OneVision-7B" or "Qwen2.5-VL-7B".
        arithmetic: "GPU kernels" or "float64", each with the uncompressed row of its own run.

    Raises:
        ValueError: nothing was measured for them.
    """
    with data_file("results/first_token.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["model"] == model]
    # A run begins with all tokens.
    runs: list[list[dict[str, str]]] = []
    for row in rows:
        if row["retention_ratio"] == "1":
            runs.append([])
        runs[-1].append(row)
    for run in runs:
        if {row["arithmetic"] for row in run[1:]} == {arithmetic}:
            return [_row(row) for row in run]
    raise ValueError(
        f"model, arithmetic: got {model!r}, {arithmetic!r}; expected what data/results/first_token.csv has"
    )


def _row(row: dict[str, str]) -> FirstToken:
    times = ("encode", "compress", "prefill", "prefill_graph", "first_token", "first_token_low", "first_token_high")
    return FirstToken(
        row["model"],
        row["device"],
        row["arithmetic"],
        float(row["retention_ratio"]),
        int(row["visual_tokens"]),
        *(float(row[f"{name}_ms"] or 0) for name in times),
    )


MODELS = ("LLaVA-OneVision-7B", "Qwen2.5-VL-7B")


def first_token_bars(model: str = MODELS[0]) -> dict[str, dict[str, float]]:
    """The parts of the time to the first token, in ms, by ratio and arithmetic."""
    full, *fast = first_tokens(model)
    bars = {"all tokens": full.parts}
    for name, rows in (("fast", fast), ("exact", first_tokens(model, "float64")[1:])):
        bars |= {f"{row.retention_ratio:.0%}, {name}": row.parts for row in rows}
    return bars


def first_token_findings() -> str:
    """Whether the first token comes sooner, in sentences.

    A gain is claimed where quartiles leave each other alone, and the encoder, which compression does not touch, varied
    by less from row to row than prefill was shortened.
    """
    said = []
    for model in MODELS:
        full, *compressed = rows = first_tokens(model)
        spread = max(row.encode for row in rows) - min(row.encode for row in rows)
        saved = full.prefill - min(row.prefill for row in compressed)
        if spread > saved:
            said.append(
                f"{model}: the encoder alone varied by {spread:.0f} ms, which is more than the {saved:.0f} ms that "
                "prefill is shortened by at most, so that no gain is claimed."
            )
            continue
        sooner = [row for row in compressed if row.first_token_high < full.first_token_low]
        times = ", ".join(f"{full.first_token / row.first_token:.1f} at {row.retention_ratio:.0%}" for row in sooner)
        said.append(f"{model}: the first token comes sooner, by a factor of {times}.")
    return " ".join(said)


def first_token_table(model: str, arithmetic: str = "GPU kernels") -> str:
    """A table of these times, in Markdown, with the quartiles of the whole."""
    lines = [["tokens", "encoder", "compression", "prefill", "first token (ms)", "quartiles"], ["---:"] * 6]
    for row in first_tokens(model, arithmetic):
        cells = [f"{row.retention_ratio:.0%}", f"{row.encode:.0f}", f"{row.compress:.1f}", f"{row.prefill:.0f}"]
        lines.append([*cells, f"{row.first_token:.0f}", f"{row.first_token_low:.0f} to {row.first_token_high:.0f}"])
    return markdown_table(lines)


def speedup_table(model: str = "LLaVA-OneVision-7B") -> str:
    """How many times less work, and how many times less time, in Markdown; the paper's V100 beside it.

    FLOPs are those of `measure.flops`, of visual tokens alone.
    """
    full, *compressed = first_tokens(model)
    paper = paper_tables()["table3_latency_v100_ms"]
    head = ["tokens", "FLOPs", "prefill", "as a CUDA graph", "first token", "paper: prefill on a V100"]
    lines = [head, ["---:"] * len(head)]
    for row in compressed:
        before = {
            "FLOPs": prefill_flops(full.visual_tokens) / prefill_flops(row.visual_tokens),
            "prefill": full.prefill / row.prefill,
            "graph": full.prefill_graph / row.prefill_graph,
            "first": full.first_token / row.first_token,
            "paper": paper["full"]["prefill"] / paper[f"{row.retention_ratio:.2f}"]["prefill"],
        }
        lines.append([f"{row.retention_ratio:.0%}", *(f"{times:.1f} x" for times in before.values())])
    return markdown_table(lines)


def compression_table(ratio: float = 0.15) -> str:
    """How long compression alone takes, in ms with the 10th and 90th percentile, in Markdown, by device and clip.

    32 x 196 tokens: of 3584 channels on the GPU, 320 on one CPU thread, by CPU time. Clips have even segments, those of
    the tour, or one of 21 frames.

    Args:
        ratio: 0.05, 0.10 or 0.15.
    """
    ways = ("exact", "fast", "fast, graph", "FastVID's steps")
    lines = [["", *ways], ["---"] + ["---:"] * len(ways)]
    for name, device in (("compress_speed", "H100"), ("compress_speed_cpu", "CPU")):
        with data_file(f"results/{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if float(row["retention_ratio"]) == ratio]
        for clip in dict.fromkeys(row["clip"] for row in rows):
            times = {row["way"]: row for row in rows if row["clip"] == clip}
            lines.append([f"{device}, {clip}", *(_spread(times.get(way)) for way in ways)])
    return markdown_table(lines)


def _spread(row: dict[str, str] | None) -> str:
    if row is None:
        return ""
    median, low, high = (f"{float(row[name]):.3g}" for name in ("ms", "low_ms", "high_ms"))
    return f"{median} ({low} to {high})"
