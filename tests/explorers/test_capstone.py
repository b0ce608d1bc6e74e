from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from course_utils import datasets
from course_utils.descent import train
from course_utils.explorers import capstone as explorers
from course_utils.explorers import capstone_faults as faults
from course_utils.explorers import capstone_problems as problems
from course_utils.explorers.capstone_searches import BASELINES, SEARCHES
from course_utils.losses import binary_cross_entropy
from course_utils.networks import MLP, NetworkLoss
from course_utils.optimizers import SGD, AdamW
from course_utils.quiz.store import open_store
from course_utils.schedules import CosineDecay

TASKS = ("digits", "breast cancer", "rare events", "text")
CANCER = problems.TASKS["breast cancer"]
SETTINGS = problems.Settings("Momentum", 0.03, "cosine", 32, 1e-4)
WORSE = replace(SETTINGS, rate=1e-4)
GOOD = {
    "digits": problems.Settings("Adam", 0.025, "cosine", 16, 1e-4),
    "breast cancer": problems.Settings("AdamW", 0.004, "constant", 16, 1e-5),
    "rare events": problems.Settings("Adam", 0.025, "cosine", 16, 1e-4),
    "text": problems.Settings("Adam", 0.018, "constant", 32, 3.2e-5),
}


# The tasks and their scores


@pytest.mark.parametrize("name", ["digits", "breast cancer", "rare events"])
def test_half_of_the_training_part_is_for_validation_and_the_test_part_is_left_alone(name):
    load = {
        "digits": datasets.digits,
        "breast cancer": datasets.breast_cancer,
        "rare events": datasets.rare_events,
    }[name]
    training, validation, test = problems.TASKS[name].parts()
    data = load()
    assert len(validation.labels) == len(data.train_targets) // 2
    together = np.concatenate([validation.inputs, training.inputs])
    np.testing.assert_array_equal(together, data.train_inputs)
    together = np.concatenate([validation.labels, training.labels])
    np.testing.assert_array_equal(together, data.train_targets)
    np.testing.assert_array_equal(test.inputs, data.test_inputs)


def cancer_run(optimizer, l2=0.0, batch=32):
    data = datasets.breast_cancer()
    inputs, labels = data.train_inputs[213:], data.train_targets[213:, None].astype(float)
    network = MLP((30, 32, 1))
    objective = NetworkLoss(network, inputs, labels, binary_cross_entropy, l2=l2)
    return train(objective, optimizer, network.initial(0), 5, batch, seed=0).params


def test_a_run_trains_with_the_penalty_and_the_schedule_that_are_set():
    optimizer = SGD(CosineDecay(0.03, 35), momentum=0.9)
    settings = replace(SETTINGS, strength=0.05)
    expected = cancer_run(optimizer, l2=0.05)
    np.testing.assert_allclose(problems.trained("breast cancer", settings), expected)


def test_for_adamw_the_strength_is_its_weight_decay():
    settings = problems.Settings("AdamW", 0.01, "constant", 64, 0.5)
    expected = cancer_run(AdamW(0.01, weight_decay=0.5), batch=64)
    np.testing.assert_allclose(problems.trained("breast cancer", settings), expected)


@pytest.mark.parametrize("name", ["constant", "cosine", "warm-up, then cosine"])
def test_every_schedule_reaches_the_rate_that_is_set_and_no_more(name):
    schedule = problems.SCHEDULES[name](0.3, 100)
    rates = schedule(np.arange(101)) if callable(schedule) else np.full(101, schedule)
    assert rates.max() == pytest.approx(0.3)
    assert rates[-1] == pytest.approx(0.3 if name == "constant" else 0.0)
    assert rates.argmax() == (20 if name == "warm-up, then cosine" else 0)


def test_the_score_is_the_share_of_right_answers_in_percent():
    _, validation, _ = CANCER.parts()
    params = problems.trained("breast cancer", SETTINGS)
    logits = CANCER.network.predict(params, validation.inputs)[:, 0]
    right = sum((z > 0) == (label == 1) for z, label in zip(logits, validation.labels, strict=True))
    assert problems.validation_score("breast cancer", SETTINGS) == pytest.approx(100 * right / 213)


