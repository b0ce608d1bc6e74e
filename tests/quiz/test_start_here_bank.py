import math
from collections import Counter

import numpy as np
import pytest

from course_utils.optimizers import SGD, Adam
from course_utils.quiz.bank import find_bank, find_question, load_banks
from course_utils.quiz.diagnosis import LESSONS
from course_utils.quiz.drawings import find_figure
from course_utils.quiz.generators import find_generator
from course_utils.quiz.grading import DO_NOT_KNOW, draw
from course_utils.quiz.questions import LEVELS
from tests.quiz.answers import right_option

LESSON = "00_start_here"


@pytest.fixture(scope="module")
def questions():
    return find_bank(LESSON).questions


def single_choices(questions):
    return [question for question in questions if question.type == "single"]


# What every question must be.


def test_two_questions_ask_about_each_lesson_the_easier_one_first(questions):
    objectives = [question.objective for question in questions]
    assert objectives == [objective for objective in LESSONS for _ in range(2)]
    assert list(LESSONS) == [objective.id for objective in find_bank(LESSON).objectives]
    for easier, harder in zip(questions[::2], questions[1::2], strict=True):
        assert LEVELS.index(easier.level) <= LEVELS.index(harder.level), harder.id


def test_some_questions_ask_for_a_number_and_some_show_code_or_a_figure(questions):
    assert sum(question.type == "numeric" for question in questions) >= 2
    assert sum(bool(question.code or question.figure) for question in questions) >= 2


def test_a_choice_ends_with_not_knowing_which_names_the_lesson(questions):
    for question in single_choices(questions):
        last = question.options[-1]
        lesson = LESSONS[question.objective]
        number, title = lesson.title.split(" ", 1)
        assert (last.text, last.correct) == (DO_NOT_KNOW, False), question.id
        assert f"Lesson {number}, {title}" in last.feedback, question.id


def test_a_number_may_be_left_open_and_its_feedback_names_the_lesson(questions):
    for question in (question for question in questions if question.type == "numeric"):
        number, title = LESSONS[question.objective].title.split(" ", 1)
        assert "If you do not know yet, leave this question open." in question.stem
        assert f"Lesson {number}, {title}" in question.feedback, question.id


def test_no_question_stands_in_another_bank(questions):
    for lesson, bank in load_banks().items():
        if lesson != LESSON:
            assert not {q.stem for q in bank.questions} & {q.stem for q in questions}, lesson


@pytest.mark.parametrize("order", ["in the file", "as shown"])
def test_the_place_of_an_option_does_not_give_it_away(questions, order):
    places = Counter()
    for question in single_choices(questions):
        place = [option.correct for option in question.options].index(True)
        places[place if order == "in the file" else draw(question).order.index(place)] += 1
    assert max(places.values()) <= 3


@pytest.mark.parametrize("extreme", [max, min])
def test_the_length_of_an_option_does_not_give_it_away(questions, extreme):
    won = []
    for question in single_choices(questions):
        lengths = [len(option.text) for option in question.options[:-1]]
        picked = [o.correct for o in question.options[:-1] if len(o.text) == extreme(lengths)]
        won.append(sum(picked) / len(picked))
    assert np.mean(won) <= 1 / 4 + 0.05


# What every key is, found again in another way.


def test_the_second_weight_is_recomputed_without_an_optimizer():
    for seed in range(200):
        variant = find_generator("start_second_weight")(np.random.default_rng(seed))
        n = variant.numbers
        assert variant.key == pytest.approx(n["w2"] - n["eta"] * n["g2"])


def test_the_halved_factor_is_the_mean_of_itself_and_one():
    for seed in range(200):
        variant = find_generator("start_half_rate")(np.random.default_rng(seed))
        assert variant.key == pytest.approx((variant.numbers["factor"] + 1) / 2)


def test_only_one_model_has_the_lowest_mean_squared_error():
    def errors(option):
        return np.array([int(n.replace("−", "-")) for n in option.text[7:].split(", ")])

    options = find_question("start-squared-errors").options[:-1]
    ranked = sorted(options, key=lambda option: np.mean(errors(option) ** 2))
    assert [option.correct for option in ranked] == [True, False, False, False]
    assert [np.mean(errors(option) ** 2) for option in ranked] == [4, 6.25, 6.5, 12.5]
    assert min(options, key=lambda o: np.abs(errors(o)).mean()).text == "Errors 0, 0, 0, 5"
    assert min(options, key=lambda o: errors(o).mean()).text == "Errors −3, −4, 0, −1"


def test_a_loss_through_the_three_values_can_have_its_minimum_anywhere():
    assert right_option("start-chord") == "The loss is not convex in the weights."
    assert (2 + 5) / 2 < 4
    places = np.linspace(0, 1, 101)
    smooth = 2 + 5 * places - 2 * places**2
    dented = smooth - 9 * np.exp(-(((places - 0.75) / 0.05) ** 2))
    np.testing.assert_allclose(dented[[0, 50, 100]], [2, 4, 5], atol=1e-6)
    assert places[dented.argmin()] == pytest.approx(0.75, abs=0.02)


def test_the_slope_at_the_first_weight_is_right_by_differences():
    v, h = math.atanh(0.6) / 3, 1e-6
    slope = 0.5 * 2 * (math.tanh((v + h) * 3) - math.tanh((v - h) * 3)) / (2 * h)
    assert float(right_option("start-tanh-chain").strip("$")) == pytest.approx(slope, rel=1e-6)


def test_the_next_step_with_momentum_is_kerass():
    w = np.array([0.0])
    sgd = SGD(0.1, momentum=0.8)
    moved, _ = sgd.update(np.array([2.0]), sgd.init(w)._replace(velocity=np.array([0.5])), w)
    assert float(right_option("start-momentum-step").strip("$")) == pytest.approx(moved[0])


def steps_through_the_valley(rate, momentum):
    """Count the steps that shrink the distance to the minimum by e¹⁰, condition number 10,000."""
    curvatures = np.geomspace(1, 10_000, 20)
    sgd = SGD(rate, momentum)
    w = np.ones(20)
    state, far = sgd.init(w), np.linalg.norm(w)
    for step in range(100_000):
        if np.linalg.norm(w) < far * math.exp(-10):
            return step
        w, state = sgd.update(curvatures * w, state, w)


def test_the_best_momentum_needs_some_hundreds_of_steps_in_the_valley():
    assert right_option("start-narrow-valley") == "Some hundreds"
    root = 100
    best = steps_through_the_valley(4 / (root + 1) ** 2, ((root - 1) / (root + 1)) ** 2)
    assert 200 <= best <= 999
    assert 1000 <= steps_through_the_valley(3.7e-4, 0.9) <= 9999
    assert 10_000 <= steps_through_the_valley(2 / 10_001, 0.0) <= 99_999


@pytest.mark.parametrize("gradient", [100.0, 0.01])
def test_adams_step_has_the_length_of_its_rate(gradient):
    assert right_option("start-adam-scales") == "Each of the two weights moves by about 0.001."
    adam, w = Adam(0.001), np.array([0.0])
    state = adam.init(w)
    for _ in range(20):
        before = w
        w, state = adam.update(np.array([gradient]), state, w)
        assert abs(w - before)[0] == pytest.approx(0.001, rel=1e-3)


def test_without_bias_correction_adam_starts_with_steps_three_times_as_long():
    assert right_option("start-adam-first-step") == "About 3 times as long"
    first, second = 1 - 0.9, 1 - 0.999
    assert first / math.sqrt(second) == pytest.approx(3.2, abs=0.05)
    assert 1 / math.sqrt(second) == pytest.approx(30, abs=2)


def test_the_validation_loss_is_lowest_at_the_marked_moment():
    assert right_option("start-when-to-stop") == "Those of B"
    ax = find_figure("start_overfitting_run")().axes[0]
    training, validation = (line.get_ydata() for line in ax.lines[:2])
    marks = {text.get_text(): int(text.xy[0]) for text in ax.texts}
    assert marks == {"A": 3, "B": 12, "C": 25, "D": 40}
    assert validation[12] < min(validation[[3, 25, 40]]) - 0.1
    assert validation[12] < validation.min() + 0.01
    assert training[40] == training.min()
    gaps = {name: (validation - training)[epoch] for name, epoch in marks.items()}
    assert min(gaps, key=gaps.get) == "A"
    alt = [2.3, 0.3, 1.4, 1.8]
    told = [validation[0], training[40], validation[12], validation[40]]
    np.testing.assert_allclose(told, alt, atol=0.06)


def test_the_best_of_many_scores_is_too_high_on_average(rng):
    assert (
        right_option("start-best-of-many")
        == "It is too high: the test images decided which one won."
    )
    true_accuracies = rng.uniform(0.88, 0.92, size=20)
    scores = rng.binomial(200, true_accuracies, size=(2000, 20)) / 200
    winners = true_accuracies[scores.argmax(axis=1)]
    assert np.mean(scores.max(axis=1) - winners) > 0.01
