"""The review for programs: the same as the pages, as JSON, for tokens with scopes."""
