"""Send the user signals from code of your own that logs users in and out.

    from fastdjango_signals.integrations import users

    await users.logged_in(user, request=request)
    await users.login_failed({"email": email}, sender=User, request=request)
    await users.logged_out(user, request=request)

Call them when it is done: after the session is stored, or deleted. No library is needed. What is
given as `request` reaches receivers as it is. Without it they get the ASGI scope of the request
that `SignalMiddleware` serves, and None where it serves none.

A receiver that fails is logged, and locks nobody out: all are sent with `send_robust`.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastdjango_signals.builtin import user_logged_in, user_logged_out, user_login_failed
from fastdjango_signals.requests import current_scope

__all__ = ["logged_in", "logged_out", "login_failed"]


async def logged_in(user: object, *, request: object = None, sender: object = None) -> None:
    """Tell that a user has logged in.

    Args:
        user: The user.
        request: The request that did it, or its scope; by default the current scope.
        sender: The sender of `user_logged_in`; by default the class of the user.
    """
    await user_logged_in.send_robust(
        type(user) if sender is None else sender, request=_or_current(request), user=user
    )


async def logged_out(user: object, *, request: object = None, sender: object = None) -> None:
    """Tell that a user has logged out.

    Args:
        user: The user; None if nobody was logged in.
        request: The request that did it, or its scope; by default the current scope.
        sender: The sender of `user_logged_out`; by default the class of the user.
    """
    await user_logged_out.send_robust(
        type(user) if sender is None else sender, request=_or_current(request), user=user
    )


async def login_failed(
    credentials: Mapping[str, object], *, sender: object, request: object = None
) -> None:
    """Tell that somebody could not log in.

    Args:
        credentials: What was tried. Receivers get a copy, in which a value is masked if its
            name sounds secret: `password`, `token` and the like. Leave out what does not.
        sender: The sender of `user_login_failed`, such as the class of your users. There is no
            user to take it from.
        request: The request that did it, or its scope; by default the current scope.
    """
    await user_login_failed.send_robust(
        sender, credentials=credentials, request=_or_current(request)
    )


def _or_current(request: object) -> object:
    return current_scope() if request is None else request
