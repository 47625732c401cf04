"""Messages in Slack's markup: nothing in them is obeyed, and none is too long."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from coolrun_plugins.notify.notification import Notification
from coolrun_plugins.slack.text import LONGEST, escaped, markup


def told(title: str, text: str = "") -> str:
    return markup(Notification("failed", title, text, "s"))


def test_the_title_is_bold_and_what_was_printed_is_shown_as_it_was() -> None:
    assert told("a *title*", "why\n    line 1\n      line 2\nend") == (
        "*a title*\nwhy\n```\nline 1\n  line 2\n```\nend"
    )


def test_what_was_printed_cannot_end_its_own_block() -> None:
    assert told("t", "    ```\n    @here") == "*t*\n```\n'''\n@here\n```"


def test_a_fence_in_a_title_or_a_reason_does_not_turn_blocks_round() -> None:
    assert told("t ``` u", "why ``` *b*\n    printed") == (
        "*t ''' u*\nwhy ''' *b*\n```\nprinted\n```"
    )


def test_mentions_and_links_are_text() -> None:
    assert escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"


def test_a_character_that_cannot_be_sent_is_replaced() -> None:
    assert escaped("a\udc80b") == "a?b"


def test_an_entity_is_not_cut() -> None:
    assert escaped("&" * 100, 12) == "&amp;&amp;..."


@given(st.text(), st.lists(st.text(max_size=2000), max_size=200))
def test_every_message_is_short_harmless_and_closed(title: str, lines: list[str]) -> None:
    text = "\n".join(f"    {line}" if len(line) % 2 else line for line in lines)
    message = told(title, text)
    assert len(message) <= LONGEST + 100
    assert not re.search(r"[<>]", message)
    assert not re.search(r"&(?!amp;|lt;|gt;)", message)
    assert message.encode()
    assert sum(line == "```" for line in message.split("\n")) % 2 == 0
