"""What a sweep runs: its YAML file, checked, and the items that it spans."""

import hashlib
import itertools
import json
import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, ValidationError, model_validator

from infomerge.config import explain
from infomerge.encoders.named import CLIP_PLACE, EFFICIENTNET, TOKEN_FILES
from infomerge.extras import needs
from infomerge.measure.choices import MethodChoice, no_unknown_key, refused
from infomerge.measure.sweep_clips import clip_kind, file_digest, found_clips, written_out
from infomerge.methods import make_compressor
from infomerge.methods.options import LARGEST_SEED
from infomerge.video import DISTURBANCES, disturbance_names, write_script

with needs("sweep"):
    import yaml

SCHEMA = 2
"""Part of every item's key. To be raised when a method or a measure gives other numbers than before."""

UNDISTURBED = "none"


def _own_strengths(given: Any) -> Any:
    """Disturbances named without strengths take their own five."""
    if not isinstance(given, Mapping):
        return given
    filled = {}
    for name, strengths in given.items():
        if name not in (UNDISTURBED, *disturbance_names()):
            accepted = ", ".join((UNDISTURBED, *disturbance_names()))
            raise refused(f"{name}: unknown disturbance; expected {accepted}")
        own = [0.0] if name == UNDISTURBED else list(DISTURBANCES[name].strengths)
        filled[name] = own if strengths is None else strengths
    return filled


