"""Glossaries: a site is one YAML file, and robots.txt decides what is fetched."""

from pathlib import Path

import pytest

from corpus.captures import read_captures
from datacards.errors import UserError
from datacards.store import Store
from sample import glossary
from sample.world import World
from spiders.site import read_sites
from tests.spiders.conftest import Crawler


def test_every_term_is_captured_and_the_forbidden_page_is_not(crawler: Crawler, world: World) -> None:
    done = crawler.run("institutions", "-a", "version=2026.11.21")
    assert done.returncode == 0, done.stderr
    store = Store(crawler.store)
    ref = store.resolve("institutions")
    captures = {c.url.removeprefix(world.base_urls["jpx"]): c for c in read_captures(store.path(ref))}
    terms = {path: c for path, c in captures.items() if c.meta["kind"] == "term"}
    assert set(terms) == set(glossary.terms())
    for path, term in glossary.terms().items():
        assert term.headword in terms[path].meta["title"]
    assert {c.license for c in captures.values()} == {"all-rights-reserved"}
    assert {c.source for c in captures.values()} == {"jpx"}
    assert glossary.DISALLOWED not in [path for _, path in world.requests]
    card = store.card(ref)
    assert (card.drops, card.counts["disallowed"], card.counts["failed"]) == ({"robots_disallowed": 1}, 1, 0)


def test_the_site_files_are_valid_and_their_licenses_known() -> None:
    assert [site.name for site in read_sites()] == [path.stem for path in sorted(SITES.glob("*.yaml"))]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: term", "kinds: term", "unknown key 'kinds'"),
        ("license: all-rights-reserved", "license: mine", "no license 'mine'"),
        ("capture:", "capture:\n  - '('", "is no regular expression"),
        ("base: jpx", "", "the key 'base' is missing"),
    ],
)
def test_a_wrong_site_file_is_an_error_that_names_the_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = (SITES / "jpx.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "jpx.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(UserError, match=said.replace("(", r"\(")):
        read_sites(folder=tmp_path)
