"""What every adapter promises, as checks that anyone can run: `check_adapter(MyVideoLMAdapter)`.

The checks need no weights and no network: they make the adapter's tiny model, show it clips of noise through its own
preprocessing and prompt, and compare what comes out with and without compression.
"""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infomerge.compression import Compression
from infomerge.models.adapters import VideoAdapter, adapter_for
from infomerge.models.arguments import PIXELS, cache_of
from infomerge.models.attachment import compressing
from infomerge.models.processing import Processor, Prompt
from infomerge.models.tiny_random import byte_tokenizer, random_model

RATIO = 0.2
FRAMES = 8
TOLERANCE = 1e-4
"""Of logits that take another way to the same numbers, on a tiny model in float32."""
_LIMITS = {"do_sample": False, "eos_token_id": None}


@dataclass(frozen=True)
class Check:
    """One promise of an adapter."""

    name: str
    promise: str
    run: Callable[["Subject"], None]


class BrokenPromiseError(AssertionError):
    """An adapter does not do what adapters promise."""


def _require(condition: Any, message: str) -> None:
    # No assert statement: `python -O` leaves those out.
    if not condition:
        raise BrokenPromiseError(message)


class Subject:
    """A tiny model of an adapter's class, its processor, and prompts."""

    def __init__(self, adapter: type[VideoAdapter], seed: int) -> None:
        self.tokenizer = byte_tokenizer(adapter.tiny)
        self.model = random_model(adapter, self.tokenizer, adapter.tiny, seed).eval().float()
        found = type(adapter_for(self.model))
        _require(
            found is adapter, f"its model is one of {found.__name__}; is it registered under the model class's name?"
        )
        self.processor = Processor(
            self.tokenizer, self.model.config, adapter.tiny.settings, self.tokenizer.chat_template
        )
        self.adapter = adapter_for(self.model, self.tokenizer)
        self._random = np.random.default_rng(seed)

    def prompt(self, question: str, frames: int = FRAMES) -> Prompt:
        """A prompt with a clip in which part of the picture stands still."""
        still = self._random.integers(0, 256, (1, 48, 64, 3), dtype=np.uint8)
        clip = np.repeat(still, frames, axis=0)
        clip[:, :, 32:] = self._random.integers(0, 256, (frames, 48, 32, 3), dtype=np.uint8)
        return self.processor(clip, np.arange(frames) / 2.0, question, frames / 2.0)

    @cached_property
    def prompts(self) -> list[Prompt]:
        """Two prompts of different lengths."""
        return [self.prompt("What moves?"), self.prompt("What is it that moves there, and where does it go?")]

    @cached_property
    def single(self) -> dict[str, Tensor]:
        """The inputs of the first prompt."""
        return self.prompts[0].inputs

    @cached_property
    def batch(self) -> dict[str, Tensor]:
        """The inputs of both, padded on the left."""
        padding = {"input_ids": self.tokenizer.pad_token_id, "attention_mask": 0, "mm_token_type_ids": 0}
        width = max(prompt.inputs["input_ids"].shape[1] for prompt in self.prompts)
        made = {}
        for name in self.single:
            parts = [prompt.inputs[name] for prompt in self.prompts]
            if name in padding:
                parts = [
                    torch.nn.functional.pad(part, (width - part.shape[1], 0), value=padding[name]) for part in parts
                ]
            made[name] = torch.cat(parts)
        return made

    def attached(self, method: Any = None, **options: Any) -> Any:
        """`compressing` with the tokenizer, at `RATIO` where nothing else is said."""
        if method is None and not options:
            options = {"retention_ratio": RATIO}
        return compressing(self.model, method, tokenizer=self.tokenizer, **options)

    @torch.no_grad()
    def logits(self, inputs: dict[str, Any], **more: Any) -> Tensor:
        """Of one `forward`."""
        result: Tensor = self.model(**inputs, **more).logits
        return result

    def generate(self, inputs: dict[str, Any], tokens: int = 4, **more: Any) -> Any:
        """New tokens by greedy decoding, or as `more` says."""
        return self.model.generate(**{**inputs, **_LIMITS, "max_new_tokens": tokens, **more})

    def kept(self, tokens: int) -> int:
        """Tokens that stay of a video's."""
        return max(1, math.floor(RATIO * tokens + 0.5))


@contextmanager
def _seen_by(module: Any) -> Iterator[list[dict[str, Any]]]:
    seen: list[dict[str, Any]] = []
    hook = module.register_forward_pre_hook(lambda _, args, kwargs: seen.append(kwargs), with_kwargs=True)
    try:
        yield seen
    finally:
        hook.remove()


