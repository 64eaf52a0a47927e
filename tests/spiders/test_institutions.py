"""Institutions: a site is one YAML file; what it asks for is captured, all of it, once, under its right title."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from corpus.captures import read_captures
from corpus.document import Capture
from datacards.card import Card
from datacards.errors import UserError
from datacards.store import Store
from sample import glossary
from sample.institution_terms import MEMBERS
from sample.institutions import INSTITUTIONS
from sample.world import World, serve
from spiders.institutions.site import read_sites
from spiders.institutions.traps import Trap
from tests.spiders.conftest import BASES, NOWHERE, ROOT, Crawler, Site

SHIPPED = str(ROOT / "spiders" / "sites")
SAMPLE = str(ROOT / "sample" / "sites")
HTML = {"Content-Type": "text/html"}
WORDS = ("institutions", "-a", "version=2026.11.21")


def folders(*paths: str | Path) -> tuple[str, str]:
    return "-s", "KANAGURA_SITES=" + ",".join(map(str, paths))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, World]:
    """A crawl of all sites of the sample world, and the world with its log of requests."""
    with serve() as world:
        crawler = Crawler(
            tmp_path_factory.mktemp("whole") / "store", {**dict.fromkeys(BASES, NOWHERE), **world.base_urls}
        )
        done = crawler.run(*WORDS, *folders(SHIPPED, SAMPLE))
    assert done.returncode == 0, done.stderr
    return Store(crawler.store), world


def captured(whole: tuple[Store, World], host: str) -> dict[str, Capture]:
    """Return what was kept of a host, by path; index pages are no documents."""
    store, world = whole
    found = [c for c in read_captures(store.path(store.resolve("institutions"))) if c.source == host]
    assert len({c.url for c in found}) == len(found)
    kept = [c for c in found if c.meta["kind"] != "index"]
    assert len({c.sha256 for c in kept}) == len(kept)
    return {c.url.removeprefix(world.base_urls[host]): c for c in kept}


@pytest.mark.parametrize("host", INSTITUTIONS)
def test_every_page_of_a_layout_is_captured_once_under_its_title(
    whole: tuple[Store, World], host: str
) -> None:
    expected = {page.path: (page.kind, " ".join(page.title.split())) for page in INSTITUTIONS[host].kept()}
    found = captured(whole, host)
    assert {path: (c.meta["kind"], c.meta["title"]) for path, c in found.items()} == expected
    asked = [path for name, path in whole[1].requests if name == host]
    assert len(asked) == len(set(asked))


def test_the_bytes_of_a_page_stay_as_they_came(whole: tuple[Store, World]) -> None:
    for host in ("securities", "insurer", "regional_bank", "leasing"):
        for path, capture in captured(whole, host).items():
            assert capture.body == INSTITUTIONS[host].answer(path).body


def test_every_term_of_the_exchange_is_captured_under_its_headword(whole: tuple[Store, World]) -> None:
    found = {path: c for path, c in captured(whole, "jpx").items() if c.meta["kind"] == "term"}
    assert {path: c.meta["title"] for path, c in found.items()} == {
        path: term.headword for path, term in glossary.terms().items()
    }
    assert {c.license for c in found.values()} == {"all-rights-reserved"}


def test_a_page_that_robots_txt_forbids_is_not_asked_for(whole: tuple[Store, World]) -> None:
    store, world = whole
    assert {("jpx", glossary.DISALLOWED), ("securities", MEMBERS)}.isdisjoint(world.requests)
    card = store.card(store.resolve("institutions"))
    assert (card.counts["disallowed"], card.drops["robots_disallowed"], card.counts["failed"]) == (2, 2, 0)


def test_a_calendar_without_end_is_left_soon_and_what_was_skipped_is_counted(
    whole: tuple[Store, World],
) -> None:
    store, world = whole
    counts = store.card(store.resolve("institutions")).counts
    assert counts["skipped depth"] > 0
    assert counts["skipped trap"] > 0
    asked = [path for host, path in world.requests if host == "association"]
    assert len([path for path in asked if path.startswith("/event/calendar")]) <= 20
    assert len([path for path in asked if path.startswith("/event/months/")]) <= 4
    assert len([path for path in asked if path.startswith("/links/")]) <= 4
    assert max(map(len, asked)) < 2_000


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://e.jp/" + "a" * 2_000, "long address"),
        ("http://e.jp/a/b/a/b/a/b/a/", "repeated segment"),
        ("http://e.jp/a/b/a/b/a/", ""),
        ("http://e.jp/list?page=3", "many queries"),
        ("http://e.jp/other?page=3", ""),
    ],
)
def test_a_trap_is_known_by_its_address(url: str, why: str) -> None:
    trap = Trap(max_query=2)
    assert [trap.holds(f"http://e.jp/list?page={number}") for number in (1, 2)] == ["", ""]
    assert trap.holds(url) == why


# -- cadence -------------------------------------------------------------------------------------------------


def aged(store: Store, days: int) -> None:
    """Make the card of the only crawl say that it was made so many days ago."""
    path = store.path(store.resolve("institutions")) / "card.json"
    card = Card.model_validate_json(path.read_bytes())
    path.write_text(
        card.model_copy(update={"created_at": card.created_at - timedelta(days=days)}).to_json(),
        encoding="utf-8",
    )


def visits(store: Store) -> dict[str, bool]:
    path = store.path(store.resolve("institutions")) / "visits.jsonl"
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {row["site"]: row["due"] for row in rows}


def test_a_site_that_was_visited_lately_is_skipped_and_the_version_says_so(
    crawler: Crawler, world: World
) -> None:
    words = ("-a", "sites=securities,leasing", *folders(SAMPLE))
    assert crawler.run(*WORDS, *words).returncode == 0
    store = Store(crawler.store)
    assert visits(store) == {"securities": True, "leasing": True}
    before = len(world.requests)
    assert crawler.run("institutions", "-a", "version=2026.11.22", *words).returncode == 0
    assert visits(store) == {"securities": False, "leasing": True}  # leasing has no cadence
    assert {host for host, _ in world.requests[before:]} == {"leasing"}
    first, second = (
        {(c.source, c.url, c.sha256, c.meta["kind"]) for c in read_captures(store.path(store.resolve(ref)))}
        for ref in ("institutions@2026.11.21", "institutions@2026.11.22")
    )
    assert first == second  # what was not asked for again is taken over
    assert store.verify(store.resolve("institutions")) == []
    assert store.card(store.resolve("institutions")).counts["sites skipped"] == 1
    for words_of_version in ("version=2026.11.23", "cadence=ignore"), ("version=2026.11.24", "kinds=profile"):
        given = [part for word in words_of_version for part in ("-a", word)]
        assert crawler.run("institutions", *given, *words).returncode == 0
        assert visits(store)["securities"] == (words_of_version[1] == "cadence=ignore")


@pytest.mark.parametrize(("days", "due"), [(6, False), (7, True)])
def test_a_site_is_due_again_when_its_days_are_over(crawler: Crawler, days: int, due: bool) -> None:
    words = ("-a", "sites=securities", *folders(SAMPLE))
    assert crawler.run(*WORDS, *words).returncode == 0
    aged(Store(crawler.store), days)
    done = crawler.run("institutions", "-a", "version=2026.11.22", *words)
    assert done.returncode == 0, done.stderr
    if not due:
        said = f"no site is due (securities: institutions@2026.11.21 visited it {days} days ago"
        assert said in done.stdout
        assert "cadence=ignore" in done.stdout.splitlines()[-1]
        assert not list((crawler.store / ".drafts").glob("institutions*"))
        assert crawler.run(*WORDS, *words).returncode == 0  # it exists already: nothing to do
    assert len(Store(crawler.store).refs("institutions")) == 1 + due


def test_a_visit_by_other_rules_or_for_other_kinds_is_none(crawler: Crawler, tmp_path: Path) -> None:
    text = (ROOT / "sample" / "sites" / "securities.yaml").read_text(encoding="utf-8")
    (tmp_path / "securities.yaml").write_text(text, encoding="utf-8")
    words = folders(tmp_path)
    assert crawler.run(*WORDS, "-a", "kinds=profile", *words).returncode == 0
    store = Store(crawler.store)
    assert set(store.card(store.resolve("institutions")).counts) & {"kind term", "kind profile"} == {
        "kind profile"
    }
    assert crawler.run("institutions", "-a", "version=2026.11.22", *words).returncode == 0
    assert visits(store) == {"securities": True}
    (tmp_path / "securities.yaml").write_text(text.replace("start:", "depth: 9\nstart:"), encoding="utf-8")
    assert crawler.run("institutions", "-a", "version=2026.11.23", *words).returncode == 0
    assert visits(store) == {"securities": True}


def cadence_site(tmp_path: Path, site: Site, name: str, more: str = "") -> None:
    """Write the file of a site whose numbered pages are kept; KANAGURA_SITES shall name its folder."""
    head = f"name: {name}\ndescription: test\nurl: {site.base}\nlicense: all-rights-reserved\nstart: [/]\n{more}\n"
    rules = "rules:\n  - {pattern: 'p[0-9]', do: keep, kind: page}\n  - {pattern: 'q[0-9]', do: keep, kind: term}\n"
    (tmp_path / f"{name}.yaml").write_text(head + rules, encoding="utf-8")


def pages_of(store: Store, version: str) -> dict[str, int]:
    """Return the path and status of every capture of a version."""
    captures = read_captures(store.path(store.resolve(f"institutions@{version}")))
    return {"/" + c.url.rpartition("/")[2]: c.status for c in captures}


def test_a_site_of_which_a_page_failed_is_due_again_and_no_other(
    site: Site, crawl_site: Callable[[], Crawler], crawler: Crawler, world: World, tmp_path: Path
) -> None:
    cadence_site(tmp_path, site, "other", "cadence: {days: 7}")
    words = ("-a", "sites=other,securities", *folders(tmp_path, SAMPLE))
    site.pages |= {"/": linked("/p1.html", "/p2.html"), "/p1.html": linked(), "/p2.html": (500, HTML, b"")}
    done = crawler.run("institutions", *words)
    assert done.returncode == 3, done.stderr
    site.pages["/p2.html"] = linked("#")
    asked = len(world.requests)
    done = crawler.run("institutions", *words)
    assert done.returncode == 0, done.stderr
    store = Store(crawler.store)
    assert len(store.refs("institutions")) == 2
    assert visits(store) == {"other": True, "securities": False}
    assert len(world.requests) == asked
    assert pages_of(store, store.resolve("institutions").version)["/p2.html"] == 200
    done = crawler.run("institutions", "-a", "version=2030.01.01", *words)
    assert "no site is due" in done.stdout


def test_a_site_that_is_not_due_brings_nothing_back_that_is_gone(
    site: Site, crawl_site: Callable[[], Crawler], tmp_path: Path
) -> None:
    cadence_site(tmp_path, site, "one", "cadence: {days: 7}")
    names = [f"/p{number}.html" for number in range(4)]
    site.pages |= {name: linked(f"/{name}") for name in names}
    site.pages |= {"/": linked(*names, "/q1.html"), "/q1.html": linked("/again")}
    crawler = crawl_site()
    words = ("institutions", *folders(tmp_path), "-a")
    assert crawler.run(*words, "version=2026.11.21").returncode == 0
    site.pages["/p1.html"] = (404, HTML, b"gone")
    site.pages["/p2.html"] = (301, {"Location": "/p3.html"}, b"")
    site.pages["/p0.html"] = (200, {**HTML, "X-Robots-Tag": "noai"}, b"")
    assert crawler.run(*words, "version=2026.11.22", "-a", "cadence=ignore").returncode == 0
    # Another site makes the third version worth a crawl.
    cadence_site(tmp_path, Site(base=site.base.replace("127.0.0.1", "localhost")), "two")
    before = len(site.requests)
    assert crawler.run(*words, "version=2026.11.23").returncode == 0
    store = Store(crawler.store)
    assert visits(store) == {"one": False, "two": True}
    captures = read_captures(store.path(store.resolve("institutions@2026.11.23")))
    of_one = {c.url.removeprefix(site.base) for c in captures if c.source == "one"}
    assert of_one == {"/", "/p3.html", "/q1.html"}
    assert len(site.requests) > before


def test_a_site_that_is_not_due_brings_only_the_kinds_that_are_wanted(
    site: Site, crawl_site: Callable[[], Crawler], tmp_path: Path
) -> None:
    cadence_site(tmp_path, site, "one", "cadence: {days: 7}")
    cadence_site(tmp_path, Site(base=site.base.replace("127.0.0.1", "localhost")), "two")
    site.pages |= {"/": linked("/p1.html", "/q1.html"), "/p1.html": linked("/x"), "/q1.html": linked("/y")}
    crawler = crawl_site()
    words = ("institutions", *folders(tmp_path), "-a")
    assert crawler.run(*words, "version=2026.11.21").returncode == 0
    assert crawler.run(*words, "version=2026.11.22", "-a", "kinds=term").returncode == 0
    store = Store(crawler.store)
    assert visits(store) == {"one": False, "two": True}
    assert set(store.card(store.resolve("institutions")).counts) & {"kind term", "kind page"} == {"kind term"}


# -- site files ----------------------------------------------------------------------------------------------


def test_the_site_files_are_valid_and_named_as_their_sites() -> None:
    sites = read_sites((SHIPPED, SAMPLE))
    assert {site.name for site in sites} == {"jpx", *INSTITUTIONS}
    assert [site.name for site in read_sites((SHIPPED,))] == ["jpx"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: term", "kinds: term", "unknown key 'rules.0.kinds'"),
        ("license: all-rights-reserved", "license: mine", "no license 'mine'"),
        ("pattern: ^/", "pattern: '('\n    #", "rules.0.pattern = '('; is no regular expression"),
        ("pattern: ^/glossary/(", "pattern: ^/((", "rules.1.pattern"),
        ("base: jpx", "", "one of 'base' and 'url'"),
        (
            "base: jpx",
            "url: https://www.jpx.co.jp/glossary",
            "url = 'https://www.jpx.co.jp/glossary'; scheme://host",
        ),
        (
            "base: jpx",
            "url: https://jpx.example.jp",
            "jpx is a key of KANAGURA_BASE_URLS with another address",
        ),
        ("kind: term", "kind: Term", "rules.0.kind = 'Term'"),
        ("do: keep", "do: take", "rules.0.do = 'take'"),
        ("kind: term", "kind: index", "'keep' needs a kind"),
        ("  days: 30", "  days: 0", "cadence.days = 0"),
        ("name: jpx", "name: tse", "name = 'tse'; the name of the file"),
        ("  - /glossary", "  - glossary", "start.0 = 'glossary/index.html'"),
        ("index: index.html", "limit: 0", "limit = 0"),
    ],
)
def test_a_wrong_site_file_is_an_error_that_names_the_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = (ROOT / "spiders" / "sites" / "jpx.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "jpx.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(UserError) as caught:
        read_sites((str(tmp_path),))
    assert said in caught.value.format_message()


def test_wrong_folders_names_and_kinds_are_named(tmp_path: Path) -> None:
    for given, said in [
        (((str(tmp_path / "none"),), (), ()), "no folder"),
        (((SHIPPED, SHIPPED), (), ()), "jpx.yaml is in"),
        (((SHIPPED,), ("nowhere",), ()), "no site 'nowhere'; known: jpx"),
        (
            ((SHIPPED, SAMPLE), (), ("reports",)),
            "no site keeps 'reports'; known: page, profile, report, term",
        ),
    ]:
        with pytest.raises(UserError) as caught:
            read_sites(*given)
        assert said in caught.value.format_message()


def test_two_files_for_one_address_are_refused(tmp_path: Path) -> None:
    text = (ROOT / "spiders" / "sites" / "jpx.yaml").read_text(encoding="utf-8")
    for name in ("jpx", "tse"):
        (tmp_path / f"{name}.yaml").write_text(text.replace("name: jpx", f"name: {name}"), encoding="utf-8")
    with pytest.raises(UserError, match=r"tse\.yaml: has the address of jpx\.yaml"):
        read_sites((str(tmp_path),))


def test_an_institution_is_added_by_one_file(site: Site, tmp_path: Path) -> None:
    """No Python, no setting but the folder: the address stands in the file."""
    site.pages |= {
        "/": (200, HTML, '<a href="//HOST/a/1.html#top">手形</a><a href="/b/2.html">別</a>'.encode("cp932")),
        "/a/1.html": (200, HTML, "<h1>手形</h1><p>支払いを約束する証券です。</p>".encode("cp932")),
    }
    home = site.pages["/"]
    site.pages["/"] = (home[0], home[1], home[2].replace(b"//HOST", site.base.encode()))
    (tmp_path / "tegata.yaml").write_text(
        f"name: tegata\ndescription: Terms of a bank\nurl: {site.base}\nlicense: all-rights-reserved\n"
        "start: [/]\nrules:\n  - {pattern: ^/a/, do: keep, kind: term}\n",
        encoding="utf-8",
    )
    crawler = Crawler(tmp_path / "store", dict.fromkeys(BASES, NOWHERE))
    done = crawler.run(*WORDS, *folders(tmp_path))
    assert done.returncode == 0, done.stderr
    store = Store(crawler.store)
    captures = list(read_captures(store.path(store.resolve("institutions"))))
    assert {c.url.removeprefix(site.base): (c.source, c.meta.get("title", "")) for c in captures} == {
        "/": ("tegata", ""),
        "/a/1.html": ("tegata", "手形"),
    }
    assert site.requests == ["/robots.txt", "/.well-known/tdmrep.json", "/", "/a/1.html"]


def test_one_site_that_is_down_does_not_stop_the_others_and_is_due_again(
    crawler: Crawler, tmp_path: Path
) -> None:
    crawler.base_urls["securities"] = NOWHERE
    words = ("-a", "sites=securities,leasing", *folders(SAMPLE))
    done = crawler.run(*WORDS, *words)
    assert done.returncode == 3, done.stderr
    store = Store(crawler.store)
    counts = store.card(store.resolve("institutions")).counts
    assert (counts["unreached securities"], counts["failed"]) == (1, 1)
    assert "site securities" not in counts


def test_a_stopped_crawl_goes_on_and_asks_for_nothing_twice(
    crawler: Crawler, world: World, whole: tuple[Store, World]
) -> None:
    words = ("-a", "sites=insurer,securities", *folders(SAMPLE))
    before = len(world.requests)
    done = crawler.run(*WORDS, *words, "-s", "CLOSESPIDER_ITEMCOUNT=9")
    assert done.returncode == 1
    assert Store(crawler.store).refs() == []
    assert crawler.run(*WORDS, *words).returncode == 0
    for host in ("insurer", "securities"):
        again = captured((Store(crawler.store), world), host)
        assert {path: c.meta["title"] for path, c in again.items()} == {
            path: c.meta["title"] for path, c in captured(whole, host).items()
        }
    about_hosts = ("/robots.txt", "/.well-known/tdmrep.json")
    asked = [request for request in world.requests[before:] if request[1] not in about_hosts]
    assert len(asked) == len(set(asked))


# -- rules ----------------------------------------------------------------------------------------------------


@pytest.fixture
def crawl_pages(site: Site, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Crawl the test's own site by rules; return what each page was taken for."""

    def crawl(rules: str, *words: str) -> dict[str, str]:
        (tmp_path / "own.yaml").write_text(
            f"name: own\ndescription: Own\nurl: {site.base}\nlicense: all-rights-reserved\n{rules}",
            encoding="utf-8",
        )
        crawler = Crawler(tmp_path / "store", dict.fromkeys(BASES, NOWHERE))
        done = crawler.run(*WORDS, *folders(tmp_path), *words)
        assert done.returncode == 0, done.stderr
        store = Store(crawler.store)
        found = read_captures(store.path(store.resolve("institutions")))
        return {c.url.removeprefix(site.base): c.meta["kind"] for c in found}

    return crawl


