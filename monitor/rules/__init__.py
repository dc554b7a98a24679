"""The rule language: text to frozen tree to polars expression."""
