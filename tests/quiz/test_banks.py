import re
import tomllib

import pytest
from matplotlib.figure import Figure

from course_utils.places import shipped
from course_utils.quiz.bank import load_bank, load_banks
from course_utils.quiz.drawings import find_figure
from course_utils.quiz.grading import draw
from course_utils.quiz.markup import to_text
from course_utils.quiz.statistics import BANK_RULES, LESSON_RULES, faults_of_all

BANKS = sorted(path for path in shipped("quizzes").glob("*.toml") if path.stem != "references")
LESSON_BANKS = [path for path in BANKS if re.match(r"0[1-7]_", path.stem)]


@pytest.fixture(params=BANKS, ids=lambda path: path.stem)
def bank(request):
    return load_bank(request.param)


@pytest.fixture(params=LESSON_BANKS, ids=lambda path: path.stem)
def lesson_bank(request):
    return load_bank(request.param)


@pytest.fixture(scope="module")
def questions():
    return [question for bank in load_banks().values() for question in bank.questions]


def texts(bank):
    """Yield every text of a bank that a learner may read, with its numbers."""
    for objective in bank.objectives:
        yield objective.text
    for question in bank.questions:
        drawn = draw(question)
        yield from (drawn.stem, question.alt or "", drawn.fill(question.feedback or ""))
        for option in question.options:
            yield from (option.text, option.feedback)
        for mistake in question.mistakes:
            yield drawn.fill(mistake.feedback)


@pytest.mark.parametrize("rule", BANK_RULES, ids=lambda rule: rule.__name__)
def test_a_bank_keeps_the_rule(bank, rule):
    assert list(rule(bank)) == []


@pytest.mark.parametrize("rule", LESSON_RULES, ids=lambda rule: rule.__name__)
def test_the_bank_of_a_lesson_keeps_the_rule(lesson_bank, rule):
    assert list(rule(lesson_bank)) == []


def test_all_banks_together_keep_the_rules(questions):
    assert list(faults_of_all(questions)) == []


def test_every_text_is_plain_unicode_in_the_terminal(bank):
    for text in texts(bank):
        plain = to_text(text)
        assert not re.search(r"[\\$`{}]", plain), text
        assert plain.replace("\n", "").isprintable(), text


def test_figures_have_labelled_axes_and_a_title(bank):
    for question in (q for q in bank.questions if q.figure):
        fig = find_figure(question.figure)()
        assert isinstance(fig, Figure), question.id
        for ax in fig.axes:
            assert ax.get_xlabel(), question.id
            assert ax.get_ylabel(), question.id
            assert any(ax.get_title(loc) for loc in ("left", "center")), question.id


def test_every_reference_in_the_list_is_cited(questions):
    listed = set(tomllib.loads((shipped("quizzes") / "references.toml").read_text("utf-8")))
    assert listed == {question.reference.key for question in questions}
