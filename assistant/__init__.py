"""From a question to a checked answer, and its faces. Imports corpus, never eval."""
