"""The commands of `swrap` put together, and how what goes wrong is told.

Owns the one place where an exception becomes a line on stderr and an exit status: 2 for what the user can
mend in what was typed or written, 3 for what the machine refuses, 126 and 127 for programs as a shell has
them, 130 for Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import typer

from swrap.cli import doctor, faults, iptables, pcap, program, rules, scenarios, sockets, updown
from swrap.document import BadInput
from swrap.lab.errors import LabError

BAD_INPUT = 2
HARNESS = 3
INTERRUPTED = 130

app = typer.Typer(
    name="swrap",
    help="Real network programs on a private virtual network, without root, with scripted failures.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: the same in a pipe, and it does not cost the import of rich
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
scenarios.register(app)
updown.register(app)
program.register(app)
faults.register(app)
rules.register(app)
pcap.register(app)
iptables.register(app)
sockets.register(app)
doctor.register(app)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit status. Nothing but a bug in here gets out as an exception."""
    try:
        status = app(list(arguments), prog_name="swrap", standalone_mode=False)
    except LabError as error:
        return _tell(str(error), error.status)
    except BadInput as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        return BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Who read our output has had enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _tell(f"{where}{error.strerror or error}", HARNESS)
    except Exception as error:
        # Known by what they have: errors of usage are typer's own or click's, depending on typer's version,
        # and those of reports would have to be imported with all that draws them.
        status, told = getattr(error, "exit_code", None), getattr(error, "format_message", None)
        if not isinstance(status, int):
            raise
        return _tell(_usage(told(), error) if told else str(error), status)
    return status if isinstance(status, int) else 0


def _usage(message: str, error: Exception) -> str:
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "swrap"
    # Typer passes on how pydantic puts it.
    return f"{message.replace('Value error, ', '').rstrip('.')} (`{path} --help`)"


def _tell(message: str, status: int) -> int:
    print(f"swrap: {message}", file=sys.stderr)
    return status
