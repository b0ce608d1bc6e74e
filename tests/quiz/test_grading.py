import pytest

from course_utils.quiz.bank import find_question
from course_utils.quiz.grading import (
    DO_NOT_KNOW,
    InvalidResponse,
    close,
    draw,
    mark,
    parse_number,
    tolerance,
)


def test_the_order_of_options_derives_from_the_id_and_another_seed_gives_another(quizzes):
    question = find_question("gd-never-settles")
    orders = {draw(question, seed).order for seed in range(50)}

    assert draw(question).order == draw(question).order == (2, 3, 1, 0)
    assert len(orders) > 10
    assert all(sorted(order) == [0, 1, 2, 3] for order in orders)


def test_a_right_option_has_no_favourite_place(quizzes):
    question = find_question("gd-step-sign")
    places = [draw(question, seed).order.index(1) for seed in range(300)]

    assert all(60 < places.count(place) < 140 for place in range(3))


def test_numbers_derive_from_the_id_and_stand_in_the_stem(quizzes):
    drawn = draw(find_question("gd-one-step"))
    stems = {draw(find_question("gd-one-step"), seed).stem for seed in range(20)}

    assert drawn == draw(find_question("gd-one-step"))
    assert f"$w={drawn.variant.numbers['w0']}$" in drawn.stem
    assert len(stems) > 3


def test_numbers_stand_in_the_code_too(quizzes):
    path = quizzes / "99_sample.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("rtol = 1e-3", "rtol = 1e-3\ncode = 'w = {w0}; d = {{}}'"))
    drawn = draw(find_question("gd-one-step"))

    assert drawn.code == f"w = {drawn.variant.numbers['w0']}; d = {{{{}}}}"


@pytest.mark.parametrize(
    ("chosen", "score", "feedback"),
    [([0], 0, "The gradient points uphill."), ([1], 1, "Yes: a step against the slope.")],
)
def test_a_single_choice_earns_the_feedback_of_its_option_only(quizzes, chosen, score, feedback):
    verdict = mark(draw(find_question("gd-step-sign")), chosen)

    assert (verdict.score, verdict.right) == (score, score == 1)
    assert [text for _, text in verdict.remarks] == [feedback]


@pytest.mark.parametrize(
    ("chosen", "right", "remarks"),
    [
        ([0, 2], 4, ["Negate the loss", "Subtract `gradient(w)`"]),
        ([0], 3, ["Subtract `gradient(w)`"]),
        ([1, 3], 0, ["Start at zero", "Take more steps"]),
        ([1, 0, 2], 3, ["Negate the loss", "Take more steps", "Subtract `gradient(w)`"]),
    ],
)
def test_ticks_are_counted_and_only_ticked_options_are_explained(quizzes, chosen, right, remarks):
    verdict = mark(draw(find_question("gd-never-settles")), chosen)

    assert verdict.score == right / 4
    assert verdict.summary == f"{right} of 4 choices are as they should be."
    assert [text for text, _ in verdict.remarks] == remarks


def test_a_number_is_right_named_too_small_or_too_large(quizzes):
    drawn = draw(find_question("gd-one-step"))
    key, wrong = drawn.variant.key, drawn.variant.mistakes["wrong_sign"]
    w0 = drawn.variant.numbers["w0"]

    assert mark(drawn, key * 1.0009).remarks == ((None, f"Yes: from {w0} against the slope."),)
    assert mark(drawn, key * 1.0009).right
    assert mark(drawn, key * 1.0011).summary.endswith("is too large.")
    assert mark(drawn, -1e-3).summary == "−0.001 is too small."
    named = mark(drawn, wrong * 0.9995)
    assert (named.score, named.mistake) == (0, "wrong_sign")
    assert named.remarks == ((None, f"You added the gradient at {w0}."),)


def test_the_tolerance_grows_with_the_size_of_the_key_whatever_its_sign(quizzes):
    question = find_question("gd-one-step")

    assert tolerance(-2.0, question) == tolerance(2.0, question) == 2e-3
    assert close(-2.001, -2.0, question)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.25", 0.25),
        (" 0,25 ", 0.25),
        ("1e-3", 1e-3),
        ("1,5E+3", 1500),
        ("−3", -3),
        ("1e−7", 1e-7),
        ("+.5", 0.5),
        ("7.", 7),
        ("0,125", 0.125),
        ("1250,125", 1250.125),
    ],
)
def test_numbers_are_read_as_people_write_them(text, value):
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text",
    ["abc", "1/2", "1,000.5", "1,000,000", "1_000", "nan", "inf", "1e999", "2 m", "0x1"],
)
def test_what_is_no_number_is_named_and_not_marked(text):
    with pytest.raises(InvalidResponse, match=f"'{text}' is not a number: 0.25, -3 or 1e-3"):
        parse_number(text)


@pytest.mark.parametrize(
    ("text", "meanings"), [("7,299", "7299 or 7.299"), (" −12,500", "-12500 or -12.500")]
)
def test_a_comma_that_may_part_thousands_is_asked_about(text, meanings):
    with pytest.raises(InvalidResponse, match=f"can mean {meanings}: write one of these"):
        parse_number(text)


def test_an_empty_field_is_asked_for():
    with pytest.raises(InvalidResponse, match="Write a number first"):
        parse_number("  ")


@pytest.mark.parametrize(
    ("question_id", "chosen", "message"),
    [
        ("gd-step-sign", [], "Choose one answer first"),
        ("gd-step-sign", [0, 1], "Choose one answer first"),
        ("gd-never-settles", [], "Tick at least one answer"),
    ],
)
def test_a_choice_not_made_is_asked_for(quizzes, question_id, chosen, message):
    with pytest.raises(InvalidResponse, match=message):
        mark(draw(find_question(question_id)), chosen)


def test_not_knowing_stays_the_last_option_and_the_others_are_shuffled():
    question = find_question("start-chord")
    assert question.options[-1].text == DO_NOT_KNOW
    orders = {draw(question, seed).order for seed in range(50)}
    assert {order[-1] for order in orders} == {len(question.options) - 1}
    assert len(orders) > 3
