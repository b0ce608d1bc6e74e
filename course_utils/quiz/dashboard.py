"""The learner's progress as one picture and as lists in words; it is measured elsewhere.

Figures and banks are imported where they are used, because the first import of every lesson passes
through this module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .assessment import short_name
from .markup import to_markdown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .progress import LessonProgress, Mastery, Progress, Slip

MOST = 8
DRAWN_SLIPS = 5
COUNTED = {
    "exercises": "exercises solved",
    "questions": "questions mastered",
    "predictions": "predictions right",
}
EMPTY = (
    "Your record is empty. Answer a question, commit to a prediction or check an exercise, and it "
    "shows here."
)
ABOUT_LESSONS = (
    "A question is mastered when your newest answer to it is right. Of your predictions at a "
    "question the first one counts. A pause of ten minutes or more is left out of the time."
)
ABOUT_OBJECTIVES = (
    "How likely your answer about an objective is right, in percent, with the range that holds it "
    "with 80 % certainty. Few answers leave the range wide."
)
ABOUT_PICTURE = (
    "A row for each lesson. The dots are its objectives, with the numbers of the list below: the "
    "higher, the likelier a right answer, from 0 to 100 %. A line is the range of 80 % certainty, "
    "and a dash is an objective without an answer."
)
ABOUT_SLIPS = "One is mended when your newest answer there is right."
ABOUT_DRAWN_SLIPS = "Below them stand your most common mistakes; a hatched bar is mended."


class Section(NamedTuple):
    """A list under a heading, and what to know before reading it."""

    heading: str
    about: str
    lines: list[str]


def dashboard() -> None:
    """Display the learner's progress, what went wrong most often, and what is due for review."""
    from course_utils import figures

    from .cell import show
    from .progress import read_progress

    progress = read_progress()
    figures.show(picture(progress), caption(progress), quick=True)
    show("\n\n".join(map(_as_markdown, sections(progress, to_markdown))))


def _as_markdown(section: Section) -> str:
    items = "\n".join(f"- {line}" for line in section.lines)
    return "\n\n".join(filter(None, [f"**{section.heading}**", section.about, items]))


def caption(progress: Progress) -> str:
    """Say how far the learner is and how to read the picture; the lists say the rest in words."""
    parts = [summary(progress)]
    if progress.attempts:
        parts.append(ABOUT_PICTURE)
    if progress.slips:
        parts.append(ABOUT_DRAWN_SLIPS)
    return " ".join(parts)


def summary(progress: Progress) -> str:
    """Say in a few words how far the learner is."""
    if not progress.attempts:
        return EMPTY
    said = f"{', '.join(_counted(progress))} of active time."
    if progress.outdated:
        said += (
            f" Attempts at questions and exercises that have changed since: {progress.outdated}. "
            "They stay in your record and count as time only."
        )
    return said


def sections(progress: Progress, write: Callable[[str], str]) -> list[Section]:
    """Say in words all that the picture shows, and more; `write` renders a text of the bank."""
    from .review import review_text

    every = [
        Section("Lessons", ABOUT_LESSONS, lesson_lines(progress)),
        Section("Objectives", ABOUT_OBJECTIVES, objective_lines(progress)),
        Section("Most common mistakes", ABOUT_SLIPS, slip_lines(progress.slips)),
        Section("Wrong predictions", "", wrong_prediction_lines(progress, write)),
    ]
    return [
        *(part for part in every if part.lines),
        Section("Review", review_text(), []),
    ]


def lesson_lines(progress: Progress) -> list[str]:
    """Say how far each lesson is."""
    if not progress.attempts:
        return []
    return [f"{lesson.title}: {', '.join(_counted(lesson))}." for lesson in progress.lessons]


def _counted(whole: LessonProgress | Progress) -> list[str]:
    shares = ((getattr(whole, what), words) for what, words in COUNTED.items())
    return [*(f"{share} {words}" for share, words in shares if share.of), duration(whole.seconds)]


def objective_lines(progress: Progress) -> list[str]:
    """Say for each lesson how well its objectives are known."""
    if not progress.answered:
        return []
    return [f"{lesson.title}: {_known(lesson.objectives)}." for lesson in progress.lessons]


