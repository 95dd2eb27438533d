"""Where an explorer stands, as JSON: enough to come back to it, or to hand it to somebody else."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError
from torch import Tensor
from traitlets import TraitError

from infomerge.config import InfoMergeConfig, explain
from infomerge.encoded_clip import EncodedClip
from infomerge.encoders import Encoder
from infomerge.files import replaced
from infomerge.widgets.sources import encoder_name

if TYPE_CHECKING:
    from infomerge.widgets.budget_explorer import BudgetExplorer

SCHEMA = "infomerge.explorer"
SCHEMA_VERSION = 1

PICTURES = ("tokens", "difference")
"""What the row of frames shows: the kept tokens, or A against B token by token."""


def read_state(state: Mapping[str, Any] | str | os.PathLike[str]) -> dict[str, Any]:
    """A state as `BudgetExplorer.state` gives it, from that itself, from its JSON, or from a file of it.

    Raises:
        ValueError: it is none; the message says what is wrong.
        OSError: the file cannot be read.
    """
    if isinstance(state, Mapping):
        found: Any = dict(state)
    else:
        text = state if isinstance(state, str) and state.lstrip().startswith("{") else Path(state).read_text("utf-8")
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"state: got no JSON ({error}); expected what save_state writes") from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"state: got the schema {schema!r}; expected {SCHEMA!r}, as BudgetExplorer.state has it")
    if found.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"state: got version {found.get('schema_version')!r}; expected {SCHEMA_VERSION}")
    missing = [name for name in ("clip", "config", "pinned", "frame", "picture") if name not in found]
    if missing:
        raise ValueError(f"state: got none of {', '.join(missing)}; expected what BudgetExplorer.state gives")
    known: dict[str, Any] = found
    return known


def config_of(options: Mapping[str, Any], name: str) -> InfoMergeConfig:
    """A configuration that a state holds under `name`.

    Raises:
        ValueError: an option does not exist, or its value is not accepted.
    """
    try:
        return InfoMergeConfig(**options)
    except (ValidationError, TypeError) as error:
        raise ValueError(f"state: {name}: {explain(error) if isinstance(error, ValidationError) else error}") from error


def state_of(explorer: "BudgetExplorer", source: str | None) -> dict[str, Any]:
    """Where an explorer stands; `source` is what its clip is read from, None for tokens of one's own."""
    clip, explored = explorer.encoded, explorer.explored
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "clip": {
            "source": source,
            "name": clip.name,
            "frames": len(clip.tokens),
            "grid": list(clip.grid),
            "channels": clip.tokens.shape[2],
            "encoder": clip.encoder,
        },
        "config": explored.config.to_dict(),
        "pinned": None if explored.pinned is None else explored.pinned.to_dict(),
        "frame": explorer.frame,
        "picture": explorer.picture,
    }


def restored(
    cls: "type[BudgetExplorer]", state: Any, source: Any, encoder: Encoder | None, beside: Mapping[str, Any]
) -> "BudgetExplorer":
    """The explorer of a state; arguments and errors are those of `BudgetExplorer.from_state`."""
    found = read_state(state)
    clip = found["clip"]
    if source is None and clip["source"] is None:
        raise ValueError(f"source: got none; expected {clip['name']!r}, whose tokens the state does not hold")
    known_by = encoder_name(encoder)
    if source is None and known_by != clip["encoder"]:
        got = "none" if encoder is None else repr(known_by)
        raise ValueError(f"encoder: got {got}; expected {clip['encoder']!r}, by which {clip['name']!r} was encoded")
    tokens = clip["source"] is None and isinstance(source, Tensor | np.ndarray)
    known = {"grid": tuple(clip["grid"]), "name": clip["name"]} if tokens else {}
    explorer = cls(
        clip["source"] if source is None else source,
        config=config_of(found["config"], "config"),
        pinned=None if found["pinned"] is None else config_of(found["pinned"], "pinned"),
        num_frames=clip["frames"],
        encoder=encoder,
        **{**known, **beside},
    )
    try:
        check_clip(clip, explorer.encoded)
        explorer.frame, explorer.picture = found["frame"], found["picture"]
    except (ValueError, TraitError) as error:
        explorer.close()
        raise ValueError(f"state: {error}") from error
    return explorer


def check_clip(state: Mapping[str, Any], clip: EncodedClip) -> None:
    """Refuse a clip that is not of the size that a state was made for.

    Raises:
        ValueError: it is not.
    """
    found = [len(clip.tokens), *clip.grid, clip.tokens.shape[2]]
    expected = [state["frames"], *state["grid"], state["channels"]]
    if found != expected:
        sizes = [" x ".join(map(str, size)) for size in (found, expected)]
        raise ValueError(
            f"source: got {sizes[0]} (frames x rows x columns x channels); "
            f"expected the {sizes[1]} of {state['name']!r} that the state was saved for"
        )


def write_state(state: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write a state as JSON; a file that is there is replaced once the new one is complete."""
    target = Path(path).expanduser()
    target.parent.mkdir(parents=True, exist_ok=True)
    with replaced(target) as temporary:
        temporary.write_text(json.dumps(state, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return target
