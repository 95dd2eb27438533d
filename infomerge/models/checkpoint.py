"""The JSON files of a checkpoint that say how clips are shown to its model, in a folder or on the hub."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def first_line(error: Exception) -> str:
    """The first line of what an error says, or its name."""
    return next(iter(str(error).splitlines()), type(error).__name__)


class CheckpointFiles:
    """The JSON files of a checkpoint, in a folder or on the hub."""

    def __init__(self, name_or_path: str, local_files_only: bool) -> None:
        self._name = name_or_path
        self._local = local_files_only

    def settings(self) -> dict[str, Any]:
        """Settings of preprocessing: a video processor's before an image processor's, as transformers reads them."""
        whole = self._read("processor_config.json")
        if whole is not None and "video_processor" in whole:
            return _checked_object(whole["video_processor"], "video_processor of processor_config.json")
        for name in ("video_preprocessor_config.json", "preprocessor_config.json"):
            if (settings := self._read(name)) is not None:
                return settings
        raise OSError(
            f"name_or_path: got {self._name!r} without settings of preprocessing; expected a checkpoint with "
            "video_preprocessor_config.json, preprocessor_config.json, or a video_processor in processor_config.json"
        )

    def template(self, tokenizer: Any) -> str | None:
        """The chat template of the processor, or else of the tokenizer."""
        for name in ("processor_config.json", "chat_template.json"):
            if (found := (self._read(name) or {}).get("chat_template")) is not None:
                return str(found)
        own = tokenizer.chat_template
        return own.get("default") if isinstance(own, dict) else own

    def _read(self, name: str) -> dict[str, Any] | None:
        from transformers.utils.hub import cached_file

        path = cached_file(
            self._name,
            name,
            local_files_only=self._local,
            _raise_exceptions_for_missing_entries=False,
            _raise_exceptions_for_connection_errors=False,
        )
        if path is None:
            return None
        try:
            found = json.loads(Path(path).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise OSError(f"name_or_path: got {str(path)!r}, which is not JSON ({error}); expected JSON") from error
        return _checked_object(found, name)


def _checked_object(found: Any, name: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ValueError(f"name_or_path: got {found!r:.99} as {name}; expected a JSON object")
    return found


def check_settings(settings: Mapping[str, Any], used: Mapping[str, Any]) -> None:
    """Refuse settings that cannot be worked with, by their names. Numbers are read only where they are used."""
    of = " in the checkpoint's preprocessing:"
    for name in ("size", "max_image_size", "video_sampling"):
        if not isinstance(settings.get(name, {}), Mapping):
            raise ValueError(f"{name}{of} got {settings[name]!r}; expected an object with sides in pixels")
    for name in ("rescale_factor", "patch_size", "merge_size", "temporal_patch_size"):
        if name in used and not isinstance(settings.get(name, 1), int | float):
            raise ValueError(f"{name}{of} got {settings[name]!r}; expected a number")
    for name in ("image_mean", "image_std"):
        match settings.get(name, (0, 0, 0)):
            case [int() | float(), int() | float(), int() | float()]:
                continue
        raise ValueError(f"{name}{of} got {settings[name]!r}; expected 3 numbers")
