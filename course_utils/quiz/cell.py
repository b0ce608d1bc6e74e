"""The quiz cell: one question as a widget that marks in the kernel, and as a text to read.

The browser gets the key never, and the feedback only of what the learner has answered.
"""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import traitlets
from IPython.display import display

from .attempts import Attempt
from .drawings import find_figure
from .grading import Drawn, InvalidResponse, Mark, draw, mark, parse_number
from .markup import number, to_html, to_markdown, to_text
from .questions import Bank, Question
from .store import open_store

LEGENDS = {"question": "Question", "prediction": "Predict before you run on"}
BUTTONS = {"question": "Submit", "prediction": "Commit"}
HOW_TO_ANSWER = {
    "single": "Choose one answer.",
    "multiple": "Tick every answer that is right.",
    "numeric": "Answer with a number.",
}
NOTED = "Now run the next cells to find out."
NOTED_AGAIN = "Your first prediction stays the one that counts. Now run the next cells."
KEPT = "The feedback comes at the end of the exam."
NOT_PREDICTED = (
    "Commit to a prediction in the cell above, run this cell again, and it tells you how your "
    "prediction compares."
)


class QuizCell(anywidget.AnyWidget):
    """A question to answer in a notebook.

    A `kind` "question" is answered as often as the learner likes, with feedback each time. A
    "prediction" is noted without feedback, and the first one counts. `seed` draws the numbers and
    the order of the options; by default it derives from the question's id. In an `exam` the first
    answer stands, and its feedback waits for `finish`. `legend` is what stands above the question.
    """

    _esm = Path(__file__).with_name("cell.js")
    _css = Path(__file__).with_name("cell.css")

    face = traitlets.Dict().tag(sync=True)
    result = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)

    def __init__(
        self,
        question: Question,
        kind: str = "question",
        seed: int | None = None,
        exam: bool = False,
        legend: str | None = None,
    ):
        """Draw the question and look up what the learner answered before."""
        if kind not in LEGENDS:
            raise ValueError(f"kind must be one of {', '.join(LEGENDS)}, got {kind!r}")
        self._drawn = draw(question, seed)
        self._kind = kind
        self._exam = exam
        self._answer: tuple[str, list[int] | float] | None = None
        super().__init__(
            face=_face(self._drawn, kind) | {"legend": legend or LEGENDS[kind]},
            result=None if exam else self._earlier_result(),
        )
        self.on_msg(self._answered)

    def finish(self) -> float | None:
        """End the exam for this question: give its feedback, return its score (None if open)."""
        if self._answer is None:
            self.result = {"attempt": "", "tone": "note", "title": "Not answered", "final": True}
            return None
        self.result = self._result(*self._answer) | {"final": True}
        return mark(self._drawn, self._answer[1]).score

    def _earlier_result(self) -> dict | None:
        attempt = earlier(self._drawn, self._kind)
        if attempt is None:
            return None
        note = "Your earlier answer" if self._kind == "question" else "Your prediction"
        return self._result(attempt.id, attempt.response) | {"note": note}

    def _answered(self, _cell, message: dict, _buffers) -> None:
        attempt_id, shown = message["attempt"], message["response"]
        if self.result and self.result.get("final"):
            self.result = self.result | {"attempt": attempt_id}
            self.send_state("result")
            return
        try:
            result = self._recorded(attempt_id, _response(self._drawn, shown))
        except InvalidResponse as fault:
            result = {"attempt": attempt_id, "tone": "note", "body": html.escape(str(fault))}
        if result == self.result:  # a retry: the browser has not heard of it yet
            self.send_state("result")
        self.result = result

    def _recorded(self, attempt_id: str, response: list[int] | float) -> dict:
        verdict = mark(self._drawn, response)
        store = open_store()
        store.record(
            attempt_id=attempt_id,
            kind=self._kind,
            item=self._drawn.question.id,
            content_hash=self._drawn.question.content_hash,
            seed=self._drawn.seed,
            response=response,
            score=verdict.score,
            mistake=verdict.mistake,
        )
        if self._exam:
            self._answer = attempt_id, response
            result = self._noted(attempt_id, response, KEPT) | {"final": True}
        else:
            result = self._result(attempt_id, response)
        return result | {"trouble": store.trouble} if store.trouble else result

    def _noted(self, attempt_id: str, response: list[int] | float, body: str) -> dict:
        """What the browser may know of an answer whose feedback is to come."""
        shown = _shown(self._drawn, response)
        return {
            "attempt": attempt_id,
            "shown": shown,
            "tone": "note",
            "title": "Noted.",
            "body": body,
        }

    def _result(self, attempt_id: str, response: list[int] | float) -> dict:
        """What the browser may know about an answer."""
        if self._kind == "prediction":
            first = earlier(self._drawn, self._kind)
            # It is None where the record cannot be read.
            counts = first is None or first.id == attempt_id
            return self._noted(attempt_id, response, NOTED if counts else NOTED_AGAIN)
        verdict = mark(self._drawn, response)
        return {
            "attempt": attempt_id,
            "shown": _shown(self._drawn, response),
            "tone": "right" if verdict.right else "wrong",
            "title": "Correct" if verdict.right else "Not yet",
            "body": _feedback(self._drawn, verdict),
        }

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        question_id = self._drawn.question.id
        data["text/plain"] = f"{LEGENDS[self._kind]}: {question_id} (run this cell to answer)"
        data["text/markdown"] = static_reading(self._drawn, self._kind)
        return data, metadata


