"""What can go wrong. Each carries the engine's own sentence, which names what was expected.

::

    PenaError
    ├── SettingsError     (also a ValueError)    a setting that cannot be
    ├── ListenError       (also an OSError)      the address cannot be listened on
    ├── StoreError                               the store cannot be opened, read or written
    │   └── StoreInUseError                      another server has it
    └── NotRunningError   (also a RuntimeError)  asked of what was not started, or in a child
                                             that was forked from its process
"""


class PenaError(Exception):
    """Any error of Pena."""


class SettingsError(PenaError, ValueError):
    """A setting that cannot be, or two that do not fit together."""


class ListenError(PenaError, OSError):
    """The address cannot be listened on."""


class StoreError(PenaError):
    """The store cannot be opened, read or written."""


class StoreInUseError(StoreError):
    """Another server has the store."""


class NotRunningError(PenaError, RuntimeError):
    """Asked of a server or client that was not started, or in a process forked from its own."""
