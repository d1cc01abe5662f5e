"""The replay page and the bar."""

import io
import json
import re

import structgen as sg
from structgen.infill.protocol import MASK, Frame
from structgen.infill.replay import html, name_of, watch

VOCAB = sg.Vocabulary([None, b"a", b"</script>", b" b\n", b"\xff"], 0)
FRAMES = [
    Frame(1, (1, MASK, MASK), placed=((0, 1),), refused=((0, 4), (1, 2)), seconds=0.0125),
    Frame(2, (MASK, 3, 0), placed=((1, 3), (2, 0)), remasked=(0,)),
]


def data_of(page):
    return json.loads(re.search(r"const data = (.*);\n", page)[1])


def test_the_page_holds_every_step():
    found = data_of(html(FRAMES, VOCAB))
    assert [step["step"] for step in found["steps"]] == [1, 2]
    assert found["steps"][0] == {
        "step": 1, "canvas": [1, -1, -1], "placed": [0], "refused": [[0, 4], [1, 2]], "remasked": [], "ms": 12.5,
    }  # fmt: skip
    assert found["steps"][1]["remasked"] == [0]
    assert found["names"] == {"0": "■", "1": "a", "2": "</script>", "3": "·b↵", "4": "\\xff"}


def test_the_page_is_self_contained_and_what_it_shows_cannot_end_its_script():
    page = html(FRAMES, VOCAB, title="<x> & y")
    assert "<title>&lt;x&gt; &amp; y</title>" in page
    assert page.count("</script>") == 1
    assert not re.search(r"(src|href)=|https?:", page)


def test_a_page_of_nothing():
    assert data_of(html([], VOCAB)) == {"steps": [], "names": {}}


def test_ids_without_a_text_have_a_name():
    assert name_of(7, VOCAB) == "<7>"


def test_frames_pass_and_a_bar_is_drawn():
    shown = io.StringIO()
    assert list(watch(FRAMES, VOCAB, shown)) == FRAMES
    first, second = shown.getvalue().splitlines()
    assert "████████░░░░░░░░░░░░░░░░ 1/3 step 1, refused 2  a" in first
    assert "2/3 step 2, refused 0" in second


def test_on_a_terminal_the_bar_stays_in_its_line():
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    shown = Terminal()
    list(watch(FRAMES, VOCAB, shown))
    assert shown.getvalue().count("\n") == 1
    assert shown.getvalue().count("\r") == 2
    empty = Terminal()
    assert list(watch([], VOCAB, empty)) == []
    assert empty.getvalue() == ""
