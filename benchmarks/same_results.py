"""Whether two results folders hold the same: every row and every PNG file, to the bit.

    python -m benchmarks.same_results results/before results/after

Columns that say when, where and by which version a row was made are left out. Exit code 1 if
anything differs.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import pandas as pd

from gcdp_bench.results.schema import KEY, OLD_IDS
from gcdp_bench.results.table import read_rows

MADE_BY = ("git_commit", "versions", "hardware", "seconds")


def rows_of(results: Path) -> pd.DataFrame:
    """Rows in a fixed order, without `MADE_BY`."""
    return read_rows(results).drop(columns=list(MADE_BY)).sort_values(list(KEY), ignore_index=True)


def pictures_of(results: Path) -> dict[str, str]:
    """SHA-256 of every PNG file by its path in the folder."""
    return {
        "/".join(
            OLD_IDS.get(part, part) for part in path.relative_to(results).parts
        ): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*.png"))
    }


def main() -> None:
    """Compare, print what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    options = parser.parse_args()
    first, second = (rows_of(folder) for folder in (options.first, options.second))
    same_length = len(first) == len(second)
    differing = [
        str(name) for name in first if not same_length or not first[name].equals(second[name])
    ]
    one, other = (pictures_of(folder) for folder in (options.first, options.second))
    changed = [name for name in sorted({*one, *other}) if one.get(name) != other.get(name)]
    print(
        f"{len(first)} and {len(second)} rows, differing columns: {', '.join(differing) or 'none'}"
    )
    print(f"{len(one)} and {len(other)} PNG files, differing: {', '.join(changed[:10]) or 'none'}")
    sys.exit(1 if differing or changed else 0)


if __name__ == "__main__":
    main()
