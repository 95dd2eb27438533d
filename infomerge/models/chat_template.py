"""Filling in a checkpoint's chat template where it can be stopped: in a process of its own, with limits.

A template is a program. transformers runs it in Jinja's sandbox, which keeps it from the machine's files and functions,
but not from looping for hours or from taking all memory.
"""

import atexit
import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

SECONDS = 20.0
"""That one template may take; those of published checkpoints take milliseconds."""
GIBIBYTES = 1
"""Of address space, where the system can limit it. Most of it is free when a template is run."""
CHARACTERS = 2**20
"""That a template may give."""

# Starting Python and importing the part of transformers that renders, on a machine with other work.
_START_SECONDS = 300.0

_PROGRAM = f"""
import sys, json
sys.path[:] = json.loads(sys.argv[1])
from transformers.utils.chat_template_utils import render_jinja_template
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({GIBIBYTES * 2**30},) * 2)
except (ImportError, ValueError, OSError):
    pass
answers, sys.stdout = sys.stdout, sys.stderr
print("ready", file=answers, flush=True)
for line in sys.stdin:
    try:
        asked = json.loads(line)
        text = render_jinja_template(add_generation_prompt=True, **asked)[0][0]
        if len(text) > {CHARACTERS}:
            raise ValueError(f"it gives {{len(text)}} characters")
        answer = {{"text": text}}
    except Exception as error:
        answer = {{"error": (str(error).splitlines() or [type(error).__name__])[0][:300] or type(error).__name__}}
    print(json.dumps(answer), file=answers, flush=True)
"""


class TemplateFailedError(ValueError):
    """Why a template cannot be filled in, in a few words."""


class _Renderer:
    """The process, which is started when it is first needed and again after it had to be stopped."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def ask(self, asked: Mapping[str, Any]) -> str:
        with self._lock:
            process = self._running()
            assert process.stdin is not None
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(asked) + "\n")
                process.stdin.flush()
            line = _line(process, SECONDS)
            if not line:
                self.stop()
                raise TemplateFailedError(f"it takes more than {SECONDS:.0f} s, or more memory than there is")
        answer = json.loads(line)
        if "error" in answer:
            raise TemplateFailedError(answer["error"])
        return str(answer["text"])

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, json.dumps([place for place in sys.path if place])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="ascii",
            )
            if _line(self._process, _START_SECONDS) != "ready\n":
                self.stop()
                raise TemplateFailedError("the process that fills in templates does not start")
        return self._process


def _line(process: "subprocess.Popen[str]", seconds: float) -> str:
    """The next line that a process prints; nothing if it ends before, or has to be ended."""
    assert process.stdout is not None
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        return process.stdout.readline()
    finally:
        timer.cancel()


_RENDERER = _Renderer()
atexit.register(_RENDERER.stop)


def filled_in(template: str, conversation: Sequence[Mapping[str, Any]], special_tokens: Mapping[str, Any]) -> str:
    """A chat template with a conversation, up to where the model's answer begins.

    Raises:
        TemplateFailedError: it raises an error, takes more than `SECONDS` or memory than `GIBIBYTES`, or gives more
            than `CHARACTERS`.
    """
    return _RENDERER.ask({"conversations": [conversation], "chat_template": template, **special_tokens})
