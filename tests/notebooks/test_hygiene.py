"""What every committed notebook must be beyond running: clean, complete and true to its banks."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

from course_utils.exercises import EXERCISES
from course_utils.places import shipped
from course_utils.quiz.practice import ASKED_IN_ITS_PLACE

NOTEBOOKS = sorted(shipped("notebooks").glob("*.ipynb"))
# A lesson begins with its number; what does not has no bank and states no time.
NUMBERED = [path for path in NOTEBOOKS if path.stem[0].isdigit()]
LESSONS = [path for path in NUMBERED if not path.stem.startswith("00")]

KNOWN_TAGS: set[str] = set()
LARGEST = 1_500_000  # bytes
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
ABSOLUTE_PATH = re.compile(
    r"(?<![\w./:])/(?:tmp|root|home|work|usr|opt|var|mnt|private|Users)/|\b[A-Z]:\\+(?:Users|Windows)"
)
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
REPR = re.compile(r"[\[(]*<[\w.]+[^<>]*>[\])]*,?")
WORDS_PER_MINUTE, MINUTES_PER_EXPLORER, MINUTES_PER_CHECK = 150, 2, 5
LONGEST_CORE = 50  # minutes
LONGEST_VALUE = 300  # characters at the end of a cell that a reader can take in


def code_cells(book):
    return [cell for cell in book["cells"] if cell["cell_type"] == "code"]


def source(cell):
    return "".join(cell["source"])


def outputs(book):
    """Each output with the number of its code cell."""
    for number, cell in enumerate(code_cells(book), 1):
        for output in cell["outputs"]:
            yield number, output


def texts(output):
    """What an output says in letters, whatever its kind."""
    data = output.get("data", {})
    kinds = [data[kind] for kind in data if kind.startswith("text/")]
    return ["".join(text) for text in [output.get("text", ""), *kinds]]


def calls(book):
    """Each call in the code cells as (cell number, call), in the order of the page."""
    for number, cell in enumerate(code_cells(book), 1):
        found = [node for node in ast.walk(ast.parse(source(cell))) if isinstance(node, ast.Call)]
        for call in sorted(found, key=lambda node: (node.lineno, node.col_offset)):
            yield number, call


def is_named(call, name):
    return isinstance(call.func, ast.Name) and call.func.id == name


def ids(book, name):
    """The first argument of each call of `name`, as (cell number, id); None if it is no literal."""
    for number, call in calls(book):
        if is_named(call, name):
            literal = call.args[0] if call.args else None
            yield number, literal.value if isinstance(literal, ast.Constant) else None


def is_explorer(call):
    """Whether a call shows an explorer: `explorers.descent().show()`."""
    func = call.func
    if not (isinstance(func, ast.Attribute) and func.attr == "show"):
        return False
    return not (isinstance(func.value, ast.Name) and func.value.id in {"figures", "plt"})


def core(book):
    """The notebook before its heading "Go further"."""
    cells = book["cells"]
    for place, cell in enumerate(cells):
        if cell["cell_type"] == "markdown" and re.search(r"^#+ +Go further", source(cell), re.M):
            return {**book, "cells": cells[:place]}
    return book


def minutes(book):
    """How long the core of a lesson takes a first reader, by the rule of the lesson guide."""
    book = core(book)
    markdown = [source(cell) for cell in book["cells"] if cell["cell_type"] == "markdown"]
    words = sum(len(text.split()) for text in markdown)
    shown = [call for _, call in calls(book)]
    return (
        words / WORDS_PER_MINUTE
        + MINUTES_PER_EXPLORER * sum(map(is_explorer, shown))
        + MINUTES_PER_CHECK * sum(is_named(call, "check") for call in shown)
        + sum(is_named(call, "ask") or is_named(call, "predict") for call in shown)
    )


# Each rule yields one sentence for each breach of it.


def breaches_of_running_in_one_go(book):
    counts = [cell["execution_count"] for cell in code_cells(book)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"the execution counts are {counts}, not 1 to {len(counts)}"


def breaches_of_silence(book):
    for number, output in outputs(book):
        if output["output_type"] == "error":
            yield f"code cell {number} stores the error {output['ename']}"
        if output.get("name") == "stderr":
            yield f"code cell {number} stores text from stderr"


def breaches_of_known_tags(book):
    for cell in book["cells"]:
        for tag in set(cell["metadata"].get("tags", [])) - KNOWN_TAGS:
            yield f"the tag {tag!r} is not known: {source(cell)[:40]!r}"


def breaches_of_clean_metadata(book):
    if "widgets" in book["metadata"]:
        yield "the state of widgets is stored in the metadata"
    if "version" in book["metadata"].get("language_info", {}):
        yield "the version of Python is stored in the metadata"
    if book["metadata"].get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not python3, which every learner has"
    for number, output in outputs(book):
        if WIDGET_VIEW in output.get("data", {}):
            yield f"code cell {number} stores a widget without the kernel that made it"


def breaches_of_readable_outputs(book):
    for number, output in outputs(book):
        for text in texts(output):
            if ABSOLUTE_PATH.search(text):
                yield f"code cell {number} prints an absolute path: {text[:80]!r}"
            if ADDRESS.search(text):
                yield f"code cell {number} prints an address in memory: {text[:80]!r}"
        data = output.get("data", {})
        seen = "".join(data.get("text/plain", "")).strip()
        if list(data) == ["text/plain"] and (REPR.fullmatch(seen) or len(seen) > LONGEST_VALUE):
            yield f"code cell {number} shows an object instead of what it says: {seen[:80]!r}"


def breaches_of_known_questions(book, bank_ids):
    for name in ("ask", "predict", "reveal"):
        for number, question in ids(book, name):
            if question not in bank_ids:
                yield f"code cell {number}: {name}({question!r}) is not in the lesson's bank"
    asked = [question for name in ("ask", "predict") for _, question in ids(book, name)]
    for question in sorted({str(question) for question in asked if asked.count(question) > 1}):
        yield f"the question {question!r} is asked more than once"


def breaches_of_predict_then_reveal(book):
    predicted, revealed = list(ids(book, "predict")), list(ids(book, "reveal"))
    for number, question in predicted:
        later = [place for place, of in revealed if of == question and place > number]
        if len(later) != 1:
            yield f"code cell {number}: predict({question!r}) has {len(later)} reveals after it"
        if not ASKED_IN_ITS_PLACE.search(str(question)):
            yield f"code cell {number}: practice would ask {question!r} before the lesson does"
    for number, question in revealed:
        if not any(of == question and place < number for place, of in predicted):
            yield f"code cell {number}: reveal({question!r}) has no predict before it"


def breaches_of_checking_each_exercise_once(book, exercise_ids):
    for name in ("check", "hint", "solution"):
        for number, exercise in ids(book, name):
            if exercise not in exercise_ids:
                yield f"code cell {number}: {name}({exercise!r}) is no exercise of this lesson"
    checked = [exercise for _, exercise in ids(book, "check")]
    for exercise in sorted(exercise_ids):
        if checked.count(exercise) != 1:
            yield f"the exercise {exercise!r} is checked {checked.count(exercise)} times, not once"


def breaches_of_six_to_eight_questions(book):
    asked = len(list(ids(book, "ask")))
    if not 6 <= asked <= 8:
        yield f"the lesson asks {asked} questions, not 6 to 8"


def breaches_of_assessing_each_lesson_once(book, lessons):
    assessed = [lesson for _, lesson in ids(book, "assess")]
    for lesson in lessons:
        if assessed.count(lesson) != 1:
            yield f"{lesson} is assessed {assessed.count(lesson)} times, not once"
    if len(list(ids(book, "assessment_result"))) != 1:
        yield "the result of the assessment is not shown once"


def breaches_of_captioned_figures(book):
    called = [(number, ast.unparse(call.func)) for number, call in calls(book)]
    for number in [number for number, name in called if name == "plt.show"]:
        yield f"code cell {number} calls plt.show, where figures.show adds a caption"
    with_caption = {"diagnosis", "assessment_result", "dashboard"}
    captioned = {n for n, name in called if name.endswith(".show") or name in with_caption}
    for number, output in outputs(book):
        if "image/png" in output.get("data", {}) and number not in captioned:
            yield f"code cell {number} shows a picture without a caption"


def breaches_of_the_stated_time(book):
    estimate = minutes(book)
    if estimate > LONGEST_CORE:
        yield f"the core takes {estimate:.1f} minutes, more than {LONGEST_CORE}"
    stated = re.search(r"about (\d+) minutes", source(book["cells"][0]))
    rounded = 5 * round(estimate / 5)
    if stated is None or int(stated[1]) != rounded:
        said = stated[0] if stated else "no time"
        yield f"the first cell states {said}, the estimate is about {rounded} ({estimate:.1f})"


RULES = [
    breaches_of_running_in_one_go,
    breaches_of_silence,
    breaches_of_known_tags,
    breaches_of_clean_metadata,
    breaches_of_readable_outputs,
    breaches_of_predict_then_reveal,
    breaches_of_captioned_figures,
]


def read(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def bank_ids(lesson):
    path = shipped("quizzes") / f"{lesson}.toml"
    bank = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {question["id"] for question in bank.get("question", [])}


def exercise_ids(lesson):
    return {exercise.id for exercise in EXERCISES.values() if exercise.lesson == lesson}


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@every_notebook
@pytest.mark.parametrize("rule", RULES)
def test_a_committed_notebook_keeps_the_rule(path, rule):
    assert list(rule(read(path))) == []


@pytest.mark.parametrize("path", NUMBERED, ids=lambda path: path.stem)
def test_a_lesson_states_its_time(path):
    assert list(breaches_of_the_stated_time(read(path))) == []


@every_notebook
def test_a_committed_notebook_is_small_enough(path):
    assert path.stat().st_size <= LARGEST


@every_notebook
def test_a_notebook_asks_questions_of_its_own_bank_and_each_only_once(path):
    assert list(breaches_of_known_questions(read(path), bank_ids(path.stem))) == []


@every_notebook
def test_a_notebook_checks_each_exercise_of_its_lesson_once(path):
    breaches = breaches_of_checking_each_exercise_once(read(path), exercise_ids(path.stem))
    assert list(breaches) == []


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_asks_six_to_eight_questions(path):
    assert list(breaches_of_six_to_eight_questions(read(path))) == []


def test_the_final_assessment_asks_about_each_lesson_once():
    capstone = next(path for path in LESSONS if path.stem.startswith("07"))
    others = [path.stem for path in LESSONS if path != capstone]
    assert list(breaches_of_assessing_each_lesson_once(read(capstone), others)) == []


# The rules themselves, on made-up notebooks: each has one defect.


def prose(text):
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code(text, *outputs, count=None, tags=()):
    return {
        "cell_type": "code",
        "metadata": {"tags": list(tags)} if tags else {},
        "source": text,
        "execution_count": count,
        "outputs": list(outputs),
    }


def notebook(*cells, **metadata):
    """A notebook whose code cells ran in order, but for those that say otherwise."""
    for number, cell in enumerate([cell for cell in cells if cell["cell_type"] == "code"], 1):
        cell["execution_count"] = cell["execution_count"] or number
    return {"cells": list(cells), "metadata": {"kernelspec": {"name": "python3"}, **metadata}}


def printed(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": [text]}


def displayed(**kinds):
    data = {kind.replace("_", "/", 1): text for kind, text in kinds.items()}
    return {"output_type": "display_data", "data": data, "metadata": {}}


PICTURE = displayed(image_png="iVBOR", text_plain="<IPython.core.display.Image object>")
WIDGET = {"output_type": "display_data", "metadata": {}, "data": {WIDGET_VIEW: {}}}
ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}

DEFECTS = [
    (breaches_of_running_in_one_go, notebook(code("1", count=2))),
    (breaches_of_running_in_one_go, notebook(code("1", count=1), code("2", count=1))),
    (breaches_of_silence, notebook(code("1", ERROR))),
    (breaches_of_silence, notebook(code("1", printed("beware", name="stderr")))),
    (breaches_of_known_tags, notebook(code("1", tags=["mine"]))),
    (breaches_of_clean_metadata, notebook(widgets={})),
    (breaches_of_clean_metadata, notebook(language_info={"version": "3.11.7"})),
    (breaches_of_clean_metadata, notebook(kernelspec={"name": "my-environment"})),
    (breaches_of_clean_metadata, notebook(code("1", WIDGET))),
    (breaches_of_readable_outputs, notebook(code("1", printed("saved to /home/ada/run")))),
    (breaches_of_readable_outputs, notebook(code("1", printed(r"saved to C:\Users\ada")))),
    (breaches_of_readable_outputs, notebook(code("1", printed("<function f at 0x7f2a>")))),
    (breaches_of_readable_outputs, notebook(code("1", displayed(text_plain="<Axes: >")))),
    (breaches_of_readable_outputs, notebook(code("1", displayed(text_plain="[0.1, " * 99)))),
    (
        breaches_of_readable_outputs,
        notebook(code("1", displayed(text_plain="[<matplotlib.lines.Line2D>]"))),
    ),
    (breaches_of_predict_then_reveal, notebook(code("predict('a-predict-b')"))),
    (
        breaches_of_predict_then_reveal,
        notebook(code("predict('a-predict-b'); reveal('a-predict-b')")),
    ),
    (
        breaches_of_predict_then_reveal,
        notebook(code("reveal('a-predict-b')"), code("predict('a-predict-b')")),
    ),
    (
        breaches_of_predict_then_reveal,
        notebook(
            code("predict('a-predict-b')"),
            code("reveal('a-predict-b')"),
            code("reveal('a-predict-b')"),
        ),
    ),
    (breaches_of_predict_then_reveal, notebook(code("predict('a')"), code("reveal('a')"))),
    (breaches_of_captioned_figures, notebook(code("plt.show()", PICTURE))),
    (breaches_of_captioned_figures, notebook(code("fig", PICTURE))),
    (breaches_of_six_to_eight_questions, notebook(*[code("ask('a')")] * 5)),
    (breaches_of_six_to_eight_questions, notebook(*[code("ask('a')")] * 9)),
    (breaches_of_the_stated_time, notebook(prose("No time is stated."))),
    (breaches_of_the_stated_time, notebook(prose("about 5 minutes " + "word " * 1200))),
    (breaches_of_the_stated_time, notebook(prose("about 55 minutes " + "word " * 8250))),
]


@pytest.mark.parametrize(("rule", "book"), DEFECTS)
def test_a_rule_finds_the_defect(rule, book):
    assert list(rule(book))


GOOD = notebook(
    prose("# A lesson\n\nabout 10 minutes\n\n" + "word " * 145),
    code("figures.show(fig, 'What it shows')", PICTURE, displayed(text_markdown="*What*")),
    code("predict('a-predict-b')", displayed(text_markdown="Which?", text_plain="Predict: a")),
    code("explorers.descent().show()", displayed(image_png="iVBOR", text_plain="A bowl.")),
    code(
        "reveal('a-predict-b')",
        printed("a < b and b > c, half and/or all; see https://x.org/home/a"),
    ),
    code("check('b', step)", printed("Not solved yet")),
    prose("## Go further\n\n" + "word " * 1500),
    code("check('c', step); explorers.noise().show()", displayed(text_plain="SGD(rate=0.1)")),
)


@pytest.mark.parametrize("rule", [*RULES, breaches_of_the_stated_time])
def test_a_good_notebook_keeps_the_rule(rule):
    assert list(rule(GOOD)) == []


def test_the_time_counts_the_core_and_not_what_goes_further():
    assert minutes(GOOD) == pytest.approx(151 / 150 + 2 + 5 + 1)


def test_a_question_must_stand_in_the_bank_and_be_asked_once():
    def breaches(*cells):
        return list(breaches_of_known_questions(notebook(*map(code, cells)), {"a", "b"}))

    assert breaches("ask('a')", "predict('b')", "reveal('b')") == []
    assert breaches("ask('z')")
    assert breaches("reveal('z')")
    assert breaches("ask(name)")
    assert breaches("ask('a')", "predict('a')")


def test_an_exercise_must_be_of_the_lesson_and_be_checked_once():
    def breaches(*cells):
        return list(breaches_of_checking_each_exercise_once(notebook(*map(code, cells)), {"a"}))

    assert breaches("check('a', f)", "hint('a')") == []
    assert breaches("check('a', f)", "check('a', f)")
    assert breaches("check('a', f)", "check('z', f)")
    assert breaches("check('a', f)", "solution('z')")
    assert breaches("hint('a')")


def test_each_lesson_must_be_assessed_once_and_the_result_be_shown():
    def breaches(*cells):
        book = notebook(*map(code, cells))
        return list(breaches_of_assessing_each_lesson_once(book, ["a", "b"]))

    assert breaches("assess('a')", "assess('b')", "assessment_result()") == []
    assert breaches("assess('a')", "assessment_result()")
    assert breaches("assess('a')", "assess('a')", "assess('b')", "assessment_result()")
    assert breaches("assess('a')", "assess('b')")


def test_six_to_eight_questions_are_enough():
    for asked in (6, 7, 8):
        book = notebook(*[code("ask('a')")] * asked)
        assert list(breaches_of_six_to_eight_questions(book)) == []
