"""The `infomerge` command."""

import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import click
import torch
from pydantic import ValidationError
from rich import box
from rich.console import Console
from rich.table import Table

from infomerge.config import InfoMergeConfig, explain
from infomerge.encoders import EfficientNetEncoder, VisionTowerEncoder
from infomerge.methods import compress
from infomerge.models.asking import answer, described, load, record_answers
from infomerge.report import record
from infomerge.video import Clip, read_clip, sample_clip, sample_names


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="infomerge")
def commands() -> None:
    """See, measure and teach how video tokens are compressed before a language model reads them."""


@commands.command()
@click.argument("clip")
@click.option("--retention-ratio", "-r", type=float, default=0.15, show_default=True, help="Share of tokens to keep.")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to."
)
@click.option("--num-frames", "-n", type=int, default=32, show_default=True, help="Frames to sample.")
@click.option("--preset", type=click.Choice(["paper", "fastvid"]), default="paper", show_default=True)
@click.option(
    "--set", "options", metavar="OPTION=VALUE", multiple=True, help="Change an option of the preset; repeatable."
)
@click.option(
    "--encoder", metavar="MODEL", help="A vision tower: a local folder or a hub name. [default: EfficientNet-Lite0]"
)
@click.option("--force", is_flag=True, help="Replace files of an earlier run.")
def run(
    clip: str,
    retention_ratio: float,
    out: Path,
    num_frames: int,
    preset: str,
    options: tuple[str, ...],
    encoder: str | None,
    force: bool,
) -> None:
    """Compress CLIP and draw what was kept, and why.

    CLIP is a video file, or the name of a sample: tour, bigbuckbunny, bikes, carphone.

    Writes contact_sheet and budget_chart as PDF and PNG, and compression.json.
    """
    targets = [
        out / name for name in ("contact_sheet.pdf", "contact_sheet.png", "budget_chart.pdf", "budget_chart.png")
    ]
    targets.append(out / "compression.json")
    there = [target for target in targets if target.exists()]
    if there and not force:
        raise click.ClickException(
            f"--out: found {there[0]} already there; accepted is a new folder, or --force to replace"
        )
    make = InfoMergeConfig.paper if preset == "paper" else InfoMergeConfig.fastvid
    with _bad_input():
        config = make(retention_ratio, **dict(_split(option) for option in options))
        source = _open_clip(clip, num_frames)
        network = _load_encoder(encoder)
        out.mkdir(parents=True, exist_ok=True)

    encoding = network(source.frames)
    result = compress(encoding.tokens, config, saliency=encoding.saliency, frame_features=encoding.frame_features)
    entry = record(result, source, network.name, encoding.saliency_source, encoding.grid)

    from infomerge import plots

    cuts = [] if source.truth is None else source.truth.cut_after(source.timestamps).tolist()
    method = "InfoMerge" if preset == "paper" else "FastVID"
    title = f"{source.metadata.name}: {method} at {100 * config.retention_ratio:g} %"
    sheet = plots.contact_sheet(source.frames, source.timestamps, result, encoding.grid, title=title, true_cuts=cuts)
    chart = plots.budget_chart(source.frames, source.timestamps, result, title=title, true_cuts=cuts)
    with _bad_input():
        plots.save(sheet, out / "contact_sheet")
        plots.save(chart, out / "budget_chart")
        _write_json(out / "compression.json", entry)
    _print_table(entry)
    click.echo(f"Wrote contact_sheet and budget_chart (PDF, PNG) and compression.json to {out}")


