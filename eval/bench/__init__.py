"""What a question and a vault cost, beside the bare engines and other frameworks."""
