"""The ledger: what was found, decided and shown, each entry bound to the one before it and signed. Pure."""