@commands.command()
@click.argument("clip")
@click.argument("question")
@click.option("--model", "-m", metavar="MODEL", required=True, help="A Video-LLM: a local folder or a hub name.")
@click.option("--retention-ratio", "-r", type=float, default=0.15, show_default=True, help="Share of tokens to keep.")
@click.option("--compare", is_flag=True, help="Answer without compression too, side by side.")
@click.option(
    "--num-frames", "--frames", "-n", type=int, default=32, show_default=True, help="Frames to sample and show."
)
@click.option("--preset", type=click.Choice(["paper", "fastvid"]), default="paper", show_default=True)
@click.option(
    "--set", "options", metavar="OPTION=VALUE", multiple=True, help="Change an option of the preset; repeatable."
)
@click.option(
    "--positions",
    type=click.Choice(["original", "renumbered"]),
    default="original",
    show_default=True,
    help="What kept tokens keep: the positions of the full prompt, or those of the shorter one.",
)
@click.option("--max-new-tokens", type=int, default=64, show_default=True, help="The longest answer.")
@click.option("--max-pixels", type=int, help="Most pixels of a frame, for models whose frames keep their shape.")
@click.option("--repeats", type=int, default=1, show_default=True, help="Timed calls, of which medians are shown.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, or cuda:N.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
    help="Of the weights; auto: as stored.",
)
@click.option("--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="File for all numbers.")
@click.option("--force", is_flag=True, help="Replace the file of --json.")
def ask(
    clip: str,
    question: str,
    model: str,
    retention_ratio: float,
    compare: bool,
    num_frames: int,
    preset: str,
    options: tuple[str, ...],
    positions: Literal["original", "renumbered"],
    max_new_tokens: int,
    max_pixels: int | None,
    repeats: int,
    device: str,
    dtype: str,
    json_file: Path | None,
    force: bool,
) -> None:
    """Ask a Video-LLM a QUESTION about CLIP, with its tokens compressed, and show what each stage took.

    CLIP is a video file, or the name of a sample: tour, bigbuckbunny, bikes, carphone.

    Nothing is fetched when MODEL is a folder. A name such as llava-hf/llava-onevision-qwen2-0.5b-ov-hf is downloaded
    from the Hugging Face hub, unless it is in the local cache. Decoding is greedy.
    """
    if json_file is not None and json_file.exists() and not force:
        raise click.ClickException(
            f"--json: found {json_file} already there; accepted is a new file, or --force to replace"
        )
    for name, value in (("--max-new-tokens", max_new_tokens), ("--repeats", repeats)):
        if value < 1:
            raise click.ClickException(f"{name}: found {value}; accepted is 1 or more")
    make = InfoMergeConfig.paper if preset == "paper" else InfoMergeConfig.fastvid
    with _bad_input():
        config = make(retention_ratio, **dict(_split(option) for option in options))
        source = _open_clip(clip, num_frames)
        weights = None if dtype == "auto" else getattr(torch, dtype)
        network, prompter = load(model, device=device, dtype=weights, max_pixels=max_pixels)
        prompt = prompter(source.frames, source.timestamps, question, source.metadata.duration)
        if json_file is not None:
            _make_folder("--json", json_file)

    method = f"{'InfoMerge' if preset == 'paper' else 'FastVID'} at {100 * config.retention_ratio:g} %"
    compressions = {"all tokens": None, method: config} if compare else {method: config}
    limits = {"max_new_tokens": max_new_tokens, "repeats": repeats}
    try:
        answers = {
            name: answer(network, prompter, prompt, compression, positions=positions, **limits)
            for name, compression in compressions.items()
        }
    except ImportError as error:
        raise click.ClickException(str(error)) from error
    entry = record_answers(answers, source, question, prompt, {"name": model, **described(network)})
    entry |= {"config": config.to_dict(), "positions": positions, "repeats": repeats}
    _print_answers(entry)
    if json_file is not None:
        with _bad_input():
            _write_json(json_file, entry)
        click.echo(f"Wrote {json_file}")


@commands.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), default=Path("figures"), show_default=True
)
@click.option("--list", "show_list", is_flag=True, help="List the figures and draw none.")
def figures(names: tuple[str, ...], out: Path, show_list: bool) -> None:
    """Write the project's figures (all, or those NAMEd) as PDF and PNG; files of the same names are replaced."""
    from infomerge.paper.figures import FIGURES, write_figures

    if show_list:
        for recipe in FIGURES.values():
            click.echo(f"{recipe.name}: {recipe.caption}")
        return
    with _bad_input():
        out.mkdir(parents=True, exist_ok=True)
        timed = write_figures(names or FIGURES, out)
    for recipe, seconds in timed:
        click.echo(f"{recipe.name}: {seconds:.1f} s")


