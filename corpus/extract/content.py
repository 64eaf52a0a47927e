"""Where the text of a page of an unknown make lies: the part that holds it, without what stands around it.

trafilatura says which sentences are the text; the smallest element that holds nearly all of them is the part. What
it holds is then written by us, so that lists, tables and notes stay which trafilatura leaves out or flattens.
"""

import re
from collections.abc import Callable

from corpus.extract.tree import Element, select, text_of

_HELD = (
    0.85  # share of the recognized text that the part must hold; the rest may be a stray sentence elsewhere
)
_WINDOW = 8  # characters by which a stretch is recognized
_INDEXED = 400_000  # characters of recognized text that are looked at: the part is known long before
_LINE = 60  # characters that stand beside the text and belong to it
_CROWDED = ("div", "section", "ul", "ol", "p", "table", "dl")
_CLIMB = 4  # levels above the part where its heading may stand
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
#: Words in a class or id that name what stands around a text.
_CHROME = frozenset(
    [
        "nav",
        "navi",
        "navigation",
        "gnav",
        "gnavi",
        "lnav",
        "lnavi",
        "snav",
        "globalnav",
        "breadcrumb",
        "breadcrumbs",
        "pankuzu",
        "crumb",
        "crumbs",
        "topicpath",
        "sidebar",
        "sidemenu",
        "submenu",
        "menu",
        "footer",
        "share",
        "sharing",
        "sns",
        "social",
        "cookie",
        "cookies",
        "consent",
        "gdpr",
        "modal",
        "popup",
        "overlay",
        "ad",
        "ads",
        "adsense",
        "advert",
        "advertisement",
        "sponsor",
        "sponsored",
        "promo",
        "related",
        "recommend",
        "recommended",
        "recommendation",
        "ranking",
        "popular",
        "trending",
        "comments",
        "respond",
        "disqus",
        "pager",
        "pagination",
        "paging",
        "prevnext",
        "pagetop",
        "totop",
        "backtop",
        "skip",
        "skiplink",
        "login",
        "signup",
        "search",
        "copyright",
        "newsletter",
        "subscribe",
        "subscription",
        "rss",
        "feed",
        "bookmark",
        "bookmarks",
        "hatena",
        "tweet",
        "twitter",
        "facebook",
        "pocket",
        "banner",
        "banners",
        "bnr",
        "utility",
        "langswitch",
        "tagcloud",
        "toolbar",
        "print",
        "trackback",
        "trackbacks",
        "followus",
        "adbox",
        "noprint",
        "inquiry",
        "contact",
        "toiawase",
    ]
)
#: Names that mean it only when they are the whole name: "president-comment" is text.
_NAMES = frozenset(
    [
        "comment",
        "comment-list",
        "comment-area",
        "commentlist",
        "widget",
        "widgets",
        "side",
        "relation",
        "foot",
        "tags",
        "tag-list",
    ]
)
_ROLES = frozenset(
    [
        "navigation",
        "banner",
        "contentinfo",
        "complementary",
        "search",
        "dialog",
        "alertdialog",
        "menu",
        "menubar",
        "toolbar",
    ]
)
_PARTS = ("article", "main")
_LEAD_AWAY = re.compile(
    r"^[■●◆▼▶►≫>・\s]*(?:(?:この記事(?:に|の|と))?関連(?:する)?(?:記事|ニュース|リンク|ページ|情報|コンテンツ|サイト|キーワード|タグ|ワード|トピックス?|商品|サービス)|"
    r"(?:あわせて|合わせて|こちらも|次に|よく|もっと)(?:読みたい|おすすめ|どうぞ|読まれている(?:記事)?|読む|見る)|(?:おすすめ|オススメ|お勧め|人気|注目|新着|最新|最近|前後)の?"
    r"(?:記事|ニュース|コンテンツ|投稿|エントリー?|コメント|トラックバック|ランキング|キーワード|情報)|(?:アクセス|記事|人気|ニュース|総合)?ランキング|"
    r"コメント(?:一覧|欄|する|を(?:書く|残す|投稿))?(?:\s*[（(]\d+(?:件)?[）)])?|みんなのコメント|\d+件のコメント|トラックバック|カテゴリー?(?:一覧)?|(?:月別)?アーカイブ|タグ(?:一覧|クラウド)?|"
    r"(?:この(?:記事|ページ)を)?(?:シェア|共有|ツイート)(?:する)?|(?:この)?(?:著者|筆者)の(?:他の)?記事|(?:お知らせ|メール)?メルマガ登録|PR|広告|スポンサー(?:ド)?リンク|関連|サイト内検索|バックナンバー|"
    r"(?:前|次|過去)の記事|SHARE|Share(?: this)?|Related(?: (?:articles?|posts?|links?|pages?))?|Comments?|Recent posts?|Categories|Tags|Archives?)[\s:：]*$",
    re.IGNORECASE,
)
_SMALL_TALK = re.compile(
    r"^(?:[\[【（(]?\s*(?:[▲△↑]\s*)?(?:この)?(?:ページ(?:の)?)?(?:トップ|先頭|TOP|上部|上)(?:へ|に)?(?:戻る|もどる)?|[▲△↑]|PAGE\s*TOP|(?:この(?:記事|ページ)を)?(?:シェア|ツイート|印刷|共有|ブックマーク|保存)(?:する)?|(?:一覧|前(?:の(?:記事|ページ))?|次(?:の(?:記事|ページ))?)"
    r"(?:へ|に)?(?:戻る)?|[≪«<＜←]+\s*前.{0,40}|[≫»>＞→]*\s*次(?:の(?:記事|ページ|投稿)|へ).{0,40}|続きを読む|もっと見る|閉じる|"
    r"(?:©|\(c\)|Copyright|Ⓒ).{0,200}|(?:[^。]{0,40})All rights reserved\.?|(?:本サイト|当サイト|記事|写真)?[^。]{0,20}無断(?:転載|複製)[^。]{0,30}。?|LINEで送る|(?:文字サイズ|印刷用ページ|メールで送る|リンクをコピー|URLをコピー)|"
    r"(?:いいね|フォロー)(?:！|!|する)?)\s*[\]】）)]?$",
    re.IGNORECASE,
)


