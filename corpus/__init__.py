"""Notes as something searchable: readers, passages, terms, encoder, store, index. No answers."""
