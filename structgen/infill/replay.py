"""Watching a canvas fill up: a bar while it does, and a page that replays it.

Receives the frames of a decoding loop; :func:`html` returns one self-contained page, :func:`watch` passes the frames
on and draws a line for each.
"""

from __future__ import annotations

import html as escapes
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TextIO

from structgen.infill.protocol import MASK, Frame
from structgen.masks.vocabulary import Vocabulary

#: How tokens are shown that a reader would not see otherwise.
_SHOWN = str.maketrans({"\n": "↵", "\t": "⇥", " ": "·"})
_WIDTH = 24


def html(frames: Iterable[Frame], vocab: Vocabulary, *, title: str = "Canvas") -> str:
    """A page that replays how a canvas was filled; it loads nothing.

    Each slot is a cell. What a step has written is marked green, what it has taken back blue; proposals that the
    constraint refused are struck out in red below their slot. A slider and the arrow keys move through the steps.

    Args:
        frames: the steps of a decoding loop, in order.
        vocab: of the tokens.
        title: of the page.
    """
    steps = [
        {
            "step": frame.step,
            "canvas": list(frame.canvas),
            "placed": [position for position, _ in frame.placed],
            "refused": [list(pair) for pair in frame.refused],
            "remasked": list(frame.remasked),
            "ms": round(1000 * frame.seconds, 2),
        }
        for frame in frames
    ]
    used = {token for step in steps for token in step["canvas"]}  # type: ignore[attr-defined]
    used |= {token for step in steps for _, token in step["refused"]}  # type: ignore[attr-defined]
    names = {token: name_of(token, vocab) for token in sorted(used - {MASK})}
    # "</" would end the script
    data = json.dumps({"steps": steps, "names": names}, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    return _PAGE.replace("TITLE", escapes.escape(title)).replace("DATA", data)


def name_of(token: int, vocab: Vocabulary) -> str:
    """A token as a reader sees it: blanks as dots, bytes that are no text as ``\\xff``, the end as a black square."""
    if token in vocab.eos_token_ids:
        return "■"
    text = vocab.tokens[token] if token < len(vocab.tokens) else None
    return f"<{token}>" if text is None else text.decode("utf-8", "backslashreplace").translate(_SHOWN)


def watch(frames: Iterable[Frame], vocab: Vocabulary, file: TextIO | None = None) -> Iterator[Frame]:
    """The same frames; for each a bar, and the end of the text up to the first slot that is open.

    Args:
        frames: of a decoding loop that yields them as it goes.
        vocab: of the tokens.
        file: where the bar is drawn; standard error by default. Where that is no terminal each line stands for itself.
    """
    file = sys.stderr if file is None else file
    alone = not file.isatty()
    begun = False
    for frame in frames:
        filled = sum(token != MASK for token in frame.canvas)
        known = frame.canvas[: frame.canvas.index(MASK)] if MASK in frame.canvas else frame.canvas
        text = "".join(name_of(token, vocab) for token in known if token not in vocab.eos_token_ids)
        full = _WIDTH * filled // max(1, len(frame.canvas))
        line = f"{'█' * full}{'░' * (_WIDTH - full)} {filled}/{len(frame.canvas)} step {frame.step}"
        line += f", refused {len(frame.refused)}  {text[-40:]}"
        file.write(f"{line}\n" if alone else f"\r\x1b[K{line}")
        file.flush()
        begun = True
        yield frame
    if begun and not alone:
        file.write("\n")


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>TITLE</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 68em; padding: 0 1em; color: #222 }
#canvas { display: flex; flex-wrap: wrap; gap: 3px; margin: 1em 0; align-items: flex-start }
.slot { border: 1px solid #ccc; border-radius: 3px; min-width: 1.3em; text-align: center; font-family: monospace }
.slot b { font-weight: normal; display: block; padding: 2px 4px; white-space: pre }
.open b { background: #eee; color: #aaa } .end b { color: #bbb }
.placed b { background: #b7e4c0 } .remasked b { background: #bcd7f5 }
.slot s { display: block; color: #b3261e; font-size: 11px; padding: 0 3px; white-space: pre }
#bar { height: 6px; background: #eee } #bar div { height: 6px; background: #4a9; width: 0 }
input { width: 100% }
</style>
<h1>TITLE</h1>
<p><button id="play">Play</button> <span id="say"></span></p>
<input id="at" type="range" min="0" value="0"><div id="bar"><div></div></div>
<div id="canvas"></div>
<p>Green: written in this step. Blue: taken back. Struck out: proposals that the constraint refused.</p>
<script>
const data = DATA;
const at = document.getElementById("at"), canvas = document.getElementById("canvas");
at.max = data.steps.length - 1;
function cell(tag, text) { const made = document.createElement(tag); made.textContent = text; return made; }
function show() {
  const step = data.steps[at.value];
  canvas.replaceChildren();
  if (!step) return;
  const placed = new Set(step.placed), remasked = new Set(step.remasked);
  let filled = 0;
  step.canvas.forEach((token, i) => {
    const slot = cell("div", ""), open = token < 0;
    filled += !open;
    slot.className = "slot" + (open ? " open" : data.names[token] === "■" ? " end" : "")
      + (remasked.has(i) ? " remasked" : placed.has(i) ? " placed" : "");
    slot.title = "slot " + i;
    slot.append(cell("b", open ? " " : data.names[token]));
    const refused = step.refused.filter(pair => pair[0] === i);
    refused.slice(0, 4).forEach(pair => slot.append(cell("s", data.names[pair[1]])));
    if (refused.length > 4) slot.append(cell("s", "+" + (refused.length - 4)));
    canvas.append(slot);
  });
  document.querySelector("#bar div").style.width = 100 * filled / step.canvas.length + "%";
  document.getElementById("say").textContent = "forward pass " + step.step + ", " + filled + " of "
    + step.canvas.length + " slots, " + step.refused.length + " refused, constraint " + step.ms + " ms";
}
at.addEventListener("input", show);
document.addEventListener("keydown", event => {
  if (event.target === at) return;
  if (event.key === "ArrowRight") at.stepUp(); else if (event.key === "ArrowLeft") at.stepDown(); else return;
  show();
});
let timer = null;
document.getElementById("play").addEventListener("click", () => {
  if (timer) { clearInterval(timer); timer = null; return; }
  if (+at.value === +at.max) at.value = 0;
  timer = setInterval(() => {
    at.stepUp(); show();
    if (+at.value === +at.max) { clearInterval(timer); timer = null; }
  }, 400);
  show();
});
show();
</script>
</html>
"""
