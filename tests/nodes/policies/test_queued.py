"""Messages that waited, as one message of the user's."""

from __future__ import annotations

from langchain_core.messages import AIMessage, HumanMessage

from ml_intern.checkpoints.inbox import Queued
from ml_intern.graph.state import messages_reducer
from ml_intern.nodes.policies.marks import is_users
from ml_intern.nodes.policies.queued import delivered, spoken

ONE, TWO = Queued("1", "one"), Queued("2", "two")


def test_they_are_the_users_and_tell_what_they_hold() -> None:
    message = spoken([ONE, TWO], "three")
    assert message.content == "one\n\ntwo\n\nthree"
    assert is_users(message)
    assert delivered([HumanMessage("go"), message, AIMessage("yes")]) == {"1", "2"}


def test_put_in_twice_they_stand_there_once() -> None:
    message = spoken([ONE])
    assert messages_reducer([HumanMessage("go", id="0"), message], [message])[1:] == [message]


def test_a_message_that_did_not_wait_is_like_any_other() -> None:
    assert spoken([], "go") == HumanMessage("go")
    assert delivered([spoken([], "go")]) == set()
