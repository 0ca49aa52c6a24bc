"""MNIST (IDX) and CIFAR-10 (binary) from the bytes of their standard files.

The files are found and read elsewhere: here a :class:`Files` is asked for them by name.

Shapes: N examples, F pixel values of one.
"""

import math
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from backend.core.problems.splits import Examples, Splits
from backend.schemas.problem.data import Cifar10Data, MnistData

Bytes = NDArray[np.uint8]
MNIST_SIDE: Final = 28
CIFAR_PIXELS: Final = 3 * 32 * 32
UNSIGNED_BYTES: Final = 8  # IDX's code of the only number format that MNIST uses


class Files(Protocol):
    """Where a data set's files come from."""

    def __call__(self, folder: str, name: str) -> bytes:
        """Return a file's contents, unpacked where it is gzipped.

        Args:
            folder: the data set's own.
            name: the file's standard name, without ``.gz``.
        """
        ...


class MalformedFile(ValueError):
    """A data set's file is not what it should be: what was expected, what came, and in which file."""


def no_files(folder: str, name: str) -> bytes:
    """Refuse: there is no data directory here.

    Raises:
        MalformedFile: always.
    """
    raise MalformedFile(f"expected the file {folder}/{name}, but no data directory was given to read it from")


class Images(NamedTuple):
    """Pixels [N, F] and classes [N], as stored."""

    pixels_NF: Bytes
    classes_N: Bytes


def image_files(spec: MnistData | Cifar10Data, files: Files) -> Splits:
    """Read a data set and cut its splits, not yet standardised.

    The training split is the front of one permutation of the training files, ``numpy.random.default_rng(seed)``'s
    first; the test split is the front of its second, of the test files. Pixels are divided by 255.

    Args:
        spec: which data set, and how many examples of each split.
        files: where its files come from.

    Returns:
        The splits; only the examples asked for are turned into float64.

    Raises:
        MalformedFile: where a file is not of its format, or holds too few examples.
    """
    read = _mnist if isinstance(spec, MnistData) else _cifar10
    random = np.random.default_rng(spec.seed)
    parts = []
    for test, asked in ((False, spec.examples), (True, spec.test_examples)):
        images = read(files, test)
        there = len(images.classes_N)
        if asked > there:
            what = "test_examples" if test else "examples"
            raise MalformedFile(
                f"{what} asks for {asked:,} of {spec.kind}, and the files hold {there:,}; ask for fewer"
            )
        chosen = random.permutation(there)[:asked]
        parts.append(Examples(images.pixels_NF[chosen] / 255.0, images.classes_N[chosen].astype(np.int64)))
    return Splits(parts[0], parts[1])


def read_idx(data: bytes, name: str, axes: int) -> Bytes:
    """Read an IDX file of unsigned bytes.

    Two zero bytes, the code of the number format, the number of axes; then each axis' length (4 bytes, the most
    significant first); then the values, the last axis fastest.

    Args:
        data: its contents.
        name: for the errors.
        axes: how many it must have.

    Returns:
        The values.

    Raises:
        MalformedFile: where the header or the length is wrong.

    Example:
        >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), "labels", 1).tolist()
        [7, 9]
    """
    head = 4 + 4 * axes
    expected = bytes([0, 0, UNSIGNED_BYTES, axes])
    if data[:4] != expected:
        raise MalformedFile(
            f"{name} is not an IDX file of bytes with {axes} {'axis' if axes == 1 else 'axes'}: "
            f"expected it to begin with {expected.hex(' ')}, got {data[:4].hex(' ') or 'nothing'}"
        )
    if len(data) < head:
        raise MalformedFile(f"{name} ends within its header: expected at least {head} bytes, got {len(data)}")
    shape = tuple(int(length) for length in np.frombuffer(data, ">u4", axes, 4))
    if len(data) - head != math.prod(shape):
        raise MalformedFile(
            f"{name} is cut short or too long: its header promises {math.prod(shape):,} values ({_times(shape)}), and "
            f"{len(data) - head:,} follow"
        )
    return np.frombuffer(data, np.uint8, offset=head).reshape(shape)


def read_cifar(data: bytes, name: str) -> Images:
    """Read a file of CIFAR-10's binary version: for each image its class, then its red, green and blue values by rows.

    Args:
        data: its contents.
        name: for the errors.

    Returns:
        The images, channels first.

    Raises:
        MalformedFile: where the length or a class is wrong.
    """
    record = 1 + CIFAR_PIXELS
    if not data or len(data) % record:
        raise MalformedFile(
            f"{name} is not a CIFAR-10 binary file: expected a multiple of {record:,} bytes (one for the class, "
            f"{CIFAR_PIXELS:,} for the pixels), got {len(data):,}"
        )
    rows = np.frombuffer(data, np.uint8).reshape(-1, record)
    _check_classes(rows[:, 0], name)
    return Images(rows[:, 1:], rows[:, 0])


def _mnist(files: Files, test: bool) -> Images:
    stem = "t10k" if test else "train"
    pictures, labels = f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"
    pixels = read_idx(files("mnist", pictures), pictures, 3)
    classes_N = read_idx(files("mnist", labels), labels, 1)
    if pixels.shape[1:] != (MNIST_SIDE, MNIST_SIDE):
        raise MalformedFile(f"{pictures}: expected images of 28×28 pixels, got {_times(pixels.shape[1:])}")
    if len(pixels) != len(classes_N):
        raise MalformedFile(f"{pictures} holds {len(pixels):,} images, but {labels} {len(classes_N):,} labels")
    _check_classes(classes_N, labels)
    return Images(pixels.reshape(len(pixels), MNIST_SIDE**2), classes_N)


def _cifar10(files: Files, test: bool) -> Images:
    names = ["test_batch.bin"] if test else [f"data_batch_{number}.bin" for number in range(1, 6)]
    read = [read_cifar(files("cifar-10-batches-bin", name), name) for name in names]
    return Images(np.concatenate([part.pixels_NF for part in read]), np.concatenate([part.classes_N for part in read]))


def _check_classes(classes_N: Bytes, name: str) -> None:
    if len(classes_N) and classes_N.max() > 9:
        raise MalformedFile(f"{name}: expected classes from 0 to 9, got {classes_N.max()}")


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(f"{length}" for length in shape)
