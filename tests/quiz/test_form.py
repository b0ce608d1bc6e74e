import pytest

from course_utils.quiz.form import Form

FRUIT = [("An apple", 1), ("A pear", 2)]


@pytest.fixture
def presses():
    return []


@pytest.fixture
def form(presses):
    return Form("Go", lambda: presses.append("pressed"), {"Fruit": FRUIT, "Size": [("Any", None)]})


def test_the_browser_gets_names_and_places_and_never_the_values(form):
    assert form.lists == {"Fruit": ["An apple", "A pear"], "Size": ["Any"]}
    assert form.chosen == {"Fruit": 0, "Size": 0}


def test_a_choice_in_the_browser_is_a_value_here(form):
    form.set_state({"chosen": {"Fruit": 1, "Size": 0}})

    assert form.value("Fruit") == 2
    assert form.value("Size") is None


def test_new_options_take_the_place_of_the_old_and_the_first_is_chosen(form):
    form.set_state({"chosen": {"Fruit": 1, "Size": 0}})
    form.offer("Fruit", [("A plum", 3), ("A fig", 4)])

    assert form.lists == {"Fruit": ["A plum", "A fig"], "Size": ["Any"]}
    assert form.value("Fruit") == 3


@pytest.mark.parametrize("fresh", [[("A plum", 3)], [("A plum", 3), ("A fig", 4)]])
def test_a_choice_in_a_list_that_was_exchanged_is_the_first_option_of_the_new_one(form, fresh):
    shown = form.lists
    form.offer("Fruit", fresh)
    form.set_state({"chosen": {"Fruit": 1, "Size": 0}, "seen": shown})

    assert form.chosen == {"Fruit": 0, "Size": 0}
    assert form.value("Fruit") == 3


def test_a_choice_in_the_list_that_is_offered_counts(form):
    form.offer("Fruit", [("A plum", 3), ("A fig", 4)])
    form.set_state({"chosen": {"Fruit": 1, "Size": 0}, "seen": form.lists})

    assert form.value("Fruit") == 4


def test_the_button_acts_once_for_each_press_until_the_form_ends(form, presses):
    form._handle_custom_msg({}, [])
    form._handle_custom_msg({}, [])
    assert len(presses) == 2
    form.end()
    form._handle_custom_msg({}, [])

    assert len(presses) == 2
    assert form.ended


def test_texts_are_shown_in_the_markup_of_the_banks(form):
    form.explain("Choose $n$.")
    form.say("a < b")

    assert "<math" in form.about
    assert form.status == "a &lt; b"
