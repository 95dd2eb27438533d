"""Clips of which pages are made in the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from infomerge import EncodedClip
from infomerge.page.build import ONE_FILE, write_page
from infomerge.page.clip_data import clip_data
from tests.browser import launched


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the three sample clips that the command takes, in one file."""
    from infomerge.cli.commands.page import SAMPLES

    folder = tmp_path_factory.mktemp("page")
    write_page(folder, [clip_data(EncodedClip.read(name), is_sample=True) for name in SAMPLES])
    return folder / ONE_FILE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser
