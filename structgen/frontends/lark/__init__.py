"""Lark grammars: from text to a network.

Receives :class:`structgen.source.Lark`. ``load`` reads it through Lark's own loader (``grammar`` has the data,
``scan`` and ``errors`` the places and messages).
"""
