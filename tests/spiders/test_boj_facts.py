"""What cells, titles and days of the Bank of Japan mean, and which speeches are twins."""

from datetime import date

import pytest
from parsel import Selector
from pydantic import ValidationError

from spiders.boj.days import day_after, day_in, days_of_rows, is_only_a_day
from spiders.boj.meta import checked
from spiders.boj.people import Person, event, person, person_within
from spiders.boj.rows import Row
from spiders.boj.twins import by_speaker, by_stem


@pytest.mark.parametrize(
    ("cell", "who"),
    [
        ("政策委員会審議委員　浅井　千尋", ("浅井 千尋", "審議委員")),
        ("日本銀行副総裁　水原恒一郎", ("水原恒一郎", "副総裁")),
        ("総裁\u00a0白鳥\u3000遼太郎", ("白鳥 遼太郎", "総裁")),
        ("鷹野副総裁", ("鷹野", "副総裁")),
        ("白鳥 遼太郎 総裁", ("白鳥 遼太郎", "総裁")),
        ("副総裁", ("", "副総裁")),
        ("金融市場局長　見本太郎", ("見本太郎", "金融市場局長")),
        ("浅井　千尋", ("浅井 千尋", "")),
        ("未定", ("", "")),
        ("10:30", ("", "")),
        ("2024年 1月 5日", ("", "")),
        ("わが国の経済・物価情勢と金融政策", ("", "")),
    ],
)
def test_a_japanese_cell_tells_name_and_office(cell: str, who: tuple[str, str]) -> None:
    assert person(cell, "ja") == who


@pytest.mark.parametrize(
    ("cell", "who"),
    [
        ("ASAI Chihiro Member of the Policy Board", ("ASAI Chihiro", "Member of the Policy Board")),
        ("Deputy Governor TAKANO Reiko", ("TAKANO Reiko", "Deputy Governor")),
        ("Ryotaro Shiratori, Governor of the Bank of Japan", ("Ryotaro Shiratori", "Governor")),
        ("Executive Director", ("", "Executive Director")),
        ("MIZUHARA Koichiro", ("MIZUHARA Koichiro", "")),
        ("Jan. 5, 2024", ("", "")),
        ("[PDF 171KB]", ("", "")),
    ],
)
def test_an_english_cell_tells_name_and_office(cell: str, who: tuple[str, str]) -> None:
    assert person(cell, "en") == who


@pytest.mark.parametrize(
    ("line", "who"),
    [
        ("総裁記者会見要旨 ( 9月 8日)", ("", "総裁")),
        ("鷹野副総裁記者会見（9月19日分）", ("鷹野", "副総裁")),
        ("【挨拶】見本副総裁（埼玉）", ("見本", "副総裁")),
        ("支店長会議総裁開会挨拶要旨（2022年7月）", ("", "総裁")),
        ("２００５年６月１６日、経済クラブにおける有沢副総裁講演要旨", ("有沢", "副総裁")),
        ("2024年1月5日 審議委員 三枝 聡", ("三枝 聡", "審議委員")),
        ("本日は総裁の話を伺いました", ("", "")),
    ],
)
def test_a_line_tells_whom_it_names_among_other_words(line: str, who: tuple[str, str]) -> None:
    assert person_within(line, "ja") == who


def test_an_english_line_tells_whom_it_names() -> None:
    line = "June 16, 2005 The Economy ARISAWA Kiyotaka, Deputy Governor"
    assert person_within(line, "en").role == "Deputy Governor"
    assert person_within("January 5 Governor SHIRATORI Ryotaro", "en") == ("SHIRATORI Ryotaro", "Governor")


@pytest.mark.parametrize(
    ("subtitle", "occasion"),
    [
        ("茨城県金融経済懇談会における挨拶要旨", "茨城県金融経済懇談会"),
        (
            "２００５年１０月４日、宮城県金融経済懇談会における桐生雅彦審議委員挨拶要旨",
            "宮城県金融経済懇談会",
        ),
        ("経済クラブでの講演", "経済クラブ"),
        ("Speech at a Meeting with Local Leaders in Nagano", "Meeting with Local Leaders in Nagano"),
        ("Keynote Speech at the Symposium on Payments", "Symposium on Payments"),
        ("", ""),
    ],
)
def test_a_subtitle_tells_the_occasion(subtitle: str, occasion: str) -> None:
    assert event(subtitle) == occasion


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024年&nbsp;1月 5日".replace("&nbsp;", "\u00a0"), date(2024, 1, 5)),
        ("２０２４年　１月　５日（金）", date(2024, 1, 5)),
        ("8月24日（月）", date(2026, 8, 24)),
        ("Jan. 22 (Thurs.), 23 (Fri.)", date(2026, 1, 22)),
        ("Jan. 27 (Wed.), 2027", date(2027, 1, 27)),
        ("September 28, 2025", date(2025, 9, 28)),
        ("2月30日", None),
        ("未定", None),
    ],
)
def test_days_are_read_in_every_form(text: str, day: date | None) -> None:
    assert day_in(text, 2026) == day


