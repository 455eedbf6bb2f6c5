"""Which formats are converted, and by whom. A converter is loaded when its first file is read.

Knows suffixes and converters, not what these write. Called in the child of `limited`.
"""

from __future__ import annotations

from corpus.drafts import Draft

__all__ = ["BINARY", "CONVERTED", "DATABASE", "MARKUP", "drafts_of_bytes", "drafts_of_text"]

NOTEBOOK = frozenset({".ipynb"})
PAGE = frozenset({".html", ".htm", ".xhtml"})
FEED = frozenset({".rss", ".atom", ".opml", ".xml"})
MARKUP = PAGE | FEED  # may name their own encoding
BINARY = frozenset({".docx", ".pdf"})
DATABASE = frozenset({".csv"})  # of a Notion export; other tables are no notes
CONVERTED = NOTEBOOK | MARKUP | BINARY | DATABASE


def drafts_of_text(suffix: str, text: str) -> list[Draft]:
    """The drafts in the decoded text of a file.

    Raises:
        Unreadable: with the reason in words.
    """
    if suffix in DATABASE:
        from corpus.notion import read_database

        return read_database(text)
    if suffix in PAGE:
        from corpus.webpages import read_page

        return read_page(text)
    if suffix in FEED:
        from corpus.syndication import read_entries

        return read_entries(text)
    from corpus.notebooks import read_notebook

    return read_notebook(text)


def drafts_of_bytes(suffix: str, data: bytes) -> list[Draft]:
    """The drafts in a file that is no text.

    Raises:
        Unreadable: with the reason in words.
    """
    if suffix == ".pdf":
        from corpus.pdfs import read_pdf

        return read_pdf(data)
    from corpus.office import read_docx

    return read_docx(data)
