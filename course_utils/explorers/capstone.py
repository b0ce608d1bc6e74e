"""The explorers of lesson 07: a game of tuning under a budget, and broken runs to mend."""

from dataclasses import asdict, dataclass, field

import numpy as np

from course_utils import figures
from course_utils.explorers.capstone_faults import (
    EPOCHS,
    FAULTS,
    REMEDIES,
    RUNS,
    SOUND,
    Curves,
    Training,
    curves,
)
from course_utils.explorers.capstone_problems import (
    BATCHES,
    BUDGET,
    OPTIMIZERS,
    RATE_EXPONENTS,
    SCHEDULES,
    STRENGTH_EXPONENTS,
    TASKS,
    Settings,
    Task,
    final_score,
    validation_score,
)
from course_utils.explorers.capstone_searches import BASELINES, SEARCHES
from course_utils.explorers.controls import again_button, choice, log_slider
from course_utils.explorers.explorer import Explorer
from course_utils.explorers.stage import Stage
from course_utils.explorers.wording import three_figures
from course_utils.quiz.store import open_store

# The tuning game


@dataclass
class Game:
    """One game as it stands: the runs, and the test once it is opened.

    Args:
        number: counted from 1; a new game adds one.
        seen: whether a test set was opened in an earlier game.
        runs: settings and validation scores, in order.
        tested: how many runs there were when the test set was opened; None before.
    """

    number: int = 1
    seen: bool = False
    runs: list[tuple[Settings, float]] = field(default_factory=list)
    tested: int | None = None

    def best(self, task: Task) -> tuple[int, Settings, float]:
        """Return number, settings and score of the best run that counts."""
        counted = self.runs[: self.tested]
        scores = [score for _, score in counted]
        best = int(np.argmin(scores) if task.costs else np.argmax(scores))
        return best + 1, *counted[best]

    def next(self) -> "Game":
        """Return a new game."""
        return Game(self.number + 1, self.seen or self.tested is not None)


def item_of(task: Task) -> str:
    """Return the name under which the record keeps the runs of a task."""
    return f"tuning game, {task.name}"


def stored_game(task: Task) -> Game:
    """Return the last game in the learner's record, or a first one."""
    game = Game()
    for attempt in open_store().attempts(item_of(task), kind="run"):
        if attempt.content_hash != task.content_hash:
            continue
        told = attempt.response
        while game.number < told["game"]:
            game = game.next()
        # Two machines on one record can spend more runs, or open the test set twice.
        if told["part"] == "run" and len(game.runs) < BUDGET:
            game.runs.append((Settings(**told["settings"]), attempt.score))
        if told["part"] == "test" and game.runs and game.tested is None:
            game.tested = len(game.runs)
    return game


def record(task: Task, game: Game, part: str, settings: Settings, score: float) -> None:
    """Keep one run, or the opening of the test set, in the learner's record."""
    open_store().record(
        kind="run",
        item=item_of(task),
        content_hash=task.content_hash,
        response={"game": game.number, "part": part, "settings": asdict(settings)},
        score=score,
    )


MARKERS = {
    "SGD": (*figures.OPTIMIZER_STYLES["SGD"], "circle"),
    "Momentum": (*figures.OPTIMIZER_STYLES["Momentum"], "triangle"),
    "Adam": (*figures.OPTIMIZER_STYLES["Adam"], "square"),
    "AdamW": (figures.SKY, "dashed", "diamond"),
}
NUMBERS = np.arange(1, BUDGET + 1)
TEST_AT = BUDGET + 1