def test_what_december_leads_to_is_published_in_january() -> None:
    assert day_after("Jan. 27 (Wed.)", date(2026, 12, 18)) == date(2027, 1, 27)
    assert day_after("1月26日", date(2023, 12, 19)) == date(2024, 1, 26)
    assert day_after("2026年1月27日", date(2026, 12, 18)) == date(2026, 1, 27)
    assert day_after("8月5日", date(2024, 6, 14)) == date(2024, 8, 5)


def test_a_label_of_days_is_no_title() -> None:
    assert is_only_a_day("Mar. 18 (Wed.), 19 (Thurs.)")
    assert is_only_a_day("2024年6月14日")
    assert not is_only_a_day("Minutes")
    assert not is_only_a_day("議事要旨")


def test_rows_share_the_day_of_the_row_above_also_under_a_tall_cell() -> None:
    rows = "".join(
        f"<tr>{cells}</tr>"
        for cells in (
            "<th>公表日</th><th>講演者</th>",
            "<td rowspan=2>12月31日（火）</td><td>総裁</td><td>a</td>",
            "<td>副総裁</td><td>b</td>",
            "<td>1月6日（月）</td><td>理事</td><td>c</td>",
            "<td></td><td>理事</td><td>（12月31日分）</td>",
            "<td>31日</td><td>理事</td><td>e</td>",
        )
    )
    found = days_of_rows(Selector(f"<table>{rows}</table>").xpath("//tr"), 2024)
    assert [day and (day.month, day.day) for day in found] == [
        None,
        (12, 31),
        (12, 31),
        (1, 6),
        (1, 6),
        (1, 31),
    ]


SAID = {
    "kind": "speech",
    "language": "ja",
    "speaker": "浅井 千尋",
    "role": "審議委員",
    "event_at": "2024-01-05",
}


@pytest.mark.parametrize(
    ("wrong", "lost"),
    [
        ({}, ()),
        ({"event_at": "2024-02-30"}, ("event_at",)),
        ({"event_at": "1024-01-05"}, ("event_at",)),
        ({"published_at": "2023-12-31"}, ("published_at",)),
        ({"speaker": "審議委員"}, ("speaker",)),
        ({"speaker": "2024年1月5日"}, ("speaker",)),
        ({"role": "会長"}, ("role",)),
        ({"twin": "https://www.boj.or.jp/about/press/koen_2024/ko240105a.htm"}, ("twin",)),
        ({"role": "会長", "published_at": "soon"}, ("published_at", "role")),
    ],
)
def test_a_field_that_cannot_be_true_is_lost_alone_and_named(
    wrong: dict[str, str], lost: tuple[str, ...]
) -> None:
    meta, named = checked(SAID | wrong)
    assert named == lost
    assert meta.text() == {name: value for name, value in SAID.items() if name not in lost}


@pytest.mark.parametrize("wrong", [{"kind": "rumor"}, {"language": "fr"}])
def test_a_document_of_unknown_kind_or_language_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        checked(SAID | wrong)


def row(name: str, who: str = "", role: str = "", *, part: str = "", form: str = "htm") -> Row:
    """Return the row of a speech; ``name`` is its language and its stem."""
    language, stem = name.split(":")
    day = date(2000 + int(stem[:2]), int(stem[2:4]), int(stem[4:6]))
    url = f"{'/en' if language == 'en' else ''}/ko{stem}{part}.{form}"
    return Row(url, (), stem, part, language, "", Person(who, role), "", day, day, None)