def test_for_several_classes_the_largest_output_answers():
    task = problems.TASKS["digits"]
    _, validation, _ = task.parts()
    params = task.network.initial(3)
    share = task.network.accuracy(params, validation.inputs, validation.labels)
    assert task.score(params, validation) == pytest.approx(100 * share)


def test_the_cost_of_payments_takes_the_threshold_that_pays():
    task = problems.TASKS["rare events"]
    _, validation, _ = task.parts()
    params = problems.trained("rare events", replace(SETTINGS, batch=256))
    probabilities = 1 / (1 + np.exp(-task.network.predict(params, validation.inputs)[:, 0]))
    alarm, fraud = probabilities > 1 / 51, validation.labels == 1
    cost = 50 * np.sum(fraud & ~alarm) + np.sum(alarm & ~fraud)
    assert 0 < np.sum(fraud & alarm) < np.sum(fraud)
    score = task.score(params, validation)
    assert score == pytest.approx(1000 * cost / len(fraud))


def test_the_cost_of_no_alarm_is_fifty_for_each_fraud():
    task = problems.TASKS["rare events"]
    _, validation, _ = task.parts()
    frauds = validation.labels.sum()
    assert task.majority() == pytest.approx(1000 * 50 * frauds / len(validation.labels))


@pytest.mark.parametrize("name", ["digits", "breast cancer", "rare events"])
def test_a_run_that_has_left_all_numbers_behind_has_a_score(name):
    task = problems.TASKS[name]
    params = np.full(task.network.size, np.nan)
    assert np.isfinite(task.score(params, task.parts()[1]))


def test_the_test_score_of_a_share_has_wilsons_interval():
    _, _, test = CANCER.parts()
    final = problems.final_score("breast cancer", SETTINGS)
    n = len(test.labels)
    p, z = final.score / 100, 1.96
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    ends = np.array([centre - half, centre + half]) / (1 + z**2 / n)
    assert (final.low, final.high) == pytest.approx(tuple(100 * ends), abs=0.01)
    assert final.low < final.score < final.high
    shown = CANCER.score(problems.trained("breast cancer", SETTINGS), test)
    assert final.score == pytest.approx(shown)


def test_the_test_score_of_a_cost_has_the_interval_of_a_mean():
    task = problems.TASKS["rare events"]
    settings = replace(SETTINGS, batch=256)
    _, _, test = task.parts()
    points = task.points(problems.trained("rare events", settings), test)
    final = problems.final_score("rare events", settings)
    error = np.std(points, ddof=1) / np.sqrt(len(points))
    assert final == pytest.approx(
        (points.mean(), *(points.mean() + 1.96 * error * [-1, 1][i] for i in (0, 1)))
    )


# What the game compares with


def test_random_settings_cover_the_controls_evenly():
    rng = np.random.default_rng(0)
    drawn = [problems.random_settings(rng) for _ in range(2000)]
    explorer = explorers.tuning_game("breast cancer")
    optimizer, rate, schedule, batch, strength = explorer.controls[:5]
    for control, name in ((optimizer, "optimizer"), (schedule, "schedule"), (batch, "batch")):
        values = [getattr(settings, name) for settings in drawn]
        shares = [values.count(option) / 2000 for option in control.options]
        assert sum(shares) == 1
        np.testing.assert_allclose(shares, 1 / len(control.options), atol=0.04)
    for control, name in ((rate, "rate"), (strength, "strength")):
        exponents = np.log10([getattr(settings, name) for settings in drawn])
        expected = np.linspace(control.min, control.max, 5)
        np.testing.assert_allclose(
            np.quantile(exponents, [0, 0.25, 0.5, 0.75, 1]), expected, atol=0.2
        )


@pytest.mark.parametrize("name", TASKS)
def test_the_table_holds_twenty_searches_that_spend_the_budget(name):
    assert np.array(SEARCHES[name]).shape == (20, problems.BUDGET)


@pytest.mark.parametrize(("name", "seeds"), [("digits", (0, 7)), ("breast cancer", (1, 12, 19))])
def test_the_table_of_random_searches_can_be_measured_again(name, seeds):
    for seed in seeds:
        # A run at a rate that is too large may end elsewhere on another processor.
        apart = np.abs(np.subtract(problems.random_search(name, seed), SEARCHES[name][seed]))
        assert np.median(apart) < 0.06
        assert np.mean(apart < 0.5) >= 0.75


