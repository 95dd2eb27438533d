"""Every kind of tiny model with nothing attached after a test, its checkpoint, and a clip."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infomerge.models import attachment
from infomerge.video import Clip, read_clip
from tests.media import X264_CLOSED, write_video
from tests.models.calls import tiny
from tests.models.prompts import FRAMES, HEIGHT, WIDTH
from tests.tiny_checkpoints import CHECKPOINTS, save_checkpoint
from tests.tiny_models import KINDS, Kind


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def model(kind: Kind) -> Iterator[Any]:
    model = tiny(kind.name)
    yield model
    assert not attachment.runs_of(model), "a test left something attached"


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "numbers.mp4"
    return write_video(path, count=50, options=X264_CLOSED, size=(WIDTH, HEIGHT))


@pytest.fixture(scope="session")
def clip(video: Path) -> Clip:
    return read_clip(video, FRAMES)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("checkpoints")
    return {name: save_checkpoint(name, folder / name) for name in CHECKPOINTS}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a host or connects to one fails."""

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
