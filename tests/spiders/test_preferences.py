"""What publishers say of machines is read as they mean it; what is unclear or hostile is read safely."""

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from spiders.preferences import Line, Reservations, at_path, fits, refusal, refuses, robots_lines
from spiders.robots import essential

AGENT = "kanagura/0.1.0 (+mailto:corpus@example.org)"
NO = "Content-Usage: train-ai=n\n"


def values(text: str) -> list[str]:
    return [line.value for line in robots_lines(text, AGENT)]


# -- the groups of robots.txt ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"User-agent: *\n{NO}", ["train-ai=n"]),
        (f"User-agent: Kanagura\n{NO}", ["train-ai=n"]),
        (f"User-agent: kanagura/2.0\n{NO}", ["train-ai=n"]),  # a version is no part of the name
        (f"User-agent: other\nUser-agent: kanagura\n{NO}", ["train-ai=n"]),
        (f"User-agent: kanagura\nCrawl-delay: 5\nUser-agent: other\n{NO}", []),
        (f"User-agent: kanagura\nSitemap: /s.xml\nUser-agent: other\n{NO}", ["train-ai=n"]),
        (f"User-agent: other\nDisallow: /x\nUser-agent: kanagura\n{NO}", ["train-ai=n"]),
        (f"User-agent: kanagura\nDisallow: /x\nUser-agent: other\n{NO}", []),
        (f"User-agent: other\n{NO}", []),
        (f"User-agent: kana\n{NO}", []),
        (f"User-agent: corpus\n{NO}", []),  # it stands in the contact, and is not our name
        (f"User-agent:\n{NO}", []),
        (f"User-agent: *\n{NO}\nUser-agent: kanagura\nAllow: /\n", []),  # our own group goes before *
        (f"User-agent: *\n{NO}User-agent: kanagura\nContent-Usage: bots=y\n", ["bots=y"]),
        (f"User-agent: kanagura\n{NO}User-agent: x\n{NO}User-agent: kanagura\nContent-Usage: bots=y", ["train-ai=n", "bots=y"]),
        (f"{NO}User-agent: kanagura\nContent-Usage: bots=y\n", ["train-ai=n", "bots=y"]),  # in front of every group
        ("USER-AGENT : *\ncontent-USAGE:train-ai=n # no training\n# Content-Usage: bots=n\n", ["train-ai=n"]),
        ("User-agent: *\r\nContent-Usage: train-ai=n\r\n", ["train-ai=n"]),
        ("User-agent: *\rContent-Usage: train-ai=n\r", ["train-ai=n"]),
        (f"\ufeffUser-agent: other\n{NO}", []),
        (f"\ufeffUser-agent: *\n{NO}", ["train-ai=n"]),
        (f"Useragent: *\nUser-agent: other\n{NO}", ["train-ai=n"]),
        ("User-agent *\nContent-Usage train-ai=n\n\x00\n:\n", ["train-ai=n"]),
        ("", []),
    ],
)  # fmt: skip
def test_a_line_of_robots_txt_holds_for_its_group(text: str, found: list[str]) -> None:
    assert values(text) == found


def allowed(text: str, path: str, agent: str = "kanagura") -> bool:
    names = {"*", "kanagura", "gptbot"}
    return Protego.parse("".join(essential(text, names))).can_fetch(f"https://example.org{path}", agent)


@pytest.mark.parametrize("agent", ["kanagura", "GPTBot"])
@pytest.mark.parametrize(
    "text",
    [
        "User-agent: *\nDisallow: /a\nUser-agent: kanagura\nDisallow: /b",
        "User-agent: *\nUser-agent: x\nDisallow: /a\nUser-agent: y\nDisallow: /b",
        "User-agent: x\nDisallow: /a\nSitemap: /s.xml\nUser-agent: GPTBot\nSitemap: /t.xml\nUser-agent: *\nDisallow: /b",
        "User-agent: *\nCrawl-delay: 3\nUser-agent: x\nDisallow: /a",
        "Disallow: /a\nUser-agent: kanagura/1.0\nDisallow: /b",
        "useragent *\nDisalow /a # comment",
        "\ufeffUser-agent: *\r\nDisallow: /a$\r\nAllow: /a",
    ],
)
def test_the_essential_lines_say_the_same_as_the_whole_file(text: str, agent: str) -> None:
    whole = Protego.parse(text.removeprefix("\ufeff").replace("kanagura/1.0", "kanagura"))
    expected = [whole.can_fetch(f"https://example.org{path}", agent) for path in ("/a", "/b", "/c")]
    assert [allowed(text, path, agent) for path in ("/a", "/b", "/c")] == expected


