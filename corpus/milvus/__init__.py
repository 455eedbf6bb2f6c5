"""The index of notes on Milvus: the same searches, shared by many machines."""
