import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from course_utils import datasets

DATASETS = [
    datasets.digits,
    datasets.breast_cancer,
    datasets.moons,
    datasets.spirals,
    datasets.diabetes,
    datasets.rare_events,
    datasets.docstrings,
]


@pytest.mark.parametrize("load", DATASETS)
def test_training_and_test_examples_are_apart_and_shuffled_by_the_seed(load):
    data, again, other = load(), load(), load(seed=1)
    assert np.array_equal(data.train_inputs, again.train_inputs)
    assert not np.array_equal(data.train_inputs, other.train_inputs)
    # A few scans are pixel for pixel the same, and so are the words of a few texts.
    if load not in (datasets.digits, datasets.docstrings):
        training = {row.tobytes() for row in data.train_inputs}
        assert not any(row.tobytes() in training for row in data.test_inputs)
    share = len(data.test_inputs) / (len(data.test_inputs) + len(data.train_inputs))
    assert share == pytest.approx(0.25, abs=0.01)
    assert data.source


@pytest.mark.parametrize(
    "load",
    [datasets.moons, datasets.diabetes, datasets.breast_cancer, datasets.spirals],
)
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


@pytest.mark.parametrize("file_is_there", [True, False])
def test_digits_are_those_of_scikit_learn_wherever_it_keeps_them(monkeypatch, file_is_there):
    if not file_is_there:
        monkeypatch.setattr(datasets.Path, "exists", lambda path: False)
    inputs, labels = load_digits(return_X_y=True)
    ours = datasets._read_digits()
    np.testing.assert_array_equal(ours[0], inputs)
    np.testing.assert_array_equal(ours[1], labels)
    assert ours[1].dtype == labels.dtype


def test_digits_are_read_without_importing_scikit_learn():
    code = "import sys; from course_utils import datasets; datasets.digits()"
    subprocess.run(
        [sys.executable, "-c", f"{code}; assert 'sklearn' not in sys.modules"], check=True
    )


def test_spirals_need_more_than_a_straight_line():
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    data = datasets.spirals()
    scores = [
        model.fit(data.train_inputs, data.train_targets).score(data.test_inputs, data.test_targets)
        for model in (LogisticRegression(), KNeighborsClassifier())
    ]
    assert scores[0] < 0.6
    assert scores[1] > 0.9


def test_rare_events_are_as_rare_in_both_parts_and_hard_but_not_hopeless():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score

    data = datasets.rare_events(share=0.02)
    assert data.train_targets.mean() == data.test_targets.mean() == 0.02
    model = LogisticRegression().fit(data.train_inputs, data.train_targets)
    found = model.predict_proba(data.test_inputs)[:, 1]
    assert 0.2 < average_precision_score(data.test_targets, found) < 0.9
    with pytest.raises(ValueError, match="share must lie between 0 and 1, got 2"):
        datasets.rare_events(share=2)


def test_ratings_are_explained_by_hidden_tastes():
    data = datasets.ratings()
    again, other = datasets.ratings(), datasets.ratings(seed=1)
    assert np.array_equal(data.train, again.train)
    assert not np.array_equal(data.train_marks, other.train_marks)
    assert set(np.unique(data.train_marks)) <= set(np.arange(1, 5.5, 0.5))
    pairs = np.vstack([data.train, data.test])
    assert len(np.unique(pairs, axis=0)) == len(pairs) == 6000
    assert pairs.max(axis=0).tolist() <= [data.users - 1, data.items - 1]
    assert 0.8 < data.train_marks.std() < 1.5


def test_docstrings_hide_the_names_of_the_libraries_and_still_tell_them_apart():
    from sklearn.linear_model import LogisticRegression

    data = datasets.docstrings(words=500)
    hidden = (*datasets.LIBRARIES, "scikit", "pyplot", "mpl")
    assert not [word for word in data.features if word.startswith(hidden) or word == "np"]
    assert set(np.unique(data.train_inputs)) == {0, 1}
    assert len(data.train_targets) > 500
    model = LogisticRegression(max_iter=500).fit(data.train_inputs, data.train_targets)
    guess = np.bincount(data.test_targets).max() / len(data.test_targets)
    assert model.score(data.test_inputs, data.test_targets) > guess + 0.2
    with pytest.raises(ValueError, match="words must be at least 1, got 0"):
        datasets.docstrings(words=0)