def part(tree: Element, recognized: str) -> tuple[Element, frozenset[Element]] | None:
    """Return the element that holds the text of a page and what inside it stands around the text; None for no text.

    ``recognized`` is the text as trafilatura found it, "" if it found none: then every sentence that is not all
    links counts. What stands around are navigation, sharing, related pages, comments and the like.
    """
    body = next(iter(select(tree, "//body")), tree)
    weights = _weights(body, _windows(recognized))
    if not weights.get(body):
        return None
    nearer: Element | None = body
    while nearer is not None:
        element = nearer
        nearer = next((child for child in element if weights.get(child, 0) >= _HELD * weights[body]), None)
    if element.tag in ("p", "tr", "tbody", "li", "dd", "span", "td", "pre", "ul", "ol", "dl", "table"):
        parent = element.getparent()
        element = parent if parent is not None and element.tag != "td" else element
    element = _whole(element, body)
    around = [one for one in element.iter() if one is not element and _stands_around(one, element, weights)]
    return element, frozenset(around)


def leading_away(block: str) -> bool:
    """Whether a block is a heading or label over links to other pages, over comments or the like."""
    return len(block) < 60 and bool(_LEAD_AWAY.match(block.strip("# *\n")))


def small_talk(block: str) -> bool:
    """Whether a block is what a page says about itself: back to the top, share, copyright."""
    return len(block) < 260 and bool(_SMALL_TALK.match(block.strip("#>-* \n")))


def kept(blocks: list[str]) -> list[str]:
    """Return the blocks without sections that lead away, and without small talk."""
    found: list[str] = []
    level = 0  # of the section that is being left out; 9 for one under a label that is no heading
    for block in blocks:
        depth = len(block) - len(block.lstrip("#")) if block.startswith("#") else 0
        if level and (0 < depth <= level or (not depth and level == 9 and _prose(block))):
            level = 0
        if not level and leading_away(block):
            level = depth or 9
        if not level and not small_talk(block):
            found.append(block)
    return found


def _prose(block: str) -> bool:
    return not block.startswith(("- ", "1. ", "|")) and (len(block) > 60 or block.endswith("。"))


def _windows(text: str) -> frozenset[str]:
    squeezed = "".join(text[:_INDEXED].split())
    return frozenset(squeezed[at : at + _WINDOW] for at in range(max(0, len(squeezed) - _WINDOW + 1)))


