"""Send the user signals from fastapi-users.

Two classes stand in for the library's own:

    class UserManager(IntegerIDMixin, SignalUserManager[User, int]): ...

    backend = SignalBackend(name="jwt", transport=transport, get_strategy=get_jwt_strategy)

`SignalUserManager` sends `user_logged_in`, with the class of the user as the sender, and
`user_login_failed`, with the class of the manager as the sender: there may be no user.
`SignalBackend` sends `user_logged_out`. A receiver that fails is logged, and locks nobody out.

fastapi-users gives no request to `authenticate` and `logout`. It is taken from
`SignalMiddleware`, and is None where the application is not wrapped in one.
"""

from __future__ import annotations

import inspect
import warnings
from typing import Any, TypeVar

from fastdjango_signals.extras import check_version, needs

with needs("fastapi_users", extra="fastapi-users"):
    from fastapi_users import BaseUserManager
    from fastapi_users.authentication import AuthenticationBackend, Strategy
    from fastapi_users.models import ID, UserProtocol

from fastapi import Request, Response
from fastapi.requests import HTTPConnection
from fastapi.security import OAuth2PasswordRequestForm

from fastdjango_signals.builtin import MASK, user_logged_in, user_logged_out, user_login_failed
from fastdjango_signals.places import describe
from fastdjango_signals.requests import current_scope

__all__ = ["SignalBackend", "SignalUserManager"]

UP = TypeVar("UP", bound=UserProtocol[Any])

# There is nothing to install, and so no later moment to say it.
check_version("fastapi-users", (15, 0), (16, 0))


class SignalUserManager(BaseUserManager[UP, ID]):
    """A user manager that tells who has logged in, and who could not.

    A subclass that overrides `on_after_login` or `authenticate` has to call `super()` there;
    one that does not is warned of.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _warn_of_overrides(cls, SignalUserManager, "on_after_login", user_logged_in.name)
        _warn_of_overrides(cls, SignalUserManager, "authenticate", user_login_failed.name)

    async def authenticate(self, credentials: OAuth2PasswordRequestForm) -> UP | None:
        """Return the user with these credentials; send `user_login_failed` where there is none.

        It is sent for a user who is not active too: the router refuses that one in the same words.
        """
        user = await super().authenticate(credentials)
        if user is None or not user.is_active:
            await user_login_failed.send_robust(
                type(self),
                credentials={"username": credentials.username, "password": MASK},
                request=_current_request(),
            )
        return user

    async def on_after_login(
        self, user: UP, request: Request | None = None, response: Response | None = None
    ) -> None:
        """Send `user_logged_in`."""
        await super().on_after_login(user, request, response)
        await user_logged_in.send_robust(
            type(user), request=_current_request() if request is None else request, user=user
        )


class SignalBackend(AuthenticationBackend[UP, ID]):
    """An authentication backend that tells who has logged out."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _warn_of_overrides(cls, SignalBackend, "logout", user_logged_out.name)

    async def logout(self, strategy: Strategy[UP, ID], user: UP, token: str) -> Response:
        """Destroy the token, where the strategy can, and send `user_logged_out`."""
        response = await super().logout(strategy, user, token)
        await user_logged_out.send_robust(type(user), request=_current_request(), user=user)
        return response


def _current_request() -> HTTPConnection | None:
    """Return the request that `SignalMiddleware` serves; one of another type for a WebSocket."""
    scope = current_scope()
    if scope is None:
        return None
    return Request(scope) if scope["type"] == "http" else HTTPConnection(scope)


def _warn_of_overrides(cls: type, original: type, name: str, signal: str) -> None:
    """Warn of the methods in front of the original one that do not mention it."""
    for each in cls.__mro__[: cls.__mro__.index(original)]:
        # One that was made of the original was looked at then.
        method = vars(each).get(name) if each is cls or not issubclass(each, original) else None
        code = getattr(method and inspect.unwrap(method), "__code__", None)
        if code is not None and name not in code.co_names:
            warnings.warn(
                f"{describe(method)} does not call super().{name}(...), "
                f"so {signal} is not sent; call it there",
                RuntimeWarning,
                stacklevel=3,
            )
