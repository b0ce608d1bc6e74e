import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import course_utils

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
README = (ROOT / "README.md").read_text("utf-8")
OPEN = "python -m pip install -c constraints.txt -e . && course lab"
CHECK = 'python -m pip install -c constraints.txt -e ".[test]" && python -m pytest'
LONG = "python -m pytest -m long"
ENGINE = """curvature datasets descent gradients hyperparameters landscapes lines losses networks
optimizers schedules"""
ENGINE = {f"course_utils.{name}" for name in ENGINE.split()}


def test_readme_gives_the_commands_and_the_two_lines_of_a_virtual_environment():
    blocks = re.findall(r"^```\n(.*?)\n```$", README, re.M | re.S)
    assert blocks == ["python -m venv .venv\nsource .venv/bin/activate", OPEN, CHECK, LONG]


def test_every_file_that_readme_links_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(links) >= 4
    assert [link for link in links if not (ROOT / link).is_file()] == []


def test_ci_runs_the_two_commands_of_readmes_check():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert script.endswith(f"\n{CHECK} &&\n    {LONG}\n")


PYTHONS = [f"3.{minor}" for minor in range(30)]
PYTHONS = [python for python in PYTHONS if python in SpecifierSet(PROJECT["requires-python"])]
ON_EVERY_CHANGE = {"pull_request": None, "push": {"branches": ["main"]}}


def workflow(name):
    """When a workflow runs, and its one job."""
    content = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text("utf-8"))
    (job,) = content["jobs"].values()
    return content[True], job  # YAML 1.1 reads the key `on` as true


def test_the_workflow_runs_the_same_script_on_every_supported_python():
    when, job = workflow("ci.yml")
    assert when == ON_EVERY_CHANGE
    assert job["strategy"]["matrix"] == {"python": PYTHONS}
    assert job["steps"][-1] == {"run": "bash .ci/run"}


def test_macos_and_windows_run_the_second_command_of_readme_on_the_first_and_last_python():
    when, job = workflow("systems.yml")
    assert when == ON_EVERY_CHANGE
    assert job["runs-on"] == "${{ matrix.system }}"
    assert job["strategy"]["matrix"] == {
        "system": ["macos-latest", "windows-latest"],
        "python": [PYTHONS[0], PYTHONS[-1]],
    }
    assert job["steps"][-1] == {"run": CHECK}


def test_once_a_week_the_newest_dependencies_run_and_what_notebooks_print_is_not_compared():
    when, job = workflow("newest.yml")
    (week,) = when["schedule"]
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", week["cron"])
    newest = CHECK.replace(" -c constraints.txt", "")
    assert job["steps"][-2:] == [
        {"run": f"{newest} --nbval-lax"},
        {"run": LONG},
    ]


def test_windows_gets_scripts_that_bash_can_run():
    assert "* text=auto eol=lf" in (ROOT / ".gitattributes").read_text("utf-8").splitlines()


def test_conda_leaves_the_versions_to_pyproject_and_the_constraints():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    python, pip, packages = environment["dependencies"]
    assert python == f"python{PROJECT['requires-python']}"
    assert pip == "pip"
    assert packages == {"pip": ["-c constraints.txt", "-e ."]}


def test_every_dependency_is_pinned_at_a_version_that_it_allows():
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    needed = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    for need in map(Requirement, needed):
        assert pins.get(canonicalize_name(need.name), "no pin") in need.specifier, need


def modules():
    found = pkgutil.walk_packages(course_utils.__path__, "course_utils.")
    return [module.name for module in found if module.name != "course_utils.keras_twin"]


def loaded_by(*names):
    program = f"import sys, {', '.join(names)}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.split())


def test_only_keras_twin_loads_tensorflow():
    assert len(modules()) > 10
    assert not {"tensorflow", "keras"} & loaded_by(*modules())


def test_the_engine_loads_nothing_that_shows_or_asks():
    own = {name for name in loaded_by(*ENGINE) if name.startswith("course_utils.")}
    assert own == ENGINE


def test_questions_load_no_explorer():
    questions = [name for name in modules() if name.startswith("course_utils.quiz.")]
    assert not any(name.startswith("course_utils.explorers") for name in loaded_by(*questions))


@pytest.mark.parametrize("name", ["course_utils", "course_utils.quiz", "course_utils.cli"])
def test_what_is_loaded_often_loads_nothing_heavy(name):
    heavy = {"tensorflow", "matplotlib.pyplot", "sklearn", "jupyterlab", "IPython"}
    assert not heavy & loaded_by(name)


@pytest.mark.parametrize("arguments", [["check"], ["format", "--check"]])
def test_ruff_has_nothing_to_say_of_code_and_notebooks(arguments):
    command = [sys.executable, "-m", "ruff", *arguments, "--no-cache", "."]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The course as a package, built from this checkout without a download."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    (built,) = folder.glob("*.whl")
    return built