def tuning_game(task: str = "digits") -> Explorer:
    """Tune a training with twelve runs, against random search, then open the test set once.

    The runs are kept in the learner's record, and a game goes on where it was left.

    Args:
        task: "digits", "breast cancer", "rare events" or "text"; the texts are gathered from the
            installed libraries, which takes a few seconds the first time.
    """
    if task not in TASKS:
        raise ValueError(f"task must be one of {', '.join(TASKS)}, got {task!r}")
    task = TASKS[task]
    task.parts()  # loaded now, so that no run waits for the data
    fig, (by_run, by_rate) = figures.subplots(columns=2, size=(9.8, 4.6), width_ratios=(1.25, 1))
    by_run.set(title="Best so far: up is better", xlabel="run", xlim=(0.5, BUDGET + 1.6))
    by_run.set(xticks=[*NUMBERS[::2], TEST_AT], xticklabels=[*map(str, NUMBERS[::2]), "test"])
    rates = 10.0 ** np.array(RATE_EXPONENTS)
    by_rate.set(title="Your runs by learning rate", xlabel="learning rate", xscale="log")
    by_rate.set(xlim=(rates[0] / 1.3, rates[1] * 1.3))
    for ax in (by_run, by_rate):
        score_axis(ax, task)
    stage = Stage(fig, name=f"Validation scores on {task.name} by run and by learning rate")
    first = task.default
    optimizer = choice("Optimizer", list(OPTIMIZERS), first.optimizer)
    schedule = choice("Schedule", list(SCHEDULES), first.schedule)
    batch = choice("Batch size", BATCHES, first.batch)
    rate = log_slider("Learning rate", first.rate, *RATE_EXPONENTS)
    strength = log_slider("L2, or decay of AdamW: λ", first.strength, *STRENGTH_EXPONENTS, 0.25)
    run = again_button(f"Run (costs 1 of {BUDGET})")
    test = again_button("Open the test set (once)")
    anew = again_button("New game")
    now = {"game": stored_game(task)}

    def update():
        settings = Settings(
            optimizer.value, rate.value, schedule.value, batch.value, strength.value
        )
        game = now["game"]
        if anew.take_press():
            game = now["game"] = game.next()
        if run.take_press() and len(game.runs) < BUDGET:
            score = validation_score(task.name, settings)
            game.runs.append((settings, score))
            record(task, game, "run", settings, score)
        if test.take_press() and game.runs and game.tested is None:
            game.tested = len(game.runs)
            _, chosen, _ = game.best(task)
            record(task, game, "test", chosen, final_score(task.name, chosen).score)
        run.disabled = len(game.runs) >= BUDGET
        test.disabled = not game.runs or game.tested is not None
        draw_comparison(stage, by_run, task)
        draw_runs(stage, by_run, by_rate, task, game)
        grey = {"color": figures.GREY, "dash": "dotted", "width": 1}
        stage.curve("next", by_rate, [rate.value] * 2, by_rate.get_ylim(), **grey)
        stage.say(" ".join(standing(task, game, settings)))

    return Explorer(stage, [optimizer, rate, schedule, batch, strength, run, test, anew], update)


def score_axis(ax, task: Task) -> None:
    """Give an axes a scale on which good scores stand apart, the best ones on top."""
    ticks = [100, 150, 200, 300, 500, 1000] if task.costs else [1, 2, 5, 10, 20, 50, 100]
    ax.set(yscale="log", ylim=(2000, 80) if task.costs else (120, 0.7))
    ax.set_yticks(ticks, [f"{tick:,}" if task.costs else f"{100 - tick}" for tick in ticks])
    ax.minorticks_off()
    ax.set_ylabel("cost per 1,000 payments" if task.costs else f"right in 100 {task.things}")


def height(task: Task, scores) -> np.ndarray:
    """Return where scores stand on that scale: costs, or wrong answers in 100; never 0."""
    scores = np.asarray(scores, dtype=float)
    return scores if task.costs else np.maximum(100 - scores, 0.5)


def draw_comparison(stage: Stage, ax, task: Task) -> None:
    """Draw the baseline and how random searches get on."""
    across = ax.get_xlim()
    look = {"color": figures.PURPLE, "dash": "dashdot", "width": 1.5}
    baseline = height(task, [BASELINES[task.name].logistic] * 2)
    stage.curve("baseline", ax, across, baseline, label="logistic regression", **look)
    lower, median, upper = random_progress(task)
    grey = {"color": figures.GREY, "width": 1.2}
    labels = {"label": f"{len(SEARCHES[task.name])} random searches: median"}
    stage.curve("random", ax, NUMBERS, height(task, median), dash="dashed", **labels, **grey)
    quartiles = height(task, np.stack([lower, upper]))
    label = {"label": "their middle half lies between"}
    stage.curve("quartiles", ax, NUMBERS, quartiles, dash="dotted", **label, **grey)


