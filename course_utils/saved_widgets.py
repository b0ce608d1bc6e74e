"""What becomes of widgets when JupyterLab saves a notebook; they themselves stand elsewhere."""

from typing import Any

VIEW = "application/vnd.jupyter.widget-view+json"


def keep_readings(model: dict[str, Any], **_: Any) -> None:
    """Keep of each widget in a notebook that is about to be saved only its static reading.

    A widget lives as long as its kernel. Opened again without it, a stored widget shows as an error
    or as controls that do nothing, and hides the reading that stands beside it. Jupyter's server
    calls this as its `pre_save_hook`; the page that is open keeps its widgets.

    >>> shown = {"data": {VIEW: {"model_id": "ab12"}, "text/plain": "At w = 2 the slope is 4."}}
    >>> notebook = {"metadata": {}, "cells": [{"cell_type": "code", "outputs": [shown]}]}
    >>> keep_readings({"type": "notebook", "content": notebook})
    >>> shown
    {'data': {'text/plain': 'At w = 2 the slope is 4.'}}
    """
    if model["type"] != "notebook":
        return
    notebook = model["content"]
    notebook["metadata"].pop("widgets", None)
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if len(data) > 1:
                data.pop(VIEW, None)
