"""Where runs keep what never changes once it is written: a folder on this machine, or one behind an fsspec URL.

A ``Place`` is a folder or a file in it. On this machine it is a ``Path`` (of a ``file://`` URL, too), and nothing else
is needed; anything else (``s3://bucket/runs``, ``gs://…``, ``sftp://…``) is a URL that fsspec reads and writes, so that
several machines can share it. Of a remote file's tensors only the ranges that are asked for are fetched.
"""

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from backend.jobs.errors import Unavailable
from backend.jobs.weights.tensor_file import TYPES

HEAD: Final = 64 << 10  # bytes that are read first: a header, and all of a small file
WHOLE: Final = ("memory", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "r2")  # write a file at once


@dataclass(frozen=True)
class Remote:
    """A folder or a file behind an fsspec URL, without a slash at the end."""

    url: str

    def __truediv__(self, name: str) -> "Remote":
        return Remote(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """The last part."""
        return self.url.rpartition("/")[2]


Place = Path | Remote


class Tensors(Protocol):
    """An opened safetensors file."""

    def metadata(self) -> dict[str, str]:
        """Return what stands in the header besides the tensors."""

    def keys(self) -> list[str]:
        """Return the tensors' names."""

    def tensor(self, name: str) -> NDArray[Any]:
        """Read one."""

    def row(self, name: str, index: int) -> NDArray[Any]:
        """Read one row of one."""


def place_of(text: str) -> Place:
    """Read a folder's path or URL, and try it.

    Args:
        text: such as ``/srv/runs``, ``file:///srv/runs`` or ``s3://bucket/runs``.

    Returns:
        The place.

    Raises:
        Unavailable: where fsspec, or what it needs for this kind of URL, is not installed, or the place cannot be used.
    """
    scheme, _, rest = text.partition("://")
    here: Place = Remote(text.rstrip("/"))
    if not rest or scheme == "file":
        here = Path(unquote(urlsplit(text).path) if rest else text).expanduser().absolute()
    tried = uuid.uuid4().hex
    try:
        write_whole(here / tried, b"tried")
        remove(here / tried)
    except ImportError as error:
        raise Unavailable(
            f"{scheme}:// needs a package: {error}", hint="Install fsspec and what it asks for, such as s3fs."
        ) from None
    except Exception as error:  # each file system has its own words for what is wrong
        raise Unavailable(
            f"cannot write to {shown(text)}: {type(error).__name__}: {str(error)[:200]}",
            hint="Look at the address, and at who may write there: credentials are taken from the environment.",
        ) from error
    return here


def shown(url: str) -> str:
    """Return a URL without what could be a password, and a path as it is."""
    scheme, sign, rest = url.partition("://")
    return f"{scheme}{sign}{rest.rpartition('@')[2]}" if sign else url


def write_whole(file: Place, data: bytes) -> None:
    """Write a file at once; a reader sees the old one, the new one, or none.

    Raises:
        OSError: where there is no room, or it may not be written; nothing is left behind.
    """
    if isinstance(file, Path):
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f"{file.name}.{os.getpid()}.part")
        try:
            beside.write_bytes(data)
            beside.replace(file)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        return
    fs, path = _reached(file)
    if file.url.partition("://")[0] in WHOLE:
        fs.pipe_file(path, data)
        return
    fs.makedirs(path.rpartition("/")[0], exist_ok=True)
    part = f"{path}.{uuid.uuid4().hex}.part"
    try:
        fs.pipe_file(part, data)
        fs.mv(part, path)
    except OSError:
        remove(Remote(f"{file.url}{part.removeprefix(path)}"))
        raise


def files_of(folder: Place, suffix: str) -> list[Place]:
    """Return a folder's files with a suffix, in order of their names; none where there is no folder."""
    if isinstance(folder, Path):
        return [*sorted(folder.glob(f"*{suffix}"))]
    return [folder / name for name in sorted(_listed(folder)) if name.endswith(suffix)]


def is_file(file: Place) -> bool:
    """Whether there is such a file."""
    if isinstance(file, Path):
        return file.is_file()
    fs, path = _reached(file)
    return bool(fs.isfile(path))


def read_whole(file: Place) -> bytes:
    """Return a file's bytes.

    Raises:
        OSError: where it is not there, or cannot be read.
    """
    if isinstance(file, Path):
        return file.read_bytes()
    fs, path = _reached(file)
    found: bytes = fs.cat_file(path)
    return found


