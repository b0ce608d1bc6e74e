"""A form as a widget: lists to choose from, a button and a line of status; it acts through calls.

Its lists and button are the browser's own. Those of ipywidgets leave their keys to JupyterLab,
which takes letters, arrows and Enter for shortcuts of the notebook.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from .markup import to_html

# The names of a list's options with the values they stand for.
Options = Sequence[tuple[str, Any]]


class Form(anywidget.AnyWidget):
    """Lists by their labels, a button, and two places for a text: about the choice, and the status.

    `chosen` holds by label the place of the chosen option. With each choice the browser sends in
    `seen` the lists it showed: they may have been exchanged while the kernel was busy.
    """

    _esm = Path(__file__).with_name("form.js")
    _css = Path(__file__).with_name("cell.css")

    lists = traitlets.Dict().tag(sync=True)
    chosen = traitlets.Dict().tag(sync=True)
    seen = traitlets.Dict().tag(sync=True)
    button = traitlets.Unicode().tag(sync=True)
    about = traitlets.Unicode().tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)
    ended = traitlets.Bool().tag(sync=True)

    def __init__(
        self,
        button: str,
        press: Callable[[], None],
        lists: Mapping[str, Options] | None = None,
    ):
        """Lay out the lists with their first options chosen; `press` is what the button does."""
        self._press = press
        self._options = {label: tuple(options) for label, options in (lists or {}).items()}
        super().__init__(
            lists={label: _names(options) for label, options in self._options.items()},
            chosen=dict.fromkeys(self._options, 0),
            button=button,
        )
        self.on_msg(lambda *_: self.press())

    @traitlets.validate("chosen")
    def _chosen_from_current(self, proposal: dict) -> dict[str, int]:
        """Choose the first option of a list that is no longer the one the browser showed."""
        return {
            label: place if self.seen.get(label, self.lists[label]) == self.lists[label] else 0
            for label, place in proposal["value"].items()
        }

    def value(self, label: str) -> Any:
        """Return what the chosen option of a list stands for."""
        return self._options[label][self.chosen[label]][1]

    def offer(self, label: str, options: Options) -> None:
        """Exchange the options of a list, and choose the first of them."""
        self._options[label] = tuple(options)
        self.lists = self.lists | {label: _names(options)}
        self.chosen = self.chosen | {label: 0}

    def explain(self, text: str) -> None:
        """Say something about what is chosen, in the markup of the banks."""
        self.about = to_html(text)

    def say(self, text: str) -> None:
        """Say what happened; screen readers announce it."""
        self.status = to_html(text)

    def press(self) -> None:
        """Do what the button does, unless the form has ended."""
        if not self.ended:
            self._press()

    def end(self) -> None:
        """Take the button away."""
        self.ended = True


def _names(options: Options) -> list[str]:
    return [name for name, _ in options]
