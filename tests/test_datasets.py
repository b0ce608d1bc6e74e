import numpy as np
import pytest
from sklearn.datasets import load_digits

from course_utils import datasets

DATASETS = [datasets.digits, datasets.moons, datasets.diabetes]


@pytest.mark.parametrize("load", DATASETS)
def test_training_and_test_examples_are_apart_and_shuffled_by_the_seed(load):
    data, again, other = load(), load(), load(seed=1)
    assert np.array_equal(data.train_inputs, again.train_inputs)
    assert not np.array_equal(data.train_inputs, other.train_inputs)
    if load is not datasets.digits:  # a few scans are pixel for pixel the same
        training = {row.tobytes() for row in data.train_inputs}
        assert not any(row.tobytes() in training for row in data.test_inputs)
    share = len(data.test_inputs) / (len(data.test_inputs) + len(data.train_inputs))
    assert share == pytest.approx(0.25, abs=0.01)
    assert data.source


@pytest.mark.parametrize("load", [datasets.moons, datasets.diabetes])
def test_only_the_training_part_decides_the_standardisation(load):
    data = load()
    np.testing.assert_allclose(data.train_inputs.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(data.train_inputs.std(axis=0), 1)
    assert np.abs(data.test_inputs.mean(axis=0)).max() > 1e-3


def test_digits_keep_their_labels():
    data = datasets.digits()
    scans = zip(*load_digits(return_X_y=True), strict=True)
    originals = {pixels.tobytes(): label for pixels, label in scans}
    for pixels, label in zip(data.test_inputs * 16, data.test_targets, strict=True):
        assert originals[pixels.tobytes()] == label
    assert 0 <= data.train_inputs.min() < data.train_inputs.max() <= 1
