"""Small files in the formats of MNIST and CIFAR-10."""

import struct

import numpy as np

Named = dict[tuple[str, str], bytes]


def idx(values):
    """An IDX file of bytes."""
    values = np.asarray(values, np.uint8)
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.tobytes()


def cifar(pixels, labels):
    """A CIFAR-10 binary file."""
    return b"".join(
        bytes([label]) + np.asarray(image, np.uint8).tobytes() for image, label in zip(pixels, labels, strict=True)
    )


def mnist_files(train, test):
    """MNIST's four files with so many random images, and what is in them."""
    random = np.random.default_rng(0)
    pixels = [random.integers(0, 256, (count, 28, 28)) for count in (train, test)]
    labels = [random.integers(0, 10, count) for count in (train, test)]
    files: Named = {}
    for stem, images, classes in zip(("train", "t10k"), pixels, labels, strict=True):
        files["mnist", f"{stem}-images-idx3-ubyte"] = idx(images)
        files["mnist", f"{stem}-labels-idx1-ubyte"] = idx(classes)
    return files, pixels, labels


def cifar_files(each):
    """CIFAR-10's six files with so many random images each, and the training files' contents."""
    random = np.random.default_rng(0)
    pixels, labels = random.integers(0, 256, (6 * each, 3, 32, 32)), random.integers(0, 10, 6 * each)
    names = [f"data_batch_{number}.bin" for number in range(1, 6)] + ["test_batch.bin"]
    files: Named = {
        ("cifar-10-batches-bin", name): cifar(pixels[i * each : (i + 1) * each], labels[i * each : (i + 1) * each])
        for i, name in enumerate(names)
    }
    return files, pixels[: 5 * each], labels[: 5 * each]
