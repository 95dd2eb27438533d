"""`infomerge ask`: a question about a clip, answered by a Video-LLM with its tokens compressed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from infomerge.cli.errors import Notes, bad_file, bad_input, bad_model, pass_notes
from infomerge.cli.options import clip_options, method_options
from infomerge.cli.output import make_folder, output_file, write_json
from infomerge.cli.printing import console, print_table

if TYPE_CHECKING:
    from infomerge.methods import Compressor
    from infomerge.video import Clip

POSITIVE = click.IntRange(min=1)


@click.command()
@output_file("--json", help="File for all numbers.")
@clip_options
@click.argument("question")
@click.option("--model", "-m", metavar="MODEL", required=True, help="A Video-LLM: a local folder or a hub name.")
@method_options
@click.option("--compare", is_flag=True, help="Answer without compression too, side by side.")
@click.option(
    "--positions",
    type=click.Choice(["original", "renumbered"]),
    default="original",
    show_default=True,
    help="What kept tokens keep: the positions of the full prompt, or those of the shorter one.",
)
@click.option("--max-new-tokens", type=POSITIVE, default=64, show_default=True, help="The longest answer.")
@click.option("--max-pixels", type=int, help="Most pixels of a frame, for models whose frames keep their shape.")
@click.option("--repeats", type=POSITIVE, default=1, show_default=True, help="Timed calls, of which medians are shown.")
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, or cuda:N.")
@click.option(
    "--dtype",
    type=click.Choice(["auto", "float32", "bfloat16", "float16"]),
    default="auto",
    show_default=True,
    help="Of the weights; auto: as stored.",
)
@pass_notes
def command(
    notes: Notes,
    clip: "Clip",
    question: str,
    model: str,
    compressor: "Compressor",
    compare: bool,
    positions: Literal["original", "renumbered"],
    max_new_tokens: int,
    max_pixels: int | None,
    repeats: int,
    device: str,
    dtype: str,
    json_file: Path | None,
) -> None:
    """Ask a Video-LLM a QUESTION about CLIP, compressed.

    Shows the answer to the compressed clip, and what each stage took. Decoding is greedy.

    Nothing is fetched when MODEL is a folder. A name such as llava-hf/llava-onevision-qwen2-0.5b-ov-hf is downloaded
    from the Hugging Face hub, unless it is in the local cache.
    """
    import torch

    from infomerge.models import answer, load
    from infomerge.models.question_answering import described, record_answers

    weights = None if dtype == "auto" else getattr(torch, dtype)
    with bad_input(
        OSError, TypeError, ValueError, name_or_path="--model", device="--device", max_pixels="--max-pixels"
    ):
        network, processor = load(model, device=device, dtype=weights, max_pixels=max_pixels)
    spelled = {
        "name_or_path": "--model",
        "question": "QUESTION",
        "frames": "--num-frames",
        "max_pixels": "--max-pixels",
    }
    with bad_model("--model", model), bad_input(TypeError, ValueError, **spelled):
        prompt = processor(clip.frames, clip.timestamps, question, clip.metadata.duration)
    if json_file is not None:
        make_folder("--json", json_file.parent)
    notes.tell()

    compressions = {"all tokens": None, compressor.label: compressor} if compare else {compressor.label: compressor}
    limits: dict[str, Any] = {"max_new_tokens": max_new_tokens, "repeats": repeats}
    with bad_model("--model", model):
        answers = {
            name: answer(network, processor, prompt, method, position_mode=positions, **limits)
            for name, method in compressions.items()
        }
    entry = record_answers(answers, clip, question, prompt, {"name": model, **described(network)})
    entry |= {
        "method": compressor.to_dict(),
        "config": None if compressor.config is None else compressor.config.to_dict(),
        "positions": positions,
        "repeats": repeats,
    }
    _print_answers(entry)
    if json_file is not None:
        with bad_file("--json", json_file):
            write_json(json_file, entry)
        click.echo(f"Wrote {json_file}")


def _print_answers(entry: dict[str, Any]) -> None:
    model, clip, answers = entry["model"], entry["clip"], entry["answers"]
    screen = console()
    screen.print(
        f"{model['name']}: {model['class']}, {model['parameters']:,} parameters, {model['dtype']} on {model['device']}"
    )
    rows, columns = entry["prompt"]["grid"]
    screen.print(
        f"{clip['name']}: {clip['frames']} frames, as {entry['prompt']['frames']} x {rows} x {columns} visual tokens"
    )
    shown = [[name, *(show(each) for each in answers.values())] for name, show in _ROWS.items()]
    print_table(["", *answers], shown, first="left", fold=True)
    sources = {each["saliency_source"] for each in answers.values()} - {None}
    screen.print(f"saliency: {', '.join(sources)}")
    repeats = entry["repeats"]
    screen.print(
        f"times: medians of {repeats} calls, after one that is not counted"
        if repeats > 1
        else "times: one call each; the first one also pays what a process does once (--repeats 5 for medians)"
    )
    screen.print("FLOPs: multiply-accumulates of the language model's layers, counted as in the paper")
    for name, each in answers.items():
        screen.print(f"\n{name}: {each['text'] or '(an empty answer)'}")


def _flops(value: float | None) -> str:
    if value is None:
        return "unknown"
    for size, prefix in ((1e12, "T"), (1e9, "G")):
        if value >= size:
            return f"{value / size:,.1f} {prefix}"
    return f"{value / 1e6:,.1f} M"


def _stage(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda each: f"{each['seconds'][name]:.3f}"


_ROWS: dict[str, Callable[[dict[str, Any]], str]] = {
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
