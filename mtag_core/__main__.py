"""Command line of mtag without the jobs on Beam: `python -m mtag_core COMMAND`."""

import sys
from collections.abc import Sequence

from mtag_core.cli.commands import COMMANDS, Command, call
from mtag_core.errors import InputNotFoundError, MtagError, UsageError
from mtag_core.storage import redacted


def main(
    argv: Sequence[str] | None = None,
    *,
    prog: str = "python -m mtag_core",
    commands: Sequence[Command] = COMMANDS,
) -> int:
    """Runs one command and turns an `MtagError` into one line on standard error.

    Returns:
        The exit code: 0 done, 1 failed, 2 called wrongly.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        return call(argv, prog=prog, commands=commands)
    except (UsageError, InputNotFoundError) as error:
        return _fail(str(error), code=2)
    except MtagError as error:
        return _fail(str(error), code=1)
    except BrokenPipeError:
        # The reader of a pipe, such as `head`, has seen enough.
        sys.stderr.close()
        return 0


def _fail(message: str, *, code: int) -> int:
    print(f"mtag: {redacted(message)}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
