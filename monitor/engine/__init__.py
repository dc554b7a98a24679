"""Pure evaluation: no clock, no I/O, no logging."""
