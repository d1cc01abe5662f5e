"""Finite automata as the algebra works on them: dense tables over classes of symbols.

Receives symbol sets, words and other automata; returns :class:`Dfa`. The alphabet is code points
(``CODE_POINTS``; surrogates are in no language) or bytes (``BYTES``). The operations live beside this file;
:mod:`structgen.automata` exports them all.
"""
