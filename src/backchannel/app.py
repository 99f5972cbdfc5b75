"""The program as a whole: give the command line a clock, run it, and turn what went wrong into words and a code.

Everything a user can mend is a `BackchannelError`; anything else is our bug, and looks like one.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

# The rest is imported by what runs: Ctrl-C while it loads is an interruption like any other, not a trace.
from backchannel.errors import EXIT_BUG, EXIT_DONE, EXIT_INTERRUPTED, BackchannelError


def main() -> NoReturn:
    """Run the command line of this process and end it with the exit code of `docs/reference/exit-codes.md`."""
    _open_closed_streams()
    _write_no_core()
    code = EXIT_BUG
    try:
        code = _run()
        sys.stdout.flush()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: nothing is left to be interrupted
    except KeyboardInterrupt:
        _end_interrupted()
    except BrokenPipeError:
        _end_like_a_filter()
    except OSError:
        _forget_output()  # what could not be written was said already
    sys.exit(code)


def _write_no_core() -> None:
    """Let a crash leave no copy of this process's memory on the disk: private keys may lie in it."""
    import resource  # noqa: PLC0415

    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def _run() -> int:
    import click  # noqa: PLC0415

    from backchannel.cli import complaint  # noqa: PLC0415
    from backchannel.cli.program import backchannel  # noqa: PLC0415
    from backchannel.cli.session import Session  # noqa: PLC0415
    from backchannel.clock import SystemClock  # noqa: PLC0415

    stdout, session = sys.stdout, Session(clock=SystemClock())
    try:
        code = backchannel.main(obj=session, prog_name="backchannel", standalone_mode=False)
    except BackchannelError as error:
        complaint.complain(error)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help(), err=True)
        return error.exit_code
    except click.ClickException as error:
        complaint.complain_of_usage(error)
        return error.exit_code
    except BrokenPipeError:
        raise
    except SystemExit as end:
        if sys.stdout is not stdout:  # click puts another in its place where the reader of stdout has gone
            raise BrokenPipeError from end
        raise
    except Exception as error:  # the last edge: a bug must look like one
        if _is_interruption(error):
            raise KeyboardInterrupt from error
        complaint.complain_of_bug(error)
        return EXIT_BUG
    return code if isinstance(code, int) else EXIT_DONE


def _is_interruption(error: Exception) -> bool:
    """Whether it is Ctrl-C in the words of click (`Abort`, which an end of file is to it too) or of DuckDB."""
    return isinstance(error.__cause__, KeyboardInterrupt) or (
        type(error) is RuntimeError and str(error) == "Query interrupted"
    )


def _open_closed_streams() -> None:
    """Put the empty device where a caller closed a stream (`<&-`): Python has None there."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  # for good


def _end_interrupted() -> NoReturn:
    """End with the code of an interruption, at once.

    By `os._exit`: on its usual way out Python ends by SIGINT instead where the interruption passed through an
    `exec`, as it does while modules load.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        from backchannel.cli.complaint import explain_interruption  # noqa: PLC0415

        explain_interruption()
        sys.stdout.flush()
    finally:
        os._exit(EXIT_INTERRUPTED)


def _end_like_a_filter() -> NoReturn:
    """End as every Unix filter does whose reader has gone (`| head`): quietly, by SIGPIPE."""
    _forget_output()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGPIPE)
    sys.exit(EXIT_DONE)


def _forget_output() -> None:
    """Let nothing be flushed when the process ends: its reader or its room is gone."""
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
