"""`python -m autoenc`."""

from autoenc.cli import entry

entry()
