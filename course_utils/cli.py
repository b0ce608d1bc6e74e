"""The `course` command: it opens the learner's copy of the lessons and checks the set-up."""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        "course: this is Python {}.{}, and the course needs 3.11, 3.12 or 3.13: "
        "make a virtual environment with one of those".format(*sys.version_info)
    )

import argparse
import socket
from pathlib import Path
from typing import NoReturn

from course_utils import doctor
from course_utils.doctor import Fault

LAB = """\
Copy the lessons to FOLDER and open them in JupyterLab. Called again, it brings the copy up to
date: a lesson you changed stays as it is and is listed, a lesson you deleted comes back.
Arguments after -- go to JupyterLab, for example: course lab -- --port 9000
"""

DOCTOR = """\
Check Python, the packages, the kernel, the widgets and the place where your answers are kept, and
say what to do about each fault. The exit code is 1 if there is one.
"""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints fit on one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where to read on; exit with code 2."""
        self.exit(2, f"course: {message} (see `{self.prog} --help`)\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    ours, for_jupyterlab = _split(arguments)
    parser = _parser()
    options, unknown = parser.parse_known_args(ours)
    if unknown:
        parser.error(f"unknown arguments {' '.join(unknown)}; JupyterLab's own go after --")
    if for_jupyterlab and options.command != "lab":
        parser.error("only `course lab` takes arguments after --")
    try:
        if options.command == "lab":
            return lab(options.folder, for_jupyterlab)
        if options.command == "doctor":
            return examine()
        parser.print_help()
        return 0
    except Fault as fault:
        return _complain(str(fault))
    except ModuleNotFoundError as error:
        return _complain(f"the package {error.name} is missing: {doctor.INSTALL}")
    except KeyboardInterrupt:
        return _complain("stopped", 130)


def lab(folder: Path, for_jupyterlab: list[str]) -> int:
    """Bring the learner's copy up to date and open it in JupyterLab, until that is shut down."""
    from jupyterlab.labapp import main as open_jupyterlab

    from course_utils.working_copy import FIRST_LESSON

    doctor.check_lessons()
    doctor.check_kernel()
    _check_port(for_jupyterlab)
    _bring_up_to_date(folder)
    folder = folder.resolve()
    # Without the root, one from the learner's own Jupyter configuration would not hold the lesson.
    root = f"--ServerApp.root_dir={folder}"
    open_jupyterlab([str(folder / FIRST_LESSON), root, *for_jupyterlab])
    return 0


def examine() -> int:
    """Print what the doctor finds; return 1 if there is a fault."""
    findings = []
    for finding in doctor.examine():
        findings.append(finding)
        found = f" ({finding.found})" if finding.found else ""
        print(doctor.as_line(finding) + found, flush=True)
    print(doctor.verdict(findings))
    return int(any(finding.fault for finding in findings))


def _parser() -> Parser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = Parser(prog="course", description="Optimization in Deep Learning, in your notebooks.")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    lab = commands.add_parser(
        "lab",
        help="open the lessons in JupyterLab, in a copy of your own",
        description=LAB,
        formatter_class=raw,
        usage="course lab [FOLDER] [-- JUPYTERLAB ARGUMENTS]",
    )
    lab.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        type=Path,
        default=Path("my_course"),
        help="where your copy is (default: my_course)",
    )
    commands.add_parser(
        "doctor",
        help="check that everything the lessons need is here",
        description=DOCTOR,
        formatter_class=raw,
    )
    return parser


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Split at the first --, which neither side gets."""
    if "--" not in arguments:
        return arguments, []
    place = arguments.index("--")
    return arguments[:place], arguments[place + 1 :]


def _check_port(for_jupyterlab: list[str]) -> None:
    """JupyterLab takes another port in silence; one that was asked for should be the one we get."""
    parser = Parser(prog="course lab", add_help=False, allow_abbrev=False)
    parser.add_argument("--port", "--ServerApp.port", type=int, dest="port")
    port = parser.parse_known_args(for_jupyterlab)[0].port
    if port is None:
        return
    if port not in range(2**16):
        parser.error(f"port {port} is not between 0 and 65535")
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        parser.error(f"port {port} is busy or not allowed: choose another")


def _bring_up_to_date(folder: Path) -> None:
    from course_utils.places import shipped
    from course_utils.working_copy import refresh

    lessons = shipped("notebooks").resolve()
    if lessons in [folder.resolve(), *folder.resolve().parents]:
        raise Fault(f"{folder} holds the course's own lessons: choose another folder")
    if folder.is_file():
        raise Fault(f"{folder} is a file: choose another name for your folder")
    try:
        refreshed = refresh(lessons, folder)
    except OSError as error:
        raise Fault(
            f"cannot write to {folder} ({error.strerror}): "
            "choose another folder, for example `course lab another_folder`"
        ) from None
    print(f"Your lessons are in {folder.resolve()}")
    for name in refreshed.written:
        print(f"  new or refreshed: {name}")
    for name in refreshed.kept:
        print(f"  kept as you changed it: {name}")
    if refreshed.kept:
        print("To get the course's version of a lesson, rename yours and run `course lab` again.")


def _complain(message: str, code: int = 1) -> int:
    print(f"course: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
