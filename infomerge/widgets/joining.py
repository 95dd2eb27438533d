"""Several JavaScript modules as the single one that a widget or a page takes.

The views' modules use a small part of what JavaScript offers, which is read here without a parser: an import stands at
the beginning of a line and names what it takes from another module (`import { a, b } from "./c.js";`, without `as`) or
gives a name to a JSON file (`import name from "./d.json" with { type: "json" };`); an export is a declaration.
"""

import json
import re
from functools import cache
from pathlib import Path

_IMPORT = re.compile(r'^import\s+(\{[^}]*\}|\w+)\s+from\s+"(\.[^"]+)"(?:\s+with\s+\{[^}]*\})?;\n', re.MULTILINE)
_DECLARATION = re.compile(r"^export (?=(?:async )?(?:function|const|let|class) )", re.MULTILINE)
_DEFAULT = re.compile(r"^export default .*?;\n", re.MULTILINE | re.DOTALL)
_UNREAD = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_NAME = re.compile(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)


@cache
def joined(entry: Path) -> str:
    """One ES module that needs no other: `entry` and all that it imports, each once and before what uses it.

    Its exports are those of `entry`. The order is that of the imports, so that the same files give the same text.

    Raises:
        ValueError: two modules define one name, a module imports itself over others, or an import or export has a form
            that is not read here; the message names the module.
    """
    parts: dict[Path, str] = {}
    owners: dict[str, Path] = {}
    _add(entry.resolve(), (), parts, owners)
    entry_text = parts.pop(entry.resolve())
    for path, text in parts.items():
        # What modules export is for those that are joined with them.
        parts[path] = _DEFAULT.sub("", _DECLARATION.sub("", text))
        left = _UNREAD.search(parts[path])
        if left:
            raise ValueError(f"{path.name}: found {left[0]!r}; accepted is an import or export as joining.py reads it")
    return "\n".join([*parts.values(), entry_text])


def _add(path: Path, above: tuple[Path, ...], parts: dict[Path, str], owners: dict[str, Path]) -> None:
    if path in above:
        raise ValueError(f"{path.name}: found an import of itself over {', '.join(other.name for other in above)}")
    if path in parts:
        return
    text = path.read_text(encoding="utf-8")
    for names, address in _IMPORT.findall(text):
        source = (path.parent / address).resolve()
        if source.suffix == ".json":
            parts.setdefault(source, f"const {names} = {json.dumps(json.loads(source.read_text(encoding='utf-8')))};\n")
            _own(names, source, owners)
        else:
            _add(source, (*above, path), parts, owners)
    text = _IMPORT.sub("", text)
    if re.search(r"^import\b", text, re.MULTILINE):
        raise ValueError(f"{path.name}: found an import that joining.py does not read")
    for name in _NAME.findall(text):
        _own(name, path, owners)
    parts[path] = text


def _own(name: str, path: Path, owners: dict[str, Path]) -> None:
    other = owners.setdefault(name, path)
    if other != path:
        raise ValueError(f"{name}: found in {other.name} and in {path.name}; accepted is one module of a name")
