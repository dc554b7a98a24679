"""The review pages over HTTP: server-rendered, for the keyboard, without a script that they need."""
