"""Files are whole or not there."""

from pathlib import Path

import pytest

from infomerge.files import replaced


def test_the_new_content_takes_the_place_of_the_old_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    for content in ("one", "two"):
        with replaced(target) as temporary:
            assert temporary.suffix == ".csv"
            temporary.write_text(content)
            assert not target.exists() or target.read_text() == "one"
        assert target.read_text() == content
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_a_block_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError), replaced(target) as temporary:
        temporary.write_text("half of it, then \ud800", encoding="utf-8")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_the_mode_is_that_of_a_new_file_or_of_the_old_one(tmp_path: Path) -> None:
    plain, target = tmp_path / "plain", tmp_path / "target"
    plain.write_text("")
    with replaced(target) as temporary:
        temporary.write_text("")
    assert target.stat().st_mode == plain.stat().st_mode
    target.chmod(0o600)
    with replaced(target) as temporary:
        temporary.write_text("")
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_an_error_of_the_file_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replaced(tmp_path / "none" / "file"):
        pass