def _rows(subject: Subject) -> None:
    videos = subject.adapter.videos(subject.single)
    _require(len(videos) == 1, f"videos: got {len(videos)} in a prompt with one")
    prompt = subject.prompts[0]
    _require(
        (videos[0].frames, videos[0].grid) == (prompt.frames, prompt.grid),
        f"videos: got {videos[0].frames} frames of {videos[0].grid}; preprocess: {prompt.frames} of {prompt.grid}",
    )
    words = {name: value for name, value in subject.single.items() if name not in PIXELS.values()}
    _require(subject.adapter.videos(words) == [], "videos: got some in a call without pixels")
    if subject.adapter.modality == "video":
        return
    words_between = [subject.tokenizer.encode("x")[0]] * 4
    image = [subject.adapter.placeholder_id] * videos[0].tokens_per_frame
    plain = torch.tensor([[*words_between, *image, *words_between, *image, *words_between]], device="cpu")
    images = subject.adapter.videos(subject.single | {"input_ids": plain})
    _require(images == [], "videos: got some among plain images")


def _unchanged_at_1(subject: Subject) -> None:
    for inputs in (subject.single, subject.batch):
        scores, answer = subject.logits(inputs), subject.generate(inputs)
        with subject.attached(retention_ratio=1.0) as run:
            _require(torch.equal(subject.logits(inputs), scores), "logits of forward differ")
            _require(torch.equal(subject.generate(inputs), answer), "answers of generate differ")
        _require(run.last, "no video was found in a prompt with one")


def _length(subject: Subject) -> None:
    tokens = [prompt.visual_tokens for prompt in subject.prompts]
    with subject.attached() as run, _seen_by(subject.adapter.text_model) as seen:
        subject.logits(subject.batch)
    _require([video.kept for video in run.last] == [subject.kept(count) for count in tokens], "another number was kept")
    lengths = [
        prompt.inputs["input_ids"].shape[1] - count + subject.kept(count)
        for prompt, count in zip(subject.prompts, tokens, strict=True)
    ]
    width = seen[0]["inputs_embeds"].shape[1]
    _require(width == max(lengths), f"the language model got {width} columns, and {max(lengths)} were promised")
    found = seen[0]["attention_mask"].sum(dim=1).tolist()
    _require(found == lengths, f"it attends to {found} columns, and {lengths} were promised")


def _positions(subject: Subject) -> None:
    with _seen_by(subject.adapter.text_model) as stock:
        subject.logits(subject.single)
    with subject.attached() as run, _seen_by(subject.adapter.text_model) as seen:
        subject.logits(subject.single)
    given = stock[0]["position_ids"]
    if given is None:
        given = torch.arange(run.full_length, device="cpu")[None]
    video, position_ids = run.last[0], seen[0]["position_ids"]
    _require(
        torch.equal(position_ids[..., 0, video.prompt_index], given[..., 0, video.columns]),
        "kept tokens have other positions than in the full prompt",
    )
    embedded = seen[0]["inputs_embeds"][0, video.prompt_index]
    _require(torch.equal(embedded, video.compression.tokens), "other tokens than the kept ones stand at their index")
    ids = subject.single["input_ids"][0]
    placeholders = (ids == subject.adapter.placeholder_id).nonzero().flatten()
    _require(
        torch.equal(video.columns, placeholders[video.compression.index]),
        "the n-th token of a video is not at its n-th placeholder",
    )
    with subject.attached(retention_ratio=RATIO, position_mode="renumbered"), _seen_by(subject.adapter.text_model) as s:
        subject.logits(subject.single)
    count = torch.arange(s[0]["inputs_embeds"].shape[1], device="cpu")
    _require((s[0]["position_ids"] == count).all(), "renumbered positions do not count through the shorter prompt")


def _sees_the_video(subject: Subject) -> None:
    pixels = PIXELS[subject.adapter.modality]
    changed = {**subject.single, pixels: -subject.single[pixels]}
    with subject.attached() as run:
        subject.logits(subject.single)
    fixed = run.last[0].compression

    def same_tokens(tokens: Tensor, saliency: Tensor | None = None, **_: Any) -> Compression:
        # What is kept must not depend on the change, or the choice would do the influencing.
        other = copy.copy(fixed)
        object.__setattr__(other, "tokens", fixed.carry(tokens))
        return other

    with subject.attached(same_tokens):
        one, other = (subject.logits(inputs)[0, -1] for inputs in (subject.single, changed))
    _require((one - other).abs().max() > TOLERANCE, "the last word's scores do not depend on the video")


def _caches(subject: Subject) -> None:
    told = {"return_dict_in_generate": True, "output_logits": True}
    with subject.attached() as run:
        cached = subject.generate(subject.single, **told)
        uncached = subject.generate(subject.single, **told, use_cache=False)
        _require(torch.equal(cached.sequences, uncached.sequences), "answers with and without a cache differ")
        _close(torch.stack(cached.logits), torch.stack(uncached.logits), "scores with and without a cache differ")
        with torch.no_grad():
            cache = cache_of(subject.model(**subject.single, use_cache=True))
        _require(int(cache.get_seq_length()) == run.length, "the cache has another length than the shorter prompt")


