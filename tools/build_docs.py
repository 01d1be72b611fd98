"""Build the documentation into site/, and fail on any warning: `make docs`.

Zensical's strict mode looks at links in the Markdown. This looks at what it says of docstrings too,
which does not count there, and at the pages themselves: every link leads somewhere, nothing is
loaded from elsewhere, and no path of this machine is in them.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent

# All that a build without warnings says.
QUIET = re.compile(r"Build started|No issues found|Build finished in [\d.]+s|")
# What a browser loads, other than what a reader follows.
LOADED = {"script": "src", "img": "src", "iframe": "src", "link": "href"}


class Page(HTMLParser):
    """A built page: where its links lead, what it loads, and what can be linked in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        if tag == "a" and "href" in found:
            self.links.add(found["href"])
        if LOADED.get(tag) in found:
            self.loaded.add(found[LOADED[tag]])
        self.anchors.update(found[name] for name in ("id", "name") if name in found)


def build(folder: Path) -> str:
    """Build the site of a folder anew; return what was said, apart from what is always said."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-m", "zensical", "build", "--strict", "--clean"],
        cwd=folder,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    said = [line for line in finished.stdout.splitlines() if not QUIET.fullmatch(line)]
    if finished.returncode != 0 and not said:
        said = [f"zensical ended with {finished.returncode}"]
    return "\n".join(said)


def problems(site: Path) -> Iterator[str]:
    """Yield what is wrong with the pages of a site."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        # It is shown at any depth, so its links begin at the root of a server.
        if path.name != "404.html":
            for link in sorted(page.links | page.loaded):
                if problem := problem_of(link, path, site, pages):
                    yield f"{path.relative_to(site).as_posix()} links {link}, which {problem}"
    for path in sorted(site.rglob("*")):
        if path.is_file() and str(site.parent).encode() in path.read_bytes():
            yield f"{path.relative_to(site).as_posix()} has a path of this machine"


def problem_of(link: str, path: Path, site: Path, pages: dict[Path, Page]) -> str | None:
    """Return what is wrong with a link of a page, or None."""
    target = urlsplit(link)
    if target.scheme or target.netloc:
        return "is loaded from elsewhere" if link in pages[path].loaded else None
    found = (path.parent / unquote(target.path)).resolve() if target.path else path
    if not (found.is_relative_to(site) and found.is_file()):
        return "is not in the site"
    anchor = unquote(target.fragment)
    if anchor and found in pages and anchor not in pages[found].anchors:
        return "has no such heading"
    return None


def main() -> int:
    problems_found = build(ROOT) or "\n".join(problems(ROOT / "site"))
    if problems_found:
        print(problems_found)
        return 1
    print("The documentation is in site/: open site/index.html. Its search needs a server:")
    print("  python3 -m http.server --directory site")
    return 0


if __name__ == "__main__":
    sys.exit(main())