def test_some_random_runs_on_payments_can_be_measured_again():
    rng = np.random.default_rng(4)
    for expected in SEARCHES["rare events"][4][:5]:
        measured = problems.validation_score("rare events", problems.random_settings(rng))
        assert measured == pytest.approx(expected, abs=0.6)


def test_a_random_search_on_texts_comes_as_far_as_the_table_says():
    rng = np.random.default_rng(2)
    drawn = [problems.random_settings(rng) for _ in range(4)]
    measured = [problems.validation_score("text", settings) for settings in drawn]
    np.testing.assert_allclose(measured, SEARCHES["text"][2][:4], atol=3)


@pytest.mark.parametrize("name", ["digits", "breast cancer", "rare events"])
def test_the_baselines_can_be_measured_again(name):
    task = problems.TASKS[name]
    majority, logistic, on_test = BASELINES[name]
    assert task.write(task.majority()) == task.write(majority)
    assert problems.logistic_score(name) == pytest.approx(logistic, rel=0.01)
    assert problems.logistic_score(name, on_test=True) == pytest.approx(on_test, rel=0.01)


def test_the_baselines_of_the_texts_are_near_those_of_the_table():
    majority, logistic, on_test = BASELINES["text"]
    assert problems.TASKS["text"].majority() == pytest.approx(majority, abs=5)
    assert problems.logistic_score("text") == pytest.approx(logistic, abs=2)
    assert problems.logistic_score("text", on_test=True) == pytest.approx(on_test, abs=2)


def test_logistic_regression_sends_an_alarm_where_it_pays():
    training, validation, _ = problems.TASKS["rare events"].parts()
    model = LogisticRegression(max_iter=5000).fit(*training)
    alarm = (
        model.predict_proba(validation.inputs)[:, 1] * 50
        > model.predict_proba(validation.inputs)[:, 0]
    )
    fraud = validation.labels == 1
    cost = np.mean(50 * (fraud & ~alarm) + (alarm & ~fraud))
    assert problems.logistic_score("rare events") == pytest.approx(1000 * cost)


@pytest.mark.parametrize("name", TASKS)
def test_the_game_can_be_won_but_not_by_its_first_settings(name):
    task = problems.TASKS[name]
    _, median, _ = explorers.random_progress(task)
    sign = -1 if task.costs else 1
    good = problems.validation_score(name, GOOD[name])
    first = problems.validation_score(name, task.default)
    assert sign * good > sign * median[-1]
    assert sign * first < sign * median[-1]
    assert sign * first < sign * BASELINES[name].logistic


def test_progress_is_the_quartiles_of_the_best_so_far():
    searches = np.array(SEARCHES["rare events"])
    progress = explorers.random_progress(problems.TASKS["rare events"])
    for run in (1, 5, 12):
        best = np.sort(searches[:, :run].min(axis=1))
        assert progress[1, run - 1] == pytest.approx((best[9] + best[10]) / 2)
        assert progress[0, run - 1] < progress[1, run - 1] < progress[2, run - 1]
    best = np.array(SEARCHES["digits"]).max(axis=1)
    assert explorers.random_progress(problems.TASKS["digits"])[1, -1] == np.median(best)


# The game


@pytest.fixture
def game():
    return explorers.tuning_game("breast cancer")


def play(explorer, settings):
    optimizer, rate, schedule, batch, strength, run, *_ = explorer.controls
    optimizer.value, rate.value = settings.optimizer, settings.rate
    schedule.value, batch.value, strength.value = (
        settings.schedule,
        settings.batch,
        settings.strength,
    )
    run.click()


def open_test(explorer):
    explorer.controls[6].click()


def begin_anew(explorer):
    explorer.controls[7].click()


def keep(part, times=1):
    """Put runs, or openings of the test set, of a first game into the record."""
    for _ in range(times):
        explorers.record(CANCER, explorers.Game(), part, SETTINGS, 90.0)


def records(name="breast cancer"):
    return open_store().attempts(item=f"tuning game, {name}", kind="run")


def test_the_game_opens_with_what_there_is_to_beat_and_no_run():
    explorer = explorers.tuning_game()
    assert explorer.stage.reading == (
        "Next, 12 left: SGD, rate 0.01, constant, batches of 32, λ 0.0001. "
        "Images right in validation: always the commonest class 8.2 %, logistic regression 95.5 %, "
        "random search 95.6 % (median after 12 runs)."
    )
    assert set(explorer.stage.layers) == {"baseline", "random", "quartiles", "next"}


