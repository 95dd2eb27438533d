"""Every method on every disturbed clip, measured into one table that survives being interrupted.

    infomerge sweep sweep.yaml --out results

The folder then holds `results.csv`, one line for each item, and `config.json`, what they were asked for with. A line is
written whole and synced to the disk as soon as its group of items is done. A run that was killed, by whatever means,
loses only the groups it was at, and the same command goes on from there.
"""

import csv
import dataclasses
import functools
import hashlib
import io
import json
import math
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, CancelledError
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from filelock import FileLock, Timeout
from jaxtyping import Float, UInt8
from joblib import Parallel, cpu_count, delayed, parallel_config
from pydantic import ValidationError
from torch import Tensor
from tqdm import tqdm

from infomerge.compression import Compression
from infomerge.config import InfoMergeConfig, explain
from infomerge.encoders import EfficientNetEncoder, Encoding
from infomerge.measure.coverage import Coverage, coverage
from infomerge.measure.detection import (
    PRIORS,
    detect,
    dyseg_segments,
    prior_scores,
    scene_segments,
    still_positions,
)
from infomerge.measure.fidelity import Fidelity, fidelity
from infomerge.measure.keeping import Keeping, keeping
from infomerge.measure.sweep_config import (
    SCHEMA,
    UNDISTURBED,
    Group,
    Item,
    Sweep,
    SweepConfig,
    clip_kind,
    read_sweep,
)
from infomerge.methods import get_method
from infomerge.video import CellTruth, SceneClip, TruncatedClipWarning, disturb, read_clip, sample_clip, scene_clip

__all__ = [
    "MEASURES",
    "Context",
    "LostWorkersError",
    "Material",
    "Measure",
    "Summary",
    "Sweep",
    "SweepConfig",
    "pattern_seed",
    "read_results",
    "read_sweep",
    "run_sweep",
    "synthetic_tokens",
]

Backend = Literal["joblib", "dask"]
Row = dict[str, str]

TABLE, CONFIG, LOCK = "results.csv", "config.json", ".lock"
IDENTITY = ("key", "clip", "disturbance", "strength", "seed", "method", "options", "ratio")
OUTCOME = ("status", "error")
TIMINGS = ("encode_seconds", "method_seconds", "measure_seconds")
"""The columns that differ from run to run, last in the table. `encode_seconds` is that of the whole group."""

WORKER_PATIENCE_SECONDS = 30
LONGEST_ERROR = 500
SYNTHETIC_GRID, SYNTHETIC_CHANNELS, SYNTHETIC_SCENES = (4, 4), 16, 3


class LostWorkersError(OSError):
    """The processes that do the work, or the way to them, are gone; the results that were written are safe."""


@dataclass(frozen=True, eq=False)
class Material:
    """What the items of one group share: a clip's tokens under one disturbance, and what is known about them."""

    encoding: Encoding
    truth: CellTruth | None = None
    """Of the clean clip, on the encoding's grid; known for procedural clips only."""
    encoder: EfficientNetEncoder | None = None
    """None where no encoder made the tokens."""
    notes: tuple[str, ...] = ()
    """What the reader of the file found wrong with it."""

    @cached_property
    def full_logits(self) -> Float[Tensor, "frames classes"]:
        """The network's answers for all tokens."""
        assert self.encoder is not None
        return self.encoder.classify(self.encoding.tokens)

    @cached_property
    def detection(self) -> dict[str, float]:
        """How well each prior finds what stands still, which no method has a part in."""
        assert self.truth is not None
        tokens, config = self.encoding.tokens, InfoMergeConfig()
        bounds = {"scenes": scene_segments(self.truth), "dyseg": dyseg_segments(self.encoding, config)}
        found = {}
        for (segmentation, segments), prior in product(bounds.items(), PRIORS):
            scores, still = prior_scores(tokens, segments, prior), still_positions(self.truth, segments)
            result = detect(scores, still, config.static_ratio)
            for name in DETECTED:
                found[f"detection_{segmentation}_{prior}_{name}"] = float(getattr(result, name))
        return found


@dataclass(frozen=True, eq=False)
class Context:
    """What a measure looks at."""

    material: Material
    compression: Compression


@dataclass(frozen=True)
class Measure:
    """A measure by the columns that it fills."""

    columns: tuple[str, ...]
    run: Callable[[Context], Mapping[str, float]]
    """Gives a number for each column."""
    needs: Literal["nothing", "truth", "encoder"] = "nothing"
    """What a clip must have for it: the truth of a procedural clip, or an encoder with a head of its own. The columns
    stay empty for other clips."""

    def applies(self, kind: str) -> bool:
        """Whether clips of this kind have what it needs; kinds as of `sweep_config.clip_kind`."""
        return {"nothing": True, "truth": kind == "scene", "encoder": kind != "tokens"}[self.needs]