def bytes_of(file: Place) -> int:
    """Return how many bytes a file has.

    Raises:
        FileNotFoundError: where it is not there.
    """
    if isinstance(file, Path):
        return file.stat().st_size
    fs, path = _reached(file)
    return int(fs.size(path))


def size_of(folder: Place) -> int:
    """Return how many bytes a folder's files have, those in its folders too; 0 where there is none."""
    if not isinstance(folder, Path):
        fs, path = _reached(folder)
        with contextlib.suppress(FileNotFoundError):
            return sum(int(about["size"] or 0) for about in fs.find(path, detail=True).values())
        return 0
    total = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):  # written anew by its worker meanwhile
            total += file.stat().st_size if file.is_file() else 0
    return total


def remove(file: Place) -> None:
    """Remove a file; nothing happens where there is none."""
    if isinstance(file, Path):
        file.unlink(missing_ok=True)
        return
    fs, path = _reached(file)
    with contextlib.suppress(FileNotFoundError):
        fs.rm_file(path)


def remove_folder(folder: Place) -> None:
    """Remove a folder with all that is in it, as far as that goes."""
    if isinstance(folder, Path):
        shutil.rmtree(folder, ignore_errors=True)
        return
    fs, path = _reached(folder)
    with contextlib.suppress(OSError):
        fs.rm(path, recursive=True)


@contextlib.contextmanager
def opened(file: Place) -> Iterator[Tensors]:
    """Open a safetensors file to read some of it.

    Yields:
        What can be read of it.
    """
    if isinstance(file, Path):
        with safe_open(file, framework="numpy") as there:
            yield _Near(there)
    else:
        yield _Far(file)


class _Near:
    """A file on this machine."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def metadata(self) -> dict[str, str]:
        return dict(self._file.metadata())

    def keys(self) -> list[str]:
        return list(self._file.keys())

    def tensor(self, name: str) -> NDArray[Any]:
        found: NDArray[Any] = self._file.get_tensor(name)
        return found

    def row(self, name: str, index: int) -> NDArray[Any]:
        found: NDArray[Any] = self._file.get_slice(name)[index : index + 1][0]
        return found


class _Far:
    """A file behind a URL: its header is read when it is opened, its tensors by their ranges."""

    def __init__(self, file: Remote) -> None:
        self._fs, self._path = _reached(file)
        self._head: bytes = self._fs.cat_file(self._path, 0, HEAD)
        length = int.from_bytes(self._head[:8], "little")
        self._body = 8 + length
        self._about: dict[str, Any] = json.loads(self._range(8, self._body))
        self._metadata: dict[str, str] = self._about.pop("__metadata__", {})

    def metadata(self) -> dict[str, str]:
        return self._metadata

    def keys(self) -> list[str]:
        return list(self._about)

    def tensor(self, name: str) -> NDArray[Any]:
        about = self._about[name]
        return self._array(about, *about["data_offsets"]).reshape(about["shape"])

    def row(self, name: str, index: int) -> NDArray[Any]:
        about = self._about[name]
        start, end = about["data_offsets"]
        rows, *rest = about["shape"]
        step = (end - start) // rows
        return self._array(about, start + index * step, start + (index + 1) * step).reshape(rest)

    def _array(self, about: Any, start: int, end: int) -> NDArray[Any]:
        raw = self._range(self._body + start, self._body + end)
        return np.frombuffer(raw, TYPES[about["dtype"]])

    def _range(self, start: int, end: int) -> bytes:
        if end <= len(self._head) or start == end:
            return self._head[start:end]
        found: bytes = self._fs.cat_file(self._path, start, end)
        if len(found) != end - start:
            raise FileNotFoundError(f"{self._path} was written anew while it was read")
        return found


def _reached(place: Remote) -> tuple[Any, str]:
    """Return the file system, which fsspec keeps, and the path in it.

    Raises:
        ImportError: where fsspec, or what it needs for this kind of URL, is not installed.
    """
    import fsspec

    fs, path = fsspec.core.url_to_fs(place.url, use_listings_cache=False)
    return fs, path


def _listed(folder: Remote) -> list[str]:
    fs, path = _reached(folder)
    try:
        return [str(found).rstrip("/").rpartition("/")[2] for found in fs.ls(path, detail=False)]
    except FileNotFoundError:
        return []
