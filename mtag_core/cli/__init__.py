"""One module a command of `python -m mtag_core`: `add_arguments(parser)` and `run(args) -> int`."""
