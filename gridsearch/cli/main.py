"""The command line: which commands there are, and what becomes of their errors."""

from __future__ import annotations

import contextlib
import errno
import functools
import re
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, cast

import typer

from gridsearch.cli.collecting import seldom_collected
from gridsearch.cli.commands import (
    advise,
    clean,
    compare,
    dashboard,
    doctor,
    effects,
    evaluate,
    export,
    figures,
    gc,
    launch,
    maps,
    plan,
    report,
    resume,
    samples,
    schema,
    serve,
    show,
    status,
    top,
    verify,
    watch,
    weights,
)
from gridsearch.cli.defects import defect_line
from gridsearch.cli.logs import logged
from gridsearch.cli.outlet import drop_stdout
from gridsearch.cli.render.plain_text import prepare
from gridsearch.cli.streams import err, say
from gridsearch.engine.trained.supervised import is_supervised
from gridsearch.errors import EXIT_COMPLETE, EXIT_DEFECT, EXIT_INTERRUPTED, EXIT_USAGE, GridsearchError
from gridsearch.printable import escaped_line
from gridsearch.store import waiting
from gridsearch.version import __version__

#: What a full or broken disk says.
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
#: Click's error for a wrong command line, of which newer Typers bring a copy of their own.
UsageError = cast(type[Exception], typer.BadParameter.__base__)


def interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """Make Ctrl-C during a command end it with our exit code; Typer would take it for an aborted prompt."""

    @functools.wraps(command)
    def run(*arguments: object, **options: object) -> None:
        try:
            command(*arguments, **options)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read our output has gone; Click would exit with 1
            drop_stdout()
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except KeyboardInterrupt:
            say("stopped")
            raise typer.Exit(EXIT_INTERRUPTED) from None

    return run


app = typer.Typer(
    name="gridsearch",
    help="Grid search for image classifiers: launch a YAML job, resume it, view its dashboard.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    logged(launch.launch),
    logged(seldom_collected(plan.plan)),
    logged(resume.resume),
    seldom_collected(status.status),
    seldom_collected(top.top),
    show.show,
    seldom_collected(effects.effects),
    seldom_collected(advise.advise),
    seldom_collected(compare.compare),
    logged(evaluate.evaluate),
    seldom_collected(dashboard.dashboard),
    figures.figures,
    report.report,
    logged(serve.serve),
    watch.watch,
    samples.samples,
    logged(maps.maps),
    logged(seldom_collected(export.export)),
    seldom_collected(verify.verify),
    gc.gc,
    clean.clean,
    logged(doctor.doctor),
    schema.schema,
):
    app.command()(interruptible(command))
app.command(weights.NAME, hidden=True)(interruptible(weights.weights))


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"gridsearch {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that come before a command."""


def _usage(error: Exception) -> int:
    """Say what is wrong with the command line itself in one line; the help, where nothing was asked for, as it is."""
    context = getattr(error, "ctx", None)
    text = str(getattr(error, "message", error)).strip()
    if context and text == context.get_help().strip():
        print(text)
        return EXIT_USAGE
    format_message: Callable[[], str] = getattr(error, "format_message", lambda: text)
    unknown = getattr(error, "option_name", None) if type(error).__name__ == "NoSuchOption" else None
    if isinstance(unknown, str):
        said = _unknown_option(unknown, context.command.params if context else ())
    else:
        said = _with_set(format_message())
    said = said.replace("Value error, ", "").replace("Input should be", "it must be").rstrip(".")
    command = context.info_name if context and context.parent else ""
    asked = " ".join(["gridsearch", *([command] if command else []), "--help"])
    said = " ".join(said.split()).removesuffix("?")
    mark = "? See" if "Did you mean" in said else "; see"
    say(f"gridsearch: {said}{mark}: {asked}")
    return EXIT_USAGE


def _with_set(said: str) -> str:
    """Say how a setting is changed on the command line, where one was written as in other tools.

    Of a word too many Click keeps nothing but what it says of it.
    """
    extra = re.search(r"unexpected extra argument(?:s|\(s\))? \(([^)]*=[^)]*)\)", said)
    if extra:
        return f"{said.rstrip('.')}; settings are changed with {' '.join(f'--set {word}' for word in extra[1].split())}"
    return said


def _unknown_option(name: str, params: Sequence[Any]) -> str:
    """Say which option may have been meant; Click's own guesses are by letters alone: --store for --json."""
    from gridsearch.cli.option_names import instead

    meant = instead(name, params)
    return f"No such option: {name}{f'; {meant}' if meant else ''}"


def main() -> None:
    """Run the command line; any error becomes one line on stderr and its exit code."""
    waiting.ORDINARY.note = say
    prepare(sys.stdout)
    prepare(sys.stderr)
    if is_supervised():
        err()  # to have a descriptor of our own before a model may close the usual ones
    code = _ended(lambda: app(standalone_mode=False))
    # What stdout still holds may find no room.
    unwritten = _ended(sys.stdout.flush if sys.stdout else lambda: None)
    sys.exit(code or unwritten)


def _ended(action: Callable[[], object]) -> int:
    """Do something and return the exit code."""
    try:
        try:
            return int(cast(int | None, action()) or EXIT_COMPLETE)
        except UsageError as error:
            return _usage(error)
    except GridsearchError as error:
        say(f"gridsearch: {escaped_line(str(error))}")
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        say("stopped")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        drop_stdout()
        return EXIT_INTERRUPTED
    except SystemExit:
        raise
    except BaseException as error:
        _drop_output()
        full = isinstance(error, OSError) and error.errno in _FULL
        with contextlib.suppress(Exception):
            say(f"gridsearch: {escaped_line(_full_line(error) if full else defect_line(error))}")
        return EXIT_USAGE if full else EXIT_DEFECT


def _full_line(error: BaseException) -> str:
    return (
        f"the output cannot be written: {getattr(error, 'strerror', error)}; redirect it elsewhere, or free some space"
    )


def _drop_output() -> None:
    """Drop what stdout cannot take any more: Python would complain about it once more while it shuts down."""
    with contextlib.suppress(Exception):
        try:
            sys.stdout.flush()
        except OSError:
            drop_stdout()