DETECTED = ("auroc", "average_precision", "candidate_precision", "still_share")


def _columns(prefix: str, result: type) -> tuple[str, ...]:
    return tuple(f"{prefix}{field.name}" for field in dataclasses.fields(result))


def _prefixed(prefix: str, result: Any) -> dict[str, float]:
    return {f"{prefix}{name}": value for name, value in dataclasses.asdict(result).items()}


def _kept(context: Context) -> dict[str, float]:
    out = context.compression
    return {"tokens": out.assignment.numel(), "requested": out.requested, "kept": out.kept}


def _coverage(context: Context) -> dict[str, float]:
    return _prefixed("coverage_", coverage(context.compression))


def _fidelity(context: Context) -> dict[str, float]:
    material = context.material
    assert material.encoder is not None
    return _prefixed("fidelity_", fidelity(context.compression, material.encoder, material.full_logits))


def _keeping(context: Context) -> dict[str, float]:
    assert context.material.truth is not None
    return _prefixed("keeping_", keeping(context.compression, context.material.truth))


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "kept": Measure(("tokens", "requested", "kept"), _kept),
        "coverage": Measure(_columns("coverage_", Coverage), _coverage),
        "fidelity": Measure(_columns("fidelity_", Fidelity), _fidelity, needs="encoder"),
        "keeping": Measure(_columns("keeping_", Keeping), _keeping, needs="truth"),
        "detection": Measure(
            tuple(
                f"detection_{segmentation}_{prior}_{name}"
                for segmentation, prior, name in product(("scenes", "dyseg"), PRIORS, DETECTED)
            ),
            lambda context: context.material.detection,
            needs="truth",
        ),
    }
)
"""The measures by name, in the order of their columns."""


def pattern_seed(clip: str, seed: int) -> int:
    """The seed of a clip's disturbance: each clip has a pattern of its own, so that clips are independent samples."""
    return int.from_bytes(hashlib.sha256(f"{clip} {seed}".encode()).digest()[:4], "big")


def synthetic_tokens(seed: int, num_frames: int) -> Encoding:
    """Random tokens for checking a set-up, built as a clip's are; they come from no picture and prove nothing.

    16 positions (4 x 4) of 16 channels in float32. Three scenes whose prototypes are drawn anew; in each, half of the
    positions stand still but for little noise, and the others wander.
    """
    rng = np.random.default_rng(seed)
    positions = math.prod(SYNTHETIC_GRID)
    scene = np.arange(num_frames) * SYNTHETIC_SCENES // num_frames
    prototypes = rng.standard_normal((SYNTHETIC_SCENES, positions, SYNTHETIC_CHANNELS))
    spread = np.where(rng.random((SYNTHETIC_SCENES, positions, 1)) < 0.5, 0.05, 1.0)
    noise = rng.standard_normal((num_frames, positions, SYNTHETIC_CHANNELS))
    tokens = torch.from_numpy((prototypes[scene] + spread[scene] * noise).astype(np.float32))
    return Encoding(tokens, None, None, SYNTHETIC_GRID, "none")


@functools.lru_cache(maxsize=1)
def _encoder(image_size: int) -> EfficientNetEncoder:
    """Loaded once in each process."""
    return EfficientNetEncoder(image_size=image_size)


def _encode(frames: UInt8[np.ndarray, "frames height width 3"], encoder: EfficientNetEncoder) -> Encoding:
    """What the encoder gives for all frames; one at a time, so that it shows no progress bar of its own."""
    encodings = [encoder(frame[None]) for frame in frames]
    tokens = torch.cat([encoding.tokens for encoding in encodings])
    saliency = torch.cat([encoding.saliency for encoding in encodings if encoding.saliency is not None])
    return dataclasses.replace(encodings[0], tokens=tokens, saliency=saliency)


