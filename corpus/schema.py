"""The tables of the index as SQLite is told of them, and what later versions add to them.

Knows columns; does not know what is read and written (`tables`, `writer`), nor when an index gets
what it lacks (`store`).
"""

from __future__ import annotations

import sqlite3

__all__ = ["KEPT", "LINKS", "SCHEMA", "SCHEMA_VERSION", "TOKENS", "has_tokens"]

SCHEMA_VERSION = 1

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, reason TEXT);
CREATE TABLE notes (
    path TEXT PRIMARY KEY, title TEXT NOT NULL, sha256 TEXT NOT NULL, file TEXT NOT NULL,
    first_line INTEGER NOT NULL, body_start INTEGER NOT NULL, date TEXT, tags TEXT NOT NULL,
    aliases TEXT NOT NULL, format TEXT NOT NULL, n_chars INTEGER NOT NULL, text TEXT NOT NULL);
CREATE INDEX notes_file ON notes (file);
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    note TEXT NOT NULL REFERENCES notes (path) ON DELETE CASCADE,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, heading TEXT NOT NULL, line INTEGER NOT NULL,
    key BLOB NOT NULL, terms TEXT NOT NULL, vector BLOB, tokens BLOB);
CREATE INDEX chunks_note ON chunks (note);
CREATE INDEX chunks_key ON chunks (key);
CREATE TABLE staged (key BLOB PRIMARY KEY, terms TEXT NOT NULL, vector BLOB, tokens BLOB);
"""
# What reranking looks up, else makes of the text: younger than the format. An index without the
# column gets it empty, and fills it as its passages change.
TOKENS = "ALTER TABLE chunks ADD COLUMN tokens BLOB; ALTER TABLE staged ADD COLUMN tokens BLOB;"
# vectors of encoders used before, so that going back to one costs nothing; made when first needed
KEPT = """
CREATE TABLE IF NOT EXISTS kept (
    encoder TEXT NOT NULL, key BLOB NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (encoder, key));
"""
# links as written; where they lead depends on all notes (corpus.links). Younger than the format:
# an index without it gets it, and the readers' version fills it
LINKS = """
CREATE TABLE IF NOT EXISTS links (
    note TEXT NOT NULL REFERENCES notes (path) ON DELETE CASCADE,
    start INTEGER NOT NULL, "end" INTEGER NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL,
    anchor TEXT NOT NULL, alias TEXT NOT NULL, key TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS links_note ON links (note);
CREATE INDEX IF NOT EXISTS links_key ON links (key);
"""


def has_tokens(connection: sqlite3.Connection) -> bool:
    """Whether passages have a column for their tokens."""
    columns = connection.execute("SELECT name FROM pragma_table_info('chunks')")
    return any(name == "tokens" for (name,) in columns)
