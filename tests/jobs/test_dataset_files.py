"""Files of data sets in the data directory: plain, gzipped, missing, broken; from a request to a run's end."""

import gzip

import pytest

from backend.jobs.dataset_files import DatasetFiles
from backend.jobs.errors import Unavailable, Unsupported
from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import MnistData
from backend.schemas.problem.model import MlpModel
from backend.schemas.run import TrainRequest
from tests.image_sets import mnist_files

SMALL = TrainRequest(
    problem=DataProblem(data=MnistData(examples=20, test_examples=7), model=MlpModel(hidden=(4,))), steps=2
)


def put(folder, files, packed=False):
    for (under, name), data in files.items():
        (folder / under).mkdir(parents=True, exist_ok=True)
        file = folder / under / (f"{name}.gz" if packed else name)
        file.write_bytes(gzip.compress(data) if packed else data)


@pytest.mark.parametrize("packed", [False, True])
def test_a_file_is_found_plain_or_gzipped(tmp_path, packed):
    files, _, _ = mnist_files(train=3, test=2)
    put(tmp_path, files, packed)
    read = DatasetFiles(tmp_path)
    for (folder, name), data in files.items():
        assert read(folder, name) == data


def test_a_missing_file_is_said_with_its_place_and_what_belongs_there(tmp_path):
    with pytest.raises(Unavailable, match="there is no file train-images-idx3-ubyte") as refused:
        DatasetFiles(tmp_path)("mnist", "train-images-idx3-ubyte")
    assert f"in {tmp_path / 'mnist'}" in refused.value.detail.message
    assert "four standard IDX files of MNIST there, plain or gzipped" in refused.value.detail.hint


def test_what_cannot_be_unpacked_is_said(tmp_path):
    (tmp_path / "mnist").mkdir()
    for broken in (b"no gzip at all", gzip.compress(b"x" * 1000)[:-9]):
        (tmp_path / "mnist" / "a.gz").write_bytes(broken)
        with pytest.raises(Unsupported, match=r"a\.gz cannot be unpacked"):
            DatasetFiles(tmp_path)("mnist", "a")


def test_without_a_folder_it_is_said():
    with pytest.raises(Unavailable, match="mnist/a is needed, and this run has no data directory"):
        DatasetFiles(None)("mnist", "a")


def played(tmp_path, prepare):
    store = SqliteStore(":memory:")
    service = Service(store, InlineEngine(threads=1), Feed(store), tmp_path)
    try:
        prepare(tmp_path / "datasets")
        return service.wait(service.submit(SMALL).id, 60.0)
    finally:
        service.close()


def test_a_race_trains_on_files_in_the_data_directory(tmp_path):
    files, _, _ = mnist_files(train=25, test=9)
    run = played(tmp_path, lambda folder: put(folder, files, packed=True))
    assert (run.status, run.error) == ("succeeded", None)


def test_a_race_without_its_files_fails_with_the_sentence(tmp_path):
    run = played(tmp_path, lambda folder: None)
    assert run.status == "failed"
    assert (run.error.code, run.error.where) == (
        "unavailable",
        str(tmp_path / "datasets/mnist/train-images-idx3-ubyte"),
    )


def test_a_race_with_a_malformed_file_fails_with_the_sentence(tmp_path):
    files, _, _ = mnist_files(train=25, test=9)
    files["mnist", "train-labels-idx1-ubyte"] = b"\x00\x00\x08\x02"
    run = played(tmp_path, lambda folder: put(folder, files))
    assert (run.status, run.error.code, run.error.where) == ("failed", "unsupported", "problem.data")
    assert "train-labels-idx1-ubyte is not an IDX file" in run.error.message
