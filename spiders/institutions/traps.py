"""What keeps a crawl out of endless pages: calendars without end, folders in folders, a query for every whim."""

from collections import Counter
from urllib.parse import urlsplit

MAX_URL = (
    2_000  # characters; RFC 9110, section 4.1, asks a server for 8,000, no page worth keeping needs 2,000
)
MAX_REPEATS = 3  # times that a path may hold one segment


class Trap:
    """The guard of one site; it counts the queries of each path that it let pass."""

    def __init__(self, max_query: int) -> None:
        self.max_query = max_query
        self.queries: Counter[str] = Counter()

    def holds(self, url: str) -> str:
        """Return why a new address should not be asked for, "" where nothing speaks against it."""
        if len(url) > MAX_URL:
            return "long address"
        parts = urlsplit(url)
        segments = Counter(filter(None, parts.path.split("/")))
        if segments and max(segments.values()) > MAX_REPEATS:
            return "repeated segment"
        if parts.query:
            if self.queries[parts.path] >= self.max_query:
                return "many queries"
            self.queries[parts.path] += 1
        return ""
