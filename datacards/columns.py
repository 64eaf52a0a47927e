"""The columns of documents, and what a column of a Parquet file means, written into the file beside name and type."""

import pyarrow as pa

MEANING = b"description"
_SPANS = pa.list_(pa.struct([("id", pa.string()), ("start", pa.int64()), ("end", pa.int64())]))


def column(name: str, type_: pa.DataType, meaning: str) -> pa.Field:
    """Return the Arrow field of a column that carries its meaning as metadata; Parquet files keep it."""
    return pa.field(name, type_, metadata={MEANING: meaning.encode()})


def meaning(field: pa.Field) -> str:
    """Return the meaning that a column carries, '' for one without."""
    return (field.metadata or {}).get(MEANING, b"").decode("utf-8", "replace")


#: The columns of documents in all six formats.
DOCUMENT = pa.schema(
    [
        column(
            "id", pa.string(), "Address of the content: equal for equal format, source, url, section and text"
        ),
        column("text", pa.string(), "The document itself, in Markdown"),
        column("format", pa.string(), "markdown, sections, categories, listing, qa or multiple_choice"),
        column("source", pa.string(), "The publisher's series that it is from"),
        column("url", pa.string(), "Where what it was made from was published"),
        column("title", pa.string(), "Title as published"),
        column("section", pa.string(), "Path of headings, for format sections, else empty"),
        column("language", pa.string(), "ISO 639-1"),
        column("event_at", pa.date32(), "Day on which what it tells happened"),
        column("published_at", pa.date32(), "Day of publication, in Japan"),
        column(
            "available_at",
            pa.date32(),
            "Day from which a reader could have had it: published, else first seen",
        ),
        column("captured_at", pa.timestamp("us", tz="UTC"), "When it was fetched"),
        column("license", pa.string(), "License or terms, several that all apply joined by AND"),
        column("attribution", pa.string(), "The credit that must go with it"),
        column("redistribution", pa.bool_(), "Whether the text may be given to others"),
        column(
            "made_from",
            _SPANS,
            "Every parent with the characters [start, end) it came from; a capture as sha256:...",
        ),
        column("meta", pa.string(), "A JSON object of strings: what one source or step knows besides"),
        column("n_chars", pa.int64(), "Unicode code points of text"),
        column("cluster_size", pa.int64(), "Near-duplicates that it stands for, itself included"),
    ]
)

#: The columns of what was left out.
DROPPED = pa.schema(
    [
        column("reason", pa.string(), "Why it left, a word in snake_case"),
        column("detail", pa.string(), "More on the reason: a measure, what it equals"),
        column("stage", pa.string(), "Where it left: extract, the name of a step, dedup, ..."),
        column("source", pa.string(), "The publisher's series that it is from"),
        column("url", pa.string(), "Where it was published"),
        column("sha256", pa.string(), "Of the capture's body, for what left before it became a document"),
        column("document_id", pa.string(), "Of what had become a document"),
        column("available_at", pa.date32(), "Day from which a reader could have had the document"),
        column("license", pa.string(), "License or terms"),
        column("title", pa.string(), "Title of the document"),
        column("text", pa.string(), "What left, whole, so that nothing is lost"),
    ]
)