def linked(*paths: str, head: str = "") -> tuple[int, dict[str, str], bytes]:
    return 200, HTML, (head + "".join(f'<a href="{path}">{path}</a>' for path in paths)).encode()


def test_rules_are_tried_in_order_and_a_kept_page_leads_on(
    site: Site, crawl_pages: Callable[..., dict[str, str]]
) -> None:
    site.pages |= {
        "/": linked("/r/1.html", "/r/secret.html", "/else.html", "/r/../r/1.html"),
        "/r/1.html": linked("/r/1.pdf", head='<link rel="next" href="/more?part=2">'),
        "/r/1.pdf": (200, {"Content-Type": "application/pdf"}, b"%PDF-1.4"),
        "/more?part=2": linked("/"),
    }
    rules = (
        "start: [/]\nrules:\n  - {pattern: secret, do: skip}\n  - {pattern: ^/r/, do: keep, kind: report}\n"
    )
    assert crawl_pages(rules) == {
        "/": "index",
        "/r/1.html": "report",
        "/r/1.pdf": "report",
        "/more?part=2": "report",
    }


def test_a_crawl_stops_at_the_limit(site: Site, crawl_pages: Callable[..., dict[str, str]]) -> None:
    site.pages |= {"/": linked(*(f"/{number}" for number in range(9)))}
    site.pages |= {f"/{number}": linked("/") for number in range(9)}
    rules = "start: [/]\nlimit: 4\nrules:\n  - {pattern: '^/[0-9]$', do: keep, kind: page}\n"
    assert len(crawl_pages(rules)) == 4
