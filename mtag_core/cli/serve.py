"""`serve`: the tagger as an HTTP server."""

import argparse

from mtag_core.cli.logs import start_logging
from mtag_core.options import Flags
from mtag_core.serve.server import ServeOptions, serve

_FLAGS = Flags(ServeOptions)
add_arguments = _FLAGS.add_to


def run(args: argparse.Namespace) -> int:
    """Serves until a signal."""
    start_logging(is_verbose=False)
    serve(_FLAGS.parse(args))
    return 0
