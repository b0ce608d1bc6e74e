"""Runs the lessons' notebooks and stores their outputs as they are committed.

    python tests/notebooks/rebuild.py                     # every notebook
    python tests/notebooks/rebuild.py notebooks/02_*.ipynb

A notebook with a failing cell is left as it was.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from course_utils.saved_widgets import keep_readings

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SECONDS_FOR_A_CELL = 120


def rebuild(notebook: Path) -> str:
    """Run a notebook with a fresh record of answers; return "" or what went wrong."""
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "COURSE_HOME": str(Path(scratch, "course_home"))}
        built = Path(scratch, notebook.name)
        execute = ["nbconvert", "--to", "notebook", "--execute", str(notebook)]
        execute += ["--output-dir", scratch, "--ExecutePreprocessor.kernel_name=python3"]
        execute += [f"--ExecutePreprocessor.timeout={SECONDS_FOR_A_CELL}"]
        strip = ["nbstripout", "--keep-output", "--keep-count", str(built)]
        strip += ["--extra-keys", "metadata.language_info.version"]
        for command in (execute, strip):
            ran = subprocess.run(
                [sys.executable, "-m", *command], env=environment, capture_output=True, text=True
            )
            if ran.returncode:
                return ran.stderr
        notebook.write_text(as_committed(built.read_text("utf-8")), "utf-8", newline="\n")
    return ""


def as_committed(text: str) -> str:
    """Drop from a notebook's text what differs from run to run or needs the kernel it ran in."""
    book = json.loads(text)
    keep_readings({"type": "notebook", "content": book})
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = joined(cell["outputs"])
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def joined(outputs: list[dict]) -> list[dict]:
    """Join printed text that stands together: where the kernel cuts it is chance."""
    whole = []
    for output in outputs:
        before = whole[-1] if whole else {}
        if output["output_type"] == "stream" and output["name"] == before.get("name"):
            before["text"] += output["text"]
        else:
            whole.append(output)
    return whole


def main(arguments: list[str]) -> int:
    """Rebuild the notebooks named, or all of them, two side by side."""
    notebooks = [Path(name) for name in arguments] or sorted(NOTEBOOKS.glob("*.ipynb"))
    with ThreadPoolExecutor(max_workers=2) as pool:
        faults = list(pool.map(rebuild, notebooks))
    for notebook, fault in zip(notebooks, faults, strict=True):
        print(f"{notebook.name}: {fault or 'rebuilt'}")
    return int(any(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
