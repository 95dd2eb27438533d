"""A headless Chromium for tests, and a record of what a page complained of and what it asked the network for.

`python -m tests.browser` installs one, and a Firefox (`tests.firefox`), where they are missing and can be.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
INLINE = ("data", "blob", "about", "file")


def find_chromium() -> str | None:
    """The browser that INFOMERGE_CHROMIUM names, one on the PATH, or the one that Playwright downloaded."""
    named = os.environ.get("INFOMERGE_CHROMIUM")
    installed = named or next(filter(None, map(shutil.which, NAMES)), None)
    if installed:
        return installed
    with sync_playwright() as playwright:
        downloaded = playwright.chromium.executable_path
    return downloaded if Path(downloaded).exists() else None


def fetch_chromium() -> str:
    """Find a browser, or get one from the system's packages (as root) or through Playwright; says what came of it."""
    return fetched("Chromium", "chromium", find_chromium, [[sys.executable, "-m", "playwright", "install", "chromium"]])


def fetched(title: str, package: str, find: Callable[[], str | None], attempts: list[list[str]]) -> str:
    """What is found, or comes of the system's package (as root) or else of other commands; in words."""
    found = find()
    if found:
        return f"tests in a browser use {found}"
    if shutil.which("apt-get") and os.geteuid() == 0:
        attempts = [["sh", "-c", f"apt-get update -qq && apt-get install -y -qq {package}"], *attempts]
    for command in attempts:
        try:
            subprocess.run(command, capture_output=True, timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired):
            continue
        found = find()
        if found:
            return f"installed {found} for the tests in a browser"
    return f"no {title} found, and none could be installed: the tests in it will be skipped, and say so"


@contextmanager
def launched() -> Iterator[Browser]:
    """A browser; the test that asks for it is skipped, and says so, where there is none."""
    executable = find_chromium()
    if executable is None:
        pytest.skip(f"no browser: got none of {', '.join(NAMES)}; install chromium or set INFOMERGE_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Record:
    """What a page did that nobody should notice."""

    errors: list[str] = field(default_factory=list)
    """Console errors and uncaught exceptions."""
    requests: list[str] = field(default_factory=list)
    """Addresses asked for, other than the page's own bytes (data:, blob:, file:)."""

    def requests_off(self, *hosts: str) -> list[str]:
        """The requests that went to any host but these."""
        return [address for address in self.requests if urlsplit(address).hostname not in hosts]


def watch(page: Page) -> Record:
    """Record a page's errors and requests from now on."""
    record = Record()

    def note(request: Request) -> None:
        if urlsplit(request.url).scheme not in INLINE:
            record.requests.append(request.url)

    page.on("console", lambda message: record.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: record.errors.append(str(error)))
    page.on("request", note)
    page.on("websocket", lambda socket: record.requests.append(socket.url))
    return record


if __name__ == "__main__":
    from tests.firefox import fetch_firefox

    print(fetch_chromium())
    print(fetch_firefox())
