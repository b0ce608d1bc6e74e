import json
import subprocess
import sys

import pytest

from course_utils import quiz
from course_utils.quiz.bank import find_question
from course_utils.quiz.cell import NOT_PREDICTED, QuizCell, revealed, static_reading
from course_utils.quiz.grading import draw
from course_utils.quiz.markup import to_html, to_text
from course_utils.quiz.store import Store, open_store

IDS = ("gd-step-sign", "gd-never-settles", "gd-one-step")
RIGHT = {"gd-step-sign": [1], "gd-never-settles": [0, 2]}
WRONG = {"gd-step-sign": [2], "gd-never-settles": [0, 1]}


def new_cell(question_id: str, **options) -> QuizCell:
    return QuizCell(find_question(question_id), **options)


def send(cell: QuizCell, response, attempt: str = "a1") -> dict:
    """Answer as the browser does, by places on the screen or by text, and return the result."""
    if isinstance(response, list):
        response = [cell._drawn.order.index(place) for place in response]
    cell._handle_custom_msg({"attempt": attempt, "response": response}, [])
    return cell.result


def synced(cell: QuizCell) -> str:
    state = cell.get_state()
    return json.dumps({k: v for k, v in state.items() if isinstance(v, str | dict | list | None)})


def feedback_of(question) -> list[str]:
    return [part.feedback for part in (*question.options, *question.mistakes)]


@pytest.fixture(autouse=True)
def _sample_bank(quizzes):
    return quizzes


@pytest.mark.parametrize("question_id", IDS)
@pytest.mark.parametrize("kind", ["question", "prediction"])
def test_before_an_answer_the_browser_has_neither_key_nor_feedback(question_id, kind):
    question = find_question(question_id)
    state = new_cell(question_id, kind=kind).get_state()
    sent = json.dumps(state)

    assert state["result"] is None
    assert set(state["face"]) == {
        "type", "legend", "button", "stem", "code", "figure", "how", "options", "spoken",
    }  # fmt: skip
    assert all(isinstance(option, str) for option in state["face"]["options"])
    assert "correct" not in sent.lower()
    for secret in (*feedback_of(question), *(mistake.name for mistake in question.mistakes)):
        assert secret.partition("{")[0] not in sent
    if question.type == "numeric":
        assert f"{draw(question).variant.key:.6g}" not in json.dumps(state["face"])


@pytest.mark.parametrize("question_id", ["gd-step-sign", "gd-never-settles"])
def test_options_come_in_the_drawn_order(question_id):
    question = find_question(question_id)
    for seed in (None, 1, 2, 3):
        cell = new_cell(question_id, seed=seed)
        order = draw(question, seed).order
        texts = [question.options[place].text for place in order]
        read = static_reading(draw(question, seed), "question").splitlines()

        assert cell.face["options"] == [to_html(text) for text in texts]
        assert cell.face["spoken"]["options"] == [to_text(text) for text in texts]
        assert [line[6:] for line in read if line.startswith("- (")] == texts


def test_a_wrong_choice_earns_its_own_feedback_and_leaves_the_question_open():
    result = send(new_cell("gd-step-sign"), WRONG["gd-step-sign"])

    assert (result["tone"], result["title"]) == ("wrong", "Not yet")
    assert result["body"] == "<p>The loss itself has no direction.</p>"


def test_after_a_wrong_choice_the_other_feedback_is_still_not_sent():
    cell = new_cell("gd-step-sign")
    send(cell, WRONG["gd-step-sign"])

    assert "uphill" not in json.dumps(cell.get_state())
    assert "against the slope" not in json.dumps(cell.get_state())


def test_a_right_choice_is_called_correct():
    result = send(new_cell("gd-step-sign"), RIGHT["gd-step-sign"])

    assert (result["tone"], result["title"]) == ("right", "Correct")
    assert result["body"] == "<p>Yes: a step against the slope.</p>"


def test_ticks_are_counted_and_explained():
    cell = new_cell("gd-never-settles")
    result = send(cell, WRONG["gd-never-settles"])

    assert result["tone"] == "wrong"
    assert "2 of 4 choices are as they should be." in result["body"]
    assert "<code>gradient(w)</code></strong><br>Yes: downhill." in result["body"]
    assert "The sign stays" not in result["body"]
    assert "turned over" not in json.dumps(cell.get_state())
    assert send(cell, RIGHT["gd-never-settles"], "a2")["tone"] == "right"


