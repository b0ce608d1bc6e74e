import re
import tomllib
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure

from course_utils.places import shipped
from course_utils.quiz.bank import load_bank, load_banks
from course_utils.quiz.generators import find_figure, find_generator
from course_utils.quiz.grading import close, draw

BANKS = sorted(path for path in shipped("quizzes").glob("*.toml") if path.stem != "references")
LESSON_BANKS = [path for path in BANKS if re.match(r"0[1-7]_", path.stem)]
SEEDS = 200
HEDGES = r"\b(?:may|might|usually|often|can|sometimes|tends|generally|typically)\b"


@pytest.fixture(params=BANKS, ids=lambda path: path.stem)
def bank(request):
    return load_bank(request.param)


@pytest.fixture(params=LESSON_BANKS, ids=lambda path: path.stem)
def lesson_bank(request):
    return load_bank(request.param)


def share(answers):
    """Return the share of the truthy among some answers."""
    answers = [bool(answer) for answer in answers]
    return sum(answers) / len(answers)


def kind(question):
    """Say whether a question asks why, asks to compute or predict, or asks what."""
    if re.search(r"\bwhy\b", question.stem, re.IGNORECASE):
        return "why"
    asks_for_a_result = question.type == "numeric" or question.code or question.figure
    return "compute" if asks_for_a_result or "-predict-" in question.id else "what"


def score_of_guessing(questions, strength):
    """Return the share of single choices won by taking the option of the greatest strength."""
    won = 0.0
    for question in questions:
        strengths = [strength(option.text) for option in question.options]
        picked = [
            option.correct
            for option, value in zip(question.options, strengths, strict=True)
            if value == max(strengths)
        ]
        won += sum(picked) / len(picked)
    return won / len(questions)


def single_choices(bank):
    return [question for question in bank.questions if question.type == "single"]


def chance(questions):
    return np.mean([1 / len(question.options) for question in questions])


def test_a_lesson_has_at_least_26_questions(lesson_bank):
    assert len(lesson_bank.questions) >= 26


def test_each_objective_is_asked_three_times_and_at_two_levels(lesson_bank):
    for objective in lesson_bank.objectives:
        asked = [q for q in lesson_bank.questions if q.objective == objective.id]
        assert len(asked) >= 3, objective.id
        assert len({question.level for question in asked}) >= 2, objective.id


@pytest.mark.parametrize("wanted", ["compute", "why", "what"])
def test_about_a_third_of_the_questions_is_of_each_kind(lesson_bank, wanted):
    assert 0.28 <= share(kind(question) == wanted for question in lesson_bank.questions) <= 0.4


def test_a_fifth_draws_numbers_and_a_tenth_shows_code_or_a_figure(lesson_bank):
    assert share(question.type == "numeric" for question in lesson_bank.questions) >= 1 / 5
    assert share(question.code or question.figure for question in lesson_bank.questions) >= 1 / 10


@pytest.mark.parametrize(
    "strength",
    [
        pytest.param(len, id="longest"),
        pytest.param(lambda text: -len(text), id="shortest"),
        pytest.param(lambda text: len(re.findall(HEDGES, text.lower())), id="most hedged"),
    ],
)
def test_the_look_of_an_option_does_not_give_it_away(lesson_bank, strength):
    questions = single_choices(lesson_bank)
    assert score_of_guessing(questions, strength) <= chance(questions) + 0.05


@pytest.mark.parametrize("order", ["in the file", "as shown"])
def test_the_place_of_an_option_does_not_give_it_away(lesson_bank, order):
    questions = single_choices(lesson_bank)
    places = Counter()
    for question in questions:
        place = [option.correct for option in question.options].index(True)
        places[place if order == "in the file" else draw(question).order.index(place)] += 1
    assert max(places.values()) / len(questions) <= chance(questions) + 0.05


def test_every_feedback_explains(bank):
    for question in bank.questions:
        for part in (*question.options, *question.mistakes):
            assert len(part.feedback.split()) >= 5, (question.id, part.feedback)
        assert question.type != "numeric" or question.feedback, question.id


def test_numbers_differ_from_seed_to_seed_and_mistakes_stay_apart_from_the_key(bank):
    for question in (q for q in bank.questions if q.type == "numeric"):
        generate = find_generator(question.generator)
        variants = [generate(np.random.default_rng(seed)) for seed in range(SEEDS)]
        assert len({tuple(variant.numbers.items()) for variant in variants}) >= 4, question.id
        for variant in variants:
            values = [variant.key, *variant.mistakes.values()]
            assert np.isfinite(values).all(), (question.id, variant)
            for one, other in combinations(values, 2):
                assert not close(one, other, question), (question.id, variant)
                assert not close(other, one, question), (question.id, variant)


def test_figures_have_labelled_axes_and_a_title(bank):
    for question in (q for q in bank.questions if q.figure):
        fig = find_figure(question.figure)()
        assert isinstance(fig, Figure), question.id
        for ax in fig.axes:
            assert ax.get_xlabel(), question.id
            assert ax.get_ylabel(), question.id
            assert any(ax.get_title(loc) for loc in ("left", "center")), question.id


def test_every_reference_in_the_list_is_cited():
    listed = set(tomllib.loads((shipped("quizzes") / "references.toml").read_text("utf-8")))
    questions = [question for bank in load_banks().values() for question in bank.questions]
    assert listed == {question.reference.key for question in questions}