class SweepConfig(BaseModel):
    """A sweep's YAML file: every method at every ratio, on every clip under every disturbance, for every seed.

    Raises:
        pydantic.ValidationError: an unknown key or a bad value; `infomerge.config.explain` gives it in one line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    methods: list[MethodChoice] = Field(min_length=1)
    """Names of `infomerge.methods`, or `{name: ..., options: {option: value or list of values}}`."""
    ratios: list[Annotated[float, Field(gt=0, le=1)]] = Field(min_length=1)
    """Retention ratios."""
    clips: list[str] = Field(min_length=1)
    """Names of samples; paths (from the file's own folder) of videos, of folders of them, and patterns such as
    "clips/*.mp4"; `scene:3`, `scene:0-99` (both ends included) for procedural clips; and `tokens:0-3`: synthetic tokens
    for checking a set-up, which no encoder sees."""
    disturbances: Annotated[dict[str, Annotated[list[float], Field(min_length=1)]], BeforeValidator(_own_strengths)] = (
        Field(default={UNDISTURBED: [0.0]}, min_length=1)
    )
    """Strengths of each disturbance; a name alone stands for its own five, and `none` for the clean frames."""
    seeds: list[Annotated[StrictInt, Field(ge=0, le=LARGEST_SEED)]] = Field(default=[0], min_length=1)
    """Seeds of the disturbances, and of methods that draw."""
    measures: list[str] = Field(min_length=1)
    """Names of `infomerge.measure.sweep.MEASURES`."""
    num_frames: StrictInt = Field(default=32, ge=1)
    """Frames of every clip; files that are shorter give all of theirs."""
    image_size: StrictInt = Field(default=448, ge=32, multiple_of=32)
    """Side of the encoder's input in pixels; its grid has one position for every 32 x 32."""
    scene_size: tuple[StrictInt, StrictInt] = (112, 112)
    """Height and width of procedural clips, in pixels."""
    encoder: str = EFFICIENTNET
    """As `infomerge.encoders.load_encoder` takes it: "efficientnet", a vision tower's folder or hub name, or a .npy or
    .safetensors file of tokens of one's own, in whose path {clip} stands for a clip's name. Paths start from the file's
    own folder."""
    grid: tuple[StrictInt, StrictInt] | None = None
    """Rows and columns of tokens of one's own, where they make no square."""

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, given: Any) -> Any:
        return no_unknown_key(cls, given)

    @model_validator(mode="after")
    def _fits_together(self) -> "SweepConfig":
        for name in ("ratios", "clips", "seeds", "measures"):
            _refuse_repeats(name, self.clip_names() if name == "clips" else getattr(self, name))
        _refuse_repeats(
            "methods",
            [f"{name} {options}".rstrip() for name, options, _ in self.variants()],
            # 1 and 1.0 are written differently and are one value.
            [(name, frozenset(options.items())) for name, _, options in self.variants()],
        )
        for name, strengths in self.disturbances.items():
            _refuse_repeats(f"disturbances.{name}", strengths)
            most = 0 if name == UNDISTURBED else DISTURBANCES[name].maximum
            for strength in strengths:
                if not 0 <= strength <= most:
                    raise refused(f"disturbances.{name}: got strength {strength:g}; expected 0 to {most:g}")
        if self.own_tokens and set(self.disturbances) != {UNDISTURBED}:
            raise refused("disturbances: tokens of a file are of clean frames; expected none alone")
        kinds = {clip_kind(name) for name in self.clip_names()}
        if "tokens" in kinds and set(self.disturbances) != {UNDISTURBED}:
            raise refused("disturbances: tokens have no pixels to disturb; expected none alone")
        if "scene" in kinds:
            try:
                write_script(0, self.num_frames, self.scene_size)
            except ValueError as error:
                raise refused(f"{error}, with a procedural clip") from error
        return self

    @property
    def own_tokens(self) -> bool:
        """Whether the tokens come from files."""
        return self.encoder.endswith(TOKEN_FILES)

    @property
    def has_head(self) -> bool:
        """Whether the encoder has a head of its own, whose answers can be compared."""
        return self.encoder.lower() == EFFICIENTNET

    def clip_names(self) -> list[str]:
        """The clips by name, ranges written out."""
        try:
            return [name for clip in self.clips for name in written_out(clip)]
        except ValueError as error:
            raise refused(str(error)) from error

    def variants(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Each method's name with the options of one variant, as JSON ("" where there are none) and as they are."""
        for choice in self.methods:
            for options in choice.variants():
                yield choice.name, json.dumps(options, sort_keys=True) if options else "", options


def _refuse_repeats(name: str, values: Sequence[Hashable], meanings: Sequence[Hashable] | None = None) -> None:
    """Refuse values that mean the same; without meanings, those that are the same."""
    alike: dict[Hashable, list[Hashable]] = defaultdict(list)
    for value, meaning in zip(values, values if meanings is None else meanings, strict=True):
        alike[meaning].append(value)
    for first, *others in alike.values():
        if others:
            spelling = "" if others[-1] == first else f", as {others[-1]!r} too"
            raise refused(f"{name}: got {first!r} {1 + len(others)} times{spelling}; expected each once")


class Item(NamedTuple):
    """One row of the table: one method at one ratio on one disturbed clip."""

    key: str
    method: str
    options: str
    ratio: float
    seed: int


@dataclass(frozen=True)
class Group:
    """The items that share their tokens, so that a clip is disturbed and encoded once for all of them."""

    clip: str
    disturbance: str
    strength: float
    seed: int
    """Of the disturbance. Without one, items of all seeds share their tokens."""
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Sweep:
    """A checked configuration, with what identifies the files that it names."""

    config: SweepConfig
    digests: dict[str, str]
    """SHA-256 of each clip that is a file, and of its tokens where they are in one, under `token_key`."""
    folder: Path
    """What the paths of clips start from."""

    def to_dict(self) -> dict[str, Any]:
        """All that its results depend on, for JSON."""
        config = self.config.model_dump(mode="json")
        if self.config.has_head:
            del config["encoder"], config["grid"]
        return {"schema": SCHEMA, "config": config, "digests": self.digests}

    @property
    def hash(self) -> str:
        """Twelve digits that stand for the configuration's content; its file's layout and comments do not matter."""
        return _digest(self.to_dict(), 12)

    def groups(self) -> Iterator[Group]:
        """All items, by the tokens that they share."""
        seeds = self.config.seeds
        for clip in self.config.clip_names():
            for disturbance, strengths in self.config.disturbances.items():
                # Nothing is drawn for clean frames.
                shared = [seeds] if disturbance == UNDISTURBED else [[seed] for seed in seeds]
                for strength, some in itertools.product(strengths, shared):
                    items = tuple(self._items(clip, disturbance, strength, some))
                    yield Group(clip, disturbance, strength, some[0], items)

    def keys(self) -> set[str]:
        """The keys of all items."""
        return {item.key for group in self.groups() for item in group.items}

    def _items(self, clip: str, disturbance: str, strength: float, seeds: list[int]) -> Iterator[Item]:
        config = self.config
        common = {
            "schema": SCHEMA,
            "clip": clip,
            "digest": self.digests.get(clip),
            "disturbance": disturbance,
            "strength": strength,
            "measures": sorted(config.measures),
            "num_frames": config.num_frames,
            "image_size": config.image_size,
            "scene_size": list(config.scene_size),
        }
        if not config.has_head:
            # Where it is as it always was, keys are, too.
            grid = None if config.grid is None else list(config.grid)
            common |= {"encoder": config.encoder, "grid": grid, "tokens": self.digests.get(token_key(clip))}
        for seed, (method, options, _), ratio in itertools.product(seeds, config.variants(), config.ratios):
            own = {"method": method, "options": options, "ratio": ratio, "seed": seed}
            yield Item(_digest(common | own, 16), method, options, ratio, seed)


def _digest(content: Any, digits: int) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:digits]


