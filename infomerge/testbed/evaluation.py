"""What methods leave of the testbed's answers: every method at every ratio on many clips, into one table.

    infomerge evaluate --methods infomerge,fastvid --ratios 0.02,0.05,0.1 --out results

`infomerge.measure.resumable` runs it. Besides the methods, each clip has a row "full": all of its tokens.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, model_validator
from torch import Tensor

from infomerge.compression import Compression
from infomerge.config import explain
from infomerge.measure.choices import MethodChoice, refused
from infomerge.measure.resumable import Outcome
from infomerge.measure.sweep_table import Row
from infomerge.methods import get_method, make_compressor
from infomerge.testbed.checkpoint import (
    SALIENCY,
    Checkpoint,
    Saliency,
    SeenClip,
    Testbed,
    load_testbed,
)
from infomerge.testbed.splits import LARGEST_NUMBER, Role, asked_about, read_form
from infomerge.testbed.vocabulary import ANSWERS
from infomerge.video import Question
from infomerge.video.questions import KINDS

SCHEMA = 1
"""Part of every item's key. To be raised when a method, the clips or the checkpoints give other numbers than before."""

FULL = "full"
"""The method's name in rows where nothing was compressed."""
IDENTITY = ("key", "checkpoint", "form", "number", "method", "options", "saliency", "ratio")
COUNTS = tuple(f"{what}_{kind}" for kind in KINDS for what in ("right", "asked"))
"""Of each kind of question, how many were answered rightly and how many there were."""
COLUMNS = (*IDENTITY, "status", "error", "kept", *COUNTS, "probability", "config", "method_seconds", "answer_seconds")
_LONGEST_ERROR = 500


class EvaluationConfig(BaseModel):
    """What is evaluated.

    Raises:
        pydantic.ValidationError: an unknown key or a bad value; `infomerge.config.explain` gives it in one line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    methods: list[MethodChoice] = Field(min_length=1)
    """As in a sweep's file."""
    ratios: list[Annotated[float, Field(gt=0, le=1)]] = Field(min_length=1)
    """Retention ratios."""
    checkpoints: list[Checkpoint] = Field(default=["subsets", "merges"], min_length=1)
    forms: list[str] = Field(default=["clean"], min_length=1)
    """Names in `FORMS`, or disturbances with their strength, as `read_form` takes them."""
    role: Role = "dev"
    """"dev" to choose by, "test" to report on."""
    first: Annotated[StrictInt, Field(ge=0, le=LARGEST_NUMBER)] = 0
    """Number of the first clip."""
    clips: Annotated[StrictInt, Field(ge=1, le=LARGEST_NUMBER)] = 32
    """How many clips of each form."""
    saliency: list[Saliency] = Field(default=["head"], min_length=1)

    @model_validator(mode="after")
    def _fits_together(self) -> "EvaluationConfig":
        for form in self.forms:
            try:
                read_form(form)
            except ValueError as error:
                raise refused(str(error)) from error
        if self.first + self.clips - 1 > LARGEST_NUMBER:
            raise refused(f"clips: got {self.clips} from {self.first}; expected numbers up to {LARGEST_NUMBER:,}")
        for choice, ratio in itertools.product(self.methods, self.ratios):
            for options in choice.variants():
                try:
                    make_compressor(choice.name, retention_ratio=ratio, **options)
                except (ValueError, TypeError) as error:
                    raise refused(f"methods: {choice.name}: {_reason(error)}") from error
        return self


class Item(NamedTuple):
    """One row of the table."""

    key: str
    method: str
    options: str
    saliency: str
    ratio: float


