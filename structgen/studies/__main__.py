"""``python -m structgen.studies NAME [options]``: run one study; without a name, list them.

A study is imported when it is named: they need libraries that the others do not.
"""

from __future__ import annotations

import sys
from importlib import import_module

from structgen.errors import StructgenError
from structgen.studies import STUDIES


def main(arguments: list[str]) -> int:
    """Run the study that the first argument names with the rest. Returns the exit status."""
    if not arguments or arguments[0] not in STUDIES:
        asked = arguments[0] if arguments else "-h"
        print("usage: python -m structgen.studies NAME [options]; NAME is one of", file=sys.stderr)
        for name, (_, line) in STUDIES.items():
            print(f"  {name:<12} {line}", file=sys.stderr)
        return 0 if asked in ("-h", "--help") else 2
    module, _ = STUDIES[arguments[0]]
    try:
        status: int = import_module(f"structgen.studies.{module}").main(arguments[1:])
    except StructgenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
