"""The `course` command: lessons in JupyterLab, questions and record in the terminal, the set-up."""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        "course: this is Python {}.{}, and the course needs 3.11, 3.12 or 3.13: "
        "make a virtual environment with one of those".format(*sys.version_info)
    )

import argparse
import errno
import os
import socket
from pathlib import Path
from typing import NoReturn

from course_utils.fault import Fault

LAB = """\
Copy the lessons to FOLDER and open them in JupyterLab. Called again, it brings the copy up to
date: a lesson you changed stays as it is and is listed, a lesson you deleted comes back.
Arguments after -- go to JupyterLab, for example: course lab -- --port 9000
"""

RESTORE = """\
Bring one lesson of your copy back as the course made it, after a question. Your version is kept
beside it under a new name. LESSON is a number such as 02, or self_assessment.
"""

QUIZ = """\
Ask questions in the terminal, of one lesson (03) or of all, with feedback after each answer.
Instead of a lesson, `check` reads all question banks, counts what they hold and prints every fault.
"""

REVIEW = """\
Ask the questions you have answered before and are about to forget, at most ten at a time.
"""

PROGRESS = """\
Print what you have done and how well. With `export` write your record to a file that ends in
.json or .csv, with `import` add such a file to your record, with `delete` delete your record.
"""

DOCTOR = """\
Check Python, the packages, the kernel, the widgets and the place where your answers are kept, and
say what to do about each fault. The exit code is 1 if there is one.
"""

MY_COURSE = Path("my_course")


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
        hint = "; JupyterLab's own go after --" if options.command == "lab" else ""
        parser.error(f"unknown arguments {' '.join(unknown)}{hint}")
    if for_jupyterlab and options.command != "lab":
        parser.error("only `course lab` takes arguments after --")
    try:
        code = _run(parser, options, for_jupyterlab)
        sys.stdout.flush()
        return code
    except Fault as fault:
        return _complain(str(fault))
    except ModuleNotFoundError as error:
        from course_utils.doctor import INSTALL

        return _complain(f"the package {error.name} is missing: {INSTALL}")
    except KeyboardInterrupt:
        return _complain("stopped", 130)
    except OSError as error:
        # Windows calls a pipe that nobody reads any more invalid.
        if error.errno != (errno.EINVAL if sys.platform == "win32" else errno.EPIPE):
            raise
        # Who reads us, such as `head`, has seen enough. Python flushes once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(parser: Parser, options: argparse.Namespace, for_jupyterlab: list[str]) -> int:
    _speak_any_alphabet()
    if options.command == "lab":
        return lab(options.folder, for_jupyterlab)
    if options.command == "restore":
        return restore(options.lesson, options.folder, options.yes)
    if options.command == "doctor":
        return examine()
    if options.command is None:
        parser.print_help()
        return 0
    if options.command == "review":
        return review()
    if options.command == "progress":
        return progress(options.action, options.file)
    if options.lesson != "check":
        return quiz(options)
    chosen = (options.count, options.objective, options.level, options.seed)
    if options.exam or any(choice is not None for choice in chosen):
        parser.error("`course quiz check` takes no options")
    return check_banks()


def lab(folder: Path, for_jupyterlab: list[str]) -> int:
    """Bring the learner's copy up to date and open it in JupyterLab, until that is shut down."""
    from jupyterlab.labapp import main as open_jupyterlab

    from course_utils import doctor
    from course_utils.working_copy import FIRST_LESSON

    doctor.check_lessons()
    doctor.check_kernel()
    _check_port(for_jupyterlab)
    _bring_up_to_date(folder)
    folder = folder.resolve()
    # Without the root, one from the learner's own Jupyter configuration would not hold the lesson.
    root = f"--ServerApp.root_dir={folder}"
    save = "--FileContentsManager.pre_save_hook=course_utils.saved_widgets.keep_readings"
    open_jupyterlab([str(folder / FIRST_LESSON), root, save, *_connection(), *for_jupyterlab])
    return 0


