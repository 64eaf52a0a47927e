"""Facts about versions that grow for many days: nothing earlier is lost, and order within a day does not matter."""

from datacards.store import Store
from tests.corpus.test_extends import asked, rows
from tests.corpus.test_run import build, capture, crawl, page, sentences, speeches


def short(number: int):
    return capture(f"about/press/koen_2024/data/ko24800{number}a.htm", page("短い", f"短い{number}。"))


def test_days_that_bring_only_drops_lose_nothing(store: Store) -> None:
    crawl(store, "boj_speeches", speeches(2))
    crawl(store, "boj_speeches", [short(1)], "2026.11.22")
    crawl(store, "boj_speeches", [short(2)], "2026.11.23")
    build(store, asked("2026.11.21", "21"))
    build(store, asked("2026.11.22", "22", extends="fin@2026.11.21"))
    _, card = build(store, asked("2026.11.23", "23", extends="fin@2026.11.22"))
    left = rows(store, store.resolve("fin"), "dropped")
    assert {row["url"] for row in left} == {short(1).url, short(2).url}
    assert len(left) == sum(card.drops.values())


def test_what_resembles_several_earlier_documents_goes_to_the_one_that_one_run_names(store: Store) -> None:
    """Inside a version the day of publication decides, not the order of addresses."""
    paragraphs = [sentences(100 + n, 4) for n in range(12)]

    def speech(name: str, day: str, *lacking: int):
        text = [one if n not in lacking else sentences(700 + n, 4) for n, one in enumerate(paragraphs)]
        path = f"about/press/koen_2024/data/ko24{name}.htm"
        return capture(path, page("【講演】景気の現状", *text), published_at=f"2024-{day[:2]}-{day[2:]}")

    crawl(store, "boj_speeches", [speech("0001a", "0502", 0, 1), speech("0002a", "0501", 10, 11)])
    crawl(store, "boj_speeches", [speech("0003a", "0601")], "2026.11.22")
    build(store, asked("2026.11.21", "21"))
    build(store, asked("2026.11.22", "22", extends="fin@2026.11.21"))
    build(store, asked("2026.11.23", "21", "22"))
    grown, whole = (rows(store, store.resolve(f"fin@2026.11.{day}"), "dropped") for day in (22, 23))
    assert grown == whole != []
