"""Collected static files are compressed once."""

import os
from pathlib import Path

import pytest

from amphi.system.static_files import CompressorOfNewFiles

COPIES = [".br", ".gz"]


@pytest.fixture
def collected(tmp_path: Path) -> Path:
    """A file that was collected and compressed, whose copies say whether they were made again."""
    file = tmp_path / "page.css"
    file.write_text("a { color: red }\n" * 100)
    assert sorted(CompressorOfNewFiles(quiet=True).compress(str(file))) == copies_of(file)
    for copy in copies_of(file):
        at = Path(copy).stat()
        Path(copy).write_text("made before")
        os.utime(copy, ns=(at.st_atime_ns, at.st_mtime_ns))
    return file


def copies_of(file: Path) -> list[str]:
    return [f"{file}{suffix}" for suffix in COPIES]


def made_again(file: Path) -> list[str]:
    assert sorted(CompressorOfNewFiles(quiet=True).compress(str(file))) == copies_of(file)
    return [suffix for suffix in COPIES if Path(f"{file}{suffix}").read_bytes() != b"made before"]


def test_what_was_compressed_is_left_alone(collected: Path) -> None:
    assert made_again(collected) == []


def test_what_was_collected_anew_is_compressed_anew(collected: Path) -> None:
    later = collected.stat().st_mtime + 1
    os.utime(collected, (later, later))
    assert made_again(collected) == COPIES


def test_copies_of_an_older_file_are_made_again_with_the_one_that_is_missing(collected: Path) -> None:
    later = collected.stat().st_mtime + 1
    os.utime(collected, (later, later))
    Path(f"{collected}.gz").unlink()
    assert made_again(collected) == COPIES


def test_what_does_not_get_smaller_has_no_copies(tmp_path: Path) -> None:
    file = tmp_path / "dot.css"
    file.write_text("a")
    for _ in range(2):
        assert list(CompressorOfNewFiles(quiet=True).compress(str(file))) == []