def test_docstrings_are_the_same_at_the_first_call_and_after_all_is_imported():
    code = (
        "from course_utils.datasets import docstrings; "
        "print(*[docstrings(words=50).train_inputs.shape for _ in range(2)])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = told.stdout.strip().split(") (")
    assert first.lstrip("(") == second.rstrip(")")


def test_label_noise_changes_the_share_asked_for_and_nothing_else():
    labels = np.arange(1000) % 10
    kept = labels.copy()
    noisy = datasets.with_label_noise(labels, share=0.3)
    assert np.sum(noisy != labels) == 300
    assert set(noisy) == set(labels)
    assert np.array_equal(labels, kept)
    assert np.array_equal(noisy, datasets.with_label_noise(labels, share=0.3))
    assert not np.array_equal(noisy, datasets.with_label_noise(labels, share=0.3, seed=1))


def test_outliers_lie_as_far_away_as_asked():
    targets = datasets.diabetes().train_targets
    kept = targets.copy()
    moved = datasets.with_outliers(targets, share=0.1, size=5) - targets
    assert np.sum(moved != 0) == round(0.1 * len(targets))
    np.testing.assert_allclose(np.abs(moved[moved != 0]), 5 * targets.std())
    assert (moved > 0).any()
    assert (moved < 0).any()
    assert np.array_equal(targets, kept)


def test_missing_values_are_filled_from_the_training_part_and_marked():
    data = datasets.diabetes()
    holes = replace(
        data,
        train_inputs=datasets.with_missing(data.train_inputs, 0.2),
        test_inputs=datasets.with_missing(data.test_inputs, 0.2, seed=1),
    )
    missing = np.isnan(holes.test_inputs)
    assert missing.mean() == pytest.approx(0.2, abs=1e-3)
    filled = datasets.imputed(holes)
    means = np.nanmean(holes.train_inputs, axis=0)
    np.testing.assert_allclose(
        filled.test_inputs[:, :10], np.where(missing, means, holes.test_inputs)
    )
    np.testing.assert_array_equal(filled.test_inputs[:, 10:], missing)
    assert filled.features == (*data.features, *(f"{name} missing" for name in data.features))
    assert datasets.imputed(holes, indicator=False).features == data.features
    assert datasets.imputed(holes, indicator=False).test_inputs.shape == data.test_inputs.shape
    assert np.isnan(holes.train_inputs).any()


def test_a_column_without_a_number_or_without_a_gap_is_named_as_it_is_filled():
    inputs = np.array([[np.nan, 7.0, np.nan], [np.nan, 9.0, 1.0]])
    data = datasets.Dataset(
        "d", inputs, np.zeros(2), inputs, np.zeros(2), "made up", features=("a", "b", "c")
    )
    filled = datasets.imputed(data)
    assert filled.features == ("a", "b", "c", "a missing", "c missing")
    assert filled.train_inputs.tolist() == [[0, 7, 1, 1, 1], [0, 9, 1, 1, 0]]


def test_labels_of_one_kind_cannot_be_made_wrong():
    with pytest.raises(ValueError, match="labels must be of two kinds or more, got only 3"):
        datasets.with_label_noise(np.full(4, 3), share=0.5)
    assert datasets.with_label_noise(np.full(4, 3), share=0.0).tolist() == [3, 3, 3, 3]


def test_the_noise_of_spirals_is_the_deviation_from_their_arms(monkeypatch):
    monkeypatch.setattr(datasets, "standardised", lambda data: data)
    still, noisy = datasets.spirals(noise=0.0), datasets.spirals(noise=0.1)
    assert np.std(noisy.train_inputs - still.train_inputs) == pytest.approx(0.1, rel=0.1)
    assert np.linalg.norm(still.train_inputs, axis=1).max() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(("words", "least"), [(50, 5), (300, 10)])
def test_docstrings_with_few_of_the_words_are_left_out(words, least):
    data = datasets.docstrings(words)
    assert np.vstack([data.train_inputs, data.test_inputs]).sum(axis=1).min() == least


@pytest.mark.parametrize(
    "fault", [datasets.with_label_noise, datasets.with_outliers, datasets.with_missing]
)
@pytest.mark.parametrize("share", [-0.1, 1.5])
def test_faults_refuse_a_share_that_is_none(fault, share):
    with pytest.raises(ValueError, match=f"share must lie between 0 and 1, got {share}"):
        fault(np.arange(10), share)


@pytest.mark.parametrize("constant", [7.0, 0.1])  # the mean of a hundred 0.1 is not 0.1
def test_a_column_that_never_changes_is_left_at_zero(constant):
    training = np.tile([[1.0, constant], [3.0, constant]], (50, 1))
    test = np.array([[5.0, constant + 2]])
    data = datasets.standardised(
        datasets.Dataset("d", training, np.zeros(100), test, np.zeros(1), "made up")
    )
    assert np.unique(data.train_inputs, axis=0).tolist() == [[-1, 0], [1, 0]]
    assert data.test_inputs.tolist() == [[3, 2]]