def test_wrong_answers_are_drawn_on_a_logarithmic_scale_with_good_scores_on_top(game):
    layers, (ax, _) = game.stage.layers, game.stage.figure.axes
    np.testing.assert_allclose(layers["baseline"].y, 100 - 98.1)
    lower, upper = ax.get_ylim()
    assert lower > upper > 0
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert dict(zip(ax.get_yticks(), labels, strict=True))[5] == "95"


def test_a_run_is_drawn_by_number_and_by_rate(game):
    play(game, WORSE)
    play(game, SETTINGS)
    play(game, replace(SETTINGS, optimizer="Adam", rate=0.001))
    layers = game.stage.layers
    scores = [
        problems.validation_score("breast cancer", settings)
        for settings in (WORSE, SETTINGS, replace(SETTINGS, optimizer="Adam", rate=0.001))
    ]
    np.testing.assert_allclose(layers["runs"].x, [1, 2, 3])
    np.testing.assert_allclose(layers["runs"].y, 100 - np.array(scores))
    np.testing.assert_allclose(layers["best"].y, 100 - np.maximum.accumulate(scores))
    np.testing.assert_allclose(layers["Momentum"].x.ravel(), [1e-4, 0.03])
    np.testing.assert_allclose(layers["Momentum"].y.ravel(), 100 - np.array(scores[:2]))
    np.testing.assert_allclose(layers["Adam"].x.ravel(), [0.001])
    assert "SGD" not in layers


def test_the_reading_tells_the_last_run_the_best_and_how_many_are_left(game):
    play(game, SETTINGS)
    play(game, WORSE)
    best, last = (problems.validation_score("breast cancer", s) for s in (SETTINGS, WORSE))
    median = explorers.random_progress(CANCER)[1, 1]
    assert f"Run 2: {last:.1f} % with Momentum, rate 0.0001, cosine" in game.stage.reading
    assert f"Best: run 1, {best:.1f} %; random search by then {median:.1f} %." in game.stage.reading
    assert "Next, 10 left: Momentum" in game.stage.reading


def test_for_costs_the_lowest_is_the_best():
    game = explorers.tuning_game("rare events")
    slow, good = replace(SETTINGS, rate=1e-4, batch=256), replace(SETTINGS, rate=0.3, batch=256)
    for settings in (slow, good, slow):
        play(game, settings)
    costs = [problems.validation_score("rare events", settings) for settings in (slow, good, slow)]
    assert costs[1] < costs[0]
    np.testing.assert_allclose(game.stage.layers["best"].y, [costs[0], costs[1], costs[1]])
    assert f"Best: run 2, {costs[1]:.0f};" in game.stage.reading


def test_every_run_is_recorded_with_its_settings_and_score(game):
    play(game, SETTINGS)
    (kept,) = records()
    assert kept.response == {
        "game": 1,
        "part": "run",
        "settings": {
            "optimizer": "Momentum",
            "rate": 0.03,
            "schedule": "cosine",
            "batch": 32,
            "strength": 1e-4,
        },
    }
    assert kept.score == problems.validation_score("breast cancer", SETTINGS)


def test_a_game_that_is_opened_again_goes_on_where_it_was_left(game):
    play(game, WORSE)
    play(game, SETTINGS)
    open_test(game)
    play(game, WORSE)
    again = explorers.tuning_game("breast cancer")
    for key in ("runs", "late", "best", "test", "interval"):
        np.testing.assert_array_equal(again.stage.layers[key].y, game.stage.layers[key].y)
    said = game.stage.reading.rsplit("Next", 1)[0]
    assert again.stage.reading.rsplit("Next", 1)[0] == said
    assert again.controls[6].disabled
    assert "best" not in explorers.tuning_game("digits").stage.layers


def test_a_new_game_is_also_the_one_that_is_opened_again(game):
    play(game, SETTINGS)
    open_test(game)
    begin_anew(game)
    assert "best" not in game.stage.layers
    assert "the test set has been seen" in game.stage.reading
    play(game, WORSE)
    again = explorers.tuning_game("breast cancer")
    assert again.stage.layers["runs"].x.tolist() == [1]
    assert "Game 2: the test set has been seen" in again.stage.reading
    assert [kept.response["game"] for kept in records()] == [1, 1, 2]


