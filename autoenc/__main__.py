"""Run the command line as `python -m autoenc`."""

from autoenc.cli import entry

entry()