def test_a_number_is_marked_in_the_kernel():
    cell = new_cell("gd-one-step")
    variant = draw(find_question("gd-one-step")).variant
    wrong = str(variant.mistakes["wrong_sign"]).replace(".", ",")

    assert send(cell, "1e3", "a1")["body"] == "<p>1000 is too large.</p>"
    assert send(cell, wrong, "a2")["body"].startswith("<p>You added the gradient at")
    assert send(cell, str(variant.key), "a3")["tone"] == "right"
    assert [a.mistake for a in open_store().attempts()] == [None, "wrong_sign", None]


@pytest.mark.parametrize(
    ("question_id", "response", "message"),
    [
        ("gd-one-step", "<b>", "&#x27;&lt;b&gt;&#x27; is not a number"),
        ("gd-one-step", "", "Write a number first"),
        ("gd-step-sign", [], "Choose one answer first"),
        ("gd-never-settles", [], "Tick at least one answer"),
    ],
)
def test_what_cannot_be_marked_is_said_and_not_recorded(question_id, response, message):
    result = send(new_cell(question_id), response)

    assert result["tone"] == "note"
    assert message in result["body"]
    assert open_store().attempts() == []


def test_every_answer_is_an_attempt_of_its_own():
    cell = new_cell("gd-step-sign")
    send(cell, WRONG["gd-step-sign"], "a1")
    send(cell, RIGHT["gd-step-sign"], "a2")
    first, second = open_store().attempts("gd-step-sign")

    assert (first.id, first.kind, first.response, first.score) == ("a1", "question", [2], 0)
    assert (second.id, second.response, second.score) == ("a2", [1], 1)
    assert first.content_hash == find_question("gd-step-sign").content_hash
    assert first.seed == cell._drawn.seed


def test_a_repeated_message_is_counted_once_and_answered_again(monkeypatch):
    cell = new_cell("gd-step-sign")
    send(cell, WRONG["gd-step-sign"])
    sent = []
    monkeypatch.setattr(cell, "send_state", lambda key=None: sent.append(key))
    send(cell, WRONG["gd-step-sign"])

    assert sent == ["result"]
    assert len(open_store().attempts()) == 1


@pytest.mark.parametrize("question_id", IDS)
def test_a_new_cell_shows_the_stored_answer_and_what_it_earned(question_id):
    response = WRONG.get(question_id, "1000")
    before = send(new_cell(question_id), response)
    after = new_cell(question_id).result

    assert after == before | {"note": "Your earlier answer"}
    if isinstance(response, list):
        order = draw(find_question(question_id)).order
        assert {order[place] for place in after["shown"]} == set(response)
    else:
        assert after["shown"] == response


@pytest.mark.parametrize(
    ("question_id", "imported"),
    [
        ("gd-step-sign", [99]),
        ("gd-step-sign", []),
        ("gd-step-sign", "1"),
        ("gd-never-settles", [0, 99]),
        ("gd-one-step", "abc"),
        ("gd-one-step", None),
        pytest.param("gd-one-step", 10**400, id="gd-one-step-beyond-floats"),
    ],
)
def test_a_stored_answer_that_the_question_cannot_have_is_passed_over(question_id, imported):
    question = find_question(question_id)
    keep = {"item": question_id, "content_hash": question.content_hash, "score": 0.0}
    keep |= {"seed": draw(question).seed, "response": imported}
    open_store().record(kind="question", **keep)
    assert new_cell(question_id).result is None

    open_store().record(kind="prediction", **keep)
    assert revealed(question) == NOT_PREDICTED
    send(new_cell(question_id, kind="prediction"), RIGHT.get(question_id, "1000"))
    assert revealed(question).startswith("**You predicted:**")


def test_a_question_with_a_new_meaning_starts_afresh(quizzes):
    send(new_cell("gd-step-sign"), RIGHT["gd-step-sign"])
    path = quizzes / "99_sample.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("smooth loss", "convex loss"), encoding="utf-8")

    assert new_cell("gd-step-sign").result is None


def test_another_draw_of_the_question_starts_afresh():
    send(new_cell("gd-one-step"), "1000")

    assert new_cell("gd-one-step", seed=5).result is None


def test_a_prediction_is_noted_without_saying_whether_it_is_right():
    wrong, right = (
        new_cell("gd-step-sign", kind="prediction"),
        new_cell("gd-step-sign", kind="prediction"),
    )
    noted = send(wrong, WRONG["gd-step-sign"], "a1")
    noted_too = send(right, RIGHT["gd-step-sign"], "a2")

    assert (noted["tone"], noted["title"]) == ("note", "Noted.")
    assert noted["body"] == "Now run the next cells to find out."
    assert noted_too["title"] == "Noted."
    for cell in (wrong, right):
        assert "score" not in cell.result
        assert not any(text in synced(cell) for text in feedback_of(find_question("gd-step-sign")))