@commands.command()
@click.argument("config", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--out", "-o", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder of the results."
)
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Processes, each on one core. [default: all cores]")
@click.option("--backend", type=click.Choice(["joblib", "dask"]), default="joblib", show_default=True)
@click.option("--scheduler", metavar="ADDRESS", help="Of a dask.distributed cluster, such as tcp://10.0.0.1:8786.")
@click.option("--retry-failed", is_flag=True, help="Run items again that failed before.")
def sweep(
    config: Path,
    out: Path,
    jobs: int | None,
    backend: Literal["joblib", "dask"],
    scheduler: str | None,
    retry_failed: bool,
) -> None:
    """Measure methods on clips as the YAML file CONFIG says; the same command goes on after an interruption.

    \b
    methods: [infomerge, {name: infomerge, options: {temperature: [0, 2]}}]
    ratios: [0.05, 0.1]
    clips: [tour, my/clip.mp4, "scene:0-99"]   # or tokens:0, for checking a set-up
    disturbances: {none: , fog: , sensor_noise: [5, 20]}   # fog at its own five strengths
    seeds: [0]
    measures: [kept, coverage, fidelity, keeping, detection]
    num_frames: 32
    image_size: 448                            # of the encoder's input
    scene_size: [112, 112]                     # of procedural clips

    Writes results.csv, one line for each item. The exit code is 1 if any of them failed.
    """  # noqa: D301 - click takes the character for "do not wrap"
    with _bad_input():
        from infomerge.measure.sweep import TABLE, read_sweep, run_sweep

        try:
            summary = run_sweep(
                read_sweep(config), out, jobs=jobs, backend=backend, scheduler=scheduler, retry_failed=retry_failed
            )
        except ImportError as error:
            raise click.ClickException(str(error)) from error
    click.echo(f"{summary.items:,} items, {summary.run:,} of them run now; see {out / TABLE}")
    if summary.failed:
        click.echo(f"infomerge: {summary.failed:,} of {summary.items:,} items failed; column error says why", err=True)
        sys.exit(1)


@contextmanager
def _bad_input() -> Iterator[None]:
    """What users can get wrong becomes one line; an error anywhere else is ours, and keeps its traceback.

    Notes wait until the block has succeeded, so that an error stands alone.
    """
    try:
        with warnings.catch_warnings(record=True) as notes:
            yield
    except ValidationError as error:
        raise click.ClickException(explain(error)) from error
    except (ValueError, TypeError, OSError) as error:
        raise click.ClickException(str(error)) from error
    for note in notes:
        _one_line(note.message)


def _split(option: str) -> tuple[str, str]:
    name, equals, value = option.partition("=")
    if not equals:
        raise click.ClickException(f"--set: found {option!r}; accepted is OPTION=VALUE, such as temperature=2")
    if name.strip() == "retention_ratio":
        raise click.ClickException(f"--set: found {option!r}; accepted is --retention-ratio {value.strip()}")
    return name.strip(), value.strip()


def _open_clip(clip: str, num_frames: int) -> Clip:
    if clip in sample_names() and not Path(clip).exists():
        return sample_clip(clip, num_frames)
    if not Path(clip).exists():
        raise click.ClickException(
            f"CLIP: found no file {clip!r}; accepted is a video file or a sample: {', '.join(sample_names())}"
        )
    return read_clip(clip, num_frames)


def _load_encoder(name: str | None) -> EfficientNetEncoder | VisionTowerEncoder:
    if name is None:
        return EfficientNetEncoder()
    return VisionTowerEncoder.from_pretrained(name)


