"""The tables of links beside the sample dump, as SQL: categories by number as today, or by title as before."""

import gzip
import re
from collections.abc import Iterator, Sequence
from functools import cache

from sample.wikipedia_pages import WikiPage, number_of, pages

#: What categorylinks names and no other table knows: the tables of one date are not of one moment.
MISSING_TARGET, MISSING_PAGE = 990_001, 990_002

_CATEGORY = re.compile(r"\[\[Category:([^\]|]+)(?:\|([^\]]*))?\]\]")
_HEAD = """-- MariaDB dump 10.19  Distrib 10.11.16-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: sample    Database: jawiki
-- ------------------------------------------------------
/*!40101 SET NAMES utf8mb4 */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;

DROP TABLE IF EXISTS `{table}`;
CREATE TABLE `{table}` (
{columns}
) ENGINE=InnoDB DEFAULT CHARSET=binary ROW_FORMAT=COMPRESSED;

/*!40000 ALTER TABLE `{table}` DISABLE KEYS */;
"""
_TAIL = "/*!40000 ALTER TABLE `{table}` ENABLE KEYS */;\n\n-- Dump completed on 2026-11-02  3:04:05\n"
_PAGE = """  `page_id` int(8) unsigned NOT NULL AUTO_INCREMENT,
  `page_namespace` int(11) NOT NULL DEFAULT 0,
  `page_title` varbinary(255) NOT NULL DEFAULT '',
  `page_is_redirect` tinyint(1) unsigned NOT NULL DEFAULT 0,
  `page_is_new` tinyint(1) unsigned NOT NULL DEFAULT 0,
  `page_random` double unsigned NOT NULL DEFAULT 0,
  `page_touched` binary(14) NOT NULL,
  `page_links_updated` varbinary(14) DEFAULT NULL,
  `page_latest` int(8) unsigned NOT NULL DEFAULT 0,
  `page_len` int(8) unsigned NOT NULL DEFAULT 0,
  `page_content_model` varbinary(32) DEFAULT NULL,
  `page_lang` varbinary(35) DEFAULT NULL,
  PRIMARY KEY (`page_id`),
  UNIQUE KEY `page_name_title` (`page_namespace`,`page_title`)"""
_LINKTARGET = """  `lt_id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `lt_namespace` int(11) NOT NULL,
  `lt_title` varbinary(255) NOT NULL,
  PRIMARY KEY (`lt_id`),
  UNIQUE KEY `lt_namespace_title` (`lt_namespace`,`lt_title`)"""
_LINKS = """  `cl_from` int(8) unsigned NOT NULL DEFAULT 0,
  `cl_sortkey` varbinary(230) NOT NULL DEFAULT '',
  `cl_timestamp` timestamp NOT NULL DEFAULT current_timestamp(),
  `cl_sortkey_prefix` varbinary(255) NOT NULL DEFAULT '',
  `cl_type` enum('page','subcat','file') NOT NULL DEFAULT 'page',
  `cl_collation_id` smallint(5) unsigned NOT NULL DEFAULT 0,
  `cl_target_id` bigint(20) unsigned NOT NULL,
  PRIMARY KEY (`cl_from`,`cl_target_id`),
  KEY `cl_sortkey_id` (`cl_target_id`,`cl_type`,`cl_sortkey`,`cl_from`)"""
_OLD_LINKS = """  `cl_from` int(8) unsigned NOT NULL DEFAULT 0,
  `cl_to` varbinary(255) NOT NULL DEFAULT '',
  `cl_sortkey` varbinary(230) NOT NULL DEFAULT '',
  `cl_timestamp` timestamp NOT NULL DEFAULT current_timestamp(),
  `cl_sortkey_prefix` varbinary(255) NOT NULL DEFAULT '',
  `cl_collation` varbinary(32) NOT NULL DEFAULT '',
  `cl_type` enum('page','subcat','file') NOT NULL DEFAULT 'page',
  PRIMARY KEY (`cl_from`,`cl_to`),
  KEY `cl_sortkey` (`cl_to`,`cl_type`,`cl_sortkey`,`cl_from`)"""
