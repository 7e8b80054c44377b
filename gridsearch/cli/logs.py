"""What goes on behind a command: `--verbose` shows the log on the terminal, `--log-file` keeps all of it in a file."""

from __future__ import annotations

import contextlib
import functools
import inspect
import logging
import platform
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gridsearch.cli.streams import say
from gridsearch.errors import one_line
from gridsearch.output_places import not_written
from gridsearch.version import __version__

VerboseOption = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Print details, such as why a strategy was refused or a cache was not used."),
]
LogFileOption = Annotated[
    Path | None, typer.Option("--log-file", metavar="FILE", help="Append the same details, with times, to a file.")
]
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class _Said(logging.Handler):
    """Prints lines as the command's own, above a live region where there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        say(f"{record.name.removeprefix('gridsearch.')}: {record.getMessage()}")


@contextlib.contextmanager
def logging_to(*, verbose: bool, log_file: Path | None) -> Iterator[None]:
    """Have this package's log shown, and written, within; `GridsearchError` where the file cannot be."""
    logger = logging.getLogger("gridsearch")
    handlers: list[logging.Handler] = [_Said(logging.INFO)] if verbose else []
    if log_file is not None:
        try:
            log_file.parent.mkdir(parents=True, exist_ok=True)
            kept = logging.FileHandler(log_file, encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise not_written(f"--log-file {log_file}", log_file, error) from None
        kept.setFormatter(logging.Formatter(_FORMAT))
        handlers.append(kept)
    before, propagated = logger.level, logger.propagate
    if handlers:
        logger.setLevel(logging.DEBUG if log_file else logging.INFO)
    logger.propagate = False
    for handler in handlers:
        logger.addHandler(handler)
    version = f"gridsearch {__version__} on Python {platform.python_version()}"
    logger.debug("%s: %s", version, shlex.join(sys.argv[1:]))
    ended = "finished"
    try:
        yield
    except typer.Exit as end:
        ended = f"ended with exit code {end.exit_code}"
        raise
    except BaseException as error:
        ended = f"ended with an error: {one_line(error)}"
        raise
    finally:
        logger.debug("%s", ended)
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
        logger.setLevel(before)
        logger.propagate = propagated


def logged(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options `--verbose` and `--log-file`."""
    own = inspect.signature(command, eval_str=True)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, default, annotation in (("verbose", False, VerboseOption), ("log_file", None, LogFileOption))
    ]
    parameters = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own.parameters.values()] + added

    @functools.wraps(command)
    def run(**options: Any) -> None:
        with logging_to(verbose=options.pop("verbose"), log_file=options.pop("log_file")):
            command(**options)

    run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": None}
    return run
