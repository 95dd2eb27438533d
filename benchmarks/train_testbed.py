"""Train the testbed's two checkpoints from nothing, on one GPU.

    python -m benchmarks.train_testbed OUT

Writes OUT/subsets, trained on subsets of tokens, OUT/merges, which went on with random merges, and OUT/train.log. The
clips, their order and all draws follow from --seed; how many steps fit into the given seconds depends on the machine.
"""

import time
from pathlib import Path
from typing import Any

import click
import torch

from benchmarks.testbed_training.decoder import (
    OBJECTS_FIRST,
    decoder_weights,
    encode,
    round_to_half,
    scale_features,
    score,
    train_decoder,
)
from benchmarks.testbed_training.drawn import training_seeds
from benchmarks.testbed_training.tower import tower_weights, train_tower
from infomerge.testbed.design import FRAMES, POSITIONS, new_model, save
from infomerge.testbed.vocabulary import make_tokenizer

FRAME_CLIPS, CLIPS, HELD_OUT = 3_008, 24_000, 192


class Log:
    """Lines with the seconds since the start, to the screen and to a file."""

    def __init__(self, path: Path) -> None:
        self.begin, self.file = time.monotonic(), path.open("w", encoding="utf-8")

    def __call__(self, text: str) -> None:
        """Write one line."""
        line = f"[{time.monotonic() - self.begin:.0f}] {text}"
        print(line, flush=True)
        print(line, file=self.file, flush=True)


@click.command(help=__doc__)
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--seed", default=1, show_default=True)
@click.option("--seconds", nargs=3, type=float, default=(86, 420, 200), show_default=True, help="Of the three stages.")
@click.option("--smoke", is_flag=True, help="Three steps of everything on a few clips, to see that it works.")
def main(out: Path, seed: int, seconds: tuple[float, float, float], smoke: bool) -> None:
    """Run all stages."""
    out.mkdir(parents=True, exist_ok=True)
    train(out, seed, seconds, smoke)


def train(out: Path, seed: int, seconds: tuple[float, float, float], smoke: bool = False) -> None:
    """Run all stages and write both checkpoints and the log into a folder."""
    say = Log(out / "train.log")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    say(f"torch {torch.__version__} on {device}, seed {seed}")
    torch.backends.cuda.matmul.allow_tf32 = True
    generator = torch.Generator(device).manual_seed(seed)
    frame_clips, clips, held_out_clips, steps = (2, 2, 1, 2) if smoke else (FRAME_CLIPS, CLIPS, HELD_OUT, None)
    sizes: dict[str, Any] = {"steps": steps} | ({"batch": 2} if smoke else {})
    tokenizer = make_tokenizer()
    model = new_model(seed).to(device)

    train_tower(model, training_seeds(seed, 0, frame_clips), generator, seconds[0], say, **sizes)
    for weight in tower_weights(model):
        weight.requires_grad_(False)
    scale_features(model, encode(model, tokenizer, training_seeds(seed, 0, min(frame_clips, 256)), generator))
    held_out = encode(model, tokenizer, training_seeds(seed, 4_000_000, held_out_clips), generator)
    encoded = encode(model, tokenizer, training_seeds(seed, 1_000_000, clips), generator)
    share = encoded.on_object.float().sum(1).mean().item()
    say(f"encoded {len(encoded):,} clips, of whose {FRAMES * POSITIONS:,} tokens {share:.0f} lie on objects")

    train_decoder(model, encoded, held_out, generator, seconds[1], say, **sizes)
    _report(model, held_out, generator, say)
    _write(model, out / "subsets", say)
    train_decoder(model, encoded, held_out, generator, seconds[2], say, merge=True, rate=5e-4, **sizes)
    _report(model, held_out, generator, say)
    _write(model, out / "merges", say)


def _report(model: Any, held_out: Any, generator: torch.Generator, say: Log) -> None:
    for kept, objects_first in [(FRAMES * POSITIONS, False), (OBJECTS_FIRST, True), (392, False), (157, False)]:
        first = ", objects first" if objects_first else ""
        say(f"  {kept} tokens{first}: " + score(model, held_out, kept, generator, objects_first=objects_first))


def _write(model: Any, folder: Path, say: Log) -> None:
    import copy

    round_to_half(decoder_weights(model))
    save(copy.deepcopy(model).cpu(), folder)
    say(f"wrote {folder.name}")


if __name__ == "__main__":
    main()
