"""MNIST and CIFAR-10 from small files of the standard formats, and what is said of files that are not."""

import struct

import numpy as np
import pytest
import torch

from backend.core.problems.build import build_problem, build_splits
from backend.core.problems.image_files import MalformedFile
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import Cifar10Data, DigitsData, LargeDigitsData, MnistData
from backend.schemas.problem.model import CnnModel, ResNetModel
from tests.cases import CPU
from tests.image_sets import cifar, cifar_files, idx, mnist_files

MNIST = MnistData(examples=12, test_examples=5, seed=3)
CIFAR = Cifar10Data(examples=20, test_examples=4, seed=1)


def reading(files):
    return lambda folder, name: files[folder, name]


def test_mnist_is_what_was_written():
    files, pixels, labels = mnist_files(train=20, test=7)
    splits = build_splits(MNIST, reading(files))
    random = np.random.default_rng(3)
    first, second = random.permutation(20)[:12], random.permutation(7)[:5]
    np.testing.assert_array_equal(splits.train.x_NF, pixels[0][first].reshape(12, -1) / 255)
    np.testing.assert_array_equal(splits.train.y, labels[0][first])
    np.testing.assert_array_equal(splits.test.x_NF, pixels[1][second].reshape(5, -1) / 255)
    np.testing.assert_array_equal(splits.test.y, labels[1][second])
    assert splits.train.x_NF.dtype == np.float64
    assert splits.train.y.dtype == np.int64


def test_cifar_is_what_was_written_channels_first():
    files, pixels, labels = cifar_files(each=6)
    splits = build_splits(CIFAR, reading(files))
    random = np.random.default_rng(1)
    first = random.permutation(30)[:20]
    np.testing.assert_array_equal(splits.train.x_NF, pixels[first].reshape(20, -1) / 255)
    np.testing.assert_array_equal(splits.train.y, labels[first])
    problem = build_problem(
        DataProblem(data=CIFAR, model=ResNetModel(channels=(4, 8))), torch.float32, CPU, reading(files)
    )
    assert problem.train.x.shape == (20, 3, 32, 32)
    assert problem.train.x[0, 2, 5, 7] == np.float32(pixels[first[0], 2, 5, 7] / 255)
    assert problem.outputs(*problem.params0(0), problem.test.x).shape == (4, 10)


def test_a_cnn_trains_on_mnist():
    files, _, _ = mnist_files(train=12, test=5)
    problem = build_problem(DataProblem(data=MNIST, model=CnnModel(channels=(2,))), torch.float64, CPU, reading(files))
    params, buffers = problem.params0(0)
    loss = problem.loss(params.requires_grad_(), buffers)
    assert torch.autograd.grad(loss, params)[0].norm() > 1e-3
    assert abs(float(loss.detach()) - np.log(10)) < 0.5


def spoiled(**changes):
    files, _, _ = mnist_files(train=20, test=7)
    return files | {("mnist", name.replace("_", "-")): data for name, data in changes.items()}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"train_images_idx3_ubyte": b""}, r"train-images-idx3-ubyte is not an IDX .* 00 00 08 03, got nothing"),
        ({"train_images_idx3_ubyte": idx(np.zeros(20))}, r"with 3 axes: expected .* 00 00 08 03, got 00 00 08 01"),
        ({"train_labels_idx1_ubyte": b"\x00\x00\x0d\x01" + b"\x00" * 30}, "1 axis: .* got 00 00 0d 01"),
        ({"train_images_idx3_ubyte": idx(np.zeros((20, 28, 28)))[:9]}, "ends within its header: .* 16 bytes, got 9"),
        ({"train_images_idx3_ubyte": idx(np.zeros((20, 28, 28)))[:-1]}, r"promises 15,680 .*20×28×28.* 15,679 follow"),
        ({"train_images_idx3_ubyte": idx(np.zeros((20, 8, 8)))}, "expected images of 28×28 pixels, got 8×8"),
        ({"train_labels_idx1_ubyte": idx(np.zeros(19))}, "holds 20 images, but train-labels-idx1-ubyte 19 labels"),
        ({"train_labels_idx1_ubyte": idx(np.full(20, 10))}, "expected classes from 0 to 9, got 10"),
        ({"t10k_labels_idx1_ubyte": idx(np.zeros(3))}, "t10k-images-idx3-ubyte holds 7 images"),
        ({"train_labels_idx1_ubyte": b"\x00\x00\x08\x01" + struct.pack(">I", 2**31)}, "promises 2,147,483,648"),
    ],
)
def test_a_malformed_idx_file_is_named_with_what_is_wrong(changes, sentence):
    with pytest.raises(MalformedFile, match=sentence):
        build_splits(MNIST, reading(spoiled(**changes)))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "multiple of 3,073 bytes .* got 0"),
        (b"\x00" * 3074, "data_batch_2.bin is not a CIFAR-10 binary file: .* got 3,074"),
        (cifar(np.zeros((2, 3, 32, 32)), [3, 12]), "data_batch_2.bin: expected classes from 0 to 9, got 12"),
    ],
)
def test_a_malformed_cifar_file_is_named_with_what_is_wrong(data, sentence):
    files, _, _ = cifar_files(each=6)
    with pytest.raises(MalformedFile, match=sentence):
        build_splits(CIFAR, reading(files | {("cifar-10-batches-bin", "data_batch_2.bin"): data}))


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        (MnistData(examples=21, test_examples=5), "examples asks for 21 of mnist, and the files hold 20"),
        (MnistData(examples=20, test_examples=8), "test_examples asks for 8 of mnist, and the files hold 7"),
    ],
)
def test_more_examples_than_there_are_is_said(spec, sentence):
    files, _, _ = mnist_files(train=20, test=7)
    with pytest.raises(MalformedFile, match=sentence):
        build_splits(spec, reading(files))


def test_without_a_place_for_files_it_is_said():
    with pytest.raises(MalformedFile, match="mnist/train-images-idx3-ubyte, but no data directory"):
        build_splits(MnistData())


def test_large_digits_are_the_digits_in_squares_of_four():
    large = build_splits(LargeDigitsData(examples=30)).train
    assert large.x_NF.shape == (30, 1024)
    pictures = large.x_NF.reshape(30, 32, 32)
    small = pictures[:, ::4, ::4]
    for row in range(4):
        for column in range(4):
            np.testing.assert_array_equal(pictures[:, row::4, column::4], small)
    np.testing.assert_array_equal(small.reshape(30, 64), build_splits(DigitsData(examples=30)).train.x_NF)
