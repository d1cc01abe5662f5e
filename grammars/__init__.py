"""Grammars as data. Installed as structgen.grammars."""