Value = int | float | str | None


@cache
def tables(*, old: bool) -> dict[str, bytes]:
    """The end of a file's name -> its gzip bytes, equal every time; the old form has no linktarget."""
    links = _table("categorylinks", _OLD_LINKS if old else _LINKS, list(_old_links() if old else _links()))
    found = {"categorylinks.sql.gz": links, "page.sql.gz": _table("page", _PAGE, list(_pages()))}
    if not old:
        found["linktarget.sql.gz"] = _table("linktarget", _LINKTARGET, list(_targets()))
    return found


def _table(name: str, columns: str, rows: Sequence[tuple[Value, ...]], statement: int = 40) -> bytes:
    """One table; a statement has many rows, as a server's packets have."""
    parts = [_HEAD.format(table=name, columns=columns)]
    for at in range(0, len(rows), statement):
        values = ",".join(f"({','.join(map(_sql, row))})" for row in rows[at : at + statement])
        parts.append(f"INSERT INTO `{name}` VALUES {values};\n")  # noqa: S608  no server ever reads it
    parts.append(_TAIL.format(table=name))
    return gzip.compress("".join(parts).encode("utf-8"), mtime=0)


def _sql(value: Value) -> str:
    if value is None:
        return "NULL"
    if not isinstance(value, str):
        return str(value)
    signs = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\0": "\\0", "\x1a": "\\Z"}
    return f"'{''.join(signs.get(sign, sign) for sign in value)}'"


def _bare(page: WikiPage) -> str:
    """A title as the tables have it: without its namespace, with underscores."""
    return (page.title.partition(":")[2] if page.ns else page.title).replace(" ", "_")


def _pages() -> Iterator[tuple[Value, ...]]:
    for page in pages():
        number = number_of(page)
        yield (
            number, page.ns, _bare(page), int(bool(page.redirect)), 0, round(number % 97 / 97, 12),
            "20261101010203", None, 9_000_000 + number, len(page.text.encode()), "wikitext", None,
        )  # fmt: skip


def _categories() -> Iterator[tuple[WikiPage, str, str]]:
    """Every page with every category it is in and the key it sorts under there."""
    for page in pages():
        for name, key in _CATEGORY.findall(page.text):
            yield page, name, key


@cache
def _numbers() -> dict[str, int]:
    names = sorted({name for _, name, _ in _categories()})
    return {name: 70_000 + 7 * place for place, name in enumerate(names)}


def _targets() -> Iterator[tuple[Value, ...]]:
    """Links lead to articles and templates too; only namespace 14 is of concern to categories."""
    for name, number in _numbers().items():
        yield number, 14, name
        yield number + 1, 0, name
    yield 60_001, 10, "Reflist"
    yield 60_002, 0, 'O\'Hara_\\_"quoted"'


def _links() -> Iterator[tuple[Value, ...]]:
    for page, name, key in _categories():
        yield (*_sorted(page, key), "subcat" if page.ns == 14 else "page", 1, _numbers()[name])
    first, *_ = (page for page in pages() if page.ns == 0)
    yield (*_sorted(first, ""), "page", 1, MISSING_TARGET)
    yield MISSING_PAGE, "X\nGONE", "2026-10-30 11:12:13", "", "subcat", 1, _numbers()["金融"]


def _old_links() -> Iterator[tuple[Value, ...]]:
    for page, name, key in _categories():
        number, *rest = _sorted(page, key)
        kind = "subcat" if page.ns == 14 else "page"
        yield number, name.replace(" ", "_"), *rest, "uppercase", kind
    yield MISSING_PAGE, "金融", "X\nGONE", "2026-08-30 11:12:13", "", "uppercase", "subcat"


def _sorted(page: WikiPage, key: str) -> tuple[int, str, str, str]:
    """The page's number, its sort key (with a line break and a quotation mark in it), a time, the key's prefix."""
    name = _bare(page).replace("_", " ").upper()
    return number_of(page), f"{key}\n{name}'" if key else name, "2026-10-30 11:12:13", key
