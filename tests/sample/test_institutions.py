"""The institutions of the sample world: eight layouts, each with a truth that its pages bear out."""

import pytest

from corpus.encoding import decode
from sample.companies import COMPANIES
from sample.institution_charsets import LEASING, LEASING_OLD, LEASING_OLDEST
from sample.institution_pages import Skin
from sample.institutions import HOSTS, INSTITUTIONS

CODECS = {"securities": "cp932", "insurer": "euc_jp", "regional_bank": "iso2022_jp"}


def test_there_are_eight_institutions_with_a_layout_of_their_own() -> None:
    assert set(HOSTS) == set(INSTITUTIONS)
    assert len({institution.layout for institution in INSTITUTIONS.values()}) == len(INSTITUTIONS) == 8


@pytest.mark.parametrize("host", INSTITUTIONS)
def test_every_page_that_must_be_kept_answers_and_no_two_are_alike(host: str) -> None:
    kept = INSTITUTIONS[host].kept()
    bodies = [INSTITUTIONS[host].answer(page.path) for page in kept]
    assert {response.status for response in bodies} == {200}
    assert len({response.body for response in bodies}) == len({page.path for page in kept}) == len(kept)


@pytest.mark.parametrize(("host", "codec"), CODECS.items())
def test_a_page_is_in_the_charset_of_its_institution(host: str, codec: str) -> None:
    for page in INSTITUTIONS[host].kept():
        body = INSTITUTIONS[host].answer(page.path).body
        assert body.decode(codec)
        with pytest.raises((UnicodeDecodeError, AssertionError)):
            assert "｜" in body.decode("utf-8")


@pytest.mark.parametrize("skin", [LEASING, LEASING_OLD, LEASING_OLDEST])
def test_a_wrong_charset_is_wrong(skin: Skin) -> None:
    body = skin.dressed("髙い志①とともに", "<p>リース料</p>").body
    assert "リース料" not in body.decode(skin.declared, "replace")
    assert "髙い志①とともに" in decode(body, skin.declared).text


def test_the_profiles_of_sample_companies_agree_with_them() -> None:
    for host, path, name in [
        ("securities", "/kaisha/gaiyou.html", "銀嶺証券株式会社"),
        ("leasing", "/company.html", "常夜灯リース株式会社"),
    ]:
        company = next(company for company in COMPANIES if company.name == name)
        text = decode(INSTITUTIONS[host].answer(path).body).text
        shown = [
            name,
            company.address,
            company.business,
            f"{company.years[-1].employees:,}名",
            f"{company.founded}年",
        ]
        assert [part for part in shown if part not in text] == []


def test_the_calendar_has_no_end() -> None:
    site = INSTITUTIONS["association"]
    paths = ["/event/calendar?ym=999999", "/event/months/99999.html", "/links/" + "links/" * 50]
    assert [site.answer(path).status for path in paths] == [200, 200, 200]
    assert site.answer("/event/calendar?ym=next").status == 404