def test_a_hostile_robots_txt_is_read_in_time_and_memory_of_its_size() -> None:
    names = "".join(f"User-agent: a{n}\n" for n in range(15_000))
    rules = "".join(f"Disallow: /{n}\n" for n in range(15_000))
    began = time.monotonic()
    assert not allowed(f"{names}User-agent: kanagura\n{rules}", "/7")
    assert robots_lines(f"{names}User-agent: kanagura\n{rules}{NO}", AGENT) == [
        Line("content-usage", "/", "train-ai=n")
    ]
    assert time.monotonic() - began < 5


@given(st.text(st.sampled_from("*:#\n\r ab"), max_size=40))
def test_any_text_can_be_read_as_robots_txt(noise: str) -> None:
    assert values(f"{noise}\nUser-agent: kanagura\n{NO}")[-1] == "train-ai=n"


# -- paths -----------------------------------------------------------------------------------------------


@given(st.text("ab*$/", max_size=8), st.text("ab$/", max_size=8))
def test_a_pattern_fits_as_a_regular_expression_does(pattern: str, path: str) -> None:
    whole = pattern.endswith("$")
    model = ".*".join(map(re.escape, pattern.removesuffix("$").split("*"))) + (r"\Z" if whole else "")
    assert fits(pattern, path) == bool(re.match(model, path, re.DOTALL))


def test_a_hostile_pattern_takes_no_longer_than_its_length() -> None:
    """A regular expression of as many wildcards would not end before the sun does."""
    path = "/" + "a" * 2000
    began = time.monotonic()
    assert not fits("/" + "*a" * 10_000 + "b$", path)
    assert fits("/" + "*" * 10_000, path)
    assert not at_path([Line("content-usage", "/" + "*a" * 100 + "b", "train-ai=n")] * 1000, path)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("lines", "path", "said"),
    [
        ((("/", "train-ai=y"), ("/news/", "train-ai=n")), "/news/1.htm", "train-ai=n"),
        ((("/news/", "train-ai=n"), ("/", "train-ai=y")), "/news/1.htm", "train-ai=n"),
        ((("/news/", "train-ai=n"), ("/news/open/", "train-ai=y")), "/news/open/1.htm", "train-ai=y"),
        ((("/news/", "train-ai=n"),), "/other/1.htm", None),
        ((("/*.pdf$", "train-ai=n"),), "/a/b.pdf", "train-ai=n"),
        ((("/*.pdf$", "train-ai=n"),), "/a/b.pdf?x=1", None),
        ((("/*?", "train-ai=n"),), "/a?x=1", "train-ai=n"),
        ((("/", "train-ai=n"), ("/", "search=y")), "/a", "train-ai=n, search=y"),  # two lines, one statement
        ((("/日本/", "train-ai=n"),), "/%E6%97%A5%E6%9C%AC/a", "train-ai=n"),
        ((("/%e6%97%a5/", "train-ai=n"),), "/%E6%97%A5/a", "train-ai=n"),
        ((("/%61b/", "train-ai=n"),), "/ab/", "train-ai=n"),
        ((("/a%2Fb", "train-ai=n"),), "/a/b", None),  # an encoded slash is no slash
    ],
)
def test_the_longest_path_that_fits_decides(
    lines: tuple[tuple[str, str], ...], path: str, said: str | None
) -> None:
    text = "User-agent: *\n" + "".join(f"Content-Usage: {where} {usage}\n" for where, usage in lines)
    assert at_path(robots_lines(text, AGENT), path).get("content-usage") == said


@pytest.mark.parametrize(
    ("written", "path", "value"),
    [
        ("/news/ train-ai=n", "/news/", "train-ai=n"),
        ("/news/\ttrain-ai=n", "/news/", "train-ai=n"),
        ("*.pdf$ train-ai=n", "*.pdf$", "train-ai=n"),
        ("train-ai=n, search=y", "/", "train-ai=n, search=y"),
        ("/news/", "/news/", ""),
    ],
)
def test_a_line_may_name_a_path(written: str, path: str, value: str) -> None:
    assert robots_lines(f"User-agent: *\nContent-Usage: {written}", AGENT) == [
        Line("content-usage", path, value)
    ]


