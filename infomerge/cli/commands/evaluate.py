"""`infomerge evaluate`: which answers of the testbed's model survive a compression."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infomerge.cli.errors import bad_file, bad_input
from infomerge.cli.options import read_setting

if TYPE_CHECKING:
    from infomerge.measure.statistics import Comparison
    from infomerge.testbed.scores import AnswerTable, Setting

_MARKS = {"higher": " +", "lower": " -", "undecided": ""}


def _listed(context: click.Context, parameter: click.Parameter, text: str) -> list[str]:
    del context, parameter
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(context: click.Context, parameter: click.Parameter, text: str) -> list[float]:
    try:
        return [float(part) for part in _listed(context, parameter, text)]
    except ValueError as error:
        raise click.BadParameter(f"got {text!r}; expected numbers such as 0.05,0.1") from error


@click.command()
@click.option("--methods", "-m", callback=_listed, default="infomerge", show_default=True, help="Names, with commas.")
@click.option(
    "--variant",
    multiple=True,
    metavar="'NAME KEY=VALUE ...'",
    help="A method with options, such as 'infomerge static_prior=none'; may be repeated.",
)
@click.option("--ratios", "-r", callback=_numbers, default="0.02,0.05,0.1", show_default=True)
@click.option("--forms", callback=_listed, default="clean", show_default=True, help="clean, disturbed, shifted.")
@click.option("--checkpoints", callback=_listed, default="subsets", show_default=True, help="subsets, merges.")
@click.option("--saliency", callback=_listed, default="head", show_default=True, help="head, last_block, distance.")
@click.option("--clips", "-n", type=click.IntRange(min=1), default=16, show_default=True, help="Clips of each form.")
@click.option("--first", type=click.IntRange(min=0), default=0, show_default=True, help="Number of the first clip.")
@click.option(
    "--role",
    type=click.Choice(["dev", "test"]),
    default="dev",
    show_default=True,
    help="Clips to choose by, or to report on.",
)
@click.option("--by-kind", is_flag=True, help="Print accuracy for each kind of question too.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the results."
)
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Processes, each on one core. [default: all cores]")
@click.option("--backend", type=click.Choice(["joblib", "dask"]), default="joblib", show_default=True)
@click.option("--scheduler", metavar="ADDRESS", help="Of a dask.distributed cluster.")
@click.option("--device", default="cpu", show_default=True, help="Where the model answers, such as cuda.")
@click.option("--retry-failed", is_flag=True, help="Run items again that failed before.")
def command(
    methods: list[str],
    variant: tuple[str, ...],
    ratios: list[float],
    by_kind: bool,
    out: Path,
    jobs: int | None,
    backend: str,
    scheduler: str | None,
    device: str,
    retry_failed: bool,
    **clips: Any,
) -> None:
    """Ask a small trained model what it still answers.

    The model, a Video-LLM, ships with the package, and so do clips whose answers are known. Every method keeps a share
    of each clip's tokens, and the model answers from those. After an interruption, the same command goes on from there.

    Prints accuracy in % of that with all tokens, with 95 % intervals over clips; + and - mark where it is higher or
    lower than the first method's by a paired test, corrected by Holm. Writes results.csv, one line for each clip and
    method, and answers.csv, one line for each method. The exit code is 1 if any item failed.
    """
    from infomerge.measure.resumable import LostWorkersError, check_workers, complete
    from infomerge.measure.sweep_table import TABLE, RefusedSweepError, read_results
    from infomerge.testbed.evaluation import Evaluation, EvaluationConfig
    from infomerge.testbed.scores import AnswerTable

    with bad_input(ValueError, TypeError):
        check_workers(jobs, backend, scheduler)
        chosen = [*methods, *map(_variant, variant)]
        config = EvaluationConfig(methods=chosen, ratios=ratios, **clips)
    evaluation = Evaluation(config, device)
    with bad_file("--out", out), bad_input(RefusedSweepError, LostWorkersError):
        summary = complete(evaluation, out, jobs=jobs, scheduler=scheduler, retry_failed=retry_failed)
    click.echo(f"{summary.items:,} items, {summary.run:,} of them run now; see {out / TABLE}")
    keys = evaluation.keys()
    with bad_input(ValueError):
        table = AnswerTable.from_rows(row for row in read_results(out) if row["key"] in keys)
    with bad_file("--out", out):
        table.write(out / "answers.csv")
    for checkpoint in config.checkpoints:
        for form in config.forms:
            _print(table, checkpoint, form, config.ratios, by_kind)
    if summary.failed:
        click.echo(f"infomerge: {summary.failed:,} of {summary.items:,} items failed; column error says why", err=True)
        sys.exit(1)


def _variant(text: str) -> dict[str, Any]:
    name, *settings = text.split() or [""]
    return {"name": name, "options": dict(map(read_setting, settings))}


def _print(table: "AnswerTable", checkpoint: str, form: str, ratios: Sequence[float], by_kind: bool) -> None:
    """The table of one checkpoint and one form of clips."""
    from infomerge.cli.printing import print_table
    from infomerge.video.questions import KINDS

    rows = [s for s in table.answers if (s.checkpoint, s.form, s.ratio) == (checkpoint, form, ratios[0])]
    rows = [setting for setting in rows if setting.saliency]
    full = rows[0].full
    click.echo(
        f"\nCheckpoint {checkpoint}, {form} clips: {table.clips(full)} clips, {table.questions(full):,} questions, "
        f"{table.accuracy(full).mean:.1%} answered rightly with all tokens"
    )
    pairs = [(s._replace(ratio=ratio), rows[0]._replace(ratio=ratio)) for s in rows[1:] for ratio in ratios]
    found = table.compare(pairs) if pairs else {}
    lines = [[_label(s), *(_cell(table, s._replace(ratio=ratio), rows[0], found) for ratio in ratios)] for s in rows]
    print_table(["% of full", *(f"{ratio:.0%}" for ratio in ratios)], lines, first="left")
    if by_kind:
        for ratio in ratios:
            shares = [
                [_label(s), *(f"{table.accuracy(s._replace(ratio=ratio), k).mean:.0%}" for k in KINDS)] for s in rows
            ]
            print_table([f"accuracy at {ratio:.0%}", *KINDS], shares, first="left")


def _label(setting: "Setting") -> str:
    options = " ".join(f"{name}={value}" for name, value in json.loads(setting.options or "{}").items())
    saliency = "" if setting.saliency == "head" else f"({setting.saliency})"
    return " ".join(filter(None, [setting.method, options, saliency]))


def _cell(
    table: "AnswerTable", setting: "Setting", base: "Setting", found: "dict[tuple[Setting, Setting], Comparison]"
) -> str:
    share = table.relative(setting)
    comparison = found.get((setting, base._replace(ratio=setting.ratio)))
    mark = "" if comparison is None else _MARKS[comparison.verdict]
    return f"{100 * share.mean:.1f} [{100 * share.low:.1f}, {100 * share.high:.1f}]{mark}"
