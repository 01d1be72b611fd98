from __future__ import annotations

import contextvars

from fastdjango_signals.requests import current_scope, enter, leave


def test_there_is_no_current_scope_outside_of_a_request():
    assert current_scope() is None


def test_the_scope_that_was_entered_is_the_current_one_until_it_is_left():
    scope = {"type": "http"}
    token = enter(scope)
    assert current_scope() is scope
    leave(token)
    assert current_scope() is None


def test_leaving_goes_back_to_the_scope_around_it():
    outer = {"type": "http"}
    outer_token = enter(outer)
    leave(enter({"type": "http"}))
    assert current_scope() is outer
    leave(outer_token)


def test_leaving_in_another_context_changes_nothing_there():
    token = contextvars.Context().run(enter, {"type": "http"})
    mine = {"type": "http"}
    my_token = enter(mine)
    leave(token)
    assert current_scope() is mine
    leave(my_token)
