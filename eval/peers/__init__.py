"""Hybrid retrieval of other libraries over the same chunks and questions; see README.md here."""