def random_progress(task: Task) -> np.ndarray:
    """Return the quartiles of random searches' best scores by run, shape (3, BUDGET)."""
    best = task.best_so_far(np.array(SEARCHES[task.name], dtype=float))
    return np.quantile(best, [0.25, 0.5, 0.75], axis=0)


def draw_runs(stage: Stage, by_run, by_rate, task: Task, game: Game) -> None:
    """Draw the learner's runs, the best so far, and the test score once it is known."""
    for key in ("best", "runs", "late", "test", "interval", *MARKERS):
        stage.remove(key)
    if not game.runs:
        return
    counted = len(game.runs[: game.tested])
    scores = np.array([score for _, score in game.runs])
    heights = height(task, scores)
    best = height(task, task.best_so_far(scores[:counted]))
    look = {"color": figures.BLACK, "width": 2}
    stage.curve("best", by_run, NUMBERS[:counted], best, label="your best so far", **look)
    stage.dots("runs", by_run, NUMBERS[:counted], heights[:counted], color=figures.BLACK, size=6)
    late = NUMBERS[counted : len(scores)]
    stage.dots("late", by_run, late, heights[counted:], color="#B0B0B0", size=6)
    for name, (color, dash, marker) in MARKERS.items():
        own = [place for place, (settings, _) in enumerate(game.runs) if settings.optimizer == name]
        if own:
            rates = np.array([[game.runs[place][0].rate] for place in own])
            look = {"color": color, "dash": dash, "marker": marker, "width": 3}
            stage.curve(name, by_rate, rates, heights[own][:, None], label=name, **look)
    if game.tested is not None:
        _, chosen, _ = game.best(task)
        final = final_score(task.name, chosen)
        green = {"color": figures.GREEN, "dash": "dotted", "label": "test, 95 % interval"}
        ends = height(task, [final.low, final.high])
        stage.curve("interval", by_run, [TEST_AT] * 2, ends, **green)
        stage.dots(
            "test", by_run, [TEST_AT], height(task, [final.score]), color=figures.GREEN, size=8
        )


def standing(task: Task, game: Game, settings: Settings) -> list[str]:
    """Say in words what there is to beat, how the game stands and what comes next."""
    _, median, _ = random_progress(task)
    unit = f"Cost per 1,000 {task.things}" if task.costs else f"{task.things.capitalize()} right"
    baselines = BASELINES[task.name]
    said = []
    if game.seen:
        said.append(
            f"Game {game.number}: the test set has been seen, so its next score flatters you."
        )
    if game.runs:
        number, chosen, score = game.best(task)
        last, told = game.runs[-1]
        said.append(f"Run {len(game.runs)}: {task.write(told)} with {last}.")
        by_then = task.write(median[len(game.runs[: game.tested]) - 1])
        said.append(f"Best: run {number}, {task.write(score)}; random search by then {by_then}.")
    if game.tested is not None:
        said.append(verdict(task, chosen, score, len(game.runs) - game.tested))
    left = BUDGET - len(game.runs)
    said.append(f"Next, {left} left: {settings}." if left else f"All {BUDGET} runs are spent.")
    said.append(
        f"{unit} in validation: always the commonest class {task.write(baselines.majority)}, "
        f"logistic regression {task.write(baselines.logistic)}, random search "
        f"{task.write(median[-1])} (median after {BUDGET} runs)."
    )
    return said


def verdict(task: Task, chosen: Settings, score: float, late: int) -> str:
    """Say in words what the test set says about the chosen run."""
    final = final_score(task.name, chosen)
    after = f" {late} later runs do not count." if late > 1 else " A later run does not count."
    return (
        f"Test: {task.write(final.score)}, 95 % interval {task.write(final.low)} to "
        f"{task.write(final.high)}; on validation it had {task.write(score)}. Logistic regression "
        f"has {task.write(BASELINES[task.name].logistic_on_test)} on the same test set."
        f"{after if late else ''}"
    )


# Broken runs

OPEN, NOTHING = "I look for it", "nothing yet"
LOSS_WINDOW = (5e-3, 1e3)


