"""Recognising texts with holes: a grammar's stacks, all at once. See README.md."""
