"""Which answers few tokens lose, and why: counted against the truth of development clips.

    python -m benchmarks.answer_losses --ratio 0.05 --clips 16

For each selection: what its tokens show (share on background; moving objects with fewer than two tokens, still ones and
flashes without any), how often the number of scenes and of objects is said too small or too large, and how many
answers of each kind are right. Two selections know the truth and no method can make them.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import click
import torch
from torch import Tensor

from infomerge.testbed.checkpoint import SeenClip, answers_of, load_testbed
from infomerge.testbed.design import GRID
from infomerge.testbed.evaluation import compressed
from infomerge.testbed.splits import FORMS, asked_about
from infomerge.video import SceneClip
from infomerge.video.questions import KINDS

Selection = Callable[[SeenClip, SceneClip, int], Tensor]
PLACE: dict[str, Any] = {"saliency_exponent": 0.7, "place_directions": 12}


def by_method(seen: SeenClip, clip: SceneClip, kept: int, method: str = "farthest", **options: Any) -> Tensor:
    """Flat indices of what a method keeps."""
    del clip
    return compressed(seen, method, kept / seen.tokens[..., 0].numel(), "head", options).index


def evenly_from_scenes(seen: SeenClip, clip: SceneClip, kept: int, *, objects: bool) -> Tensor:
    """As many tokens of each scene as of any other, drawn from those on objects or on background."""
    del seen
    cells = clip.cells(GRID)
    wanted, scene = (cells.objects > 0).flatten() == objects, cells.scene.repeat_interleave(GRID[0] * GRID[1])
    scenes = int(scene.max()) + 1
    order = torch.randperm(len(wanted), generator=torch.Generator().manual_seed(clip.script.seed))
    chosen = []
    for number in range(scenes):
        own = order[(wanted & (scene == number))[order]]
        chosen.append(own[: kept // scenes + (number < kept % scenes)])
    return torch.cat(chosen).sort().values


SELECTIONS: dict[str, Selection] = {
    "infomerge": partial(by_method, method="infomerge", merge_weight=1.0),
    "random": partial(by_method, method="random"),
    "farthest": by_method,
    "farthest, context_fraction 0.4": partial(by_method, context_fraction=0.4),
    "farthest, without place": partial(by_method, **PLACE),
    "farthest, without place, fading with it": partial(by_method, **PLACE, place_scale=0.43),
    "truth: object tokens, evenly from scenes": partial(evenly_from_scenes, objects=True),
    "truth: background tokens, evenly from scenes": partial(evenly_from_scenes, objects=False),
}


def lacking(index: Tensor, clip: SceneClip) -> Iterable[tuple[str, bool]]:
    """What the kept tokens are on, and which objects they show too little of."""
    shown = clip.cells(GRID).objects.flatten()[index]
    yield from (("background", bool(number == 0)) for number in shown)
    for number, item in enumerate(clip.script.objects, start=1):
        tokens = int((shown == number).sum())
        if item.shape == "star":
            yield "flash", tokens == 0
        elif item.direction is None:
            yield "still", tokens == 0
        else:
            yield "moving", tokens < 2


def share(counted: Counter[tuple[str, bool]], what: str) -> str:
    """In %."""
    return f"{100 * counted[what, True] / max(1, counted[what, True] + counted[what, False]):.0f}"


@click.command()
@click.option("--ratio", default=0.05, show_default=True)
@click.option("--clips", default=16, show_default=True)
@click.option("--first", default=3000, show_default=True)
@click.option("--form", type=click.Choice(list(FORMS)), default="clean", show_default=True)
def main(ratio: float, clips: int, first: int, form: str) -> None:
    """Print the tables."""
    torch.set_num_threads(1)
    beds = {name: load_testbed(name) for name in ("subsets", "merges")}
    seen = {}
    for number in range(first, first + clips):
        clip = FORMS[form].clip(number, "dev")
        seen[number] = clip, beds["subsets"].see(clip.frames)  # both checkpoints have the same tower
    shown = ("background", "moving", "still", "flash")
    few = [f"{kind} {way}" for kind in ("scenes", "count") for way in ("fewer", "more")]
    click.echo("| selection | checkpoint | " + " | ".join((*shown, *few, *KINDS)) + " |")
    for label, select in SELECTIONS.items():
        counted: Counter[tuple[str, bool]] = Counter()
        answered = {name: Counter[tuple[str, bool]]() for name in beds}
        for clip, tokens in seen.values():
            total = tokens.tokens[..., 0].numel()
            index = select(tokens, clip, max(1, round(ratio * total)))
            counted.update(lacking(index, clip))
            asked = asked_about(clip.script)
            for name, bed in beds.items():
                said = answers_of(bed.read(tokens.tokens.flatten(0, 1)[index], index, total, asked), asked)
                for question, word in zip(asked, said, strict=True):
                    answered[name][question.kind, word == question.answer] += 1
                    if question.kind in ("scenes", "count"):
                        off = int(word) - int(question.answer) if word.isdigit() else 0
                        answered[name][f"{question.kind} fewer", off < 0] += 1
                        answered[name][f"{question.kind} more", off > 0] += 1
        for name, found in answered.items():
            cells = [share(counted, what) for what in shown] + [share(found, what) for what in (*few, *KINDS)]
            click.echo(f"| {label} | {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