def test_a_new_game_before_the_test_has_seen_nothing(game):
    play(game, SETTINGS)
    begin_anew(game)
    assert "seen" not in game.stage.reading


def test_runs_on_other_data_are_left_out(game):
    play(game, SETTINGS)
    kept = records()[0]
    open_store().record(
        kind="run",
        item=kept.item,
        content_hash="of another network",
        response=kept.response,
        score=100.0,
    )
    assert explorers.tuning_game("breast cancer").stage.layers["runs"].x.tolist() == [1]


def test_the_budget_is_twelve_runs(game):
    for _ in range(14):
        play(game, SETTINGS)
    assert game.controls[5].disabled
    assert game.stage.layers["runs"].x.tolist() == list(range(1, 13))
    assert len(records()) == 12
    assert " All 12 runs are spent. " in game.stage.reading
    begin_anew(game)
    assert not game.controls[5].disabled


def test_of_the_runs_of_two_machines_no_more_than_the_budget_are_kept():
    keep("run", times=15)
    game = explorers.tuning_game("breast cancer")
    assert game.controls[5].disabled
    assert game.stage.layers["runs"].x.tolist() == list(range(1, 13))
    assert " All 12 runs are spent. " in game.stage.reading


def test_of_two_machines_the_one_that_opened_the_test_set_first_counts():
    for part in ("run", "test", "run", "test"):
        keep(part)
    game = explorers.tuning_game("breast cancer")
    assert game.stage.layers["late"].x.tolist() == [2]


def test_an_opened_test_set_without_a_run_is_left_out():
    keep("test")
    game = explorers.tuning_game("breast cancer")
    assert game.controls[6].disabled
    play(game, SETTINGS)
    assert "late" in game.stage.layers
    assert not game.controls[6].disabled


def test_moving_a_control_or_opening_the_game_costs_no_run(game):
    play(game, SETTINGS)
    game.controls[1].value = 1.0
    explorers.tuning_game("breast cancer")
    assert len(records()) == 1


def test_the_test_set_is_opened_once_for_the_best_run(game):
    for settings in (WORSE, SETTINGS, WORSE):
        play(game, settings)
    open_test(game)
    open_test(game)
    final = problems.final_score("breast cancer", SETTINGS)
    layers = game.stage.layers
    assert layers["test"].y.tolist() == pytest.approx([100 - final.score])
    assert layers["interval"].y.tolist() == pytest.approx([100 - final.low, 100 - final.high])
    best = problems.validation_score("breast cancer", SETTINGS)
    assert (
        f"Test: {final.score:.1f} %, 95 % interval {final.low:.1f} % to {final.high:.1f} %; "
        f"on validation it had {best:.1f} %. Logistic regression has 96.5 % on the same test set."
        in game.stage.reading
    )
    *_, opened = records()
    assert [kept.response["part"] for kept in records()] == ["run"] * 3 + ["test"]
    assert opened.response["settings"]["rate"] == 0.03
    assert opened.score == final.score


def test_runs_after_the_test_do_not_count(game):
    play(game, WORSE)
    open_test(game)
    play(game, SETTINGS)
    layers = game.stage.layers
    assert layers["late"].x.tolist() == [2]
    assert layers["runs"].x.tolist() == layers["best"].x.tolist() == [1]
    final = problems.final_score("breast cancer", WORSE)
    assert layers["test"].y.tolist() == pytest.approx([100 - final.score])
    assert "A later run does not count." in game.stage.reading
    play(game, SETTINGS)
    assert "2 later runs do not count." in game.stage.reading


def test_without_a_run_there_is_nothing_to_test(game):
    assert game.controls[6].disabled
    open_test(game)
    assert "test" not in game.stage.layers
    assert not records()


def test_the_game_goes_on_where_the_record_cannot_be_written(tmp_path, monkeypatch, capsys):
    in_the_way = tmp_path / "a file"
    in_the_way.write_text("")
    monkeypatch.setenv("COURSE_HOME", str(in_the_way))
    game = explorers.tuning_game("breast cancer")
    play(game, SETTINGS)
    open_test(game)
    assert "Test: " in game.stage.reading
    assert capsys.readouterr().out.startswith("Your answers are kept for this sitting only")