def _weights(body: Element, windows: frozenset[str]) -> dict[Element, float]:
    """Return how many recognized characters each element holds, below it included."""
    counts: Callable[[str], bool] = lambda text: text[:_WINDOW] in windows or text[-_WINDOW:] in windows  # noqa: E731
    if not windows:
        counts = lambda text: len(text) > 12  # noqa: E731
    weights: dict[Element, float] = {}
    elements = list(body.iter())
    for element in reversed(elements):  # children before parents
        if not isinstance(element.tag, str) or element.tag in (
            "script",
            "style",
            "noscript",
            "noframes",
            "template",
        ):
            own = ""
        else:
            own = "".join((element.text or "").split())
        weight = weights.get(element, 0.0)
        if len(own) >= _WINDOW and (windows or not _around(element)) and counts(own):
            weight += len(own) * (0.1 if element.tag == "a" and not windows else 1.0)
        weights[element] = weight
        parent = element.getparent()
        if parent is not None and element is not body:
            tail = "".join((element.tail or "").split())
            told = len(tail) if len(tail) >= _WINDOW and counts(tail) else 0
            if windows or not _around(element):
                weights[parent] = weights.get(parent, 0.0) + weight + told
            else:
                weights[parent] = weights.get(parent, 0.0) + told
    return weights


def _around(element: Element) -> bool:
    """Whether an element says of itself that it stands around the text."""
    if element.tag in ("nav", "footer", "aside", "form", "dialog", "menu"):
        return True
    if element.tag in ("body", "html", "main", "article", "h1"):
        return False
    if element.get("role", "").lower() in _ROLES or element.get("aria-modal") == "true":
        return True
    names = f"{element.get('class', '')[:200]} {element.get('id', '')[:100]}"
    return any(word.lower() in _CHROME for word in _WORDS.findall(names)) or bool(
        _NAMES.intersection(names.lower().split())
    )


def _whole(element: Element, body: Element) -> Element:
    """Return the article around the part, or the part with its heading, where the page says so."""
    line = [element, *element.iterancestors()]
    named = [one for one in line if one.tag in _PARTS or one.get("role") in ("main", "article")]
    if named:
        return named[0]
    if next(element.iter("h1"), None) is not None:
        return element
    grown, growing = element, True
    for above in line[1 : 1 + _CLIMB]:
        if above is body or above.tag in ("body", "html", "tr", "tbody", "table"):
            break
        if next(above.iter("h1"), None) is not None:
            return above
        growing = growing and _little(above, grown)
        grown = above if growing else grown
    return grown


def _little(above: Element, element: Element) -> bool:
    """Whether ``above`` adds no more to ``element`` than a line, such as the day of publication."""
    added = sum(
        len("".join(text_of(one).split()))
        for one in above.iter()
        if one.getparent() is above and element not in (one, *one.iterdescendants()) and not _around(one)
    )
    return added <= _LINE and _linked(above, without=element) < 0.5


def _linked(element: Element, without: Element | None = None) -> float:
    """Return the share of characters of ``element`` that stand in links, outside of ``without``."""
    whole = len("".join(text_of(element).split()))
    links = sum(len("".join(text_of(link).split())) for link in element.iter("a"))
    if without is not None:
        whole -= len("".join(text_of(without).split()))
        links -= sum(len("".join(text_of(link).split())) for link in without.iter("a"))
    return links / whole if whole > 0 else 0.0


def _stands_around(one: Element, element: Element, weights: dict[Element, float]) -> bool:
    """Whether ``one``, inside ``element``, stands around the text: by its name, or as a crowd of links."""
    if not isinstance(one.tag, str) or weights.get(one, 0.0) > 0.3 * weights[element]:
        return False
    if one.tag in ("nav", "footer", "aside"):
        return True
    if next(one.iter("h1"), None) is not None:
        return one.tag == "header" and one.find(".//nav") is not None and len(text_of(one)) > 400
    return one.tag == "header" or _around(one) or (not weights.get(one) and _crowd(one))


def _crowd(one: Element) -> bool:
    """Whether an element without a sentence holds little but links, and no sentence before it leads to them."""
    if one.tag not in _CROWDED or len(one.findall(".//a")) < 2 or _linked(one) < 0.6:
        return False
    before = one.getprevious()
    led = before is not None and before.tag == "p" and len(text_of(before).strip()) > 12
    return not (one.tag in ("ul", "ol", "table", "dl") and led)
