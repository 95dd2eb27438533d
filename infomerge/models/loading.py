"""Video-LLMs and their processors, from a folder or from the hub."""

import re
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch

from infomerge.models.adapters import adapter_class
from infomerge.models.checkpoint import first_line
from infomerge.models.processing import Processor, StockProcessor, as_processor
from infomerge.models.tiny_random import without_progress_bars

# An owner's and a model's name, or a model's name alone.
_HUB_NAME = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


def load(
    name_or_path: str,
    *,
    device: str = "cpu",
    dtype: torch.dtype | None = None,
    max_pixels: int | None = None,
    processor: Any = None,
) -> tuple[Any, Processor | StockProcessor]:
    """A Video-LLM and its processor, from a folder or from the hub. From a folder nothing is fetched.

    Args:
        name_or_path: a folder, or a model's name on the Hugging Face hub such as
            "llava-hf/llava-onevision-qwen2-0.5b-ov-hf", which is downloaded unless it is in the local cache. A folder
            of that name comes first.
        device: "cpu", "cuda", "cuda:1" ...
        dtype: what the weights are converted to. Without it, as they are stored.
        max_pixels: as in `Processor`.
        processor: a processor of transformers for the checkpoint, used in place of this package's, which need no
            torchvision. `max_pixels` is then for it to know.

    Raises:
        OSError: there is no such model, or a part of it is missing or cannot be read.
        TypeError: it, or the processor, is of no supported class.
        ValueError: the device is not there, weights are missing or of a shape that config.json does not say, an option
            is out of range, or Python runs with -OO.
    """
    if sys.flags.optimize > 1:
        raise ValueError("python: got -OO, which strips the docstrings that transformers builds models by; expected -O")
    import transformers

    place = _device(device)
    local = _is_local(name_or_path)
    try:
        config = transformers.AutoConfig.from_pretrained(name_or_path, local_files_only=local, trust_remote_code=False)
    # What damaged or hostile settings raise inside of their readers is of every kind.
    except Exception as error:
        raise _no_model(name_or_path, error) from error
    kind = adapter_class(config).model_class()
    made: Processor | StockProcessor
    if processor is None:
        made = _processor(name_or_path, config, local, max_pixels)
    elif max_pixels is None:
        made = as_processor(processor, config)
    else:
        raise ValueError(f"max_pixels: got {max_pixels} beside a processor; expected one of the two")
    try:
        # On the CPU first, whatever the caller's default device.
        with torch.device("cpu"), without_progress_bars() if local else nullcontext():
            model, info = kind.from_pretrained(
                name_or_path,
                dtype="auto" if dtype is None else dtype,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are refused below, by name
                local_files_only=local,
                use_safetensors=True,  # no pickle is read
            )
    except Exception as error:
        raise _no_model(name_or_path, error) from error
    missing = sorted(info["missing_keys"])
    if missing:
        raise ValueError(
            f"name_or_path: got {name_or_path!r}, which lacks {len(missing)} weights of {kind.__name__}, "
            f"{missing[0]} among them; expected a checkpoint with all of them"
        )
    if info["mismatched_keys"]:
        weight, stored, expected = sorted(info["mismatched_keys"])[0]
        raise ValueError(
            f"name_or_path: got {name_or_path!r}, whose {weight} has shape {list(stored)}; expected "
            f"{list(expected)}, as its config.json says"
        )
    return model.to(place).eval(), made


def _processor(name: str, config: Any, local: bool, max_pixels: int | None) -> Processor:
    try:
        return Processor.from_pretrained(name, config, local_files_only=local, max_pixels=max_pixels)
    except (OSError, TypeError, ValueError):
        raise
    # Such as the number of a token that is none.
    except Exception as error:
        raise _no_model(name, error) from error


def _device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device: got {name!r}; expected cpu, cuda, and cuda:N") from error
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device: got {name!r}; expected cpu, cuda, and cuda:N, as compression needs float64")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device: got {name!r} and {torch.cuda.device_count()} CUDA devices; expected one of them, or cpu"
        )
    return device


def _is_local(name_or_path: str) -> bool:
    """Whether a folder is meant; else it is a name on the hub."""
    path = Path(name_or_path)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise OSError(f"name_or_path: got the folder {name_or_path!r} without config.json; {_ACCEPTED}")
        return True
    if path.exists() or not _HUB_NAME.fullmatch(name_or_path):
        found = "a file" if path.exists() else "no folder"
        raise OSError(f"name_or_path: got {found} {name_or_path!r}; {_ACCEPTED}")
    return False


_ACCEPTED = "expected a folder with a saved model or a model's name on the Hugging Face hub"


def _no_model(name: str, error: Exception) -> OSError:
    reason = first_line(error).rstrip(".")
    found = "" if Path(name).is_dir() else "no folder and "
    return OSError(f"name_or_path: got {found}no model {name!r} that can be loaded ({reason}); {_ACCEPTED}")