def test_the_first_prediction_counts():
    cell = new_cell("gd-step-sign", kind="prediction")
    send(cell, WRONG["gd-step-sign"], "a1")
    again = send(cell, RIGHT["gd-step-sign"], "a2")
    shown_later = new_cell("gd-step-sign", kind="prediction").result

    assert again["body"].startswith("Your first prediction stays the one that counts.")
    assert shown_later["attempt"] == "a1"
    assert shown_later["shown"] == [cell._drawn.order.index(2)]


def test_a_prediction_is_noted_where_the_record_cannot_be_read_again(monkeypatch):
    cell = new_cell("gd-step-sign", kind="prediction")
    monkeypatch.setattr(Store, "attempts", lambda *_: [])

    assert send(cell, WRONG["gd-step-sign"])["body"] == "Now run the next cells to find out."


def test_answers_and_predictions_of_one_question_are_kept_apart():
    send(new_cell("gd-step-sign", kind="prediction"), WRONG["gd-step-sign"])

    assert new_cell("gd-step-sign").result is None


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be one of question, prediction, got 'exam'"):
        new_cell("gd-step-sign", kind="exam")


@pytest.mark.parametrize("question_id", IDS)
def test_in_an_exam_right_and_wrong_look_the_same_until_the_end(question_id):
    question = find_question(question_id)
    key = f"{draw(question, 7).variant.key}" if question.type == "numeric" else RIGHT[question_id]
    results = []
    for response in (key, WRONG.get(question_id, "1000")):
        cell = new_cell(question_id, seed=7, exam=True)
        noted = send(cell, response)
        results.append({name: noted[name] for name in noted if name != "shown"})
        assert not any(text.partition("{")[0] in synced(cell) for text in feedback_of(question))

    assert results[0] == results[1]
    assert results[0] == {
        "attempt": "a1",
        "tone": "note",
        "title": "Noted.",
        "body": "The feedback comes at the end of the exam.",
        "final": True,
    }


def test_an_answer_in_an_exam_is_recorded_at_once_as_a_question():
    send(new_cell("gd-step-sign", exam=True), WRONG["gd-step-sign"])
    (attempt,) = open_store().attempts()

    assert (attempt.id, attempt.kind, attempt.response, attempt.score) == ("a1", "question", [2], 0)


def test_in_an_exam_the_first_answer_stands():
    cell = new_cell("gd-step-sign", exam=True)
    noted = send(cell, WRONG["gd-step-sign"], "a1")
    again = send(cell, RIGHT["gd-step-sign"], "a2")

    assert again == noted | {"attempt": "a2"}
    assert [attempt.id for attempt in open_store().attempts()] == ["a1"]
    assert cell.finish() == 0


def test_a_repeated_message_of_an_exam_is_answered_again(monkeypatch):
    cell = new_cell("gd-step-sign", exam=True)
    send(cell, WRONG["gd-step-sign"])
    sent = []
    monkeypatch.setattr(cell, "send_state", lambda key=None: sent.append(key))
    send(cell, WRONG["gd-step-sign"])

    assert sent == ["result"]


def test_what_cannot_be_marked_leaves_an_exam_question_open():
    cell = new_cell("gd-one-step", exam=True)
    assert not send(cell, "one").get("final")
    send(cell, "1000", "a2")

    assert cell.result["final"]
    assert len(open_store().attempts()) == 1


def test_the_end_of_an_exam_gives_the_feedback_and_closes_the_question():
    cell = new_cell("gd-step-sign", exam=True)
    send(cell, RIGHT["gd-step-sign"])

    assert cell.finish() == 1
    assert (cell.result["tone"], cell.result["final"]) == ("right", True)
    assert cell.result["body"] == "<p>Yes: a step against the slope.</p>"
    send(cell, WRONG["gd-step-sign"], "a2")
    assert cell.result["tone"] == "right"
    assert len(open_store().attempts()) == 1


def test_an_open_question_is_closed_at_the_end_of_an_exam_without_an_attempt():
    cell = new_cell("gd-step-sign", exam=True)

    assert cell.finish() is None
    assert (cell.result["title"], cell.result["final"]) == ("Not answered", True)
    assert send(cell, RIGHT["gd-step-sign"])["title"] == "Not answered"
    assert open_store().attempts() == []
    assert not any(text in synced(cell) for text in feedback_of(find_question("gd-step-sign")))