def test_an_unknown_task_is_refused_by_name():
    with pytest.raises(ValueError, match=r"task must be one of digits, .*, got 'sounds'"):
        explorers.tuning_game("sounds")


@pytest.mark.parametrize("name", ["rare events", "text"])
def test_the_other_tasks_open_and_can_be_tested(name):
    game = explorers.tuning_game(name)
    play(game, replace(SETTINGS, batch=256))
    open_test(game)
    assert "Test: " in game.stage.reading
    assert game.stage.to_png()


# Broken runs


@pytest.fixture
def clinic():
    return explorers.broken_runs()


def choose(explorer, run=None, suspected=None, remedy=None):
    for control, value in zip(explorer.controls, (run, suspected, remedy), strict=True):
        if value is not None:
            control.value = value


def test_the_runs_are_trained_as_train_does_it():
    data = datasets.standardised(datasets.digits())
    network = MLP((64, 32, 10))
    training, validation = (
        NetworkLoss(network, data.train_inputs[rows], data.train_targets[rows])
        for rows in (slice(200, 600), slice(200))
    )
    sgd = SGD(CosineDecay(0.1, 600))
    history = train(training, sgd, network.initial(0), 30, 20, seed=0, validation=validation)
    run = faults.curves(faults.SOUND)
    np.testing.assert_allclose(run.losses, history.losses)
    np.testing.assert_allclose(run.validation_losses, history.validation_losses)
    share = network.accuracy(history.params, validation.inputs, validation.targets)
    assert run.validation_accuracies[-1] == pytest.approx(100 * share)


def test_every_run_has_another_fault_and_no_menu_gives_it_away():
    assert sorted(faults.RUNS.values()) == sorted(faults.FAULTS)
    in_order = zip(faults.RUNS.values(), faults.FAULTS, strict=True)
    assert not any(fault == listed for fault, listed in in_order)


@pytest.mark.parametrize("place", range(8))
def test_each_fault_is_mended_by_its_remedy_alone(place):
    broken = list(faults.FAULTS.values())[place].training
    mended = [remedy(broken) == faults.SOUND for remedy in faults.REMEDIES.values()]
    assert mended == [number == place for number in range(8)]


def of(fault):
    (name,) = [name for name in faults.FAULTS if fault in name]
    return faults.curves(faults.FAULTS[name].training)


SOUND = faults.curves(faults.SOUND)


def test_the_sound_run_learns_the_digits():
    assert SOUND.accuracies[-1] == 100
    assert SOUND.validation_accuracies[-1] == pytest.approx(90.5, abs=1)


def test_a_rate_too_large_throws_a_usual_start_up():
    run = of("too large")
    assert run.losses[0] == SOUND.losses[0] == pytest.approx(2.86, abs=0.01)
    assert run.losses[1] > 1000
    assert np.isnan(run.losses[-1])


def test_a_rate_too_small_falls_slowly_without_a_gap():
    run = of("too small")
    assert (np.diff(run.losses) < 0).all()
    assert run.losses[-1] > 2
    assert abs(run.losses[-1] - run.validation_losses[-1]) < 0.05


def test_zero_weights_stay_at_ten_equal_guesses():
    run = of("start at 0")
    np.testing.assert_allclose(run[:2], np.log(10), atol=0.02)
    assert run.losses[0] == pytest.approx(np.log(10))


def test_from_zero_only_the_last_biases_learn():
    objective, _ = faults._objectives(faults.SOUND)
    *others, biases = faults.NETWORK.views(objective.gradient(np.zeros(faults.NETWORK.size)))
    assert all(not gradient.any() for gradient in others)
    assert biases.all()


def test_a_loud_input_shows_before_the_first_step():
    assert 200 < of("1,000 times larger").losses[0] < 400
    assert all(of(name).losses[0] < 3 for name in ("too large", "too few", "too soon"))


def test_shuffled_labels_are_learned_but_do_not_help():
    run = of("do not belong together")
    assert run.losses[-1] < 1.5
    assert run.accuracies[-1] > 50
    assert run.validation_accuracies[1:].max() <= 13


def test_too_few_examples_are_learned_by_heart():
    run = of("too few")
    assert run.accuracies[5] == 100
    assert run.validation_accuracies[-1] < 70
    assert run.validation_losses[-1] > 100 * run.losses[-1]