def _connection() -> list[str]:
    """Return the option for a line without waits; none where a new server has no place for it."""
    try:
        from course_utils.prompt_connection import PromptConnection as ours
    except ImportError:
        return []
    name = f"{ours.__module__}.{ours.__qualname__}"
    return [f"--ServerApp.kernel_websocket_connection_class={name}"]


def restore(lesson: str, folder: Path, sure: bool) -> int:
    """Bring one lesson of the learner's copy back, after a question unless they are `sure`."""
    from course_utils import doctor, working_copy

    doctor.check_lessons()
    lessons = _course_lessons(folder)
    name = working_copy.find(lesson, lessons)
    if not (folder / working_copy.RECORD).is_file():
        raise Fault(
            f"{folder.resolve()} holds no copy of the lessons: make one with `course lab`, or name "
            f"the folder of yours, as in `course restore {lesson} FOLDER`"
        )
    if not working_copy.differs(name, lessons, folder):
        print(f"Your {name} has the course's cells: there is nothing to restore.")
        print("To get a fresh file all the same, delete yours and run this again.")
        return 0
    if (folder / name).exists() and not sure and not _agreed(name):
        print("Nothing is changed.")
        return 0
    try:
        kept = working_copy.restore(name, lessons, folder)
    except OSError as error:
        raise Fault(
            f"cannot restore {name} ({error.strerror}): make room, and make {folder} writable"
        ) from None
    print(f"{folder / name} is as the course made it.")
    if kept:
        print(f"Your version is kept as {folder / kept}")
        print("If the lesson is open in JupyterLab: File, Reload Notebook from Disk.")
    return 0


def _agreed(name: str) -> bool:
    print(f"Your {name} is not as the course made it. It will be kept beside, under a new name.")
    return _typed("Bring the course's version back? [y/N] ") in ("y", "yes")


def examine() -> int:
    """Print what the doctor finds; return 1 if there is a fault."""
    from course_utils import doctor

    findings = []
    for finding in doctor.examine():
        findings.append(finding)
        found = f" ({finding.found})" if finding.found else ""
        print(doctor.as_line(finding) + found, flush=True)
    print(doctor.verdict(findings))
    return int(any(finding.fault for finding in findings))


def quiz(options: argparse.Namespace) -> int:
    """Ask questions of the learner's choice."""
    from course_utils.quiz import terminal

    terminal.quiz(
        options.lesson,
        options.count,
        options.objective,
        options.level,
        options.exam,
        options.seed,
    )
    return 0


def review() -> int:
    """Ask the questions that are due for review."""
    from course_utils.quiz import terminal

    terminal.review()
    return 0


def check_banks() -> int:
    """Print what the question banks hold and what is wrong with them; return 1 if anything is."""
    from course_utils.quiz.bank import load_banks
    from course_utils.quiz.statistics import faults, report

    banks = load_banks()
    print(report(banks), end="\n\n")
    found = list(faults(banks))
    for fault in found:
        print(f"FAULT  {fault}")
    print(f"Faults found: {len(found)}." if found else "The banks are as they should be.")
    return int(bool(found))


def progress(action: "str | None", file: "Path | None") -> int:
    """Print the learner's progress, or move or delete the record."""
    from course_utils.quiz import terminal, transfer

    if action is None:
        terminal.progress()
    elif action == "export":
        print(f"Answers written to {file}: {transfer.export_record(file)}.")
    elif action == "import":
        added, already_there = transfer.import_record(file)
        print(f"Answers added: {added}. Already in your record: {already_there}.")
    else:
        return _delete_record()
    return 0


def _delete_record() -> int:
    from course_utils.quiz.store import open_store
    from course_utils.quiz.transfer import delete_record

    print(f"Answers in your record: {len(open_store().attempts())}.")
    print("To keep a copy, stop here and run `course progress export my_answers.json` first.")
    if _typed("Type yes to delete them all: ") != "yes":
        print("Nothing is deleted.")
        return 0
    delete_record(really=True)
    return 0