def _make_folder(option: str, file: Path) -> None:
    """Make the folder of a file that an option names, where there is none."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(
            f"{option}: found {str(file)!r}, whose folder cannot be made ({error.strerror}); accepted is a file in a "
            "folder that is there or can be made"
        ) from error


def _write_json(path: Path, entry: dict[str, Any]) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".json", delete=False) as handle:
        temporary = Path(handle.name)
    try:
        temporary.write_text(json.dumps(entry, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _print_table(entry: dict[str, Any]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("segment", "time (s)", "frames", "unique u", "rich e", "weight w", "budget B", "by length", "kept"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in entry["segments"]:
        table.add_row(
            str(row["segment"]),
            f"{row['first_seconds']:.1f}-{row['last_seconds']:.1f}",
            f"{row['first_frame']}-{row['last_frame']}",
            f"{row['uniqueness']:.3f}",
            f"{row['richness']:.3f}",
            f"{row['weight']:.2f}",
            str(row["budget"]),
            str(row["length_budget"]),
            str(row["kept"]),
        )
    console = _console()
    console.print(table)
    how = "by content" if entry["config"]["allocation"] == "caba" else "by length"
    console.print(
        f"{entry['clip']['name']}: kept {entry['kept']:,} of {entry['tokens']:,} tokens, "
        f"requested {entry['requested']:,}: {entry['salient']:,} salient, {entry['context']:,} context "
        f"with budgets {how}"
    )
    if "cuts_after_frames" in entry:
        cuts = entry["cuts_after_frames"]
        hits, total = len(cuts["found"]), len(cuts["found"]) + len(cuts["missed"])
        console.print(f"true cuts found: {hits} of {total}; further boundaries: {len(cuts['added'])}")


def _print_answers(entry: dict[str, Any]) -> None:
    model, clip, answers = entry["model"], entry["clip"], entry["answers"]
    console = _console()
    console.print(
        f"{model['name']}: {model['class']}, {model['parameters']:,} parameters, {model['dtype']} on {model['device']}"
    )
    rows, columns = entry["prompt"]["grid"]
    console.print(
        f"{clip['name']}: {clip['frames']} frames, as {entry['prompt']['frames']} x {rows} x {columns} visual tokens"
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True)
    for name in answers:
        table.add_column(name, justify="right", overflow="fold")
    for name, show in _ANSWER_ROWS.items():
        table.add_row(name, *(show(each) for each in answers.values()))
    console.print(table)
    sources = {each["saliency_source"] for each in answers.values()} - {None}
    console.print(f"saliency: {', '.join(sources)}")
    repeats = entry["repeats"]
    console.print(
        f"times: medians of {repeats} calls, after one that is not counted"
        if repeats > 1
        else "times: one call each; the first one also pays what a process does once (--repeats 5 for medians)"
    )
    console.print("FLOPs: multiply-accumulates of the language model's layers, counted as in the paper")
    for name, each in answers.items():
        console.print(f"\n{name}: {each['text'] or '(an empty answer)'}")


def _flops(value: float | None) -> str:
    if value is None:
        return "unknown"
    for size, prefix in ((1e12, "T"), (1e9, "G")):
        if value >= size:
            return f"{value / size:,.1f} {prefix}"
    return f"{value / 1e6:,.1f} M"


def _stage(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda each: f"{each['seconds'][name]:.3f}"


_ANSWER_ROWS: dict[str, Callable[[dict[str, Any]], str]] = {
    "visual tokens requested": lambda each: f"{each['requested_tokens']:,}",
    "visual tokens kept": lambda each: f"{each['kept_tokens']:,}",
    "prompt tokens": lambda each: f"{each['length']:,}",
    "encode (s)": _stage("encode"),
    "compress (s)": lambda each: "-" if each["saliency_source"] is None else _stage("compress")(each),
    "prefill (s)": _stage("prefill"),
    "decode (s)": _stage("decode"),
    "total (s)": _stage("total"),
    "new tokens": lambda each: f"{each['new_tokens']:,}",
    "prefill FLOPs, whole prompt": lambda each: _flops(each["prefill_flops"]),
    "prefill FLOPs, visual tokens": lambda each: _flops(each["visual_flops"]),
}


def _console() -> Console:
    # A clip's name may hold brackets and colons, which are not rich's mark-up.
    return Console(width=None if sys.stdout.isatty() else 100, highlight=False, markup=False, emoji=False)


def _one_line(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"infomerge: note: {' '.join(str(message).split())}", err=True)


def main(arguments: list[str] | None = None) -> None:
    """Run the command; bad input ends it with exit code 2 and one line on standard error."""
    warnings.showwarning = _one_line
    try:
        commands.main(arguments, prog_name="infomerge", standalone_mode=False)
    except click.Abort:
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"infomerge: {' '.join(error.format_message().split())}", err=True)
        sys.exit(2)
