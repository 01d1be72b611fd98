"""Compare the newest version in CHANGELOG.md with the package's own."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"
PACKAGE = ROOT / "fastdjango_signals" / "__init__.py"

# "## [Unreleased]" may stand above the newest version; it is no version and does not match.
HEADING = re.compile(r"^## \[(?P<version>\d[^\]]*)\](?P<rest>.*)$", re.MULTILINE)
DATE = re.compile(r" - \d{4}-\d{2}-\d{2}")
VERSION = re.compile(r"^__version__(?:: [^=]+)? = \"(?P<version>[^\"]+)\"$", re.MULTILINE)


def problem(changelog: str, package: str) -> str | None:
    """Return what is wrong and how to mend it, or None."""
    heading = HEADING.search(changelog)
    if heading is None:
        return 'CHANGELOG.md has no version heading; add one like "## [1.2.3] - 2030-12-31".'
    version = VERSION.search(package)
    if version is None:
        return 'fastdjango_signals/__init__.py has no line like: __version__ = "1.2.3"'
    if heading["version"] != version["version"]:
        return (
            f"CHANGELOG.md's newest version is {heading['version']}, but "
            f"fastdjango_signals.__version__ is {version['version']}.\n"
            f'Add the heading "## [{version["version"]}] - YYYY-MM-DD" to CHANGELOG.md, '
            "or set __version__ right."
        )
    if DATE.fullmatch(heading["rest"]) is None:
        dated = f"## [{heading['version']}] - YYYY-MM-DD"
        return f'CHANGELOG.md: the heading "{heading[0]}" needs its date: "{dated}".'
    return None


if __name__ == "__main__":
    found = problem(CHANGELOG.read_text(encoding="utf-8"), PACKAGE.read_text(encoding="utf-8"))
    if found is not None:
        sys.exit(found)
    print("CHANGELOG.md and __version__ agree.")
