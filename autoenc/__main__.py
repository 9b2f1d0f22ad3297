"""`python -m autoenc`."""

import sys

from autoenc.cli import main

sys.exit(main())