def _material(group: Group, sweep: Sweep) -> Material:
    config, kind = sweep.config, clip_kind(group.clip)
    if kind == "tokens":
        return Material(synthetic_tokens(_number(group.clip), config.num_frames))
    clip: Any
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TruncatedClipWarning)
        if kind == "scene":
            clip = scene_clip(_number(group.clip), config.num_frames, config.scene_size)
        elif kind == "sample":
            clip = sample_clip(group.clip, config.num_frames)
        else:
            clip = read_clip(sweep.folder / group.clip, config.num_frames)
    frames = clip.frames
    if group.disturbance != UNDISTURBED:
        frames = disturb(group.disturbance, frames, group.strength, pattern_seed(group.clip, group.seed))
    encoder = _encoder(config.image_size)
    encoding = _encode(frames, encoder)
    truth = clip.cells(encoding.grid) if isinstance(clip, SceneClip) else None
    notes = tuple(str(note.message) for note in caught if issubclass(note.category, TruncatedClipWarning))
    return Material(encoding, truth, encoder, notes)


def _number(clip: str) -> int:
    return int(clip.partition(":")[2])


@dataclass(frozen=True)
class Outcome:
    """What a worker hands back: the rows of a group, and what there is to be told about its clip."""

    rows: list[Row]
    notes: tuple[str, ...] = ()


def run_group(group: Group, sweep: Sweep) -> Outcome:
    """Encode a clip and run every item of its group, on one torch thread; what raises becomes a row that says so."""
    torch.set_num_threads(1)
    started = perf_counter()
    try:
        material = _material(group, sweep)
    except Exception as error:
        return Outcome(_failed(group, error))
    seconds = _seconds(started)
    rows = [_run_item(item, group, sweep, material) | {"encode_seconds": seconds} for item in group.items]
    return Outcome(rows, material.notes)


def _run_item(item: Item, group: Group, sweep: Sweep, material: Material) -> Row:
    row = _identity(item, group)
    method = get_method(item.method)
    options = json.loads(item.options or "{}")
    if "seed" in method.options:
        options.setdefault("seed", item.seed)
    started = perf_counter()
    try:
        encoding = material.encoding
        out = method(encoding.tokens, item.ratio, encoding.saliency, encoding.frame_features, **options)
        row["method_seconds"], started = _seconds(started), perf_counter()
        numbers = _measure(Context(material, out), sweep.config.measures, clip_kind(group.clip))
        row["measure_seconds"] = _seconds(started)
    except Exception as error:
        return row | _failure(error)
    return row | {"status": "ok"} | numbers


def _measure(context: Context, names: Iterable[str], kind: str) -> Row:
    numbers: Row = {}
    for name in names:
        measure = MEASURES[name]
        if not measure.applies(kind):
            continue
        found = measure.run(context)
        if set(found) != set(measure.columns):
            raise ValueError(f"{name}: found {', '.join(found)}; accepted are {', '.join(measure.columns)}")
        numbers |= {column: repr(value if isinstance(value, int) else float(value)) for column, value in found.items()}
    return numbers


def _identity(item: Item, group: Group) -> Row:
    return {
        "key": item.key,
        "clip": group.clip,
        "disturbance": group.disturbance,
        "strength": repr(group.strength),
        "seed": str(item.seed),
        "method": item.method,
        "options": item.options,
        "ratio": repr(item.ratio),
    }


def _failure(error: BaseException) -> Row:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return {"status": "failed", "error": text[:LONGEST_ERROR]}


def _failed(group: Group, error: BaseException) -> list[Row]:
    return [_identity(item, group) | _failure(error) for item in group.items]


def _seconds(started: float) -> str:
    return f"{perf_counter() - started:.4f}"


def _on_this_machine(groups: list[Group], sweep: Sweep, jobs: int) -> Iterator[Outcome]:
    """Groups in processes of their own, in the order in which they finish; with one job, in this process."""
    threads = torch.get_num_threads()
    try:
        with parallel_config(backend="loky", inner_max_num_threads=1):
            parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
            yield from parallel(delayed(run_group)(group, sweep) for group in groups)
    except BrokenExecutor as error:
        raise LostWorkersError(
            "a worker process died, perhaps for want of memory; what was finished is safe, the same command goes on, "
            "and fewer --jobs need less memory"
        ) from error
    finally:
        torch.set_num_threads(threads)


