"""Networks as symbols of a grammar."""

from __future__ import annotations

from hypothesis import assume, given

from structgen.errors import UnsatisfiableError
from structgen.ir import Builder, CfgNetwork, grammar_text
from structgen.ir.cfg import Cfg
from structgen.ir.network import Terminal
from tests.ir.test_cfg import check_all
from tests.naive import Naive, TooManyError, cfg_language
from tests.strategies import SMALL_TERMINALS, cfgs, examples


@examples(30)
@given(cfgs(), cfgs())
def test_a_part_is_like_the_rules_it_stands_for(outer: Cfg, inner: Cfg) -> None:
    """Every use of one terminal replaced by a grammar, as a part and as rules."""
    chosen = SMALL_TERMINALS[0]

    def with_part(symbol: Terminal | str) -> Terminal | str:
        return "part" if isinstance(symbol, Terminal) and symbol.dfa.digest == chosen.dfa.digest else symbol

    rules = {name: tuple(tuple(map(with_part, a)) for a in alternatives) for name, alternatives in outer.rules.items()}

    def renamed(symbol: Terminal | str) -> Terminal | str:
        return symbol if isinstance(symbol, Terminal) else f"inner {symbol}"

    copied = {f"inner {n}": tuple(tuple(map(renamed, a)) for a in alts) for n, alts in inner.rules.items()}
    try:
        network = CfgNetwork(Cfg(outer.start, rules, parts={"part": CfgNetwork(inner)}))
        expected = cfg_language({**rules, **copied, "part": ((renamed(inner.start),),)}, outer.start, 5)
        check_all(network)
        assert Naive(network).language(5) == expected
    except (TooManyError, UnsatisfiableError):
        assume(False)


def test_printed_with_parts() -> None:
    builder = Builder()
    part = builder.part("p", CfgNetwork(Cfg("s", {"s": ((SMALL_TERMINALS[0],),)})))
    builder.rule("s", [part, "s"], [])
    cfg = builder.build("s")
    text = grammar_text.to_text(cfg)
    assert text == "s -> p s\n    | () ;\n"
    assert grammar_text.from_text(text, {}, cfg.parts) == cfg