def _batches(subject: Subject) -> None:
    told = {"return_dict_in_generate": True, "output_logits": True}
    with subject.attached():
        both = subject.generate(subject.batch, 1, **told).logits[0]
        for row, prompt in enumerate(subject.prompts):
            alone = subject.generate(prompt.inputs, 1, **told).logits[0][0]
            _close(both[row], alone, "scores in a batch and alone differ")


def _beams(subject: Subject) -> None:
    options = {"num_beams": 3, "num_return_sequences": 2}
    width = subject.batch["input_ids"].shape[1]
    with subject.attached():
        beams = subject.generate(subject.batch, **options)
        _require(beams.shape == (4, width + 4), f"beams have shape {list(beams.shape)}")
        _require(
            torch.equal(beams[:, :width], subject.batch["input_ids"].repeat_interleave(2, dim=0)),
            "prompts come back changed",
        )
        for row, prompt in enumerate(subject.prompts):
            alone = subject.generate(prompt.inputs, **options)[:, -4:]
            _require(torch.equal(alone, beams[2 * row : 2 * row + 2, -4:]), "beams in a batch and alone differ")


def _saliency(subject: Subject) -> None:
    with subject.attached() as run:
        subject.logits(subject.single)
    saliency, prompt = run.last[0].compression.trace.saliency, subject.prompts[0]
    _require(
        tuple(saliency.shape) == (prompt.frames, math.prod(prompt.grid)), "saliency has another shape than the tokens"
    )
    _require(torch.isfinite(saliency).all(), "saliency is not finite")
    _require(saliency.std() > 0, "saliency is the same everywhere")


def _leaves_no_trace(subject: Subject) -> None:
    words = {name: subject.single[name][:, :4] for name in ("input_ids", "attention_mask")}
    scores, answer = subject.logits(subject.single), subject.logits(words)
    hooks = [len(module._forward_pre_hooks) + len(module._forward_hooks) for module in subject.model.modules()]
    names = set(vars(subject.model))
    with subject.attached() as run:
        _require(torch.equal(subject.logits(words), answer), "a call without a video changed")
        _require(run.last == [], "a call without a video was compressed")
        subject.generate(subject.single)
    _require(torch.equal(subject.logits(subject.single), scores), "logits changed after detach")
    _require(set(vars(subject.model)) == names, "attributes stay behind")
    left = [len(module._forward_pre_hooks) + len(module._forward_hooks) for module in subject.model.modules()]
    _require(left == hooks, "hooks stay behind")


def _close(found: Tensor, expected: Tensor, message: str) -> None:
    apart = float((found - expected).abs().max())
    _require(apart <= TOLERANCE, f"{message}, by {apart:.1e}")


CHECKS = (
    Check("rows", "videos() finds the frames and the grid that preprocess() made, and no others", _rows),
    Check("ratio 1", "at a retention ratio of 1 forward and generate are the stock ones, bit for bit", _unchanged_at_1),
    Check("length", "the prompt is exactly as much shorter as the ratio says, in batches too", _length),
    Check("positions", "kept tokens keep their positions, or positions count through", _positions),
    Check("sight", "the words after the video attend to it across the gaps", _sees_the_video),
    Check("caches", "decoding with and without a cache agree", _caches),
    Check("batches", "a batch answers as its prompts alone", _batches),
    Check("beams", "beam search answers in a batch as alone, and gives the prompts back as they were", _beams),
    Check("saliency", "there is a value for each token of each frame", _saliency),
    Check("detach", "afterwards, and without a video, the model is the stock one", _leaves_no_trace),
)


def check_adapter(adapter: type[VideoAdapter] | str, *, seed: int = 0) -> list[str]:
    """Check that an adapter keeps what adapters promise, on a tiny model with random weights.

    Args:
        adapter: the class, or the name of a model class that is registered.
        seed: of weights and clips.

    Returns:
        What was checked, one sentence each.

    Raises:
        BrokenPromiseError: a promise is broken (an AssertionError); the message names it and says how.
        TypeError: the name is not registered.
    """
    if isinstance(adapter, str):
        from infomerge.models.adapters import adapters

        if adapter not in adapters():
            raise TypeError(f"adapter: got {adapter!r}; expected {', '.join(adapters())}")
        adapter = adapters()[adapter]
    subject = Subject(adapter, seed)
    for check in CHECKS:
        try:
            check.run(subject)
        except BrokenPromiseError as error:
            raise BrokenPromiseError(f"{adapter.__name__}, {check.name}: {error}; promised: {check.promise}") from error
    return [check.promise for check in CHECKS]
