"""Data sets whose signal is known: where it lies in a picture or a spectrum, and that no split leaks."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from sklearn.datasets import load_digits, load_sample_image

from backend.core.problems.block_digits import null_block
from backend.core.problems.build import build_problem, build_splits
from backend.core.problems.photographs import photographs
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import BlockDigitsData, PhotographsData, WavesData
from backend.schemas.problem.model import CnnModel, MlpModel
from tests.cases import CPU


def test_a_block_digit_is_a_digit_and_the_same_frame() -> None:
    splits = build_splits(BlockDigitsData(seed=3))
    assert splits.test is not None
    assert (len(splits.train), len(splits.test)) == (260, 100)
    real = {tuple(row) for row in load_digits().data / 16}
    above = 0
    for part in (splits.train, splits.test):
        assert part.inside_NF is not None
        for x, inside in zip(part.x_NF, part.inside_NF, strict=True):
            assert tuple(x[inside]) in real
            np.testing.assert_array_equal(x[~inside], null_block().ravel())
            above += int(inside[:64].all())
    assert 140 < above < 220  # of 360, by a fair coin
    assert build_splits(BlockDigitsData(place="above")).train.inside_NF[:, :64].all()  # type: ignore[index]


def test_where_the_signal_is_travels_with_the_problem() -> None:
    for model, shape in ((MlpModel(), (100, 128)), (CnnModel(), (100, 1, 16, 8))):
        problem = build_problem(DataProblem(data=BlockDigitsData(standardize=True), model=model), torch.float32, CPU)
        assert problem.test is not None
        assert problem.test.inside is not None
        assert problem.test.inside.shape == problem.test.x.shape == shape
        assert problem.image == (1, 16, 8)
    assert build_problem(DataProblem(), torch.float32, CPU).train.inside is None  # type: ignore[union-attr]


def test_crops_lie_in_the_resized_photographs_and_share_no_pixel() -> None:
    temple, flower = photographs()
    assert temple.shape == flower.shape == (106, 160, 3)
    whole = load_sample_image("china.jpg").astype(np.float64) / 255
    assert temple[3, 7] == pytest.approx(whole[12:16, 28:32].mean((0, 1)))
    splits = build_splits(PhotographsData(examples=6, test_examples=4))
    assert splits.test is not None
    for part, columns in ((splits.train, range(107 - 32 + 1)), (splits.test, range(107, 160 - 32 + 1))):
        for x, label in zip(part.x_NF, part.y, strict=True):
            crop = x.reshape(3, 32, 32).transpose(1, 2, 0)
            picture = photographs()[int(label)]
            tops, lefts = np.nonzero((picture[: 106 - 31, : 160 - 31] == crop[0, 0]).all(2))
            found = [
                left
                for top, left in zip(tops, lefts, strict=True)
                if np.array_equal(picture[top : top + 32, left : left + 32], crop)
            ]
            assert found
            assert found[0] in columns


def test_a_wave_has_its_frequency_and_no_other() -> None:
    splits = build_splits(WavesData(noise=0.0, examples=20))
    spectrum = np.abs(np.fft.rfft(splits.train.x_NF))
    assert list(spectrum.argmax(1)) == [5 if label == 0 else 9 for label in splits.train.y]
    assert np.sort(spectrum, 1)[:, :-1].max() < 1e-9
    noisy = build_splits(WavesData(noise=0.5, examples=4000)).train
    clean = build_splits(WavesData(noise=0.0, examples=4000)).train
    assert np.std(noisy.x_NF - clean.x_NF) == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"length": 16, "other": 8}, "16 samples tells fewer than 8 periods"),
        ({"other": 5}, "both classes have the same frequency"),
    ],
)
def test_waves_that_cannot_be_told_apart_are_refused(fields: dict[str, int], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        WavesData(**fields)  # type: ignore[arg-type]
