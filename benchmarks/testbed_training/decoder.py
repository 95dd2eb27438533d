"""Stage 2: the language model learns to answer from few of a clip's tokens, then from any share of them.

It never sees what a method keeps. It learns first from the tokens on objects with some background, then from random
subsets as well; `merge=True` goes on with random groups of tokens averaged into one. Every token keeps its position in
the clip, and clips stand at random among up to half as many frames again, as if frames had been dropped whole.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.testbed_training.disturbing import Levels, disturb_frames, shown_frames
from benchmarks.testbed_training.drawn import IGNORED, KIND_NAMES, CellLabels, Lessons, draw
from benchmarks.testbed_training.optimizing import Schedule
from benchmarks.testbed_training.tower import look
from infomerge.testbed.design import FRAMES, POSITIONS
from infomerge.testbed.reading import read

OBJECTS_FIRST = 302
SUBSETS = (238, 310, 470, 782, FRAMES * POSITIONS)
MERGED = (157, 235, 302, 470)
_WINDOWS = (0, 1, 2, 4, 8, FRAMES)
_MOST_FRAMES = FRAMES + FRAMES // 2
_ON_OBJECT = 0.1
_CHUNK = 32
# Rows of a batch shrink as their tokens grow beyond this many, so that memory stays bounded.
_ROW_TOKENS, _OVERHEAD = 500, 194


@dataclass(frozen=True, eq=False)
class Encoded:
    """Clips as the language model meets them: tokens in half precision, what lies on objects, and questions."""

    tokens: Tensor
    """[clips tokens channels]"""
    on_object: Tensor
    """[clips tokens]"""
    lessons: Lessons

    def __len__(self) -> int:
        return len(self.tokens)


@torch.no_grad()
def encode(model: Any, tokenizer: Any, seeds: list[int], generator: torch.Generator) -> Encoded:
    """Draw, disturb and encode clips, each once."""
    device = generator.device
    parts = []
    for k in range(0, len(seeds), _CHUNK):
        batch = draw(seeds[k : k + _CHUNK], device)
        levels = Levels.draw(len(batch.scripts), generator)
        shown = shown_frames(levels, FRAMES, generator)
        clip = torch.arange(len(shown), device=device)[:, None]
        pixels = disturb_frames(batch.frames[clip, shown].flatten(0, 1), levels.repeat(FRAMES), generator)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            tokens, _ = look(model, pixels)
        covered = CellLabels.of(batch).coverage[clip, shown] > _ON_OBJECT
        lessons = Lessons.about(batch.scripts, tokenizer)
        parts.append((tokens.half().reshape(len(shown), -1, tokens.shape[-1]), covered.flatten(1), lessons))
    lessons = Lessons(
        *(
            torch.cat([vars(part[2])[name] for part in parts]).to(device)
            for name in ("ids", "labels", "weights", "kinds")
        )
    )
    return Encoded(torch.cat([p[0] for p in parts]), torch.cat([p[1] for p in parts]), lessons)


@torch.no_grad()
def scale_features(model: Any, encoded: Encoded) -> None:
    """Give visual tokens unit variance, at the projector's end; then round what is frozen to half precision."""
    size = encoded.tokens.float().square().mean().sqrt()
    last = model.model.multi_modal_projector.linear_2
    last.weight.div_(size)
    last.bias.div_(size)
    round_to_half([*model.model.vision_tower.parameters(), *model.model.multi_modal_projector.parameters()])


@torch.no_grad()
def round_to_half(weights: list[nn.Parameter]) -> None:
    """What a checkpoint in half precision will hold."""
    for weight in weights:
        weight.copy_(weight.half())


def decoder_weights(model: Any) -> list[nn.Parameter]:
    """What this stage trains."""
    return [*model.model.language_model.parameters(), model.model.image_newline, *model.lm_head.parameters()]


def subset(on_object: Tensor, kept: int, objects_first: bool, generator: torch.Generator) -> Tensor:
    """Indices of random tokens, ascending: [clips kept]."""
    luck = torch.rand(on_object.shape, device=on_object.device, generator=generator)
    return (luck + on_object * float(objects_first)).topk(kept, dim=1).indices.sort(dim=1).values


