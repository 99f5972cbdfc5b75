"""The one tree of errors. Everything a user may see is one of these; anything else is our bug.

BackchannelError              exit   HTTP
├── UsageError                  2    400   the command or request is not of the right form
│   └── NotFoundError           2    404   nothing of that name is here
├── InputError                  3    422   a file or stream cannot be read
├── PolicyError                 4    403   a rule forbids it
├── SignatureError              5    422   a key or signature is wrong
├── NetworkError                6    502   the other end cannot be reached
└── StoreError                  7    503   the store is missing, busy or damaged

Each carries a plain sentence (what happened and why it matters) and a `hint` (the next thing to do).
Secrets, key material and the text of TLP:RED objects never enter one.
"""

from __future__ import annotations

EXIT_DONE = 0
EXIT_NEEDS_YOU = 1
"""Done, and something needs the user: hits, withheld or refused items."""
EXIT_BUG = 70
EXIT_INTERRUPTED = 130


class BackchannelError(Exception):
    """Something a user can understand and mend."""

    exit_code = EXIT_BUG
    http_status = 500
    hint = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        if hint:
            self.hint = hint


class UsageError(BackchannelError):
    """The command or request is not of the right form."""

    exit_code = 2
    http_status = 400
    hint = "See `backchannel --help`."


class NotFoundError(UsageError):
    """Nothing of that name is here."""

    http_status = 404
    hint = "Correct the name, or look for it in `backchannel inbox`."


class InputError(BackchannelError):
    """A file or stream cannot be read at all."""

    exit_code = 3
    http_status = 422
    hint = "Correct the name or mend the file, then say it again."


class PolicyError(BackchannelError):
    """A rule forbids it."""

    exit_code = 4
    http_status = 403


class SignatureError(BackchannelError):
    """A key or signature is not what it should be."""

    exit_code = 5
    http_status = 422


class NetworkError(BackchannelError):
    """The other end cannot be reached."""

    exit_code = 6
    http_status = 502


class StoreError(BackchannelError):
    """The store is missing, busy or damaged."""

    exit_code = 7
    http_status = 503
    hint = "Run `backchannel doctor`."
