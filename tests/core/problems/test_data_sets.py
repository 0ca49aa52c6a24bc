"""Data sets: splits, order, scaling, and what each one is made of."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from backend.core.problems.build import build_problem, build_splits
from backend.core.problems.splits import Examples, Splits, split, standardized
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import (
    DATA_KINDS,
    FROM_FILES,
    BlobsData,
    BreastCancerData,
    ChebyshevData,
    CirclesData,
    DigitsData,
    MoonsData,
    SineData,
    SpiralsData,
    WineData,
)
from tests.cases import CPU

BUNDLED = [(DigitsData, load_digits, 1797, 64), (WineData, load_wine, 178, 13)]
BUNDLED += [(BreastCancerData, load_breast_cancer, 569, 30)]
HERE = [kind for kind in DATA_KINDS if kind not in FROM_FILES]
TOYS = [MoonsData, CirclesData, SpiralsData, BlobsData, SineData]


def rows(*parts: Examples) -> list[tuple[float, ...]]:
    return sorted(tuple(row) for part in parts for row in np.column_stack([part.x_NF, part.y]).tolist())


@pytest.mark.parametrize(("kind", "load", "size", "features"), BUNDLED)
def test_bundled_splits_are_disjoint_complete_and_cut_from_one_permutation(kind, load, size, features):
    x, y = load(return_X_y=True)
    x = x / 16 if kind is DigitsData else x
    order = np.random.default_rng(4).permutation(size)
    splits = build_splits(kind(examples=101, seed=4, standardize=False))
    assert splits.train.x_NF.shape == (101, features)
    np.testing.assert_array_equal(splits.train.x_NF, x[order[:101]])
    np.testing.assert_array_equal(splits.train.y, y[order[:101]])
    assert splits.test is not None
    assert rows(splits.train, splits.test) == rows(Examples(x, y))


def test_pixels_lie_between_zero_and_one():
    pixels = build_splits(DigitsData()).train.x_NF
    assert (pixels.min(), pixels.max()) == (0.0, 1.0)


@pytest.mark.parametrize(("kind", "load", "size", "features"), BUNDLED)
def test_all_examples_for_training_leave_no_test_split(kind, load, size, features):
    splits = build_splits(kind(examples=size))
    assert len(splits.train) == size
    assert splits.test is None


def test_a_larger_training_split_begins_with_the_smaller_one():
    small, large = (build_splits(DigitsData(examples=n)).train.x_NF for n in (30, 90))
    np.testing.assert_array_equal(small, large[:30])


def test_a_ragged_split_of_one_example():
    splits = split(Examples(np.arange(5.0)[:, None], np.arange(5)), 4, 0)
    assert splits.test is not None
    assert (len(splits.train), len(splits.test)) == (4, 1)
    assert sorted([*splits.train.y, *splits.test.y]) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", HERE)
def test_every_set_repeats_itself_and_its_seed_matters(kind):
    first, again, other = (build_splits(kind(seed=seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.train.x_NF, again.train.x_NF)
    np.testing.assert_array_equal(first.train.y, again.train.y)
    assert not np.array_equal(first.train.x_NF, other.train.x_NF)


@pytest.mark.parametrize("kind", HERE)
def test_targets_are_what_the_spec_says(kind):
    splits = build_splits(kind())
    for part in (splits.train, splits.test):
        if part is None:
            continue
        if kind.classes is None:
            assert part.y.shape == (len(part), 1)
        else:
            assert part.y.dtype == np.int64
            assert set(part.y.tolist()) == set(range(kind.classes))
        assert part.x_NF.dtype == np.float64
        assert kind.image is None or np.prod(kind.image) == part.x_NF.shape[1]


@pytest.mark.parametrize("kind", TOYS)
def test_a_toy_s_test_split_is_as_many_again_and_shares_nothing(kind):
    splits = build_splits(kind(examples=37))
    assert splits.test is not None
    assert len(splits.train) == len(splits.test) == 37
    assert not set(rows(splits.train)) & set(rows(splits.test))


@pytest.mark.parametrize("kind", [kind for kind in TOYS if kind.classes])
@pytest.mark.parametrize("examples", [3, 40, 41])
def test_a_toy_s_classes_are_balanced_and_mixed(kind, examples):
    splits = build_splits(kind(examples=examples))
    for part in (splits.train, splits.test):
        counts = np.bincount(part.y, minlength=kind.classes)
        assert counts.max() - counts.min() <= 1
    if examples == 40:
        assert list(splits.train.y) != sorted(splits.train.y)


@pytest.mark.parametrize("kind", [DigitsData, WineData, MoonsData, SineData, ChebyshevData])
def test_standardised_features(kind):
    raw, scaled = (build_splits(kind(standardize=on)) for on in (False, True))
    x = scaled.train.x_NF
    constant = np.ptp(raw.train.x_NF, axis=0) == 0
    assert constant.any() == (kind is DigitsData)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(x[:, ~constant].std(axis=0), 1, rtol=1e-12)
    assert (x[:, constant] == 0).all()
    np.testing.assert_array_equal(raw.train.y, scaled.train.y)
    if scaled.test is not None:  # by the training split's mean and deviation, not by its own
        mean, deviation = raw.train.x_NF.mean(axis=0), raw.train.x_NF.std(axis=0)
        expected = (raw.test.x_NF - mean)[:, ~constant] / deviation[~constant]
        np.testing.assert_allclose(scaled.test.x_NF[:, ~constant], expected, rtol=1e-10, atol=1e-12)
        assert np.isfinite(scaled.test.x_NF).all()


def test_a_feature_that_is_constant_in_training_is_only_shifted_in_the_test_split():
    raw = Splits(Examples(np.array([[3.0], [3.0]]), np.zeros(2)), Examples(np.array([[8.0]]), np.zeros(1)))
    assert standardized(raw).test.x_NF.tolist() == [[5.0]]


def test_a_constant_that_is_not_a_round_number_becomes_exactly_zero():
    x = np.full((7, 1), 0.1)
    assert (standardized(Splits(Examples(x, np.zeros(7)), None)).train.x_NF == 0).all()


@pytest.mark.parametrize(("degree", "value_at_half"), [(0, 1.0), (1, 0.5), (2, -0.5), (3, -1.0), (4, -0.5)])
def test_chebyshev_is_the_polynomial_on_even_points(degree, value_at_half):
    splits = build_splits(ChebyshevData(points=21, degree=degree))
    x, y = splits.train.x_NF[:, 0], splits.train.y[:, 0]
    np.testing.assert_allclose(np.sort(x), np.linspace(-1, 1, 21), atol=1e-15)
    np.testing.assert_allclose(y, np.polynomial.chebyshev.chebval(x, [0] * degree + [1]), atol=1e-12)
    assert y[np.argmin(abs(x - 0.5))] == pytest.approx(value_at_half, abs=1e-12)
    assert splits.test is None


def test_without_noise_the_toys_lie_on_their_curves():
    moons = build_splits(MoonsData(noise=0.0)).train
    centre = np.where(moons.y[:, None] == 0, [0.0, 0.0], [1.0, 0.5])
    np.testing.assert_allclose(np.linalg.norm(moons.x_NF - centre, axis=1), 1)
    assert (moons.x_NF[moons.y == 0, 1] >= 0).all()
    assert (moons.x_NF[moons.y == 1, 1] <= 0.5).all()

    circles = build_splits(CirclesData(noise=0.0, factor=0.3)).train
    np.testing.assert_allclose(np.linalg.norm(circles.x_NF, axis=1), np.where(circles.y == 0, 1.0, 0.3))

    spirals = build_splits(SpiralsData(noise=0.0, turns=2.0)).train
    radius = np.linalg.norm(spirals.x_NF, axis=1)
    angle = 2 * np.pi * 2.0 * radius + np.pi * spirals.y
    np.testing.assert_allclose(spirals.x_NF, radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)]))
    assert radius.max() <= 1

    sine = build_splits(SineData(noise=0.0, frequency=2.0)).train
    np.testing.assert_allclose(sine.y, np.sin(4 * np.pi * sine.x_NF))
    assert abs(sine.x_NF).max() <= 1


def test_noise_and_spread_have_the_stated_deviation():
    quiet, loud = (build_splits(SineData(noise=noise, examples=20_000)).train for noise in (0.0, 0.5))
    np.testing.assert_array_equal(quiet.x_NF, loud.x_NF)
    assert np.std(loud.y - quiet.y) == pytest.approx(0.5, rel=0.03)
    blobs = build_splits(BlobsData(spread=2.0, examples=20_000)).train
    for label in range(3):
        np.testing.assert_allclose(blobs.x_NF[blobs.y == label].std(axis=0), 2.0, rtol=0.05)


@pytest.mark.parametrize("kind", HERE)
def test_the_problem_holds_the_splits(kind):
    spec = DataProblem(data=kind(), loss={"kind": "mse"})
    problem, splits = build_problem(spec, torch.float64, CPU), build_splits(spec.data)
    np.testing.assert_array_equal(problem.train.x.numpy(), splits.train.x_NF)
    np.testing.assert_array_equal(problem.train.y.numpy(), splits.train.y)
    assert (problem.test is None) == (splits.test is None)
    assert problem.classes == kind.classes
