"""autoenc: from a folder of unlabelled product images to "show me what looks like this"."""

__version__ = "0.1.0"
