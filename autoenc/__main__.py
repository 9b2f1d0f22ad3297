"""Run the command line as `python -m autoenc`."""

from autoenc.cli import entry

if __name__ == "__main__":  # the workers of `serve` import it under another name
    entry()