def _known(objectives: Sequence[Mastery]) -> str:
    """Say how well each objective is known, in the order in which they are drawn."""
    if not any(mastery.answers.of for mastery in objectives):
        names = ", ".join(short_name(mastery.objective) for mastery in objectives)
        return f"not answered yet ({names})"
    return "; ".join(
        f"{number} {short_name(mastery.objective)} {_percent(mastery.mean)} % "
        f"({' to '.join(map(_percent, mastery.interval))}), {mastery.answers} right"
        if mastery.answers.of
        else f"{number} {short_name(mastery.objective)}, not answered yet"
        for number, mastery in enumerate(objectives, 1)
    )


def slip_lines(slips: Sequence[Slip]) -> list[str]:
    """Say which mistakes that the course knows by name were made most often."""
    return _most(
        [f"{slip.name}, in {slip.where} ({slip.lesson}): {_times(slip)}." for slip in slips]
    )


def wrong_prediction_lines(progress: Progress, write: Callable[[str], str]) -> list[str]:
    """Say what was predicted wrongly most often."""
    said = []
    for wrong in progress.wrong_predictions:
        often = f" ({wrong.times} times)" if wrong.times > 1 else ""
        said.append(f"{wrong.lesson}, {wrong.where}: “{write(wrong.said)}”{often}")
    return _most(said)


def _most(lines: list[str]) -> list[str]:
    more = len(lines) - MOST
    return [*lines[:MOST], f"And {more} more."] if more > 0 else lines


def _times(slip: Slip) -> str:
    often = "once" if slip.times == 1 else f"{slip.times} times"
    return f"{often}, mended" if slip.mended else often


def duration(seconds: float) -> str:
    """Write a time in hours and minutes.

    >>> duration(0), duration(20), duration(3900)
    ('0 min', 'under 1 min', '1 h 5 min')
    """
    if 0 < seconds < 60:
        return "under 1 min"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


# Places in the picture: inches from its left edge, and rows below the first lesson.
ROW = 0.5
NAMES, SHARES, TIME, OBJECTIVES, OBJECTIVE = 1.75, (1.9, 3.45, 5.0), 6.5, 8.0, 0.28
WIDTH = 10.4
TITLE, HEADINGS, NUMBERS = -1.9, -1.1, -0.65


def picture(progress: Progress) -> Figure:
    """Draw a row for each lesson, and the most common mistakes below them.

    Most of the time goes into laying out and writing words: so the places are fixed, the words few.
    """
    from matplotlib.figure import Figure

    slips = progress.slips[:DRAWN_SLIPS]
    top, bottom = -2.4, len(progress.lessons) + (0.2 + 0.6 * len(slips) if slips else -0.4)
    fig = Figure(figsize=(WIDTH, ROW * (bottom - top)))
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set(xlim=(0, WIDTH), ylim=(bottom, top))
    message = f"{progress.exercises} exercises solved, {progress.questions} questions mastered"
    message = message if progress.attempts else "Nothing is answered yet"
    ax.text(0.1, TITLE, message, size=12, weight="bold", va="center")
    _draw_shares(ax, progress.lessons)
    _draw_times(ax, progress.lessons)
    _draw_objectives(ax, progress.lessons)
    _draw_slips(ax, slips, len(progress.lessons))
    return fig


def _draw_shares(ax: Axes, lessons: Sequence[LessonProgress]) -> None:
    """Draw each share as the filled part of a box; where there is nothing to count, no box."""
    from course_utils.figures import BLUE, GREY

    for row, lesson in enumerate(lessons):
        ax.text(NAMES, row, lesson.title, ha="right", va="center", size=10)
    for left, (what, words) in zip(SHARES, COUNTED.items(), strict=True):
        _head(ax, left, words)
        shares = [(row, getattr(lesson, what)) for row, lesson in enumerate(lessons)]
        shares = [(row, share) for row, share in shares if share.of]
        filled = [(left, row, 0.7 * share.done / share.of, 0.5) for row, share in shares]
        _boxes(ax, filled, facecolor=BLUE)
        whole = [(left, row, 0.7, 0.5) for row, _ in shares]
        _boxes(ax, whole, facecolor="none", edgecolor=GREY, linewidth=1)
        for row, share in shares:
            ax.text(left + 0.76, row, str(share), va="center", size=9.5)