def test_an_exam_begins_without_an_earlier_answer():
    send(new_cell("gd-step-sign"), RIGHT["gd-step-sign"])

    assert new_cell("gd-step-sign", exam=True).result is None


def test_a_legend_of_its_own_stands_above_a_question():
    assert new_cell("gd-step-sign", legend="Question 2 of 5").face["legend"] == "Question 2 of 5"


def test_trouble_with_the_store_is_said_in_the_cell(course_home, capsys):
    course_home.write_text("a file where the folder should be")
    cell = new_cell("gd-step-sign")
    capsys.readouterr()

    assert send(cell, RIGHT["gd-step-sign"])["trouble"].startswith("Your answers are kept for this")
    assert new_cell("gd-step-sign").result["tone"] == "right"


def test_a_question_can_be_read_without_a_widget():
    data, _ = new_cell("gd-step-sign", kind="prediction")._repr_mimebundle_()

    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == "Predict before you run on: gd-step-sign (run this cell to answer)"
    assert data["text/markdown"] == "\n\n".join(
        [
            r"**Predict before you run on.** Which update lowers a smooth loss $L$ for a small "
            r"enough $\eta$?",
            "*Figure:* Two falling curves.",
            "*Choose one answer.*",
            "- (a) $w + \\eta\\,\\nabla L(w)$\n- (b) $w - \\eta\\,\\nabla L(w)$\n"
            "- (c) $w - \\eta\\,L(w)$",
        ]
    )


def test_a_static_reading_holds_code_and_never_the_stored_answer():
    send(new_cell("gd-never-settles"), RIGHT["gd-never-settles"])
    data, _ = new_cell("gd-never-settles")._repr_mimebundle_()

    assert "```python\nw = w + 0.1 * gradient(w)\n```" in data["text/markdown"]
    assert "downhill" not in data["text/markdown"]


def test_a_figure_is_drawn_into_the_cell_with_its_alt_text():
    figure = new_cell("gd-step-sign").face["figure"]

    assert figure["alt"] == "Two falling curves."
    assert figure["src"].startswith("data:image/png;base64,iVBORw0KGgo")


@pytest.fixture
def displayed(monkeypatch):
    """What the four calls of a lesson display."""
    from course_utils.quiz import cell

    shown = []
    monkeypatch.setattr(cell, "display", lambda thing, raw=False: shown.append(thing))
    return shown


def test_a_lesson_asks_and_lets_predict(displayed):
    assert quiz.ask("gd-step-sign") is None
    assert quiz.predict("gd-step-sign") is None
    assert [cell.face["legend"] for cell in displayed] == ["Question", "Predict before you run on"]
    assert [cell.face["button"] for cell in displayed] == ["Submit", "Commit"]


def test_objectives_are_listed_as_text(displayed):
    assert quiz.objectives("99_sample") is None
    (shown,) = displayed

    assert shown["text/markdown"] == shown["text/plain"]
    assert shown["text/plain"] == (
        "You will be able to\n\n- Write one step $w \\leftarrow w - \\eta\\,\\nabla L(w)$."
    )


def test_a_reveal_before_a_prediction_says_what_to_do(displayed):
    assert quiz.reveal("gd-step-sign") is None
    assert displayed == [{"text/markdown": NOT_PREDICTED, "text/plain": NOT_PREDICTED}]


@pytest.mark.parametrize(
    ("question_id", "response", "revealed"),
    [
        (
            "gd-step-sign",
            [2],
            "**You predicted:** $w - \\eta\\,L(w)$\n\nThe loss itself has no direction.",
        ),
        (
            "gd-never-settles",
            [0, 1],
            "**You predicted:** Take more steps; Subtract `gradient(w)`\n\nIt climbs further.\n\n"
            "Yes: downhill.\n\n2 of 4 choices are as they should be.",
        ),
        ("gd-one-step", "1000", "**You predicted:** 1000\n\n1000 is too large."),
    ],
)
def test_a_reveal_explains_the_first_prediction(displayed, question_id, response, revealed):
    cell = new_cell(question_id, kind="prediction")
    send(cell, response, "a1")
    send(cell, "5" if isinstance(response, str) else [3 if question_id == IDS[1] else 0], "a2")
    quiz.reveal(question_id)

    assert displayed[0]["text/markdown"] == revealed


def test_the_package_loads_without_its_widgets():
    script = (
        "import sys, course_utils.quiz, course_utils.quiz.store\n"
        "heavy = {'anywidget', 'ipywidgets', 'latex2mathml', 'numpy', 'matplotlib', 'tensorflow'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout == "[]\n"