def _on_cluster(groups: list[Group], sweep: Sweep, scheduler: str) -> Iterator[Outcome]:
    """Groups on a dask.distributed cluster, which runs those of a lost worker again on another."""
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError as error:
        raise ImportError(
            f"--backend dask: found no module {error.name}; it comes with pip install 'infomerge[cluster]'"
        ) from error
    with Client(scheduler, set_as_default=False) as client:
        try:
            client.wait_for_workers(1, timeout=WORKER_PATIENCE_SECONDS)
        except TimeoutError as error:
            raise LostWorkersError(f"--scheduler: found no worker at {scheduler}; accepted is one or more") from error
        futures = {client.submit(run_group, group, sweep, pure=False): group for group in groups}
        for future in as_completed(futures, loop=client.loop):
            group = futures.pop(future)
            try:
                outcome = future.result()
            except KilledWorker as error:
                outcome = Outcome(_failed(group, error))
            except CancelledError as error:
                raise LostWorkersError(
                    f"--scheduler: lost {scheduler}; what was finished is safe, and the same command goes on"
                ) from error
            yield outcome


class _Table:
    """The CSV file of results: whole lines only, each with as many cells as the header."""

    def __init__(self, path: Path, columns: tuple[str, ...]) -> None:
        self.path, self.columns = path, columns
        if not path.exists():
            self._replace([])
        _drop_torn_line(path)
        self.status = {row["key"]: row["status"] for row in _read(path, columns)}

    def append(self, rows: list[Row]) -> None:
        """Write rows and have them on the disk before this returns."""
        with self.path.open("ab") as file:
            file.write(self._lines(rows))
            file.flush()
            os.fsync(file.fileno())
        self.status |= {row["key"]: row["status"] for row in rows}

    def drop_failed(self) -> None:
        """Take the failed items out, so that they are to be done."""
        rows = _read(self.path, self.columns)
        self._replace([row for row in rows if row["status"] != "failed"])
        self.status = {key: status for key, status in self.status.items() if status != "failed"}

    def _replace(self, rows: list[Row]) -> None:
        header = dict(zip(self.columns, self.columns, strict=True))
        _write_whole(self.path, self._lines([header, *rows]))

    def _lines(self, rows: list[Row]) -> bytes:
        text = io.StringIO()
        csv.DictWriter(text, self.columns, restval="", lineterminator="\n").writerows(rows)
        return text.getvalue().encode()


def _drop_torn_line(path: Path) -> None:
    """Take off what follows the last line break: a line that a killed run did not finish."""
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        os.truncate(path, end)


def _read(path: Path, columns: tuple[str, ...] | None = None) -> list[Row]:
    whole = path.read_bytes()
    lines = list(csv.reader(whole[: whole.rfind(b"\n") + 1].decode().split("\n")[:-1]))
    header = lines[0] if lines else []
    if columns is not None and tuple(header) != columns:
        raise ValueError(f"{path}: found the columns {','.join(header)}; accepted are {','.join(columns)}")
    for number, line in enumerate(lines, 1):
        if len(line) != len(header):
            raise ValueError(f"{path}: found {len(line)} cells in line {number}; accepted are {len(header)}")
    return [dict(zip(header, line, strict=True)) for line in lines[1:]]


def read_results(out: Path | str) -> list[Row]:
    """The table of a sweep, finished or not: one dictionary of texts for each item, in the order of finishing.

    Args:
        out: the folder of the sweep.

    Raises:
        FileNotFoundError: there is no table.
        ValueError: a line is broken.
    """
    return _read(Path(out) / TABLE)


def _write_whole(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@dataclass(frozen=True)
class Summary:
    """How a sweep ended."""

    items: int
    run: int
    """Of these, run now; the others had been done before."""
    failed: int
    """Of all items, those whose row says so."""


def run_sweep(
    sweep: Sweep,
    out: Path | str,
    *,
    jobs: int | None = None,
    backend: Backend = "joblib",
    scheduler: str | None = None,
    retry_failed: bool = False,
) -> Summary:
    """Run those items of a sweep that are not in its folder yet, and write their rows as they are done.

    The numbers in the table depend neither on `jobs` nor on the backend; the order of its lines and the timings do.
    Items that fail have a row with the error, and are left alone in later runs unless `retry_failed`.

    Args:
        sweep: from `read_sweep`.
        out: the folder; that of an earlier run goes on if its items are all among those of this sweep.
        jobs: processes, each on one core, with the backend "joblib"; without a number, as many as there are cores.
        backend: "joblib" on this machine, "dask" on a cluster.
        scheduler: the address of the cluster's scheduler.
        retry_failed: run failed items again.

    Raises:
        ValueError: an argument is wrong, or the folder holds another sweep.
        OSError: the folder cannot be written, another process is at it, or the cluster cannot be reached.
        LostWorkersError: (an OSError) the workers died or the cluster was lost; the same call goes on.
        ImportError: the backend "dask" without its package.
    """
    _check_arguments(sweep, jobs, backend, scheduler)
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / LOCK, timeout=0):
            return _run(sweep, out, jobs or cpu_count(), scheduler, retry_failed)
    except Timeout as error:
        raise ValueError(f"--out: found another sweep at work in {out}; accepted is one at a time") from error