def merge_into(tokens: Tensor, kept: Tensor, generator: torch.Generator) -> Tensor:
    """Kept tokens, each mixed with the mean of those that are most like it near in time: [clips kept channels].

    How near, which tokens take part and how much of the mean goes in are drawn anew for each batch. No method is
    followed.
    """
    device = tokens.device
    draws = torch.rand(3, device=device, generator=generator).tolist()
    window = _WINDOWS[int(draws[0] * len(_WINDOWS))]
    share = 1.0 if draws[1] < 0.5 else 0.5
    own = 0.0 if draws[2] < 0.5 else 2 * draws[2] - 1
    row = torch.arange(len(tokens), device=device)[:, None]
    chosen = tokens[row, kept].float()
    direction = functional.normalize(tokens.float(), dim=-1)
    alike = direction @ direction[row, kept].mT
    frame = torch.arange(tokens.shape[1], device=device) // POSITIONS
    far = (frame[None, :, None] - (kept // POSITIONS)[:, None]).abs() > window
    alike = alike.masked_fill(far, -2.0)
    nearest = alike.max(dim=2)
    part = torch.rand(nearest.values.shape, device=device, generator=generator) < share
    part &= nearest.values > -2.0
    part.scatter_(1, kept, False)
    group = functional.one_hot(nearest.indices, kept.shape[1]).to(tokens.dtype) * part[..., None]
    count = group.sum(dim=1, dtype=torch.float32)[..., None]
    mean = (group.mT @ tokens + chosen.to(tokens.dtype)).float() / (count + 1)
    return (own * chosen + (1 - own) * mean).to(tokens.dtype)


def train_decoder(
    model: Any,
    encoded: Encoded,
    held_out: Encoded,
    generator: torch.Generator,
    seconds: float,
    say: Callable[[str], None],
    *,
    merge: bool = False,
    rate: float = 8e-4,
    batch: int = 64,
    steps: int | None = None,
) -> None:
    """Train the language model on encoded clips; with `merge`, go on with one that has learned already."""
    device = generator.device
    schedule = Schedule(decoder_weights(model), rate, seconds, 0.1 if merge else 0.5, steps)
    right = torch.zeros(len(KIND_NAMES), device=device)
    asked = torch.zeros(len(KIND_NAMES), device=device)
    told = 0.0
    while schedule.done < 1:
        luck = torch.rand(3, generator=generator, device=device).tolist()
        late, random_subset = merge or schedule.done > 0.5, luck[0] < 0.5
        kept, objects_first, merging = OBJECTS_FIRST, True, False
        if late and random_subset:
            kept, objects_first = SUBSETS[int(luck[1] * len(SUBSETS))], False
        elif merge and luck[2] < 0.8:
            kept, objects_first, merging = MERGED[int(luck[1] * len(MERGED))], luck[2] < 0.4, True
        rows = batch if objects_first else max(1, min(batch + 16, batch * _ROW_TOKENS // (kept + _OVERHEAD)))
        which = torch.randint(len(encoded), (rows,), device=device, generator=generator)
        indices = subset(encoded.on_object[which], kept, objects_first, generator)
        tokens = encoded.tokens[which]
        chosen = (
            merge_into(tokens, indices, generator)
            if merging
            else tokens[torch.arange(rows, device=device)[:, None], indices]
        )
        loss, hits = _lesson(model, chosen, *_placed(indices, generator), encoded.lessons, which)
        schedule.descend(loss)
        kinds = encoded.lessons.kinds[which].flatten()
        counted = (encoded.lessons.weights[which] > 0).flatten().float()
        right.index_add_(0, kinds, hits.flatten().float() * counted)
        asked.index_add_(0, kinds, counted)
        if schedule.done > told + 0.05:
            told = schedule.done
            shares = (right / asked.clamp(min=1)).tolist()
            say(f"decoder step {schedule.step}, {told:.0%}: loss {loss.item():.3f}, " + _by_kind(shares))
            right.zero_()
            asked.zero_()
            if told > 0.3:
                say("  held out, all tokens: " + score(model, held_out, FRAMES * POSITIONS, generator, clips=96))
    say(f"decoder: {schedule.step} steps")
    round_to_half(decoder_weights(model))


def _placed(indices: Tensor, generator: torch.Generator) -> tuple[Tensor, int]:
    """Where the tokens stand in a clip of the same or more frames, and how many tokens that clip would have."""
    luck = torch.rand(2, device=indices.device, generator=generator).tolist()
    if luck[0] < 0.5:
        return indices, FRAMES * POSITIONS
    frames = FRAMES + 1 + int(luck[1] * (_MOST_FRAMES - FRAMES))
    order = torch.rand((len(indices), frames), device=indices.device, generator=generator)
    slots = order.topk(FRAMES, dim=1).indices.sort(dim=1).values
    return slots.gather(1, indices // POSITIONS) * POSITIONS + indices % POSITIONS, frames * POSITIONS


def _lesson(
    model: Any, tokens: Tensor, places: Tensor, total: int, lessons: Lessons, which: Tensor
) -> tuple[Tensor, Tensor]:
    """The loss, and which questions were answered rightly: [clips questions]."""
    labels, weights = lessons.labels[which], lessons.weights[which]
    device = tokens.device
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        start = model.config.text_config.bos_token_id
        states = read(model, tokens.float(), places, total, lessons.ids[which], start)
        logits = model.lm_head(states).float()
    each = functional.cross_entropy(logits.flatten(0, 2), labels.flatten(), reduction="none", ignore_index=IGNORED)
    counted = weights[..., None].expand_as(labels).flatten() * (labels.flatten() != IGNORED)
    answer = (labels != IGNORED).int().argmax(dim=-1, keepdim=True)
    said = logits.argmax(dim=-1).gather(-1, answer)
    return (each * counted).sum() / counted.sum(), (said == labels.gather(-1, answer)).squeeze(-1)


@torch.no_grad()
def score(
    model: Any, held_out: Encoded, kept: int, generator: torch.Generator, *, objects_first: bool = False, clips: int = 0
) -> str:
    """Accuracy on held-out clips from random tokens, in all and by kind, in words."""
    right, asked = torch.zeros(len(KIND_NAMES)), torch.zeros(len(KIND_NAMES))
    count = min(clips or len(held_out), len(held_out))
    for k in range(0, count, _CHUNK):
        which = torch.arange(k, min(k + _CHUNK, count), device=held_out.tokens.device)
        indices = subset(held_out.on_object[which], kept, objects_first, generator)
        tokens = held_out.tokens[which[:, None], indices]
        _, hits = _lesson(model, tokens, indices, FRAMES * POSITIONS, held_out.lessons, which)
        counted = (held_out.lessons.weights[which] > 0).flatten().float().cpu()
        kinds = held_out.lessons.kinds[which].flatten().cpu()
        right.index_add_(0, kinds, hits.flatten().float().cpu() * counted)
        asked.index_add_(0, kinds, counted)
    total = (right.sum() / asked.sum()).item()
    return f"{total:.4f} ({_by_kind((right / asked.clamp(min=1)).tolist())})"


def _by_kind(shares: list[float]) -> str:
    return ", ".join(f"{name} {share:.3f}" for name, share in zip(KIND_NAMES, shares, strict=True))
