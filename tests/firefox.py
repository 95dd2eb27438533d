"""A headless Firefox for tests, as Debian and Mozilla ship it, spoken to in WebDriver BiDi.

Playwright drives only a Firefox of its own build. A page here has what the tests need of Playwright's: it is opened
from disk without a network, evaluates, points and presses keys, and notes its complaints and what it asked for.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import websocket

from tests.browser import INLINE, Record, fetched

NAMES = ("firefox-esr", "firefox")
PATIENCE = 120
"""Seconds for an answer, on a machine with other work."""

PREFERENCES: dict[str, Any] = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.prefs.recommended": True,
    "toolkit.telemetry.server": "",
}
KEYS = {"Enter": "\ue007", "ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015"}


def find_firefox() -> str | None:
    """The browser that INFOMERGE_FIREFOX names, or one on the PATH."""
    return os.environ.get("INFOMERGE_FIREFOX") or next(filter(None, map(shutil.which, NAMES)), None)


def fetch_firefox() -> str:
    """Find a Firefox, or get one from the system's packages (as root); says what came of it."""
    return fetched("Firefox", "firefox-esr", find_firefox, [])


class Page:
    """A tab of Firefox."""

    def __init__(self, firefox: "Firefox", context: str) -> None:
        self.firefox = firefox
        self.context = context
        self.record = Record()
        firefox.records[context] = self.record

    def goto(self, address: str) -> None:
        self.firefox.send("browsingContext.navigate", context=self.context, url=address, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited where it is a promise.

        Raises:
            RuntimeError: it threw.
        """
        answer = self.firefox.send(
            "script.callFunction",
            functionDeclaration=f"async () => JSON.stringify((await ({expression})) ?? null)",
            awaitPromise=True,
            target={"context": self.context},
        )
        if answer["type"] == "exception":
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']['text']}")
        return json.loads(answer["result"]["value"])

    def wait_for(self, condition: str) -> None:
        """Wait until an expression is true, looking at each picture."""
        look = f"const look = () => ({condition}) ? done() : requestAnimationFrame(look); look();"
        self.evaluate(f"new Promise((done) => {{ {look} }})")

    def settle(self) -> None:
        """Wait until what was asked for has been drawn."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))")

    def move(self, x: float, y: float, *, press: bool = False) -> None:
        """Move the mouse to a point of what is in sight, and press its button there."""
        actions: list[dict[str, Any]] = [{"type": "pointerMove", "x": round(x), "y": round(y)}]
        if press:
            actions += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self._act({"type": "pointer", "id": "mouse", "actions": actions})

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": actions})

    def click(self, selector: str) -> None:
        """Bring an element into sight and press the mouse's button on its middle."""
        middle = "(({ x, y, width, height }) => [x + width / 2, y + height / 2])(one.getBoundingClientRect())"
        steps = f"const one = document.querySelector({json.dumps(selector)}); one.scrollIntoView({{block: 'center'}});"
        self.move(*self.evaluate(f"(() => {{ {steps} return {middle}; }})()"), press=True)
        self.settle()

    def screenshot(self, path: Path) -> None:
        answer = self.firefox.send("browsingContext.captureScreenshot", context=self.context)
        path.write_bytes(b64decode(answer["data"]))

    def _act(self, source: dict[str, Any]) -> None:
        self.firefox.send("input.performActions", context=self.context, actions=[source])


class Firefox:
    """A running Firefox and the line to it."""

    def __init__(self, line: websocket.WebSocket) -> None:
        self.line = line
        self.count = 0
        self.records: dict[str, Record] = {}
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command's answer; what happens until it comes is noted.

        Raises:
            RuntimeError: Firefox refused the command.
        """
        self.count += 1
        self.line.send(json.dumps({"id": self.count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.line.recv())
            if message.get("id") != self.count:
                self._note(message)
            elif message["type"] == "error":
                raise RuntimeError(f"{method}: {message['message']}")
            else:
                result: dict[str, Any] = message["result"]
                return result

    @contextmanager
    def page(self, width: int, height: int) -> Iterator[Page]:
        """A tab of this size, in CSS pixels, without a network."""
        context = self.send("browsingContext.create", type="tab")["context"]
        self.send("browsingContext.setViewport", context=context, viewport={"width": width, "height": height})
        self.send("emulation.setNetworkConditions", networkConditions={"type": "offline"}, contexts=[context])
        try:
            yield Page(self, context)
        finally:
            self.send("browsingContext.close", context=context)

    def _note(self, message: dict[str, Any]) -> None:
        found = message.get("params", {})
        if message.get("method") == "log.entryAdded":
            record = self.records.get(found["source"].get("context"))
            if record is not None and found["level"] == "error":
                record.errors.append(found["text"])
        elif message.get("method") == "network.beforeRequestSent":
            record = self.records.get(found["context"])
            if record is not None and urlsplit(found["request"]["url"]).scheme not in INLINE:
                record.requests.append(found["request"]["url"])


@contextmanager
def launched(*, dark: bool = False) -> Iterator[Firefox]:
    """A Firefox for a reader who prefers light or dark; a test is skipped, and says so, where there is none."""
    executable = find_firefox()
    if executable is None:
        pytest.skip(f"no Firefox: got none of {', '.join(NAMES)}; install firefox-esr or set INFOMERGE_FIREFOX")
    with tempfile.TemporaryDirectory() as folder:
        # 0 is dark, 1 is light.
        wanted = PREFERENCES | {"layout.css.prefers-color-scheme.content-override": 0 if dark else 1}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in wanted.items()]
        (Path(folder) / "user.js").write_text("".join(lines), encoding="utf-8")
        command = [executable, "--headless", "--no-remote", "--remote-debugging-port=0", "--profile", folder]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                address = _address(process, Path(folder))
                yield Firefox(websocket.create_connection(address, timeout=PATIENCE, suppress_origin=True))
            finally:
                process.terminate()


def _address(process: subprocess.Popen[bytes], folder: Path) -> str:
    """Where the Firefox of this profile listens: it says so in a file there."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
        with suppress(OSError, ValueError):
            place = json.loads((folder / "WebDriverBiDiServer.json").read_text(encoding="utf-8"))
            return f"ws://{place['ws_host']}:{place['ws_port']}/session"
    raise RuntimeError("Firefox: got no address of its WebDriver BiDi; expected one in its profile")
