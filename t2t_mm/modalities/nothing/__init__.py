"""No input: what a language model is given."""