def _draw_times(ax: Axes, lessons: Sequence[LessonProgress]) -> None:
    from course_utils.figures import BLUE

    _head(ax, TIME, "active time")
    longest = max(lesson.seconds for lesson in lessons)
    begun = [(row, lesson) for row, lesson in enumerate(lessons) if lesson.seconds]
    lengths = [0.5 * lesson.seconds / longest for _, lesson in begun]
    bars = [(TIME, row, length, 0.5) for (row, _), length in zip(begun, lengths, strict=True)]
    _boxes(ax, bars, facecolor=BLUE)
    for (row, lesson), length in zip(begun, lengths, strict=True):
        ax.text(TIME + length + 0.06, row, duration(lesson.seconds), va="center", size=9.5)


def _draw_objectives(ax: Axes, lessons: Sequence[LessonProgress]) -> None:
    """Draw the chance of a right answer upwards in each row, with the range of its uncertainty."""
    from course_utils.figures import BLUE, GREY

    _head(ax, OBJECTIVES, "objectives, 0 to 100 %")
    most = max(len(lesson.objectives) for lesson in lessons)
    for number in range(1, most + 1):
        ax.text(_place(number), NUMBERS, str(number), color=GREY, ha="center", va="center", size=8)
    widths = [OBJECTIVE * len(lesson.objectives) for lesson in lessons]
    rows = [(OBJECTIVES, row, width, 0.84) for row, width in enumerate(widths)]
    _boxes(ax, rows, facecolor="#F0F0F0")
    known, unknown = [], []
    for row, lesson in enumerate(lessons):
        for number, mastery in enumerate(lesson.objectives, 1):
            if mastery.answers.of:
                heights = [_height(row, chance) for chance in (mastery.mean, *mastery.interval)]
                known.append((_place(number), *heights))
            else:
                unknown.append((_place(number), row))
    if known:
        places, means, lows, highs = zip(*known, strict=True)
        ax.vlines(places, lows, highs, color=BLUE, linewidth=1.5)
        ax.plot(places, means, "o", color=BLUE, markersize=3.5)
    if unknown:
        ax.plot(*zip(*unknown, strict=True), "_", color=GREY, markersize=7)


def _boxes(ax: Axes, boxes: Sequence[tuple[float, float, float, float]], **look) -> None:
    """Draw boxes, each (left, middle, width, height), as one artist: bars would take far longer."""
    from matplotlib.collections import PolyCollection

    corners = [
        [(x, y - high / 2), (x, y + high / 2), (x + wide, y + high / 2), (x + wide, y - high / 2)]
        for x, y, wide, high in boxes
    ]
    ax.add_collection(PolyCollection(corners, **look), autolim=False)


def _head(ax: Axes, place: float, words: str) -> None:
    ax.text(place, HEADINGS, words, size=9, weight="bold", va="center")


def _place(number: int) -> float:
    return OBJECTIVES + OBJECTIVE * (number - 0.5)


def _height(row: int, chance: float) -> float:
    """Return where a chance stands in its row, 0 at the foot and 1 at the head."""
    return row + 0.42 - 0.84 * chance


def _draw_slips(ax: Axes, slips: Sequence[Slip], below: int) -> None:
    """Draw how often a mistake was made, hatched where it is mended."""
    from course_utils.figures import ORANGE

    if slips:
        ax.text(0.1, below - 0.15, "most common mistakes", size=9, weight="bold", va="center")
    for row, slip in enumerate(slips):
        y = below + 0.6 * (row + 0.5)
        look = {"facecolor": "white", "hatch": "/////"} if slip.mended else {"facecolor": ORANGE}
        length = 1.6 * slip.times / slips[0].times
        ax.barh(y, length, 0.4, NAMES - length, edgecolor=ORANGE, **look)
        ax.text(
            SHARES[0], y, f"{slip.name}, in {slip.where}: {_times(slip)}", va="center", size=9.5
        )
