"""The folder of checkpoint files: what was uploaded, and what was put there by hand. It never unpickles.

``<data directory>/checkpoints/<name>.safetensors``, or ``.pt`` and ``.pth`` for state dicts.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from backend.jobs.blobs import Place, read_whole
from backend.jobs.costs.size import layout_of
from backend.jobs.errors import NotFound, Unsupported, invalid_field
from backend.jobs.points import FILE as NAME
from backend.jobs.snapshot_files import write_file
from backend.jobs.weights.bad import BadWeights
from backend.jobs.weights.matched import report
from backend.jobs.weights.state_dict import read_state_dict
from backend.jobs.weights.tensor_file import read_tensor_file
from backend.schemas.problem import AnyProblem
from backend.schemas.snapshot import CheckpointFile, CheckpointMatch

LONGEST: Final = 500  # letters of a tensor's name
META: Final = "__metadata__"  # which the safetensors form keeps for itself
SUFFIXES: Final = (".safetensors", ".pt", ".pth")
Arrays = Mapping[str, NDArray[Any]]


def read_weights(data: bytes) -> dict[str, NDArray[Any]]:
    """Read a file of weights in either form.

    Args:
        data: the whole file.

    Returns:
        Its tensors of numbers by name.

    Raises:
        BadWeights: where it is neither, or broken.
    """
    found = read_state_dict(data) if data[:4] == b"PK\x03\x04" else read_tensor_file(data)
    if not found:
        raise BadWeights("the file holds no tensor")
    odd = next((name for name in found if not name.isprintable() or not 0 < len(name) <= LONGEST or name == META), None)
    if odd is not None:
        raise BadWeights(f"expected tensors with readable names of at most {LONGEST} letters, got {odd[:50]!a}")
    return found


class CheckpointFolder:
    """Checkpoint files by name.

    Args:
        folder: where they lie; made when the first one is uploaded.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, name: str, data: bytes) -> CheckpointFile:
        """Check an uploaded file, and keep its numbers as safetensors.

        Args:
            name: what it is called from now on.
            data: the whole file.

        Returns:
            What is in it.

        Raises:
            invalid_field: where the name is no plain file name.
            Unsupported: where the file is not one of weights, or is broken.
        """
        if not NAME.fullmatch(name) or name.endswith(SUFFIXES):
            expected = "letters, digits, dots, dashes and underlines, 100 at most, and no ending"
            raise invalid_field("name", f"expected a name of {expected}; got {name[:120]!r}")
        try:
            arrays = read_weights(data)
        except BadWeights as error:
            raise Unsupported(str(error), hint="Nothing was stored.", where=name) from None
        write_file(self.folder / f"{name}{SUFFIXES[0]}", arrays, {})
        return _about(name, arrays)

    def all(self) -> list[CheckpointFile]:
        """Tell which files there are; what cannot be read is left out."""
        found = []
        for name in sorted({path.stem for path in self._paths()}):
            try:
                found.append(_about(name, self.read(name)))
            except Unsupported:
                continue
        return found

    def path(self, name: str) -> Path:
        """Return where a file lies.

        Returns:
            Its place, within the folder.

        Raises:
            NotFound: where there is no file of that name.
        """
        path = next((path for path in self._paths() if path.stem == name), None)
        if path is None:
            names = ", ".join(sorted(path.stem for path in self._paths())) or "none"
            raise NotFound(f"there is no checkpoint {name[:100]!r}; there are: {names[:500]}", where=name[:100])
        return path

    def read(self, name: str) -> dict[str, NDArray[Any]]:
        """Read a file's tensors.

        Returns:
            The tensors by name.

        Raises:
            Unsupported: where it is not one of weights, or is broken.
        """
        return read_checkpoint(self.path(name))

    def match(self, name: str, problem: AnyProblem) -> CheckpointMatch:
        """Say what of a file fits a problem, by name and shape, as far as the spec tells its tensors.

        Args:
            name: the file's.
            problem: the problem.

        Returns:
            The report.
        """
        shapes, layout = _about(name, self.read(name)).tensors, layout_of(problem)
        if layout is None:
            return CheckpointMatch(name=name, fits=None, unused=())
        found = report(shapes, dict((*layout[0], *layout[1])))
        return CheckpointMatch(
            name=name, fits=found.fits, fitting=found.fitting, wanted=found.wanted, missing=found.missing,
            other=found.other, unused=found.unused,
        )  # fmt: skip

    def delete(self, name: str) -> None:
        """Forget a file."""
        self.path(name).unlink()

    def _paths(self) -> list[Path]:
        """Return the files there are: plain ones that lie in the folder itself."""
        if not self.folder.is_dir():
            return []
        known = (path for path in self.folder.iterdir() if path.suffix in SUFFIXES and NAME.fullmatch(path.stem))
        plain = [path for path in known if path.is_file() and not path.is_symlink()]
        return sorted(plain, key=lambda path: (SUFFIXES.index(path.suffix), path.name))


def read_checkpoint(path: Place) -> dict[str, NDArray[Any]]:
    """Read a checkpoint file's tensors.

    Args:
        path: where it lies.

    Returns:
        The tensors by name.

    Raises:
        Unsupported: where it is not one of weights, or is broken, or has gone.
    """
    try:
        return read_weights(read_whole(path))
    except BadWeights as error:
        raise Unsupported(str(error), where=path.name) from None
    except OSError as error:
        raise Unsupported(
            f"cannot read the checkpoint {path.name}: {error.strerror or error}", where=path.name
        ) from None


def _about(name: str, arrays: Arrays) -> CheckpointFile:
    return CheckpointFile(
        name=name,
        tensors={key: tuple(int(size) for size in array.shape) for key, array in arrays.items()},
        bytes=sum(array.nbytes for array in arrays.values()),
    )
