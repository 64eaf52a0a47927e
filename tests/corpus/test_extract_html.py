"""Web pages: the words of the page, all of them, nothing else, in the page's own order."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Capture, Document, Drop
from corpus.encoding import decode
from corpus.extract import extract
from corpus.extract.blocks import blocks
from corpus.extract.boj import dates_of, kind_of, named_day
from corpus.extract.dates import all_dates
from corpus.extract.tree import parse
from sample import boj, glossary
from sample.boj_speeches import Speech, speeches
from sample.companies import COMPANIES
from sample.http import Request
from sample.institution_pages import written
from sample.institutions import INSTITUTIONS
from sample.prose import notes
from sample.world import HOSTS

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)


def _capture(body: bytes, url: str = "https://example.jp/page.html", **more: object) -> Capture:
    fields: dict[str, object] = {
        "source": "example",
        "fetched_at": NOW,
        "status": 200,
        "headers": (),
        "media_type": "text/html",
        "license": "all-rights-reserved",
        "meta": {},
    }
    return Capture(url=url, body=body, **{**fields, **more})  # type: ignore[arg-type]


def _page(host: str, path: str) -> Document:
    found = extract(_served(host, path))
    assert len(found) == 1
    assert isinstance(found[0], Document), found
    return found[0]


def _served(host: str, path: str) -> Capture:
    response = HOSTS[host](Request(host, path, {}, {}, NOW))
    assert response.status == 200
    media_type = response.headers["Content-Type"].partition(";")[0]
    return _capture(
        response.body,
        f"http://127.0.0.1:8790{path}",
        source="jpx_glossary" if host == "jpx" else "boj_speeches",
        media_type=media_type,
        license="BOJ-terms" if host.startswith("boj") else "all-rights-reserved",
    )


def _markdown(source: str) -> list[str]:
    tree = parse(source)
    assert tree is not None
    return blocks(tree)


def _paragraphs(document: Document) -> list[str]:
    return [re.sub(r"\[\^\d+\]", "", part) for part in document.text.split("\n\n")]


# -- the Bank of Japan ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("speech", speeches(), ids=lambda speech: speech.id)
def test_a_speech_is_read_whole_in_both_skins(speech: Speech) -> None:
    """Every paragraph, section heading and footnote of the speech, in order, and not one line of the menus."""
    document = _page("boj" if speech.encoding == "utf-8" else "boj_archive", speech.path)
    shown = _paragraphs(document)
    wanted: list[str] = []
    for heading, texts in speech.sections:
        assert any(part.startswith("## ") and part.endswith(heading) for part in shown), heading
        wanted += [notes(text)[0].replace("\0", "").strip("　") for text in texts]
    if not speech.wide_digits:
        places = [shown.index(text) for text in wanted]
        assert places == sorted(places)
    footnotes = [note for _, texts in speech.sections for text in texts for note in notes(text)[1]]
    for number, note in enumerate(footnotes, start=1):
        assert f"[^{number}]: {note}" in document.text
        assert len(re.findall(rf"\[\^{number}\](?!:)", document.text)) == 1
    for menu in ("歴代総裁", "ページトップ", "見本区見本町", "このページの本文へ", "ホーム", "目次", "[PDF"):
        assert menu not in document.text
    assert len(document.text) < 1.2 * sum(map(len, [*wanted, *footnotes])) + 300


@pytest.mark.parametrize("speech", speeches(), ids=lambda speech: speech.id)
def test_a_speech_knows_its_title_day_and_speaker(speech: Speech) -> None:
    document = _page("boj" if speech.encoding == "utf-8" else "boj_archive", speech.path)
    assert speech.title in document.title
    assert document.meta["kind"] == "speech"
    assert document.event_at == speech.date
    assert document.published_at is not None
    assert document.meta["speaker"].replace(" ", "") in speech.speaker.replace("　", "")
    assert document.language == "ja"
    assert document.redistribution is False
    named = f"日本銀行「{document.title}」（{document.url}）"
    assert document.attribution == f"{named}をもとに加工して作成（日本銀行が作成したものではありません）"
    assert document.captured_at == NOW


def test_title_and_subtitle_are_not_glued() -> None:
    document = _page("boj", "/about/press/koen_2026/ko261112a.htm")
    assert document.title == "【講演】金利のある世界における金融仲介"
    assert document.meta["subtitle"] == "全国金融経済フォーラムにおける講演"
    assert document.text.startswith(f"# {document.title}\n\n{document.meta['subtitle']}\n\n")


def test_a_heading_shows_its_numeral_once() -> None:
    document = _page("boj", "/about/press/koen_2026/ko261112a.htm")
    assert "\n## ２．経済・物価の見通し\n" in document.text
    assert "２．2." not in document.text


def test_a_press_conference_keeps_its_marks_as_paragraphs() -> None:
    paths = [path for path in boj.addresses() if "/kk" in path and path.endswith(".htm")]
    assert paths
    for path in paths:
        document = _page("boj", path)
        parts = document.text.split("\n\n")
        assert document.meta["kind"] == "press_conference"
        assert parts.count("（問）") == parts.count("（答）") > 3
        assert document.event_at is not None
        assert document.published_at is not None
        assert document.event_at < document.published_at == named_day(document.url)


def test_an_older_press_conference_has_its_own_marks_and_era_years() -> None:
    document = _page("boj_archive", "/archive/announcements/press/kaiken_2005/kk0509a.htm")
    parts = document.text.split("\n\n")
    assert parts.count("【問】") == parts.count("【答】") > 3
    assert document.event_at == date(2005, 9, 8)
    assert document.published_at == date(2005, 9, 9)


def test_minutes_tell_the_last_day_of_the_meeting_and_the_day_of_publication() -> None:
    document = _page("boj", "/mopo/mpmsche_minu/minu_2024/g240614.htm")
    assert document.meta["kind"] == "minutes"
    assert document.event_at == date(2024, 6, 14)
    assert document.published_at == date(2024, 8, 5)
    assert "\n### １．最近の金融市場調節の運営実績\n" in document.text


def test_english_pages_are_told_from_japanese_ones() -> None:
    document = _page("boj", "/en/about/press/koen_2026/ko261112a.htm")
    assert document.language == "en"
    assert document.event_at == date(2026, 11, 12)


def test_every_page_of_the_bank_gives_a_document_or_a_reason() -> None:
    for host, paths in (("boj", boj.addresses()), ("boj_archive", boj.archive_addresses())):
        for path in paths:
            found = extract(_served(host, path))
            assert found
            if path.endswith("/index.htm"):
                assert [one.reason for one in found if isinstance(one, Drop)] == ["index_page"]


def test_kinds_and_days_of_addresses() -> None:
    assert kind_of("https://www.boj.or.jp/announcements/press/koen_2005/ko0510b.htm") == "speech"
    assert kind_of("https://www.boj.or.jp/mopo/outlook/gor2601b.pdf") == "outlook"
    assert named_day("https://www.boj.or.jp/mopo/mpmsche_minu/minu_1998/g980109.htm/") == date(1998, 1, 9)
    assert named_day("https://www.boj.or.jp/announcements/press/koen_2005/ko0510b.htm") is None


def test_openings_of_real_pages_tell_their_days(shared_data: Path) -> None:
    """The openings of seventeen real pages (their rendered text; raw ones were never seen)."""
    rows = [json.loads(line) for line in (shared_data / "boj/observed_pages.jsonl").read_text().splitlines()]
    found = {}
    for row in rows:
        lines = [line for line in row["opening_text"].split("\n") if line.strip()]
        heading = next(line for line in lines if ">" not in line and "本文へ移動" not in line)
        found[row["url"]] = dates_of(kind_of(row["url"]), row["url"], heading, lines)
    of = {url.rpartition("/")[2] or url.split("/")[-2]: days for url, days in found.items()}
    assert of["ko0101b.htm"][0] == date(2001, 1, 31)
    assert of["ko250114a.htm"] == (date(2025, 1, 14), date(2025, 1, 14))
    assert of["kk230501a.htm"] == (date(2023, 4, 28), date(2023, 5, 1))
    assert of["kk0309b.htm"][1] == date(2003, 9, 18)
    assert of["g060209.htm"][0] == date(2006, 2, 9)
    assert of["g980409.htm"] == (date(1998, 4, 9), date(1998, 5, 22))
    assert all(event for url, (event, _) in found.items() if kind_of(url) != "page")


def test_a_translated_speech_has_the_day_of_the_speech_but_none_of_publication() -> None:
    place = "/about/press/koen_2024/ko240919a.htm"
    days = {
        lang: dates_of("speech", f"https://www.boj.or.jp{lang}{place}", "挨拶", ["2024年9月19日"])
        for lang in ("", "/en")
    }
    assert days == {"": (date(2024, 9, 19), date(2024, 9, 19)), "/en": (date(2024, 9, 19), None)}


# -- glossaries ----------------------------------------------------------------------------------------------


def test_every_term_is_read_with_reading_relations_and_definition() -> None:
    for path, term in glossary.terms().items():
        document = _page("jpx", path)
        assert document.title == term.headword
        assert document.meta["kind"] == "term"
        assert document.meta["reading"] == term.reading
        assert document.meta["english"] == term.english
        assert tuple(filter(None, document.meta.get("related_terms", "").split(","))) == term.related
        stocks = [f"{c.name}:{c.sec_code[:4]}" for c in glossary.related_companies(term)]
        assert document.meta.get("related_stocks", "") == ",".join(stocks)
        assert [part for part in _paragraphs(document) if part in term.paragraphs] == list(term.paragraphs)
        assert "クッキー" not in document.text
        assert "ランキング" not in document.text
        (fact,) = document.facts
        assert fact.subject == term.headword
        assert (fact.concept, fact.label, fact.kind) == ("definition", "説明", "term")
        assert document.text[fact.start : fact.end] == fact.value
        assert term.paragraphs[0].startswith(fact.value)
        assert fact.value.endswith("。")


@pytest.mark.parametrize(
    "after",
    [
        "<ul><li>株式</li></ul><p>更新日：2024/05/01</p>",
        "<ul><li>株式</li></ul><p>最終更新日</p><p>2024年5月1日</p>",
        "<ul><li>株式</li><li>更新日：2024年5月1日</li></ul>",
        "<dl><dt>更新日</dt><dd>2024-05-01</dd></dl><h2>関連語</h2><p>株式</p>",
    ],
)
def test_the_day_of_a_term_page_is_no_related_term(after: str) -> None:
    html = f"<main><h1>配当</h1><p>会社が株主に分ける利益です。</p><h2>関連用語</h2>{after}</main>"
    (found,) = extract(_capture(html.encode(), meta={"kind": "term"}))
    assert isinstance(found, Document)
    assert found.published_at == date(2024, 5, 1)
    assert found.meta["related_terms"] == "株式"


def test_a_term_has_the_language_that_its_site_is_said_to_have() -> None:
    text = "A dividend is the part of the profit that a company pays to its shareholders. " * 2
    html = f"<main><h1>Dividend</h1><p>{text}</p></main>"
    (found,) = extract(_capture(html.encode(), meta={"kind": "term", "language": "en"}))
    assert isinstance(found, Document)
    assert found.language == "en"


def test_pages_that_only_list_terms_are_no_terms() -> None:
    for path in glossary.addresses():
        if path not in glossary.terms() and path != "/index.html":
            (found,) = extract(_served("jpx", path))
            assert isinstance(found, Drop)
            assert found.reason == "index_page"


@pytest.mark.parametrize(("host", "path"), [("bank", "/glossary/ka.html"), ("regional_bank", "/yougo.html")])
def test_a_page_that_explains_many_terms_gives_a_document_for_each(host: str, path: str) -> None:
    """A definition list and a table; the page of each term would look no other way."""
    terms = [term for term in written(host) if host != "bank" or term.reading[0] in "かきくけこが"]
    found = extract(_capture(INSTITUTIONS[host].answer(path).body, meta={"kind": "term"}))
    documents = [document for document in found if isinstance(document, Document)]
    assert len(documents) == len(found) == len(terms)
    assert len({document.id for document in documents}) == len(terms)
    for document, term in zip(documents, terms, strict=True):
        assert (document.title, document.meta["reading"]) == (term.headword, term.reading)
        assert (document.meta["kind"], document.source) == ("term", "example")
        (fact,) = document.facts
        assert document.text[fact.start : fact.end] == fact.value
        assert term.paragraphs[0].startswith(fact.value)


@pytest.mark.parametrize(
    "html",
    [
        "<h1>手形</h1><dl><dt>意味</dt><dd>支払いを約束する証券のことをいいます。</dd><dt>例</dt><dd>約束手形や為替手形などの種類があります。</dd></dl>",
        "<h1>用語集</h1><dl><dt>更新日</dt><dd>2024-05-01</dd><dt>担当</dt><dd>広報部</dd></dl>",
        "<h1>用語集</h1><table><tr><td>会社</td><td>コード</td></tr><tr><td>甲社</td><td>1301</td></tr></table>",
    ],
)
def test_a_list_of_other_things_is_no_list_of_terms(html: str) -> None:
    found = extract(_capture(html.encode(), meta={"kind": "term"}))
    assert [one.title for one in found if isinstance(one, Document)] in ([], ["手形"])


def test_the_profile_of_an_institution_is_a_table_and_a_frameset_is_counted() -> None:
    (profile,) = extract(
        _capture(INSTITUTIONS["securities"].answer("/kaisha/gaiyou.html").body, meta={"kind": "profile"})
    )
    assert isinstance(profile, Document)
    assert profile.meta["kind"] == "profile"
    company = next(c for c in COMPANIES if c.name == "銀嶺証券株式会社")
    assert f"| 本店所在地 | {company.address} |" in profile.text
    assert "髙梨" in profile.text
    assert "Copyright" not in profile.text
    (frames,) = extract(_capture(INSTITUTIONS["insurer"].answer("/index.html").body, meta={"kind": "page"}))
    assert isinstance(frames, Drop)


# -- blocks --------------------------------------------------------------------------------------------------


def test_footnote_marks_are_no_part_of_words() -> None:
    page = """<p>事実です<sup><a href="#fn1">1</a></sup>。</p><p>本当<a href="#n2">（注2）</a>です。消えた注<sup>3</sup>。</p>
    <ol><li id="fn1">1 最初の注。<a href="#p1">↑</a></li></ol><p><a name="n2">（注2）</a>二番目の注。</p>"""
    assert _markdown(page) == [
        "事実です[^1]。",
        "本当[^2]です。消えた注。",
        "[^1]: 最初の注。",
        "[^2]: 二番目の注。",
    ]


def test_exponents_and_indices_keep_their_meaning() -> None:
    assert _markdown("<p>10<sup>2</sup>m<sup>2</sup>のCO<sub>2</sub></p>") == ["10²m²のCO₂"]


def test_ruby_keeps_the_word_and_not_its_reading() -> None:
    assert _markdown("<p><ruby>法律<rp>（</rp><rt>ほうりつ</rt><rp>）</rp></ruby>です</p>") == ["法律です"]


def test_source_line_breaks_inside_japanese_are_no_spaces() -> None:
    assert _markdown("<p>金融\n   政策は Bank\n of Japan が\r\n決める</p>") == [
        "金融政策は Bank of Japan が決める"
    ]


def test_two_breaks_or_an_indented_line_part_paragraphs() -> None:
    assert _markdown("<body>　一つ目。<br>　二つ目。<br><br>三つ目<br>の行。</body>") == [
        "一つ目。",
        "二つ目。",
        "三つ目\nの行。",
    ]


def test_lists_are_nested_and_not_numbered_twice() -> None:
    page = "<ol><li>1.はじめに<ul><li>・一</li><li>二</li></ul></li><li>2.おわりに</li></ol><ol><li>甲</li><li>乙</li></ol>"
    assert _markdown(page) == ["- 1.はじめに\n  - 一\n  - 二\n- 2.おわりに", "1. 甲\n2. 乙"]


def test_a_table_for_layout_is_no_table() -> None:
    page = "<table><tr><td><h2>題</h2><p>本文</p></td></tr></table><table><tr><td>年</td><td>額</td></tr><tr><td>1</td><td>2|3</td></tr></table>"
    assert _markdown(page) == ["## 題", "本文", "| 年 | 額 |\n| --- | --- |\n| 1 | 2\\|3 |"]


def test_what_nobody_sees_is_left_out() -> None:
    page = '<p hidden>一</p><p style="display: none">二</p><span class="txt-hide">三</span><script>四</script><p>五</p>'
    assert _markdown(page) == ["五"]


def test_a_page_nested_beyond_reason_is_a_drop() -> None:
    found = extract(_capture(b"<html><body>" + b"<div><span>" * 100_000 + "文".encode() * 200))
    assert all(isinstance(one, Drop) for one in found)


# -- encodings -----------------------------------------------------------------------------------------------

TEXT = "<html><body><h1>金融政策と物価</h1><p>日本銀行は、カタカナとひらがなで①説明します。</p></body></html>"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "euc_jis_2004", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("lie", ["utf-8", "shift_jis", "euc-jp", "iso-8859-1", "no-such-charset", ""])
def test_bytes_are_believed_and_not_what_a_page_says_of_itself(encoding: str, lie: str) -> None:
    page = TEXT.replace("<body>", f'<head><meta charset="{lie}"></head><body>')
    decoded = decode(page.encode(encoding), lie)
    assert decoded.text == page
    assert decoded.damaged == 0


def test_iso_2022_jp_is_known_by_its_escapes() -> None:
    page = TEXT.replace("①", "")
    assert decode(page.encode("iso2022_jp")).text == page


@given(st.text(alphabet="金融政策物価安定目標委員会あいうえおがぎぐアイウエオー、。（）「」", min_size=12))
def test_japanese_survives_any_of_its_encodings(text: str) -> None:
    for encoding in ("utf-8", "cp932", "euc_jp", "iso2022_jp"):
        assert decode(text.encode(encoding)).text == text


@given(st.binary(max_size=300))
def test_no_bytes_break_decoding_or_extraction(body: bytes) -> None:
    assert "\x00" not in decode(body).text
    assert extract(_capture(body))


def test_one_bad_byte_does_not_change_the_encoding() -> None:
    decoded = decode(TEXT.encode() + b"\xff")
    assert decoded.encoding == "utf-8"
    assert decoded.damaged == 1


def test_real_files_decode_without_damage(shared_data: Path) -> None:
    wanted = {
        "CP932__hardsoft.at.webry.info.xml": "cp932",
        "EUC-JP___mozilla_bug620106_text.html": "euc_jp",
        "EUC-JP__blog.kabu-navi.com.atom.xml": "euc_jp",
        "SHIFT_JIS__setsuzei119.jp.xml": "cp932",
        "iso-2022-jp___ude_1.txt": "iso2022_jp",
    }
    for name, encoding in wanted.items():
        decoded = decode((shared_data / "encoding" / name).read_bytes())
        assert (decoded.encoding, decoded.damaged) == (encoding, 0), name
    lying = decode((shared_data / "html/html5lib_test-yahoo-jp.dat").read_bytes())
    assert "日本最大級のポータルサイト" in lying.text


# -- real pages ----------------------------------------------------------------------------------------------


def test_real_pages_give_their_articles(shared_data: Path) -> None:
    wanted = {
        "www.publickey1.jp.html": (
            "米インテルは4月2日、イベント「Data-Centric Innovation Day」を開催。",
            ("&#x", "RSS"),
        ),
        "takagi-hiromitsu.jp.html": (
            "先月のこと、NHKニュースが「総務省 IoT機器に無差別侵入」と報じた",
            ("&#x",),
        ),
        "nhk_k100_ruby.html": (
            "子どもへの虐待をなくすための法律ができて、親が子どもを教育するために",
            ("ぎゃくたい",),
        ),
        "jvndb.jvn.jp.html": (
            "NETWAVE MNG6200 デバイスには、証明書・パスワードの管理に関する脆弱性が存在します。",
            ("�",),
        ),
        "www.ipa.go.jp.html": ("ゴールデンウィークまで1ヶ月を切りました。", ("サイトマップ",)),
    }
    for name, (shown, absent) in wanted.items():
        (document,) = extract(_capture((shared_data / "html" / name).read_bytes()))
        assert isinstance(document, Document), name
        assert shown in document.text, name
        assert document.language == "ja"
        for text in absent:
            assert text not in document.text, (name, text)


def test_a_real_page_of_the_bank_in_the_present_skin(shared_data: Path) -> None:
    body = (shared_data / "boj/mpm_index_en_2026-08.html").read_bytes()
    (document,) = extract(_capture(body, "https://www.boj.or.jp/en/mopo/mpmsche_minu/page.htm"))
    assert isinstance(document, Document)
    assert document.title == "Monetary Policy Meetings"
    assert document.language == "en"
    assert "| Sept. 17 (Thurs.), 18 (Fri.) | - | Oct. 1 (Thurs.) | Nov. 5 (Thurs.) |" in document.text
    assert "Skip to main content" not in document.text
    assert "[PDF" not in document.text


def test_a_real_calendar_of_the_bank_is_a_table(shared_data: Path) -> None:
    tree = parse((shared_data / "boj/boj_calendar_index_ja_fragment.html").read_text(encoding="utf-8"))
    assert tree is not None
    assert "| 28日（金） | 未定 | ○ |  | 【記者会見】氷見野副総裁（8月27日分） |" in "\n".join(blocks(tree))


def test_days_as_japanese_pages_write_them() -> None:
    assert all_dates("（2006年2月8、9日開催分）") == [date(2006, 2, 8), date(2006, 2, 9)]
    assert all_dates("1998年1月31日、2月1日") == [date(1998, 1, 31), date(1998, 2, 1)]
    assert all_dates("平成元年１月８日（日）") == [date(1989, 1, 8)]
    assert all_dates("９月１７日", 2003) == [date(2003, 9, 17)]
    assert all_dates("on June 13 and 14, 2024") == [date(2024, 6, 13), date(2024, 6, 14)]
    assert all_dates("2024年2月30日") == []


def test_time_stays_linear_in_hostile_pages() -> None:
    """White space, brackets and digits without end, where patterns look for titles, days and marks."""
    for text in (" " * 200_000, "（" * 100_000, "1 " * 100_000, "。" * 100_000, "&nbsp;1日" * 50_000):
        page = f"<title>{text}</title><main id='contents'><h1>{text}</h1><p>{text}<a href='#a'>（{text}1</a><a>{text}[</a></p><p>あ</p></main>"
        for url in (
            "https://www.boj.or.jp/about/press/koen_2026/ko261112a.htm",
            "https://e.jp/glossary/a/1.html",
        ):
            assert extract(_capture(page.encode(), url))
