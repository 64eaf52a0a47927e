"""Tables of a MySQL dump: columns by name, values byte for byte, whole rows only, nothing without end."""

import gzip
import random
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spiders.wikipedia import stream as wiki_stream
from spiders.wikipedia.sql import MAX_ROW, Table

HEAD = b"""-- MariaDB dump
DROP TABLE IF EXISTS `t`;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `t` (
  `id` int(8) unsigned NOT NULL,
  `title` varbinary(255) NOT NULL DEFAULT '',
  `more` double DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `title` (`title`)
) ENGINE=InnoDB DEFAULT CHARSET=binary;
/*!40000 ALTER TABLE `t` DISABLE KEYS */;
"""
ESCAPES = {0: b"\\0", 10: b"\\n", 13: b"\\r", 26: b"\\Z", 34: b'\\"', 39: b"\\'", 92: b"\\\\"}


def write(folder: Path, body: bytes, head: bytes = HEAD) -> Path:
    path = folder / "t.sql.gz"
    path.write_bytes(gzip.compress(head + body))
    return path


def quoted(value: bytes) -> bytes:
    return b"'" + b"".join(ESCAPES.get(sign, bytes([sign])) for sign in value) + b"'"


def insert(values: Iterable[bytes]) -> bytes:
    return b"INSERT INTO `t` VALUES " + b",".join(values) + b";\n"


def read(path: Path, *columns: str) -> tuple[list[tuple[bytes | None, ...]], str]:
    table = Table(path, "t")
    rows = [row for batch in table.batches(*columns) for row in batch]
    return rows, table.damage


def test_columns_are_taken_by_name_in_the_order_asked(tmp_path: Path) -> None:
    path = write(tmp_path, insert([b"(1,'a',NULL)", b"(-2,'b)(,\\'',1.5e-7)"]) + insert([b"(3,'',0)"]))
    assert Table(path, "t").columns == ("id", "title", "more")
    rows = [(b"a", b"1"), (b"b)(,'", b"-2"), (b"", b"3")]
    assert read(path, "title", "id") == (rows, "")
    assert read(path, "more") == ([(None,), (b"1.5e-7",), (b"0",)], "")
    with pytest.raises(KeyError, match="cl_to"):
        read(path, "cl_to")


def test_the_forms_of_other_dump_programs_are_read_too(tmp_path: Path) -> None:
    """MariaDB breaks lines between rows, MySQL 8 marks bytes, --complete-insert names columns."""
    body = (
        b"INSERT INTO `t` VALUES\n(1,_binary 'a''b',NULL),\n(2,'c',NULL);\n"
        b"INSERT INTO `t` (`title`, `id`) VALUES ('d',3);\nINSERT INTO `t` VALUES (4,'e',NULL);"
    )
    rows = [(b"1", b"a'b"), (b"2", b"c"), (b"3", b"d"), (b"4", b"e")]
    assert read(write(tmp_path, body), "id", "title") == (rows, "")


@given(st.lists(st.binary(max_size=60), max_size=30), st.integers(1, 40))
def test_any_bytes_come_back_wherever_a_block_ends(values: list[bytes], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiki_stream, "BLOCK", block)
        with TemporaryDirectory() as name:
            rows = [b"(%d,%s,NULL)" % (n, quoted(value)) for n, value in enumerate(values)]
            path = write(Path(name), insert(rows) if rows else b"")
            found, damage = read(path, "title")
    assert (found, damage) == ([(value,) for value in values], "")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
def test_a_file_cut_off_gives_its_whole_rows(tmp_path: Path, share: float) -> None:
    chance = random.Random(3)  # noqa: S311  the same every time
    rows = [b"(%d,%s,0.5)" % (n, quoted(chance.randbytes(12))) for n in range(20_000)]
    path = write(tmp_path, insert(rows))
    whole, damage = read(path, "id", "title")
    assert (len(whole), damage) == (20_000, "")
    packed = path.read_bytes()
    path.write_bytes(packed[: int(len(packed) * share)])
    some, damage = read(path, "id", "title")
    assert 0 < len(some) < 20_000
    assert some == whole[: len(some)]
    assert damage


def test_a_broken_byte_in_the_file_is_named(tmp_path: Path) -> None:
    chance = random.Random(3)  # noqa: S311  the same every time
    path = write(tmp_path, insert([b"(%d,%s,0)" % (n, quoted(chance.randbytes(12))) for n in range(9000)]))
    packed = bytearray(path.read_bytes())
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)
    rows, damage = read(path, "id")
    assert len(rows) <= 9000
    assert damage


@pytest.mark.parametrize(
    "body",
    [
        b"INSERT INTO `t` VALUES (1,'a" + b"x" * (3 * MAX_ROW),
        b"INSERT INTO `t` VALUES (1,'" + b"\\'" * (2 * MAX_ROW),
        b"INSERT INTO `t` VALUES " + b"(" * (3 * MAX_ROW),
        b"INSERT INTO `t` VALUES (1,2);" + b"-" * (2 * MAX_ROW),
        b"INSERT INTO `t` VALUES (1,'a',0)" + b" " * (3 * MAX_ROW),
        b"INSERT INTO `t` (`id`) VALUES (1);",
        b"INSERT INTO `t` VALUES (1,'a',0),(2,'b'",
    ],
    ids=[
        "open text",
        "only quotes",
        "only brackets",
        "too few",
        "only spaces",
        "columns left out",
        "cut off",
    ],
)
def test_what_is_no_row_ends_the_table_in_little_memory(tmp_path: Path, body: bytes) -> None:
    path = write(tmp_path, body)
    tracemalloc.start()
    try:
        rows, damage = read(path, "id", "title")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(rows) <= 1
    assert damage
    assert peak < 8 * MAX_ROW


def test_a_file_that_unpacks_without_end_is_stopped(tmp_path: Path) -> None:
    path = tmp_path / "t.sql.gz"
    path.write_bytes(gzip.compress(HEAD + b"\n" * (80 << 20)))
    rows, damage = read(path, "id")
    assert rows == []
    assert "far more than any real dump" in damage


def test_a_file_that_declares_no_such_table_has_no_columns(tmp_path: Path) -> None:
    for head in (b"", b"CREATE TABLE `other` (\n  `id` int\n) ENGINE=x;\n", b"\x00" * (2 * MAX_ROW)):
        assert Table(write(tmp_path, b"", head), "t").columns == ()


def test_time_is_linear_in_rows_of_quotes(tmp_path: Path) -> None:
    """A pattern that tries every way to read a text would need longer than the universe here."""
    text = b"'" + b"''" * 200_000
    rows, damage = read(write(tmp_path, b"INSERT INTO `t` VALUES (1," + text + b",NULL;"), "id")
    assert (rows, bool(damage)) == ([], True)