GOVERNOR, DEPUTY, MEMBER = "Governor", "Deputy Governor", "Member of the Policy Board"
KNOWN = (  # days with one speech teach the names
    row("ja:240105a", "浅井 千尋", "審議委員"),
    row("en:240105a", "ASAI Chihiro", MEMBER),
    row("ja:240205a", "大和田 修", "審議委員"),
    row("en:240205a", "Osamu Owada", MEMBER),
    row("ja:240106a", "浅井 千尋", "審議委員"),
    row("en:240106a", "Chihiro Asai", MEMBER),
    row("ja:240206a", "大和田 修", "審議委員"),
    row("en:240206a", "OWADA Osamu", MEMBER),
)


def pairs(*rows: Row) -> dict[str, str]:
    """Return the pairs of the rows' days, by Japanese stem, beside those of KNOWN."""
    twins = by_speaker([*KNOWN, *rows])
    assert all(twins.of[other] == one for one, other in twins.of.items())
    known = {one.url for one in KNOWN}
    return {
        one.removeprefix("/ko")[:7]: other.removeprefix("/en/ko")[:7]
        for one, other in twins.of.items()
        if not one.startswith("/en") and one not in known
    }


def test_speeches_of_a_day_are_paired_by_the_office_that_one_person_holds() -> None:
    found = pairs(
        row("ja:240301a", "白鳥 遼太郎", "総裁"),
        row("ja:240301b", "鷹野 怜子", "副総裁"),
        row("en:240301a", "TAKANO Reiko", DEPUTY),
        row("en:240301b", "SHIRATORI Ryotaro", GOVERNOR),
    )
    assert found == {"240301a": "240301b", "240301b": "240301a"}


def test_speeches_of_two_members_are_paired_by_names_learned_on_other_days() -> None:
    found = pairs(
        row("ja:240401a", "浅井　千尋", "審議委員"),
        row("ja:240401b", "大和田修", "審議委員"),
        row("en:240401a", "OWADA Osamu", MEMBER),
        row("en:240401b", "Chihiro Asai", MEMBER),
    )
    assert found == {"240401a": "240401b", "240401b": "240401a"}


def test_members_with_unknown_names_are_not_paired_by_their_letters() -> None:
    rows = (
        row("ja:240501a", "甲 一", "審議委員"),
        row("ja:240501b", "乙 二", "審議委員"),
        row("en:240501a", "OTSU Ni", MEMBER),
    )
    assert pairs(*rows) == {}
    assert by_speaker([*KNOWN, *rows]).undecided == {"/en/ko240501a.htm"}


def test_a_speech_is_not_paired_with_another_person_of_the_same_day() -> None:
    assert pairs(row("ja:240601a", "浅井 千尋", "審議委員"), row("en:240601a", "OWADA Osamu", MEMBER)) == {}
    assert (
        pairs(row("ja:240601a", "浅井 千尋", "審議委員"), row("en:240601a", "ASAI Chihiro", GOVERNOR)) == {}
    )


def test_names_that_lists_contradict_pair_nothing() -> None:
    rows = [
        row("ja:240601a", "甲 一", "審議委員"),
        row("en:240601a", "KO Hajime", MEMBER),
        row("ja:240602a", "甲 一", "審議委員"),
        row("en:240602a", "OTSU Ni", MEMBER),
    ]
    assert pairs(*rows) == {}


def test_two_speeches_of_one_person_on_a_day_stay_unpaired() -> None:
    both = [row(f"{language}:240701{letter}", *who) for letter in "ab" for language, who in (("ja", ("浅井 千尋", "審議委員")), ("en", ("ASAI Chihiro", MEMBER)))]  # fmt: skip
    assert pairs(*both) == {}
    assert len(by_speaker([*KNOWN, *both]).undecided) == 2


def test_without_names_and_offices_only_an_equal_letter_pairs() -> None:
    assert pairs(row("ja:240801a"), row("en:240801a")) == {"240801a": "240801a"}
    assert pairs(row("ja:240801a"), row("en:240801b")) == {}


def test_documents_of_one_stem_are_paired_with_the_same_form_first() -> None:
    rows = [row("ja:240614"), row("ja:240614", form="pdf"), row("en:240614", form="pdf"), row("ja:240731")]
    assert by_stem(rows).of == {
        "/ko240614.htm": "/en/ko240614.pdf",
        "/ko240614.pdf": "/en/ko240614.pdf",
        "/en/ko240614.pdf": "/ko240614.pdf",
    }