# -- preferences -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        ("train-ai=n", True),
        ("train-ai=y", False),
        ("bots=n", True),
        ("bots=n, train-ai=y", False),  # the narrower word decides
        ("train-ai=n, train-genai=y", False),
        ("train-genai=n, train-ai=y, bots=y", True),
        ("TRAIN-AI = N", True),
        ("train-ai=n;exception=research", True),
        ("search=n", False),
        ("train-ai=maybe", False),
        ("train-ai=maybe, bots=n", True),
        ("train-ai", False),
        ("train-ai=n, train-ai=y", True),  # who says both has said no
        ("train-ai=y, train-ai=n", True),
        ("ai-train=no", True),
        ("search=yes, ai-input=yes, ai-train=no", True),
        ("ai-train=yes", False),
        ("ai-input=no", False),
        ("", False),
        (",,;=,", False),
    ],
)
def test_a_dictionary_of_preferences_forbids_training_or_does_not(value: str, refused: bool) -> None:
    assert refuses(value) is refused


@pytest.mark.parametrize(
    ("signals", "why"),
    [
        ({}, ""),
        ({"robots": "200", "tdmrep": "404", "TDM-Policy": "https://example.org/policy.json"}, ""),
        ({"robots_ai": "GPTBot"}, "robots_ai: GPTBot"),
        ({"tdmrep_reserved": "1"}, "tdmrep_reserved: 1"),
        ({"robots_content-usage": "train-ai=n"}, "robots_content-usage: train-ai=n"),
        ({"robots_content-signal": "ai-train=no"}, "robots_content-signal: ai-train=no"),
        ({"Content-Usage": "train-ai=n"}, "Content-Usage: train-ai=n"),
        ({"Content-Signal": "ai-train=no"}, "Content-Signal: ai-train=no"),
        ({"Content-Usage": "train-ai=y"}, ""),
        ({"TDM-Reservation": "1"}, "tdm-reservation: 1"),
        ({"TDM-Reservation": " 1 "}, "tdm-reservation: 1"),
        ({"TDM-Reservation": "1, 1"}, "tdm-reservation: 1"),  # the header came twice
        ({"TDM-Reservation": "0"}, ""),
        ({"TDM-Reservation": "1", "meta tdm-reservation": "0"}, ""),  # the page goes before the header
        ({"TDM-Reservation": "0", "meta tdm-reservation": "1"}, "tdm-reservation: 1"),
        ({"meta tdm-reservation": "0, 1"}, "tdm-reservation: 1"),
        ({"X-Robots-Tag": "noindex, NoAI"}, "X-Robots-Tag: noai"),
        ({"meta robots": "noai,noimageai"}, "meta robots: noai"),
        ({"X-Robots-Tag": "noindex, noimageai"}, ""),  # this crawl takes no images
        ({"meta robots": "none"}, ""),
    ],
)
def test_a_recorded_signal_forbids_training_or_does_not(signals: dict[str, str], why: str) -> None:
    assert refusal(signals) == why


# -- the TDMRep file -------------------------------------------------------------------------------------


def rule(location: str, reservation: object = 1) -> dict[str, object]:
    return {"location": location, "tdm-reservation": reservation}


@pytest.mark.parametrize(
    ("rules", "path", "reserved"),
    [
        ([rule("/news/")], "/news/1.htm", True),
        ([rule("/news/")], "/other.htm", False),
        ([rule("/news/", "1")], "/news/1.htm", True),
        ([rule("/news/", 0)], "/news/1.htm", False),
        ([rule("/*.pdf$")], "/a/b.pdf", True),
        ([rule("/"), rule("/open/", 0)], "/open/1.htm", True),  # the first that fits reserves
        ([rule("/open/", 0), rule("/")], "/open/1.htm", False),  # first and most specific agree
        ([rule("/", 0), rule("/news/")], "/news/1.htm", True),  # the most specific reserves
        ([rule("/日本/")], "/%E6%97%A5%E6%9C%AC/", True),
        ([*(rule(f"/{n}/", 0) for n in range(20_000)), rule("/news/")], "/news/1.htm", True),
        ([7, "x", None, {"location": "/"}, {"tdm-reservation": 1}], "/", False),
        ([], "/", False),
    ],
)
def test_a_tdmrep_file_reserves_a_path(rules: list[object], path: str, reserved: bool) -> None:
    body = json.dumps(rules).encode()
    assert Reservations(body).reserved(path) is reserved
    assert Reservations(b"\xef\xbb\xbf" + body).reserved(path) is reserved


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b'{"location": "/"}', b"null", b"\xff\xfe\x00", b"[" * 100_000, b"[1,"]
)
def test_what_is_no_list_of_rules_is_told_apart(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        Reservations(body)