class Panel(ipywidgets.VBox):
    """Widgets below each other; where no widget runs, `reading` says what would be there."""

    def __init__(self, children: Sequence[ipywidgets.Widget], reading: str):
        """Lay the widgets out; they may be exchanged later through `children`."""
        self._reading = reading
        super().__init__(children, layout={"overflow": "visible"})

    def _repr_mimebundle_(self, **kwargs):
        data = super()._repr_mimebundle_(**kwargs)
        return data | {"text/plain": self._reading, "text/markdown": self._reading}


def earlier(drawn: Drawn, kind: str) -> Attempt | None:
    """Return the attempt that counts: the first prediction, or the latest answer."""
    question = drawn.question
    attempts = [
        attempt
        for attempt in open_store().attempts(question.id, kind)
        if (attempt.content_hash, attempt.seed) == (question.content_hash, drawn.seed)
        and _can_be_shown(drawn, attempt.response)
    ]
    return attempts[0 if kind == "prediction" else -1] if attempts else None


def _can_be_shown(drawn: Drawn, response: Any) -> bool:
    """Whether a response, which may be an imported one, is of a kind that the question can get."""
    try:
        mark(drawn, response)
        _shown(drawn, response)
    except Exception:  # what was imported may be anything
        return False
    return True


def static_reading(drawn: Drawn, kind: str) -> str:
    """Return the question as Markdown, for where no widget runs."""
    question = drawn.question
    parts = [f"**{LEGENDS[kind]}.** {to_markdown(drawn.stem)}"]
    if drawn.code:
        parts.append(f"```python\n{drawn.code.strip(chr(10))}\n```")
    if question.figure:
        parts.append(f"*Figure:* {to_markdown(question.alt)}")
    parts.append(f"*{HOW_TO_ANSWER[question.type]}*")
    if drawn.order:
        texts = (to_markdown(question.options[place].text) for place in drawn.order)
        parts.append("\n".join(f"- ({chr(97 + i)}) {text}" for i, text in enumerate(texts)))
    return "\n\n".join(parts)


def revealed(question: Question) -> str:
    """Return as Markdown what was predicted first and the feedback that it earns."""
    drawn = draw(question)
    attempt = earlier(drawn, "prediction")
    if attempt is None:
        return NOT_PREDICTED
    verdict = mark(drawn, attempt.response)
    if question.type == "numeric":
        said = number(attempt.response)
    else:
        said = "; ".join(to_markdown(option) for option, _ in verdict.remarks)
    outcome = [to_markdown(feedback) for _, feedback in verdict.remarks]
    if verdict.right and not outcome:
        outcome = ["That is right."]
    summary = [verdict.summary] if verdict.summary else []
    return "\n\n".join([f"**You predicted:** {said}", *outcome, *summary])


def listed(bank: Bank) -> str:
    """Return the objectives of a bank as a Markdown list."""
    items = "\n".join(f"- {to_markdown(objective.text)}" for objective in bank.objectives)
    return f"You will be able to\n\n{items}"


def show(thing: QuizCell | Panel | str) -> None:
    """Display a quiz cell, a panel, or a Markdown text that is readable as plain text too."""
    if isinstance(thing, str):
        display({"text/markdown": thing, "text/plain": thing}, raw=True)
    else:
        display(thing)


def _face(drawn: Drawn, kind: str) -> dict:
    """What the browser knows of a question before it is answered.

    `spoken` names its parts to a screen reader: a name made of MathML would lose the structure.
    """
    question = drawn.question
    options = [question.options[place].text for place in drawn.order]
    return {
        "type": question.type,
        "legend": LEGENDS[kind],
        "button": BUTTONS[kind],
        "stem": to_html(drawn.stem),
        "code": drawn.code and drawn.code.strip("\n"),
        "figure": question.figure and {"src": _png(question.figure), "alt": question.alt},
        "how": HOW_TO_ANSWER[question.type],
        "options": [to_html(option) for option in options],
        "spoken": {"stem": to_text(drawn.stem), "options": [to_text(option) for option in options]},
    }


def _png(name: str) -> str:
    """Draw a registered figure into a data address, and leave no figure open behind it."""
    import matplotlib.pyplot as plt

    drawing, buffer = find_figure(name)(), io.BytesIO()
    drawing.savefig(buffer, format="png", dpi=144, bbox_inches="tight")
    plt.close(drawing)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _response(drawn: Drawn, shown: list[int] | str) -> list[int] | float:
    """Turn what the browser sends, places on the screen or typed text, into a response."""
    if drawn.question.type == "numeric":
        return parse_number(shown)
    return sorted(drawn.order[place] for place in shown)


def _shown(drawn: Drawn, response: list[int] | float) -> list[int] | str:
    """Turn a response back into what the browser shows as chosen."""
    if drawn.question.type == "numeric":
        return f"{response:.15g}"
    return [drawn.order.index(place) for place in response]


def _feedback(drawn: Drawn, verdict: Mark) -> str:
    """Return the HTML of what a response has earned."""
    several = drawn.question.type == "multiple"
    remarks = [
        f"<p>{f'<strong>{to_html(about)}</strong><br>' if several else ''}{to_html(feedback)}</p>"
        for about, feedback in verdict.remarks
    ]
    summary = f"<p>{html.escape(verdict.summary)}</p>" if verdict.summary else ""
    return summary + "".join(remarks)