def _typed(prompt: str) -> str:
    """Return what is answered, in small letters; nothing where the input has ended."""
    from course_utils.quiz.terminal import typed

    try:
        return typed(prompt).strip().lower()
    except EOFError:
        print()
        return ""


def _speak_any_alphabet() -> None:
    """Let a terminal without Greek letters name them, and no stray byte in an answer end us."""
    for stream, errors in ((sys.stdout, "namereplace"), (sys.stdin, "replace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)


def _parser() -> Parser:
    parser = Parser(prog="course", description="Optimization in Deep Learning, in your notebooks.")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    raw = argparse.RawDescriptionHelpFormatter
    folder = {"metavar": "FOLDER", "nargs": "?", "type": Path, "default": MY_COURSE}
    folder["help"] = f"where your copy is (default: {MY_COURSE})"
    lab = commands.add_parser(
        "lab",
        help="open the lessons in JupyterLab, in a copy of your own",
        description=LAB,
        formatter_class=raw,
        usage="course lab [FOLDER] [-- JUPYTERLAB ARGUMENTS]",
    )
    lab.add_argument("folder", **folder)
    restore = commands.add_parser(
        "restore",
        help="bring one lesson of your copy back as the course made it",
        description=RESTORE,
        formatter_class=raw,
        usage="course restore LESSON [FOLDER] [--yes]",
    )
    restore.add_argument("lesson", metavar="LESSON", help="for example 02, or self_assessment")
    restore.add_argument("folder", **folder)
    restore.add_argument("--yes", action="store_true", help="do not ask")
    quiz = commands.add_parser(
        "quiz",
        help="answer questions here in the terminal",
        description=QUIZ,
        formatter_class=raw,
        usage="course quiz [LESSON | check] [OPTIONS]",
    )
    quiz.add_argument("lesson", metavar="LESSON", nargs="?", help="for example 03 (default: all)")
    quiz.add_argument(
        "--count", metavar="N", type=_positive, help="how many questions (default: 10)"
    )
    quiz.add_argument("--objective", metavar="ID", help="only this objective, such as gd.noise")
    quiz.add_argument("--level", help="remember, understand, apply or analyze")
    quiz.add_argument("--exam", action="store_true", help="all feedback and the score at the end")
    quiz.add_argument(
        "--seed", metavar="N", type=_whole, help="the same questions as with N before"
    )
    commands.add_parser(
        "review",
        help="answer again what you are about to forget",
        description=REVIEW,
        formatter_class=raw,
    )
    progress = commands.add_parser(
        "progress",
        help="see, export, import or delete your record",
        description=PROGRESS,
        formatter_class=raw,
        usage="course progress [delete | export FILE | import FILE]",
    )
    actions = progress.add_subparsers(dest="action", metavar="ACTION", prog="course progress")
    progress.set_defaults(file=None)
    actions.add_parser("delete", help="delete your record, after a question")
    for action, what in (("export", "write to"), ("import", "read")):
        moved = actions.add_parser(action, help=f"{action} your record")
        moved.add_argument("file", metavar="FILE", type=Path, help=f"the file to {what}")
    commands.add_parser(
        "doctor",
        help="check that everything the lessons need is here",
        description=DOCTOR,
        formatter_class=raw,
    )
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 up")
    return int(text)


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None


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


def _course_lessons(folder: Path) -> Path:
    """Return the folder of the course's own lessons, which the learner's must not be."""
    from course_utils.places import shipped

    lessons = shipped("notebooks").resolve()
    if lessons in [folder.resolve(), *folder.resolve().parents]:
        raise Fault(f"{folder} holds the course's own lessons: choose another folder")
    return lessons


def _bring_up_to_date(folder: Path) -> None:
    from course_utils.working_copy import refresh

    lessons = _course_lessons(folder)
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
        stem = Path(refreshed.kept[0]).stem
        where = "" if folder == MY_COURSE else f' "{folder}"'
        print(f"To get the course's version of one back: course restore {stem}{where}")


def _complain(message: str, code: int = 1) -> int:
    print(f"course: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
