"""The exceptions that linkage raises on purpose.

    LinkageError
    ├── InputError      the data, or what was typed, is not what was expected
    │   └── ConfigError a setting is unknown or out of range
    ├── CaseError       the case folder is missing, damaged, in use or of another version
    └── MissingExtraError  an optional part is not installed

All but bugs come out as one of these, with a message that says what was expected, what was
found and where, and what to type next. The command line prints the message and exits with 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class LinkageError(Exception):
    """Any error that the user can do something about."""


class InputError(LinkageError):
    """The input is not what was expected.

    `columns` says which are wrong, if it is known: the input, the column, and what is wrong.
    """

    def __init__(self, message: str, columns: Iterable[tuple[str, str, str]] = ()) -> None:
        super().__init__(message)
        self.columns = tuple(columns)


class ConfigError(InputError):
    """A setting is unknown or out of range."""


class CaseError(LinkageError):
    """The case folder can't be read or written."""


class MissingExtraError(LinkageError):
    """An optional part is needed that is not installed."""


def together(errors: Sequence[InputError]) -> InputError:
    """One error that says what several say.

    >>> print(together([InputError("no ip"), InputError("no time")]))
    no ip
    no time
    """
    columns = [column for error in errors for column in error.columns]
    return InputError("\n".join(map(str, errors)), columns)


def shorten(value: object, width: int = 60) -> str:
    """A value as it may stand in a message: quoted, on one line, cut at `width` characters.

    >>> shorten("n/a")
    '"n/a"'
    >>> shorten("a" * 100, width=8)
    '"aaaaaaa…"'
    """
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))
    if len(text) > width:
        text = text[: width - 1] + "…"
    return f'"{text}"'


def suggestion(word: str, known: Iterable[str]) -> str:
    """A sentence that names the nearest known word, or the known ones, for an unknown `word`.

    >>> suggestion("emial", ["email", "ip"])
    'Did you mean "email"?'
    >>> suggestion("zzz", ["email", "ip"])
    'Known: email, ip.'
    """
    words = sorted(known)
    near = difflib.get_close_matches(word, words, n=1)
    return f'Did you mean "{near[0]}"?' if near else f"Known: {', '.join(words)}."