CONTENT = Path("course_utils") / "content"


class Installed:
    """A fresh virtual environment that has the wheel, and borrows what the wheel depends on."""

    def __init__(self, wheel, folder):
        self.folder = folder
        paths = sysconfig.get_paths("venv", {"base": str(folder), "platbase": str(folder)})
        self.packages = Path(paths["purelib"])
        venv.create(folder, symlinks=sys.platform != "win32")
        self.python = shutil.which("python", path=paths["scripts"])
        pip = [sys.executable, "-m", "pip", "--python", self.python, "install"]
        pip += ["--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
        ran = subprocess.run([*pip, str(wheel)], capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
        self.course = shutil.which("course", path=paths["scripts"])
        # The folders of this Python, without what their own .pth files add: that is this checkout.
        borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (self.packages / "borrowed.pth").write_text("\n".join(sorted(borrowed)), "utf-8")

    def run(self, *command):
        """Run a program of the environment in an empty folder outside the checkout."""
        away = self.folder / "away"
        away.mkdir(exist_ok=True)
        own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        own["JUPYTER_PATH"] = str(Path(sysconfig.get_path("data"), "share", "jupyter"))
        own["PYTHONIOENCODING"] = "utf-8"
        ran = subprocess.run(command, cwd=away, env=own, capture_output=True, encoding="utf-8")
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    return Installed(wheel, tmp_path_factory.mktemp("installed"))


def test_the_wheel_holds_the_package_the_lessons_and_the_questions_and_nothing_else(wheel):
    made_here = {"__pycache__", ".ipynb_checkpoints"}
    ours = {
        file.relative_to(ROOT)
        for part in ("course_utils", "notebooks", "quizzes")
        for file in (ROOT / part).rglob("*")
        if file.is_file() and not made_here & set(file.parts)
    }
    inside = [file if file.parts[0] == "course_utils" else CONTENT / file for file in ours]
    shipped = [name for name in ZipFile(wheel).namelist() if ".d" not in name.partition("/")[0]]
    assert sorted(shipped) == sorted(file.as_posix() for file in inside)


def test_an_installed_course_names_its_commands(installed):
    assert "bring one lesson of your copy back" in installed.run(installed.course, "--help")


def test_an_installed_course_is_healthy_and_has_its_lessons_inside(installed):
    said = installed.run(installed.course, "doctor")
    assert said.endswith("Your set-up is ready.\n")
    assert f"lessons ({installed.packages / CONTENT / 'notebooks'})" in said


def test_jupyterlab_reads_the_settings_of_an_installed_course(installed):
    settings = "share/jupyter/lab/settings/overrides.d/optimization-in-deep-learning.json"
    ours = (ROOT / "course_utils" / "lab_settings.json").read_bytes()
    assert (installed.folder / settings).read_bytes() == ours


FIRST_CELLS = """
import nbformat
from nbclient import NotebookClient

from course_utils.places import shipped

lesson = nbformat.read(shipped("notebooks") / "04_momentum.ipynb", as_version=4)
code = [cell for cell in lesson.cells if cell.cell_type == "code"]
sources = [cell.source for cell in code]
first_check = next(place for place, source in enumerate(sources) if "check(" in source)
where = nbformat.v4.new_code_cell("import course_utils; print(course_utils.__file__)")
lesson.cells = [*code[: first_check + 1], where]
for cell in lesson.cells:
    cell.outputs = []
NotebookClient(lesson, timeout=120, kernel_name="python3").execute()
nbformat.write(lesson, "ran.ipynb")
"""


def test_the_first_cells_of_an_installed_lesson_give_what_is_stored(installed):
    installed.run(installed.python, "-c", FIRST_CELLS)
    ran = json.loads((installed.folder / "away" / "ran.ipynb").read_text("utf-8"))["cells"]
    (where,) = ran.pop()["outputs"]
    assert Path("".join(where["text"]).strip()) == installed.packages / "course_utils/__init__.py"
    lesson = json.loads((ROOT / "notebooks" / "04_momentum.ipynb").read_text("utf-8"))
    stored = [cell for cell in lesson["cells"] if cell["cell_type"] == "code"]
    assert len(ran) > 5
    for now, then in zip(ran, stored, strict=False):
        assert texts(now) == texts(then), now["source"]


def texts(cell):
    """What a cell printed, and the text that each of its outputs shows."""
    printed = "".join("".join(output.get("text", "")) for output in cell["outputs"])
    data = [output["data"] for output in cell["outputs"] if "data" in output]
    return printed, [shown.get("text/markdown") for shown in data]