def test_shared_rows_close_the_gap():
    run = of("Validation rows")
    assert np.abs(run.accuracies - run.validation_accuracies).max() < 2
    assert run.validation_accuracies[-1] > SOUND.validation_accuracies[-1] + 5


def test_a_short_schedule_stands_still_from_one_epoch_on():
    run = of("too soon")
    assert run.losses[1] < 1.3
    np.testing.assert_allclose(run.losses[2:], run.losses[2], rtol=1e-9)
    assert run.losses[-1] > 10 * SOUND.losses[-1]


def test_the_clinic_opens_with_a_run_and_a_question(clinic):
    assert clinic.stage.reading == (
        "Run 1: the training loss goes from 2.86 to 2.24, the validation loss to 2.25; at the end "
        "30.8 % of the training images and 25.5 % of the validation images are right. "
        "What is wrong?"
    )
    assert set(clinic.stage.layers) == {f"run {key}" for key in explorers.CURVE_KEYS}


def test_the_curves_of_the_chosen_run_are_drawn(clinic):
    choose(clinic, run="Run 6")
    run, layers = faults.curves(faults.FAULTS[faults.RUNS["Run 6"]].training), clinic.stage.layers
    for key, values in zip(explorers.CURVE_KEYS, run, strict=True):
        np.testing.assert_allclose(layers[f"run {key}"].y, values)
    loss_ax, accuracy_ax = (clinic.stage.figure.axes[place] for place in (0, 2))
    assert layers["run validation loss"].ax is loss_ax
    assert layers["run accuracy"].ax is accuracy_ax


def test_a_loss_off_the_picture_is_drawn_at_its_edge_and_no_number_not_at_all(clinic):
    choose(clinic, run="Run 3")
    drawn = clinic.stage.layers["run loss"].y
    assert drawn[1] == explorers.LOSS_WINDOW[1]
    assert np.isnan(drawn[-1])
    lost = np.flatnonzero(np.isnan(drawn))[0]
    assert clinic.stage.layers["run NaN"].x == pytest.approx(lost + 0.5)
    choose(clinic, run="Run 4")
    assert "run NaN" not in clinic.stage.layers
    choose(clinic, run="Run 3")
    assert "to no number (NaN)" in clinic.stage.reading


@pytest.mark.parametrize("run", faults.RUNS)
def test_the_right_diagnosis_is_confirmed_and_others_are_answered_with_their_sign(clinic, run):
    fault = faults.RUNS[run]
    for suspected, (_, sign, _) in faults.FAULTS.items():
        choose(clinic, run=run, suspected=suspected)
        opening = "Found: " if suspected == fault else "No. If that were it, you would see this: "
        assert f"{opening}{sign}." in clinic.stage.reading


@pytest.mark.parametrize("run", faults.RUNS)
def test_a_remedy_is_really_trained(clinic, run):
    broken = faults.FAULTS[faults.RUNS[run]].training
    for name, remedy in faults.REMEDIES.items():
        choose(clinic, run=run, remedy=name)
        mended = faults.curves(remedy(broken))
        drawn = clinic.stage.layers["mended validation accuracy"].y
        np.testing.assert_array_equal(drawn, mended.validation_accuracies)
        reading = clinic.stage.reading
        assert ("Mended." in reading) == (remedy(broken) == faults.SOUND)
        assert ("changes nothing" in reading) == (remedy(broken) == broken)


def test_the_remedies_wait_for_a_guess(clinic):
    remedy = clinic.controls[2]
    assert remedy.disabled
    choose(clinic, suspected="All weights start at 0")
    assert not remedy.disabled


def test_the_right_remedy_shows_the_sound_run(clinic):
    choose(clinic, run="Run 5", remedy="taking validation rows out of training")
    for key, values in zip(explorers.CURVE_KEYS, SOUND, strict=True):
        np.testing.assert_allclose(clinic.stage.layers[f"mended {key}"].y, values)
    assert "Mended. The accuracy is lower and now true" in clinic.stage.reading


def test_a_remedy_can_be_taken_back(clinic):
    choose(clinic, remedy="training on 400 examples")
    choose(clinic, remedy="nothing yet")
    assert not any(key.startswith("mended") for key in clinic.stage.layers)