@dataclass(frozen=True)
class Group:
    """The items of one clip under one checkpoint."""

    checkpoint: str
    form: str
    number: int
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Evaluation:
    """An evaluation as `infomerge.measure.resumable` runs it."""

    config: EvaluationConfig
    device: str = "cpu"
    """Where the model answers; tokens are compressed on the CPU."""

    title = "evaluation"
    columns = COLUMNS
    details = None

    @property
    def hash(self) -> str:
        """Twelve digits that stand for the configuration's content."""
        return _digest(self.to_dict(), 12)

    def to_dict(self) -> dict[str, Any]:
        """All that its results depend on, for JSON."""
        return {"schema": SCHEMA, "config": self.config.model_dump(mode="json")}

    def from_earlier(self, content: Mapping[str, Any], folder: Path) -> "Evaluation":
        """The evaluation of a folder's config.json."""
        del folder  # nothing lies beside it
        if content["schema"] != SCHEMA:
            raise ValueError(f"it is of schema {content['schema']}")
        return Evaluation(EvaluationConfig.model_validate(content["config"]))

    def differences(self, earlier: "Evaluation") -> list[str]:
        """Names of what differs."""
        before, now = earlier.config.model_dump(), self.config.model_dump()
        return [name for name in now if now[name] != before[name]]

    def keys(self) -> set[str]:
        """The keys of all items."""
        return {item.key for group in self.groups() for item in group.items}

    def groups(self) -> Iterator[Group]:
        """All items, by clip and checkpoint."""
        config = self.config
        numbers = range(config.first, config.first + config.clips)
        for number, form, checkpoint in itertools.product(numbers, config.forms, config.checkpoints):
            yield Group(checkpoint, form, number, tuple(self._items(checkpoint, form, number)))

    def _items(self, checkpoint: str, form: str, number: int) -> Iterator[Item]:
        config = self.config
        common = {
            "schema": SCHEMA,
            "checkpoint": checkpoint,
            "form": form,
            "role": config.role,
            "number": number,
        }
        variants = [(FULL, "", "", 1.0)] + [
            (choice.name, json.dumps(options, sort_keys=True) if options else "", saliency, ratio)
            for choice in config.methods
            for options in choice.variants()
            for saliency in config.saliency
            for ratio in config.ratios
        ]
        for method, options, saliency, ratio in variants:
            own = {"method": method, "options": options, "saliency": saliency, "ratio": ratio}
            yield Item(_digest(common | own, 16), method, options, saliency, ratio)

    def run(self, group: Group) -> Outcome:
        """See a clip once and answer from what each item keeps of it."""
        torch.set_num_threads(1)
        try:
            testbed = load_testbed(group.checkpoint, self.device)
            clip = read_form(group.form).clip(group.number, self.config.role)
            seen, asked = testbed.see(clip.frames).cpu(), asked_about(clip.script)
        except Exception as error:
            return self.failed(group, error)
        return Outcome([_run_item(item, group, testbed, seen, asked) for item in group.items])

    def failed(self, group: Group, error: BaseException) -> Outcome:
        """Rows that say that none of the group's items could be measured."""
        return Outcome([_identity(item, group) | _failure(error) for item in group.items])


def _run_item(item: Item, group: Group, testbed: Testbed, seen: SeenClip, asked: Sequence[Question]) -> Row:
    row = _identity(item, group)
    started = perf_counter()
    try:
        out = None
        if item.method != FULL:
            out = compressed(seen, item.method, item.ratio, item.saliency, json.loads(item.options or "{}"))
        row["method_seconds"], started = _seconds(started), perf_counter()
        probabilities = answered(testbed, seen, out, asked)
        row["answer_seconds"] = _seconds(started)
    except Exception as error:
        return row | _failure(error)
    kept = seen.tokens[..., 0].numel() if out is None else out.kept
    return row | {"status": "ok", "kept": str(kept)} | scored(probabilities, asked)


def compressed(
    seen: SeenClip, method: str, ratio: float, saliency: str, options: Mapping[str, Any] | None = None
) -> Compression:
    """A method's compression of a clip that the testbed sees, by one of the names in `SALIENCY`."""
    if saliency not in SALIENCY:
        raise ValueError(f"saliency: got {saliency!r}; expected {', '.join(SALIENCY)}")
    compressor = make_compressor(method, retention_ratio=ratio, **(options or {}))
    needed = {need: getattr(seen, need) for need in get_method(method).needs}
    result: Compression = compressor(
        seen.tokens, saliency=seen.saliency[saliency], frame_features=seen.frame_features, **needed
    )
    return result


def answered(
    testbed: Testbed, seen: SeenClip, out: Compression | None, asked: Sequence[Question]
) -> Float[Tensor, "questions answers"]:
    """Probabilities of `ANSWERS` from what is kept, or from all tokens where nothing was compressed."""
    if out is not None:
        return testbed.probabilities(out, asked)
    every = seen.tokens.flatten(0, 1)
    return testbed.read(every, torch.arange(len(every), device="cpu"), len(every), asked)


def scored(probabilities: Float[Tensor, "questions answers"], asked: Sequence[Question]) -> Row:
    """Counts of right answers by kind, and the mean probability of the right one."""
    right = dict.fromkeys(COUNTS, 0)
    said = [ANSWERS[int(row.argmax())] for row in probabilities]
    for question, word in zip(asked, said, strict=True):
        right[f"asked_{question.kind}"] += 1
        right[f"right_{question.kind}"] += word == question.answer
    of_right = [float(row[ANSWERS.index(q.answer)]) for row, q in zip(probabilities, asked, strict=True)]
    return {name: str(count) for name, count in right.items()} | {"probability": f"{np.mean(of_right):.6f}"}


def _identity(item: Item, group: Group) -> Row:
    return {
        "key": item.key,
        "checkpoint": group.checkpoint,
        "form": group.form,
        "number": str(group.number),
        "method": item.method,
        "options": item.options,
        "saliency": item.saliency,
        "ratio": repr(item.ratio),
    }


def _reason(error: Exception) -> str:
    return explain(error) if isinstance(error, ValidationError) else str(error)


def _failure(error: BaseException) -> Row:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return {"status": "failed", "error": text[:_LONGEST_ERROR]}


def _seconds(started: float) -> str:
    return f"{perf_counter() - started:.4f}"


def _digest(content: Any, digits: int) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:digits]
