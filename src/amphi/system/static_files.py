"""Static files as they are collected for nginx: each compressed beside it, once."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedStaticFilesStorage

SUFFIXES = (".gz", ".br")
PRECISION_S = 0.001


class CompressorOfNewFiles(Compressor):  # type: ignore[misc]  # whitenoise has no types
    """Leaves alone what it compressed before: compressing as well as can be takes seconds of a processor."""

    def compress(self, path: str) -> Generator[str, None, None]:
        """Give the compressed copies of the file at `path`."""
        # A copy has its file's time, or nearly so: a file that was collected anew has another.
        written_at = Path(path).stat().st_mtime
        copies = [copy for suffix in SUFFIXES if (copy := Path(f"{path}{suffix}")).exists()]
        if copies and all(abs(copy.stat().st_mtime - written_at) < PRECISION_S for copy in copies):
            yield from map(str, copies)
        else:
            yield from super().compress(path)


class StaticFilesStorage(CompressedStaticFilesStorage):  # type: ignore[misc]
    """Whitenoise's, which compresses only what is new."""

    def create_compressor(self, **options: Any) -> Compressor:
        """Give what compresses."""
        return CompressorOfNewFiles(**options)