def token_key(clip: str) -> str:
    """Under what the digest of a clip's own tokens is kept."""
    return f"tokens of {clip}"


def token_path(encoder: str, clip: str) -> str:
    """The file of a clip's own tokens, from the folder of the sweep's file."""
    return encoder.replace(CLIP_PLACE, Path(clip).stem if clip_kind(clip) == "file" else clip)


def _token_digest(folder: Path, encoder: str, clip: str) -> str:
    path = folder / token_path(encoder, clip)
    if not path.is_file():
        raise ValueError(f"encoder: got no file {str(path)!r}; expected the tokens of {clip!r}")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_sweep(path: Path | str) -> Sweep:
    """Read and check a sweep's YAML file; the options of its methods are checked too.

    Raises:
        pydantic.ValidationError: (a ValueError) an unknown key or a bad value.
        ValueError: the file is not YAML, a clip is not there, or a method refuses its options.
        OSError: a file cannot be read.
    """
    path = Path(path)
    try:
        given = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)
        if _entries(given) > _MOST_ENTRIES:
            raise yaml.YAMLError(f"names for lists of lists, which make more than {_MOST_ENTRIES:,} entries")
    except (yaml.YAMLError, ValueError) as error:  # the second of bytes that are no text, and of very long numbers
        raise ValueError(f"{path}: got no YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ValueError(f"{path}: got lists in lists too deep to be read; expected those of the example") from error
    if not isinstance(given, dict):
        raise ValueError(f"{path}: got no keys; expected {', '.join(SweepConfig.model_fields)}")
    config = SweepConfig.model_validate(given)
    # Once more, since a folder may hold a clip that is named beside it.
    config = SweepConfig.model_validate(config.model_dump() | {"clips": found_clips(config.clips, path.parent)})
    _check_methods(config)
    names = [name for name in config.clip_names() if clip_kind(name) == "file"]
    digests = {name: file_digest(path.parent, name) for name in names}
    if config.own_tokens:
        for name in config.clip_names():
            digests[token_key(name)] = _token_digest(path.parent, config.encoder, name)
    _refuse_repeats("clips", names, [(path.parent / name).resolve() for name in names])
    return Sweep(config, digests, path.parent.absolute())


# A configuration with a name for every clip has some thousands.
_MOST_ENTRIES = 1_000_000


def _entries(value: Any, counted: dict[int, float] | None = None) -> float:
    """How many entries there are in all where lists that are named once and used often count each time."""
    counted = {} if counted is None else counted
    if not isinstance(value, dict | list | set):
        return 1
    if id(value) not in counted:
        counted[id(value)] = math.inf  # of a list in itself
        parts = value.values() if isinstance(value, dict) else value
        counted[id(value)] = 1 + sum(_entries(part, counted) for part in parts)
    return counted[id(value)]


class _UniqueKeys(yaml.SafeLoader):
    """YAML without repeated keys, of which PyYAML would quietly take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"key {key!r} found twice")
        return super().construct_mapping(node, deep)


def _check_methods(config: SweepConfig) -> None:
    for name, _, options in config.variants():
        try:
            make_compressor(name, retention_ratio=config.ratios[0], **options)
        except ValidationError as error:
            raise ValueError(f"methods: {name}: {explain(error)}") from error
        except (ValueError, TypeError) as error:
            raise ValueError(f"methods: {name}: {error}") from error