def _check_arguments(sweep: Sweep, jobs: int | None, backend: str, scheduler: str | None) -> None:
    kinds = {clip_kind(name) for name in sweep.config.clip_names()}
    for name in sweep.config.measures:
        if name not in MEASURES:
            raise ValueError(f"measures: found {name!r}; accepted are {', '.join(MEASURES)}")
        if not any(MEASURES[name].applies(kind) for kind in kinds):
            raise ValueError(f"measures: {name} needs {MEASURES[name].needs}, which none of the clips has")
    if jobs is not None and jobs < 1:
        raise ValueError(f"--jobs: found {jobs}; accepted are whole numbers from 1")
    if jobs is not None and backend == "dask":
        raise ValueError(f"--jobs: found {jobs} with --backend dask; accepted is none, as the cluster has its own")
    if (backend == "dask") != (scheduler is not None):
        raise ValueError(
            f"--scheduler: found {scheduler} with --backend {backend}; accepted is --backend dask with "
            "--scheduler ADDRESS, or neither"
        )


def _run(sweep: Sweep, out: Path, jobs: int, scheduler: str | None, retry_failed: bool) -> Summary:
    keys = sweep.keys()
    _claim(out, sweep, keys)
    chosen = [measure for name, measure in MEASURES.items() if name in sweep.config.measures]
    measured = (column for measure in chosen for column in measure.columns)
    table = _Table(out / TABLE, (*IDENTITY, *OUTCOME, *measured, "config", *TIMINGS))
    if retry_failed and "failed" in table.status.values():
        table.drop_failed()
    before = len(keys & table.status.keys())
    groups = list(_pending(sweep, table.status))
    outcomes = _on_this_machine(groups, sweep, jobs) if scheduler is None else _on_cluster(groups, sweep, scheduler)
    stamp = {"config": sweep.hash}
    told: set[str] = set()
    with tqdm(total=len(keys), initial=before, desc="sweep", unit="item", delay=1, leave=False) as bar:
        for outcome in outcomes if groups else ():
            table.append([row | stamp for row in outcome.rows])
            bar.update(len(outcome.rows))
            for note in set(outcome.notes) - told:
                warnings.warn(note, TruncatedClipWarning, stacklevel=2)
                told.add(note)
    failed = sum(table.status[key] == "failed" for key in keys)
    return Summary(len(keys), len(keys) - before, failed)


def _pending(sweep: Sweep, done: Mapping[str, str]) -> Iterator[Group]:
    for group in sweep.groups():
        if items := tuple(item for item in group.items if item.key not in done):
            yield dataclasses.replace(group, items=items)


def _claim(out: Path, sweep: Sweep, keys: set[str]) -> None:
    """Write down what the folder is for; refuse one that is for something else.

    A sweep may go on in the folder of one whose items it has too, each under the same key.
    """
    path, content = out / CONFIG, sweep.to_dict()
    if not path.exists() and (out / TABLE).exists():
        raise ValueError(f"--out: found {TABLE} without {CONFIG} in {out}; accepted is a new folder")
    if path.exists():
        earlier = _earlier(path)
        if earlier.to_dict() == content:
            return
        lost = len(earlier.keys() - keys)
        if lost:
            before, now = earlier.config.model_dump(), sweep.config.model_dump()
            changed = [name for name in now if now[name] != before[name]] or ["a clip's file"]
            raise ValueError(
                f"--out: found another sweep in {out}, {lost} of whose items this one has not (it differs in "
                f"{', '.join(changed)}); accepted is the same sweep, one that only adds methods, ratios, clips, "
                "disturbances, strengths or seeds to it, or a new folder"
            )
    _write_whole(path, (json.dumps(content | {"hash": sweep.hash}, indent=1) + "\n").encode())


def _earlier(path: Path) -> Sweep:
    try:
        content = json.loads(path.read_bytes())
        if content["schema"] != SCHEMA:
            raise ValueError(f"it is of schema {content['schema']}")
        return Sweep(SweepConfig.model_validate(content["config"]), content["digests"], path.parent)
    except (ValueError, KeyError, TypeError) as error:
        reason = explain(error) if isinstance(error, ValidationError) else error
        raise ValueError(
            f"--out: found {path}, which this version cannot go on from ({reason}); accepted is a new folder"
        ) from error
