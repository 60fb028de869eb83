"""Which process this is. Its number does not tell: a child in a container may have its parent's."""

from __future__ import annotations

import os


class Process:
    """One process. There is one such object in it, so that two are compared with `is`."""

    def __init__(self) -> None:
        """Note its number."""
        self.id = os.getpid()


_this = Process()
_parent = _this  # of what is forked next


def this_process() -> Process:
    """Return the object of this process. A forked child has another one than its parent."""
    global _this
    if _this.id != os.getpid():  # what others do at a fork may come before `_begin`
        _this = Process()
    return _this


def _note() -> None:
    global _parent
    _parent = this_process()


def _begin() -> None:
    global _this
    if _this is _parent:
        _this = Process()


os.register_at_fork(before=_note, after_in_child=_begin)
