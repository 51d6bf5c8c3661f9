"""The case folder: written whole or not at all, read without being changed.

`store` writes, `ids` keeps operator ids over runs, `place` handles folders and locks, `database`
its format; `read` opens a case, `views` are its answers, `chains` and `graphs` its longer ones,
`names` finds who is meant; `judging` records what is decided (`amend` a case without a run),
`history` tells what happened.
"""

from linkage.case.case import Case
from linkage.case.database import SCHEMA_VERSION
from linkage.case.erase import naming
from linkage.case.ids import keep_ids
from linkage.case.judging import take_judgements
from linkage.case.keep import empty, known_inputs, take_known_rows, take_read
from linkage.case.matching import Matcher
from linkage.case.place import DATABASE, lock
from linkage.case.store import check_writable, workspace, write

__all__ = [
    "DATABASE",
    "SCHEMA_VERSION",
    "Case",
    "Matcher",
    "check_writable",
    "empty",
    "keep_ids",
    "known_inputs",
    "lock",
    "naming",
    "take_judgements",
    "take_known_rows",
    "take_read",
    "workspace",
    "write",
]