def broken_runs() -> Explorer:
    """Eight trainings that went wrong: find the fault in the curves, and mend it."""
    fig, axes = figures.subplots(rows=2, columns=2, size=(9.4, 6.2), sharex=True, sharey="row")
    titles = ("The run", "The same run after your remedy")
    for column, title in zip(axes.T, titles, strict=True):
        column[0].set(title=title, yscale="log", ylim=LOSS_WINDOW, xlim=(0, EPOCHS))
        column[0].axhline(np.log(10), color="#888888", linewidth=0.8, linestyle=":")
        column[1].set(ylim=(-2, 104), xlabel="epoch")
        column[1].axhline(10, color="#888888", linewidth=0.8, linestyle=":")
    axes[0, 0].set_ylabel("loss (dotted: guessing)")
    axes[1, 0].set_ylabel("accuracy in % (dotted: guessing)")
    axes[0, 0].minorticks_off()
    stage = Stage(fig, name="Losses and accuracies of a broken run and of the same run mended")
    shown = choice("Run", list(RUNS), "Run 1")
    suspected = choice("What is wrong?", [OPEN, *FAULTS], OPEN)
    remedy = choice("Mend it by", [NOTHING, *REMEDIES], NOTHING)

    def update():
        fault = RUNS[shown.value]
        broken = FAULTS[fault].training
        remedy.disabled = suspected.value == OPEN  # a guess comes before the cure
        draw_training(stage, "run", axes[:, 0], curves(broken), labelled=True)
        said = [f"{shown.value}: {ending(curves(broken))}."]
        if suspected.value == OPEN:
            said.append("What is wrong?")
        else:
            said.append(diagnosis(suspected.value, fault))
        if remedy.value == NOTHING:
            for key in (*CURVE_KEYS, "NaN"):
                stage.remove(f"mended {key}")
        else:
            mended = REMEDIES[remedy.value](broken)
            draw_training(stage, "mended", axes[:, 1], curves(mended))
            said.append(healing(fault, broken, mended))
        stage.say(" ".join(said))

    return Explorer(stage, [shown, suspected, remedy], update)


CURVE_KEYS = ("loss", "validation loss", "accuracy", "validation accuracy")


def draw_training(stage: Stage, name: str, column, run: Curves, labelled: bool = False) -> None:
    """Draw the four curves of a training in a column of axes."""
    looks = (
        {"color": figures.BLUE, "width": 2.4, "label": "training"},
        {"color": figures.ORANGE, "dash": "dashed", "label": "validation"},
    )
    losses = np.clip(run[:2], *LOSS_WINDOW)
    for place, (key, values) in enumerate(zip(CURVE_KEYS, (*losses, *run[2:]), strict=True)):
        look = looks[place % 2] | ({} if labelled and place < 2 else {"label": None})
        stage.curve(f"{name} {key}", column[place // 2], range(EPOCHS + 1), values, **look)
    lost = np.flatnonzero(np.isnan(run.losses))
    if len(lost):
        stage.text(f"{name} NaN", column[0], lost[0] + 0.5, 200, "NaN from here on")
    else:
        stage.remove(f"{name} NaN")


def ending(run: Curves) -> str:
    """Say in words where a training begins and ends."""
    return (
        f"the training loss goes from {loss(run.losses[0])} to {loss(run.losses[-1])}, the "
        f"validation loss to {loss(run.validation_losses[-1])}; at the end "
        f"{run.accuracies[-1]:.1f} % of the training images and "
        f"{run.validation_accuracies[-1]:.1f} % of the validation images are right"
    )


def loss(value: float) -> str:
    """Write a loss, and one that is off the picture as such.

    >>> loss(2.3026), loss(1e20), loss(float("nan"))
    ('2.3', 'above 1,000', 'no number (NaN)')
    """
    if np.isnan(value):
        return "no number (NaN)"
    return f"above {LOSS_WINDOW[1]:,.0f}" if value > LOSS_WINDOW[1] else three_figures(value)


def diagnosis(suspected: str, fault: str) -> str:
    """Say in words whether the curves show the suspected fault."""
    sign = FAULTS[suspected].sign
    if suspected == fault:
        return f"Found: {sign}."
    return f"No. If that were it, you would see this: {sign}."


def healing(fault: str, broken: Training, mended: Training) -> str:
    """Say in words what a remedy did."""
    if mended == SOUND:
        return f"Mended. {FAULTS[fault].cure}. Now {ending(curves(mended))}."
    if mended == broken:
        return "This remedy changes nothing: the run was like that already."
    return f"Not mended: now {ending(curves(mended))}."
