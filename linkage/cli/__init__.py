"""The command line: parse, call, print; no logic.

`main` is what `linkage` runs. Results go to stdout, everything else to stderr. It ends with 0
when done, with 1 for a bug (a trace is written, one line is shown), with 2 for what the user can
put right.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from linkage.errors import LinkageError

DONE, BUG, WRONG, INTERRUPTED = 0, 1, 2, 130

_interrupts: list[int] = []


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            # a terminal that lacks a character shows a question mark rather than a trace
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    signal.signal(signal.SIGINT, _interrupt)
    code = run(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_stdout()
    if _interrupts:
        # at once: what an interrupt left half done complains when it is taken apart
        os._exit(code)
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; every exception is answered here."""
    from typer.main import get_command

    from linkage.cli.app import app
    from linkage.cli.output import complain

    try:
        with get_command(app).make_context("linkage", list(arguments) or ["--help"]) as context:
            context.command.invoke(context)
    except KeyboardInterrupt:
        return INTERRUPTED
    except LinkageError as error:
        if _interrupts:
            return INTERRUPTED
        complain(str(error))
        return WRONG
    except BrokenPipeError:
        # whoever read our output has seen enough
        _forget_stdout()
        return DONE
    except Exception as error:
        if _interrupts:
            return INTERRUPTED
        if hasattr(error, "exit_code") and not isinstance(error, OSError):
            return _typer(error)
        where = _log(arguments)
        text = str(error).strip()
        complain(
            f"This is a bug in linkage, not in your data: {type(error).__name__}"
            f"{': ' + text.splitlines()[0] if text else ''}. The trace is in {where}"
        )
        return BUG
    return DONE


def _interrupt(number: int, frame: object) -> None:
    # DuckDB answers an interrupt with an error of its own, so that it has to be remembered
    _interrupts.append(number)
    threading.Thread(target=_keep_interrupting, daemon=True).start()
    raise KeyboardInterrupt


def _keep_interrupting() -> None:
    from linkage import engine

    while True:
        time.sleep(0.1)
        engine.interrupt()


def _typer(error: Exception) -> int:
    """Typer's own ways to end: a usage error has a message, `Exit` has none."""
    from linkage.cli.output import complain

    show = getattr(error, "format_message", None)
    if show is None:
        return int(error.exit_code)  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    if context is not None:
        complain(context.get_usage())
    complain(show())
    if context is not None:
        complain(f"Help: {context.command_path} --help")
    return WRONG


def _log(arguments: Sequence[str]) -> Path:
    """Write the trace into the case that the command is about, or to a temporary file."""
    text = f"linkage {' '.join(arguments)}\n{traceback.format_exc()}"
    for argument in arguments:
        if argument and (Path(argument) / "case.duckdb").exists():
            with contextlib.suppress(OSError):
                path = Path(argument) / "linkage.log"
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                with os.fdopen(handle, "a", encoding="utf-8", errors="replace") as file:
                    file.write(text)
                return path
    handle, name = tempfile.mkstemp(prefix="linkage-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
        file.write(text)
    return Path(name)


def _forget_stdout() -> None:
    # or the interpreter tries to flush it again at its end, and complains
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
