"""Measures corpus and assistant: golden sets, suites, results."""
