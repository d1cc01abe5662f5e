"""``python -m structgen.cli``."""

from structgen.cli import entry

entry()
