"""Clips of which pages are made in the tests."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from infomerge import EncodedClip
from infomerge.page.build import ONE_FILE, write_page
from infomerge.page.clip_data import clip_data
from tests.browser import launched


@pytest.fixture(scope="session")
def sample_clips() -> list[dict[str, Any]]:
    """The three sample clips that the command takes, as the page holds them."""
    from infomerge.cli.commands.page import SAMPLES

    return [clip_data(EncodedClip.read(name), is_sample=True) for name in SAMPLES]


@pytest.fixture(scope="session")
def page_file(sample_clips: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the sample clips, in one file."""
    folder = tmp_path_factory.mktemp("page")
    write_page(folder, sample_clips)
    return folder / ONE_FILE


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser
