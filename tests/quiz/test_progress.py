from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from scipy import stats

from course_utils.exercises.exercise import exercises
from course_utils.quiz import attempts as table
from course_utils.quiz.attempts import Attempt
from course_utils.quiz.bank import load_banks, read_banks
from course_utils.quiz.progress import (
    Mastery,
    Record,
    Share,
    Slip,
    WrongPrediction,
    measure,
    read_progress,
)
from course_utils.quiz.questions import BankError, Objective
from course_utils.quiz.store import open_store

SAMPLE, SIGN, SETTLES, STEP = "99_sample", "gd-step-sign", "gd-never-settles", "gd-one-step"


@dataclass(frozen=True)
class Exercise:
    id: str = "gd-exercise"
    lesson: str = SAMPLE
    objective: str = "gd.update-rule"
    title: str = "One step"
    content_hash: str = "as asked now"


@pytest.fixture
def banks(quizzes, monkeypatch):
    return read_banks()


@pytest.fixture
def contents(banks):
    """What every item asks now, by its id."""
    hashes = {question.id: question.content_hash for question in banks[SAMPLE].questions}
    return hashes | {Exercise.id: Exercise.content_hash}


@pytest.fixture
def attempt(contents):
    """Make an attempt at an item, some minutes after the first of March."""
    numbers = count()

    def made(item, score, minutes=0, kind="question", response=None, mistake=None, changed=False):
        time = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        return Attempt(
            id=str(next(numbers)),
            learner="me",
            kind=kind,
            item=item,
            content_hash="as asked before" if changed else contents.get(item, ""),
            seed=1,
            response=response,
            score=float(score),
            mistake=mistake,
            course_version="0.1.0",
            time=time.isoformat(timespec="milliseconds"),
        )

    return made


def recorded(*attempts):
    """Read attempts as they are read from the learner's record."""
    with closing(table.in_memory(attempts)) as connection:
        return Record(table.outcomes(connection), table.sums(connection), table.wrong(connection))


@pytest.fixture
def measured(banks):
    """Measure attempts at the sample bank and at one exercise."""
    return lambda *attempts: measure(recorded(*attempts), banks, {Exercise.id: Exercise()})


# What counts.


def test_without_attempts_everything_is_open(measured):
    found = measured()
    (lesson,) = found.lessons
    assert (lesson.title, lesson.exercises, lesson.questions) == ("99 Sample", (0, 1), (0, 3))
    assert (lesson.predictions, lesson.seconds) == ((0, 0), 0)
    assert (found.attempts, found.answered, found.slips, found.wrong_predictions) == (0, [], (), ())


def test_a_question_is_mastered_when_its_newest_answer_is_right(measured, attempt):
    found = measured(
        attempt(SIGN, 0), attempt(STEP, 1, 1), attempt(SIGN, 1, 2), attempt(STEP, 0, 3)
    )
    assert found.questions == (1, 3)
    assert found.lessons[0].objectives[0].answers == (1, 2)


def test_a_half_right_answer_is_not_mastered(measured, attempt):
    assert measured(attempt(SETTLES, 0.75)).questions == (0, 3)


def test_an_exercise_stays_solved_whatever_is_tried_later(measured, attempt):
    tries = [attempt(Exercise.id, score, kind="exercise") for score in (0, 1, 0)]
    assert measured(*tries[:1]).exercises == (0, 1)
    assert measured(*tries).exercises == (1, 1)


def test_the_first_prediction_counts_and_no_answer_does(measured, attempt):
    found = measured(
        attempt(SIGN, 1, kind="prediction", response=[1]),
        attempt(SIGN, 0, 1, kind="prediction", response=[0]),
        attempt(STEP, 0, 2, kind="prediction", response=9.5),
        attempt(SETTLES, 1, 3),
    )
    assert found.predictions == (1, 2)
    assert found.questions == (1, 3)


def test_attempts_at_something_that_has_changed_count_as_time_only(measured, attempt):
    found = measured(
        attempt(STEP, 1, 0, mistake="wrong_sign", changed=True),
        attempt(SIGN, 0, 1, kind="prediction", response=[0], changed=True),
        attempt(Exercise.id, 1, 2, kind="exercise", changed=True),
    )
    assert (found.attempts, found.outdated, found.seconds) == (3, 3, 120)
    assert (found.questions, found.predictions, found.exercises) == ((0, 3), (0, 0), (0, 1))
    assert (found.slips, found.wrong_predictions) == ((), ())


def test_what_this_version_does_not_know_is_left_out(measured, attempt):
    found = measured(
        attempt("gd-long-gone", 1), attempt(SIGN, 1, 1, kind="dream"), attempt(SIGN, 1, 2)
    )
    assert (found.attempts, found.questions, found.seconds) == (1, (1, 3), 0)


# Time.


def test_a_pause_of_ten_minutes_is_no_active_time(measured, attempt):
    def seconds(*minutes):
        return measured(*(attempt(SIGN, 1, m) for m in minutes)).seconds

    assert seconds(0) == 0
    assert seconds(0, 9) == 9 * 60
    assert seconds(0, 10) == 0
    assert seconds(0, 4, 100, 105) == 9 * 60


def test_time_goes_to_the_lesson_of_the_attempt_that_ends_it(attempt, banks):
    course = read_banks() | {"07_capstone": banks[SAMPLE].__class__("07_capstone", (), ())}
    runs = [attempt("tuning game, digits", 0.9, minutes, kind="run") for minutes in (0, 3, 8)]
    found = measure(recorded(*runs, attempt(SIGN, 1, 9)), course, {})
    assert {lesson.title: lesson.seconds for lesson in found.lessons} == {
        "07 Capstone": 8 * 60,
        "99 Sample": 60,
    }
    assert (found.attempts, found.outdated) == (4, 0)


# Mastery and its uncertainty.


@pytest.mark.parametrize(("right", "answered"), [(0, 1), (1, 1), (3, 4), (0, 8), (20, 20)])
def test_mastery_is_the_posterior_of_jeffreys_prior(right, answered):
    mastery = Mastery(Objective("gd.noise", "Say when noise helps."), Share(right, answered))
    posterior = stats.beta(right + 0.5, answered - right + 0.5)
    assert mastery.mean == pytest.approx(posterior.mean())
    assert mastery.interval == pytest.approx(posterior.interval(0.8))


def test_more_answers_leave_less_uncertainty():
    few, many = (
        Mastery(Objective("gd.noise", "Say when noise helps."), Share(3 * n, 4 * n)).interval
        for n in (1, 10)
    )
    assert few[0] < many[0] < many[1] < few[1]


def test_questions_of_another_lesson_count_for_the_objective_they_ask_about(
    quizzes, banks, attempt
):
    final = (quizzes / "99_sample.toml").read_text("utf-8")
    final = final[final.index("[[question]]") :].replace('id = "gd-', 'id = "final-')
    own = '[[objective]]\nid = "cap.own"\ntext = "Decide."\n\n'
    head = f'schema = 1\nlesson = "98_final"\nassesses = ["{SAMPLE}"]\n\n{own}'
    (quizzes / "98_final.toml").write_text(head + final, "utf-8")
    course = read_banks()
    answer = attempt("final-one-step", 1)._replace(
        content_hash=course["98_final"].questions[2].content_hash
    )
    final, sample = measure(recorded(answer), course, {}).lessons
    assert (final.questions, sample.questions) == ((1, 3), (0, 3))
    assert [mastery.answers for mastery in final.objectives] == [(0, 0)]
    assert [mastery.answers for mastery in sample.objectives] == [(1, 1)]


# What goes wrong.


def test_named_mistakes_are_counted_in_words_with_the_most_common_first(measured, attempt):
    flipped = {"kind": "exercise", "mistake": "sign-flipped"}
    found = measured(
        attempt(STEP, 0, 0, mistake="wrong_sign"),
        attempt(Exercise.id, 0, 1, **flipped),
        attempt(Exercise.id, 0, 2, **flipped),
        attempt(Exercise.id, 1, 3, kind="exercise"),
        attempt(SIGN, 0, 4),
    )
    assert found.slips == (
        Slip("sign flipped", "One step", "99 Sample", times=2, mended=True),
        Slip("wrong sign", "update rule", "99 Sample", times=1, mended=False),
    )


def test_a_mistake_made_again_after_the_solution_is_not_mended(measured, attempt):
    tries = [(0, "sign-flipped"), (1, None), (0, "sign-flipped")]
    found = measured(
        *(attempt(Exercise.id, score, kind="exercise", mistake=name) for score, name in tries)
    )
    assert [(slip.times, slip.mended) for slip in found.slips] == [(2, False)]


def test_wrong_predictions_say_what_was_chosen_and_how_often(measured, attempt):
    chosen = [(SIGN, [2]), (SIGN, [0]), (SETTLES, [0, 1, 3]), (STEP, 9.5), (SIGN, [0])]
    found = measured(
        *(
            attempt(item, 0, minutes, kind="prediction", response=response)
            for minutes, (item, response) in enumerate(chosen)
        )
    )
    first, *others = found.wrong_predictions
    where = ("update rule", "99 Sample")
    assert first == WrongPrediction(r"$w + \eta\,\nabla L(w)$", *where, times=2)
    assert [wrong.said for wrong in others] == [
        r"$w - \eta\,L(w)$",
        "Take more steps",
        "Start at zero",
        "9.5",
    ]


@pytest.mark.parametrize("response", [None, {"from": "elsewhere"}, "words", [17]])
def test_a_response_that_the_bank_cannot_read_is_wrong_and_no_error(measured, attempt, response):
    found = measured(attempt(SIGN, 0, kind="prediction", response=response))
    assert (found.predictions, found.wrong_predictions) == ((0, 1), ())


# Reading.


def test_the_learners_own_record_is_measured():
    question = load_banks()["02_gradient_descent"].questions[0]
    exercise = exercises()["gd-step"]
    for kind, item in (("question", question), ("exercise", exercise)):
        open_store().record(
            kind=kind, item=item.id, content_hash=item.content_hash, response=None, score=1
        )
    found = read_progress()
    lesson = found.lessons[2]
    assert (lesson.title, lesson.questions.done, lesson.exercises.done) == (
        "02 Gradient descent",
        1,
        1,
    )
    assert (found.questions.done, found.exercises.done) == (1, 1)
    assert found.exercises.of == len(exercises())


def test_reading_the_banks_proves_nothing_and_finds_the_same(monkeypatch):
    proven = load_banks()
    monkeypatch.setattr("course_utils.quiz.bank.prove_bank", None)
    read = read_banks()
    assert list(read) == list(proven)
    for lesson, bank in proven.items():
        assert read[lesson].objectives == bank.objectives
        assert [(q.id, q.content_hash, q.objective) for q in read[lesson].questions] == [
            (q.id, q.content_hash, q.objective) for q in bank.questions
        ]


@pytest.mark.parametrize(
    ("old", "new"),
    [('type = "single"', 'typ = "single"'), ("schema = 1", "schema = "), ("text = ", "txt = ")],
)
def test_a_bank_that_cannot_be_read_is_named(quizzes, banks, old, new):
    path = quizzes / "99_sample.toml"
    path.write_text(path.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(BankError, match=r"99_sample\.toml"):
        read_banks()
