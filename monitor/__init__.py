"""Privwatch: declarative privacy rules over access and application logs."""
