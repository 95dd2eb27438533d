"""`infomerge run`: a clip, compressed and drawn."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infomerge.cli.errors import Notes, bad_file, pass_notes
from infomerge.cli.options import clip_options, encode, encoder_options, method_options
from infomerge.cli.output import make_folder, output_folder, write_json
from infomerge.cli.printing import console, print_table

if TYPE_CHECKING:
    from infomerge.encoders import Encoder
    from infomerge.methods import Compressor
    from infomerge.video import Clip

RECORD = "compression.json"
TABLES = ("segments.csv", "tokens.csv")
SHEET = ("contact_sheet.pdf", "contact_sheet.png")
CHART = ("budget_chart.pdf", "budget_chart.png")


@click.command()
@output_folder(*SHEET, *CHART, RECORD, *TABLES)
@method_options
@clip_options
@encoder_options
@pass_notes
def command(notes: Notes, clip: "Clip", compressor: "Compressor", out: Path, encoder: "Callable[..., Encoder]") -> None:
    """Compress CLIP and draw what was kept, and why.

    Writes contact_sheet and budget_chart as PDF and PNG, compression.json, and as tables segments.csv and tokens.csv.
    Methods without budgets have no budget_chart.
    """
    network = encoder(clip.metadata.name, keep_layers="layers" in compressor.method.needs)
    make_folder("--out", out)
    notes.tell()

    from infomerge import plots
    from infomerge.compression import InfoMergeTrace
    from infomerge.report import record

    encoded = encode(clip, network)
    result = encoded.compress(compressor)
    entry = record(encoded, result, compressor)
    options = "".join(f", {name}={value}" for name, value in compressor.options.items())
    title = f"{encoded.name}: {compressor.label}{options}"
    figures = {"contact_sheet": plots.contact_sheet(encoded, result, title=title)}
    has_budgets = isinstance(result.trace, InfoMergeTrace)
    if has_budgets:
        figures["budget_chart"] = plots.budget_chart(encoded, result, title=title)
    with bad_file("--out", out):
        for name, figure in figures.items():
            plots.save(figure, out / name)
        write_json(out / RECORD, entry)
        clip_facts = {"timestamps": encoded.timestamps}
        result.to_csv(out / TABLES[0], "segments", duration=encoded.duration, **clip_facts)
        result.to_csv(out / TABLES[1], "tokens", grid=encoded.grid, **clip_facts)
        if not has_budgets:
            # Those of the run that --force replaces would not belong to this one.
            for name in CHART:
                (out / name).unlink(missing_ok=True)
    _print_record(entry, by_content=result.config is not None and result.config.by_content)
    if not has_budgets:
        click.echo(f"No budget_chart: the method ({compressor.title}) has no budgets.")
    click.echo(f"Wrote {' and '.join(figures)} (PDF, PNG), {RECORD}, {TABLES[0]} and {TABLES[1]} to {out}")


_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "segment": lambda row: str(row["segment"]),
    "time (s)": lambda row: f"{row['begins_seconds']:.1f}-{row['ends_seconds']:.1f}",
    "frames": lambda row: f"{row['first_frame']}-{row['last_frame']}",
    "u": lambda row: f"{row['uniqueness']:.3f}",
    "e": lambda row: f"{row['richness']:.3f}",
    "w": lambda row: f"{row['weight']:.2f}",
    "B": lambda row: str(row["budget"]),
    "by length": lambda row: str(row["length_budget"]),
    "kept": lambda row: str(row["kept"]),
}
_OF_BUDGETS = ("w", "B", "by length")
_KEY = "u: uniqueness, e: richness"
_KEY_OF_BUDGETS = ", w: weight, B: context tokens, by length: what B would be by length alone"


def _print_record(entry: dict[str, Any], by_content: bool) -> None:
    config = entry["config"]
    columns = {name: show for name, show in _COLUMNS.items() if config is not None or name not in _OF_BUDGETS}
    print_table(list(columns), [[show(row) for show in columns.values()] for row in entry["segments"]])
    how = "" if config is None else f" with budgets by {'content' if by_content else 'length'}"
    lines = [
        f"{_KEY}{'' if config is None else _KEY_OF_BUDGETS}",
        f"{entry['clip']['name']}: kept {entry['kept']:,} of {entry['tokens']:,} tokens, "
        f"requested {entry['requested']:,}: {entry['salient']:,} salient, {entry['context']:,} context{how}",
    ]
    if "cuts_after_frames" in entry:
        cuts = entry["cuts_after_frames"]
        hits, total = len(cuts["found"]), len(cuts["found"]) + len(cuts["missed"])
        lines.append(f"true cuts found: {hits} of {total}; extra boundaries: {len(cuts['added'])}")
    for line in lines:
        console().print(line)
