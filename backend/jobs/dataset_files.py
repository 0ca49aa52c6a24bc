"""Where the files of data sets lie: ``<data directory>/datasets/<data set>/<file>``, plain or gzipped."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend.jobs.errors import Unavailable, Unsupported

SOURCES: Final = {
    "mnist": "the four standard IDX files of MNIST",
    "cifar-10-batches-bin": "the six files of the binary version of CIFAR-10 (this is the folder in its archive)",
}


@dataclass(frozen=True)
class DatasetFiles:
    """Reads files of data sets from a folder; None: there is none."""

    root: Path | None

    def __call__(self, folder: str, name: str) -> bytes:
        """Return a file's contents, unpacked where only ``<name>.gz`` is there.

        Args:
            folder: the data set's own.
            name: without ``.gz``.

        Returns:
            The contents.

        Raises:
            Unavailable: where there is no such file, saying where it was looked for.
            Unsupported: where a gzipped file cannot be unpacked.
        """
        if self.root is None:
            raise Unavailable(f"the file {folder}/{name} is needed, and this run has no data directory to find it in")
        plain = self.root / folder / name
        packed = plain.with_name(f"{name}.gz")
        try:
            if plain.is_file():
                return plain.read_bytes()
            if packed.is_file():
                return gzip.decompress(packed.read_bytes())
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise Unsupported(
                f"{packed} cannot be unpacked: {error}", hint="Fetch the file again; it may be cut short."
            ) from error
        except OSError as error:
            raise Unavailable(f"cannot read {plain}: {error.strerror or error}") from error
        raise Unavailable(
            f"there is no file {name} (or {name}.gz) in {plain.parent}",
            hint=f"Put {SOURCES.get(folder, 'the files of the data set')} there, plain or gzipped.",
            where=str(plain),
        )
