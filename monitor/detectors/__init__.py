"""Recognisers of personal data and of the state it is protected in."""
