"""Chat templates are programs of strangers: they are filled in where they can be stopped."""

from pathlib import Path
from typing import Any

import pytest

from infomerge.models import chat_template
from infomerge.models.chat_template import TemplateFailedError, filled_in

CONVERSATION: list[dict[str, Any]] = [{"role": "user", "content": [{"type": "text", "text": "häh?\n\u2028"}]}]
FOREVER = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
DOUBLING = "{% set ns = namespace(x='xx') %}{% for a in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}"


def test_a_template_is_filled_in_as_transformers_does() -> None:
    template = "{{ bos }}{{ messages[0].content[0].text }}{% if add_generation_prompt %}go{% endif %}"
    assert filled_in(template, CONVERSATION, {"bos": "<s>"}) == "<s>häh?\n\u2028go"


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        (FOREVER, "it takes more than 1 s"),
        (DOUBLING, "MemoryError|more memory than there is|characters"),
        ("{{ 'x' * 3000000 }}", "it gives 3000000 characters"),
        ("{{ ('x' * 10**12) | length }}", "MemoryError|more memory than there is"),
        ("{{ raise_exception('not for videos') }}", "not for videos"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "unsafe|undefined|has no attribute"),
        ("{% for", "unexpected"),
    ],
)
def test_a_hostile_template_is_stopped(template: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_template, "SECONDS", 1.0 if template == FOREVER else 60.0)
    with pytest.raises(TemplateFailedError, match=problem):
        filled_in(template, CONVERSATION, {})
    assert filled_in("well", CONVERSATION, {}) == "well"  # the next one is filled in


def test_files_of_the_working_directory_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "json.py").write_text(f"open({str(tmp_path / 'was run')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    chat_template._RENDERER.stop()
    assert filled_in("well", CONVERSATION, {}) == "well"
    assert [path.name for path in tmp_path.iterdir()] == ["json.py"]
