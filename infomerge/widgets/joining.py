"""Several JavaScript modules as the single one that a widget or a page takes.

The views' modules use a small part of what JavaScript offers, which is read here without a parser: an import stands at
the beginning of a line and names what it takes from another module (`import { a, b } from "./c.js";`, without `as`) or
gives a name to a JSON file (`import name from "./d.json" with { type: "json" };`); an export is a declaration, or the
default one of a name; `/**` begins a comment.
"""

import json
import re
from functools import cache
from pathlib import Path

_COMMENT_LINES = re.compile(r"^[ \t]*/\*\*(?:(?!\*/).)*\*/[ \t]*\n", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"/\*\*.*?\*/ ?", re.DOTALL)
_IMPORT = re.compile(r'^import\s+(\{[^}]*\}|\w+)\s+from\s+"(\.[^"]+)"(?:\s+with\s+\{[^}]*\})?;\n', re.MULTILINE)
_DECLARED = re.compile(r"^export (?=(?:async )?(?:function|const|let|class) )", re.MULTILINE)
_DEFAULT = re.compile(r"^export default \w+;\n", re.MULTILINE)
_NAME = re.compile(r"^(?:export )?(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
_UNREAD = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


@cache
def joined(entry: Path) -> str:
    """One ES module that needs no other: `entry` and all that it imports, each once and before what uses it.

    Its exports are those of `entry`; comments of JSDoc, which are for readers and for the type checker, are left out.
    The order is that of the imports, so that the same files give the same text.

    Raises:
        ValueError: two modules define one name, a module imports itself by way of others, or an import or export has
            a form that is not read here; the message names the module.
        FileNotFoundError: a module that is imported is not there.
    """
    texts: dict[Path, str] = {}
    owners: dict[str, Path] = {}
    _add(entry.resolve(), (), texts, owners)
    last = texts.pop(entry.resolve())
    # What modules export is for those that are joined with them.
    parts = [_DEFAULT.sub("", _DECLARED.sub("", text)) for text in texts.values()]
    for path, text in [*zip(texts, parts, strict=True), (entry, _DEFAULT.sub("", _DECLARED.sub("", last)))]:
        unread = _UNREAD.search(text)
        if unread:
            raise ValueError(f"{path.name}: got {unread[0]!r}; expected the forms that joining.py reads")
    return "\n".join([*parts, last])


def _add(path: Path, above: tuple[Path, ...], texts: dict[Path, str], owners: dict[str, Path]) -> None:
    if path in above:
        raise ValueError(f"{path.name}: got an import of itself by way of {above[-1].name}; expected none")
    if path in texts:
        return
    text = _COMMENT.sub("", _COMMENT_LINES.sub("", path.read_text(encoding="utf-8")))
    for names, address in _IMPORT.findall(text):
        source = (path.parent / address).resolve()
        if source.suffix == ".json":
            _own(names, source, owners)
            value = f"const {names} = {json.dumps(json.loads(source.read_text(encoding='utf-8')))};\n"
            if texts.setdefault(source, value) != value:
                raise ValueError(f"{path.name}: got {names} for {source.name}; expected one name everywhere")
        else:
            _add(source, (*above, path), texts, owners)
    text = _IMPORT.sub("", text).lstrip("\n")
    for name in _NAME.findall(text):
        _own(name, path, owners)
    texts[path] = text


def _own(name: str, path: Path, owners: dict[str, Path]) -> None:
    other = owners.setdefault(name, path)
    if other != path:
        raise ValueError(f"{name}: got in {other.name} and in {path.name}; expected one module that defines it")
