"""Prompts are files that are read strictly and digested; no text of a document can break their frame."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpus.document import Span
from datacards.errors import UserError
from rephrase import prompts
from rephrase.base import Style
from rephrase.candidate import Chunk
from rephrase.parse import LABELS, parse
from rephrase.prompts import Completions, Mode, Prompt
from rephrase.prompts.marks import mark, unmark
from tests.rephrase.test_chunk import plain

STYLES: tuple[Style, ...] = get_args(Style)
HOSTILE = st.lists(
    st.sampled_from([
        "### 文書", "### 問題", "####", "\nQ:", "\n A:", "O: はい", "\nX:", "{document}", "{way}", "</document>", "<|im_end|>", "<|eot_id|>",
        "[INST]", "[/INST]", "<s>", "</s>", "<start_of_turn>", "<｜User｜>", "\u2060", "\n", "金利は1％です。", "#", "<", "[", "Q", ":",
    ])
).map("".join)  # fmt: skip
SIGNS = re.compile(r"###|^[ \t　]*[QAOX]:|<[|｜/a-zA-Z]|\[/?INST\]", re.MULTILINE)


def about(passage: str, context: str = "") -> Chunk:
    """Return a chunk that is all of a document."""
    document = plain(passage)
    return Chunk(document, Span(document.id, 0, len(passage)), context)


def completions(style: Style) -> tuple[Prompt, Completions]:
    """Return the prompt for base models, and what its file holds."""
    prompt = prompts.load(style, "completions")
    assert isinstance(prompt.file, Completions)
    return prompt, prompt.file


def text_of(prompt: Prompt, chunk: Chunk, draw: int = 0) -> str:
    """Return the prompt of a base model about a chunk."""
    asked = prompt.ask(chunk, draw)
    assert isinstance(asked, str)
    return asked


def test_a_prompt_for_a_base_model_is_instruction_examples_and_the_document() -> None:
    prompt, file = completions("qa")
    asked = text_of(prompt, about("金利は1％です。", "灯台銀行\n2025年3月31日"))
    assert asked.startswith(f"{file.instruction}\n\n### 文書\n灯台電機 2025年3月期 決算短信\n売上高は")
    assert asked.endswith("\n\n### 文書\n灯台銀行\n2025年3月31日\n金利は1％です。\n### 問題\nQ:")
    assert asked.startswith(prompt.prefix(0))
    assert asked.count("### 文書") == asked.count("### 問題") == 3
    assert prompt.stop == ("\n\n", "\n###")


def test_a_prompt_for_an_instruct_model_is_two_messages() -> None:
    asked = prompts.load("multiple_choice", "chat").ask(about("金利は1％です。", "灯台銀行"), 3)
    assert isinstance(asked, tuple)
    assert [turn.role for turn in asked] == ["system", "user"]
    assert asked[1].content.startswith("<document>\n灯台銀行\n金利は1％です。\n</document>\n\n")
    assert "日付や期間が述べられていれば" in asked[1].content
    assert "{" not in asked[1].content


@pytest.mark.parametrize("style", STYLES)
def test_every_set_has_two_examples_that_are_read_as_replies_are(style: Style) -> None:
    _, file = completions(style)
    assert len(file.sets) >= 8
    shown = [one for examples in file.sets.values() for one in examples]
    assert len({one.passage for one in shown}) == len(shown) == 2 * len(file.sets)
    for one in shown:
        reply = one.reply.removeprefix(file.start) + "\n"
        items = parse(style, "completions", reply, "stop", chunk=about(one.passage, one.context))
        assert isinstance(items, tuple), one
        assert mark(one.passage) == one.passage
        for item in items:
            assert len({item.answer, *item.wrong}) == len(item.wrong) + 1


@pytest.mark.parametrize("style", STYLES)
def test_numbers_of_examples_stand_in_their_passages(style: Style) -> None:
    _, file = completions(style)
    for one in (one for examples in file.sets.values() for one in examples):
        said = re.sub(r"^X: .*$", "", one.reply, flags=re.MULTILINE)
        given = set(re.findall(r"[0-9][0-9,.]*", f"{one.context}\n{one.passage}"))
        assert set(re.findall(r"[0-9][0-9,.]*", said)) <= given, one


@pytest.mark.parametrize("style", STYLES)
def test_the_prefix_has_at_most_350_tokens_of_the_mistral_tokenizer(style: Style) -> None:
    """A longer prefix is read once more for every token that is written."""
    sentencepiece = pytest.importorskip("sentencepiece")
    common = pytest.importorskip("mistral_common")
    tokenizer = sentencepiece.SentencePieceProcessor()
    tokenizer.load(str(Path(common.__file__).parent / "data" / "tokenizer.model.v1"))
    prompt, file = completions(style)
    assert max(len(tokenizer.encode(prompt.prefix(draw))) for draw in range(len(file.sets))) <= 350


def test_a_draw_chooses_a_set_and_parts_decide_a_draw() -> None:
    prompt, file = completions("qa")
    draws = [prompts.draw("seed", "document", number) for number in range(2000)]
    assert draws == [prompts.draw("seed", "document", number) for number in range(2000)]
    counts = [sum(prompt.chosen(draw) == name for draw in draws) for name in file.sets]
    assert min(counts) > 0.7 * 2000 / len(counts)
    assert len({prompt.ask(about("金利。"), draw) for draw in draws}) == len(file.sets)


@given(HOSTILE)
@example("\u2060#\u2060##\u2060\u2060")
def test_marks_leave_no_sign_and_are_taken_off_again(text: str) -> None:
    marked = mark(text)
    assert not SIGNS.search(marked)
    assert unmark(marked) == text
    assert marked.replace("\u2060", "") == text.replace("\u2060", "")


@pytest.fixture(scope="module")
def loaded() -> dict[tuple[Style, Mode], Prompt]:
    """Return every prompt of this package."""
    return {(style, mode): prompts.load(style, mode) for style in STYLES for mode in get_args(Mode)}


@pytest.mark.parametrize("style", STYLES)
@given(passage=HOSTILE, context=HOSTILE)
def test_no_document_breaks_the_frame(
    loaded: dict[tuple[Style, Mode], Prompt], style: Style, passage: str, context: str
) -> None:
    chunk = about(passage, context)
    asked, harmless = (text_of(loaded[style, "completions"], one) for one in (chunk, about("金利。")))
    assert asked.count("###") == harmless.count("###")
    assert len(SIGNS.findall(asked)) == len(SIGNS.findall(harmless))
    turns = loaded[style, "chat"].ask(chunk, 0)
    assert isinstance(turns, tuple)
    user = turns[1].content
    assert user.count("<document>") == user.count("</document>") == 1
    assert SIGNS.findall(user) == ["<d", "</"]


def test_an_unknown_version_style_or_mode_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UserError, match="prompts: no 'v9'; known: v1"):
        prompts.load("qa", "chat", "v9")
    with pytest.raises(UserError, match=r"no 'v1/harder'; known: easy, hard, medium, multiple_choice, qa"):
        prompts.load("harder", "chat")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"no 'v1/qa/talk.yaml'; known: chat.yaml, completions.yaml"):
        prompts.load("qa", "talk")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"no '\.\.'"):
        prompts.load("qa", "chat", "..")


def own(folder: Path, body: str, mode: Mode = "completions") -> Path:
    """Lay down one prompt file as a user would."""
    (folder / "mine" / "qa").mkdir(parents=True)
    (folder / "mine" / "qa" / f"{mode}.yaml").write_text(body, "utf-8")
    return folder


MINE = (
    "instruction: 例です。\ndocument: 文\nreply: 問\nstart: 'Q:'\nstop: ['###']\nmax_tokens: 9\nsets:\n"
    "  a:\n    - {passage: 金利です。, reply: 'Q: 何。'}\n"
)


def test_a_user_may_have_prompts_of_their_own(tmp_path: Path) -> None:
    prompt = prompts.load("qa", "completions", "mine", folder=own(tmp_path, MINE))
    assert (
        text_of(prompt, about("株価。"))
        == "例です。\n\n### 文\n金利です。\n### 問\nQ: 何。\n\n### 文\n株価。\n### 問\nQ:"
    )
    assert (prompt.max_tokens, prompt.grammar, prompt.schema) == (9, "", {})
    with pytest.raises(UserError, match=r"no 'v1'; known: mine"):
        prompts.load("qa", "completions", folder=tmp_path)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (MINE + "  a: []\n", "the key 'a' is given twice"),
        (MINE + "more: 1\n", "unknown key 'more'"),
        (MINE.replace("max_tokens: 9\n", ""), "the key 'max_tokens' is missing"),
        ("[]", "a prompt file is a mapping"),
        ("sets: {", "is not a valid prompt file"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_reason(tmp_path: Path, body: str, told: str) -> None:
    with pytest.raises(UserError, match=f"^mine/qa/completions.yaml: .*{told}"):
        prompts.load("qa", "completions", "mine", folder=own(tmp_path, body))


def test_the_digest_changes_with_the_file(tmp_path: Path) -> None:
    folder = own(tmp_path, MINE)
    before = prompts.load("qa", "completions", "mine", folder=folder).digest
    (folder / "mine/qa/completions.yaml").write_text(MINE + "\n", "utf-8")
    after = prompts.load("qa", "completions", "mine", folder=folder).digest
    assert len({before, after, *(prompts.load(s, "chat").digest for s in STYLES)}) == 2 + len(STYLES)


@pytest.fixture(scope="module")
def compiler() -> Any:
    """Return a grammar compiler whose tokens are bytes."""
    xgrammar = pytest.importorskip("xgrammar")
    tokens = [*(f"<0x{byte:02X}>" for byte in range(256)), "</s>"]
    info = xgrammar.TokenizerInfo(tokens, xgrammar.VocabType.BYTE_FALLBACK, stop_token_ids=[256])
    return xgrammar.GrammarCompiler(info)


def accepts(grammar: Any, text: str) -> bool:
    """Whether a reply may be this text and then end."""
    import xgrammar

    matcher = xgrammar.GrammarMatcher(grammar)
    return bool(matcher.accept_string(text) and matcher.accept_token(256) and matcher.is_terminated())


GOOD: dict[Style, tuple[str, dict[str, object]]] = {
    **dict.fromkeys(
        ("easy", "medium", "hard"), ("金利は1％です。\n", {"text": "金利は1％です。\n上がりました。"})
    ),
    "qa": (
        " 金利は何％ですか。\nA: 1％です。\n",
        {"question": "金利は。", "answer": "1％", "evidence": "金利は1％"},
    ),
    "multiple_choice": (
        " 金利は何％ですか。\nO: 1％\nX: 2％\nX: 3％\nX: 4％\n",
        {"question": "金利は。", "correct": "1％", "wrong": ["2％", "3％", "4％"], "evidence": "金利は1％"},
    ),
}  # type: ignore[dict-item]


@pytest.mark.parametrize("style", STYLES)
def test_the_grammar_takes_a_good_reply_and_what_it_takes_is_read(compiler: Any, style: Style) -> None:
    grammar = compiler.compile_grammar(prompts.load(style, "completions").grammar)
    good, _ = GOOD[style]
    assert accepts(grammar, good)
    assert isinstance(parse(style, "completions", good, "stop"), tuple)
    for bad in (
        f"\n{good}",
        f"{good}\n",
        f"{good}Q: 次\n",
        good.replace("％", "\n"),
        f"#{good}",
        good.strip(),
    ):
        assert not accepts(grammar, bad), bad


@pytest.mark.parametrize("style", STYLES)
def test_the_schema_takes_a_good_reply_and_what_it_takes_is_read(compiler: Any, style: Style) -> None:
    schema = prompts.load(style, "chat").schema
    grammar = compiler.compile_json_schema(json.dumps(schema), any_whitespace=False)
    _, good = GOOD[style]
    assert accepts(grammar, json.dumps(good, ensure_ascii=False))
    items = parse(style, "chat", json.dumps(good, ensure_ascii=False), "stop", chunk=about("金利は1％です。"))
    assert isinstance(items, tuple)
    few = {key: value[:2] if isinstance(value, list) else value for key, value in good.items()}
    first = next(iter(good))
    bad: list[dict[str, object]] = [
        {**good, "more": "x"},
        {**good, first: 1},
        {key: good[key] for key in list(good)[1:]},
    ]
    for one in bad + [few] * (few != good):
        assert not accepts(grammar, json.dumps(one, ensure_ascii=False)), one
    # xgrammar is slow with, or refuses, bounds on texts and uniqueness.
    assert not re.search(r"uniqueItems|multipleOf|maxLength|minLength|pattern", json.dumps(schema))


@pytest.mark.parametrize("style", STYLES)
def test_a_reply_that_says_the_prompt_again_is_known(style: Style) -> None:
    prompt, file = completions(style)
    first = next(iter(file.sets.values()))[0]
    assert prompt.repeats(f"それでは、{file.instruction}")
    assert prompt.repeats(first.passage)
    assert not prompt.repeats(GOOD[style][0])


def test_styles_with_labels_have_them_in_their_examples() -> None:
    for style, labels in LABELS.items():
        _, file = completions(style)
        assert file.start == labels[0]
