"""The user signals: fastapi-users with its transports."""

from __future__ import annotations

import logging
import runpy
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Request, Response
from fastapi.requests import HTTPConnection
from fastapi.security import OAuth2PasswordRequestForm
from fastapi_users import BaseUserManager, FastAPIUsers, IntegerIDMixin
from fastapi_users.authentication import BearerTransport, CookieTransport, JWTStrategy, Transport
from fastapi_users.password import PasswordHelper
from fastapi_users.schemas import BaseUser, BaseUserCreate
from fastapi_users_db_sqlalchemy import SQLAlchemyUserDatabase
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fastdjango_signals import InstallError, user_logged_in, user_logged_out, user_login_failed
from fastdjango_signals.integrations import fastapi_users as integration
from fastdjango_signals.integrations.asgi import SignalMiddleware
from fastdjango_signals.integrations.fastapi_users import SignalBackend, SignalUserManager

KEY = "a key that is long enough for tests alone"
PASSWORD, WRONG = "correct horse battery", "incorrect horse battery"
SIGNALS = (user_logged_in, user_logged_out, user_login_failed)
NO_DATABASE: Any = None
QUICK = PasswordHelper(
    PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),)),
)


def levels_logged(caplog: pytest.LogCaptureFixture) -> list[int]:
    """Return the levels of what this library logged; httpx may log its requests."""
    return [each.levelno for each in caplog.records if each.name == "fastdjango_signals"]


class Base(DeclarativeBase):
    pass


# The table that the adapter offers cannot be mapped by SQLAlchemy 2.1; the adapter itself works.
class User(Base):
    __tablename__ = "user"

    if TYPE_CHECKING:  # checkers take a Mapped[int] for no int, as the library wants one
        id: int
        email: str
        hashed_password: str
        is_active: bool
        is_superuser: bool
        is_verified: bool
    else:
        id: Mapped[int] = mapped_column(primary_key=True)
        email: Mapped[str] = mapped_column(unique=True)
        hashed_password: Mapped[str]
        is_active: Mapped[bool] = mapped_column(default=True)
        is_superuser: Mapped[bool] = mapped_column(default=False)
        is_verified: Mapped[bool] = mapped_column(default=False)


class UserManager(IntegerIDMixin, SignalUserManager[User, int]):
    pass


TRANSPORTS: dict[str, Callable[[], Transport]] = {
    "bearer": lambda: BearerTransport("auth/login"),
    "cookie": lambda: CookieTransport(cookie_secure=False),
}


class Site:
    """An application with users, in a database of its own."""

    def __init__(self, api: FastAPI, transport: str, sessions: Any) -> None:
        self.api = api
        self._transport = transport
        self._sessions = sessions
        self.client = self.client_of(SignalMiddleware(api))

    @staticmethod
    def client_of(app: Any) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop")

    async def register(self, email: str = "ada@example.com") -> None:
        response = await self.client.post(
            "/auth/register", json={"email": email, "password": PASSWORD}
        )
        assert response.status_code == 201

    async def log_in(self, email: str = "ada@example.com", password: str = PASSWORD) -> int:
        response = await self.client.post(
            "/auth/login", data={"username": email, "password": password}
        )
        if response.status_code == 200 and self._transport == "bearer":
            self.client.headers["Authorization"] = f"Bearer {response.json()['access_token']}"
        return response.status_code

    async def log_out(self) -> int:
        return (await self.client.post("/auth/logout")).status_code

    async def change(self, **fields: Any) -> None:
        """Change the only user."""
        async with self._sessions() as session:
            user = await session.get(User, 1)
            for name, value in fields.items():
                setattr(user, name, value)
            await session.commit()


def api_of(sessions: Any, transport: str, manager: Any, **options: Any) -> FastAPI:
    async def get_session() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    # What is annotated is looked up outside of this function; a default is not.
    async def get_manager(session: Any = Depends(get_session)) -> AsyncIterator[Any]:  # noqa: B008
        yield manager(SQLAlchemyUserDatabase(session, User), QUICK)

    def strategy() -> JWTStrategy[User, int]:
        return JWTStrategy(secret=KEY, lifetime_seconds=60)

    backend = SignalBackend(transport, TRANSPORTS[transport](), strategy)
    users = FastAPIUsers[User, int](get_manager, [backend])
    api = FastAPI()
    api.include_router(users.get_auth_router(backend, **options), prefix="/auth")
    api.include_router(users.get_register_router(BaseUser[int], BaseUserCreate), prefix="/auth")
    return api


@asynccontextmanager
async def opened(
    folder: Path, transport: str = "bearer", *, manager: Any = UserManager, **options: Any
) -> AsyncIterator[Site]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/users.db")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    site = Site(api_of(sessions, transport, manager, **options), transport, sessions)
    try:
        async with site.client:
            await site.register()
            yield site
    finally:
        await engine.dispose()


Open = Callable[..., AbstractAsyncContextManager[Site]]


@pytest.fixture
def open_site(tmp_path: Path) -> Open:
    return partial(opened, tmp_path)


@pytest.fixture(params=TRANSPORTS)
async def site(request: pytest.FixtureRequest, open_site: Open) -> AsyncIterator[Site]:
    async with open_site(request.param) as site:
        yield site


class TestLoggingIn:
    @pytest.mark.capability("a login is sent")
    async def test_it_sends_user_logged_in_and_nothing_else(self, site, listen):
        heard = listen(*SIGNALS)
        assert await site.log_in() in (200, 204)
        assert [(each.signal, each.sender) for each in heard] == [(user_logged_in, User)]
        assert heard[0].payload.user.email == "ada@example.com"

    async def test_the_request_is_the_one_that_logged_in(self, site, listen):
        heard = listen(user_logged_in)
        await site.log_in()
        assert isinstance(heard[0].payload.request, Request)
        assert heard[0].payload.request.url.path == "/auth/login"

    async def test_registering_logs_nobody_in(self, site, listen):
        heard = listen(*SIGNALS)
        await site.register("eve@example.com")
        assert heard == []

    async def test_a_receiver_that_fails_locks_nobody_out(self, site, caplog):
        async def fail(sender, **kwargs):
            raise ValueError("receiver")

        with user_logged_in.connected_to(fail):
            assert await site.log_in() in (200, 204)
        assert levels_logged(caplog) == [logging.ERROR]

    async def test_a_manager_that_is_given_no_request_takes_the_one_being_served(self, listen):
        heard = listen(user_logged_in)
        user, manager = User(email="ada@example.com"), UserManager(NO_DATABASE)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await manager.on_after_login(user)

        await serve(app, kind="http")
        assert heard[0].payload.request.url.path == "/login"


class TestFailing:
    @pytest.mark.parametrize(
        ("email", "password"),
        [("ada@example.com", WRONG), ("eve@example.com", PASSWORD)],
        ids=["wrong password", "unknown user"],
    )
    async def test_a_wrong_password_and_an_unknown_user_look_the_same(
        self, site, listen, email, password
    ):
        heard = listen(*SIGNALS)
        assert await site.log_in(email, password) == 400
        assert [(each.signal, each.sender) for each in heard] == [(user_login_failed, UserManager)]
        assert heard[0].payload.credentials == {"username": email, "password": "********"}

    @pytest.mark.capability("a failed login is sent, with its request")
    async def test_the_request_is_the_one_that_tried(self, site, listen):
        heard = listen(user_login_failed)
        await site.log_in(password=WRONG)
        assert isinstance(heard[0].payload.request, Request)
        assert heard[0].payload.request.url.path == "/auth/login"

    async def test_a_user_who_is_not_active_has_failed(self, site, listen):
        await site.change(is_active=False)
        heard = listen(*SIGNALS)
        assert await site.log_in() == 400
        assert [each.signal for each in heard] == [user_login_failed]

    async def test_a_user_who_is_not_verified_neither_fails_nor_logs_in(self, open_site, listen):
        async with open_site(requires_verification=True) as site:
            heard = listen(*SIGNALS)
            assert await site.log_in() == 400
            assert heard == []

    async def test_a_receiver_that_fails_changes_no_answer_and_shows_no_password(
        self, site, caplog
    ):
        async def fail(sender, **kwargs):
            raise ValueError("receiver")

        with user_login_failed.connected_to(fail):
            assert await site.log_in(password=WRONG) == 400
        assert levels_logged(caplog) == [logging.ERROR]
        assert WRONG not in caplog.text

    async def test_nothing_that_is_sent_holds_a_password(self, site, listen):
        heard = listen(*SIGNALS)
        await site.log_in(password=WRONG)
        await site.log_in()
        await site.log_out()
        shown = [repr(each.payload) for each in heard]
        assert len(shown) == 3
        assert not any(secret in text for text in shown for secret in (PASSWORD, WRONG))

    async def test_the_request_of_a_failed_login_holds_no_form(self, site, listen):
        heard = listen(user_login_failed)
        await site.log_in(password=WRONG)
        assert WRONG not in repr(vars(heard[0].payload.request))


class TestLoggingOut:
    @pytest.mark.capability("a logout is sent")
    async def test_it_sends_user_logged_out_and_nothing_else(self, site, listen):
        await site.log_in()
        heard = listen(*SIGNALS)
        assert await site.log_out() == 204
        assert [(each.signal, each.sender) for each in heard] == [(user_logged_out, User)]
        assert heard[0].payload.user.email == "ada@example.com"

    async def test_the_request_is_the_one_that_logged_out(self, site, listen):
        await site.log_in()
        heard = listen(user_logged_out)
        await site.log_out()
        assert heard[0].payload.request.url.path == "/auth/logout"

    async def test_nobody_is_logged_out_without_a_token(self, site, listen):
        heard = listen(*SIGNALS)
        assert await site.log_out() == 401
        assert heard == []

    async def test_a_receiver_that_fails_keeps_nobody_in(self, site, caplog):
        async def fail(sender, **kwargs):
            raise ValueError("receiver")

        await site.log_in()
        with user_logged_out.connected_to(fail):
            assert await site.log_out() == 204
        assert levels_logged(caplog) == [logging.ERROR]


async def serve(app: Any, *, kind: str) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    scope = {"type": kind, "path": "/login", "headers": [], "server": ("shop", 80)}
    await SignalMiddleware(app, websocket=True)(scope, receive, send)


class TestTheRequestOfMethodsThatGetNone:
    async def test_it_is_none_where_the_application_is_not_wrapped(self, site, listen):
        heard = listen(*SIGNALS)
        site.client = site.client_of(site.api)
        await site.log_in(password=WRONG)
        await site.log_in()
        await site.log_out()
        assert [each.payload.request is None for each in heard] == [True, False, True]

    async def test_it_is_a_connection_where_a_websocket_is_served(self, listen):
        heard = listen(user_logged_in)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await UserManager(NO_DATABASE).on_after_login(User())

        await serve(app, kind="websocket")
        assert type(heard[0].payload.request) is HTTPConnection


class TestOverriding:
    async def test_a_manager_that_calls_super_does_both(self, open_site, listen):
        steps = []

        class Telling(IntegerIDMixin, SignalUserManager[User, int]):
            async def on_after_login(
                self, user: User, request: Request | None = None, response: Response | None = None
            ) -> None:
                await super().on_after_login(user, request, response)
                steps.append("mine")

        heard = listen(user_logged_in)
        async with open_site(manager=Telling) as site:
            await site.log_in()
        assert steps == ["mine"]
        assert len(heard) == 1

    async def test_a_manager_of_another_library_is_called_too(self, open_site, listen):
        steps = []

        class Theirs(BaseUserManager[User, int]):
            async def on_after_login(
                self, user: User, request: Request | None = None, response: Response | None = None
            ) -> None:
                steps.append("theirs")

        class Both(IntegerIDMixin, SignalUserManager[User, int], Theirs):
            pass

        heard = listen(user_logged_in)
        async with open_site(manager=Both) as site:
            await site.log_in()
        assert steps == ["theirs"]
        assert len(heard) == 1

    async def test_what_fails_before_the_signal_keeps_it_from_being_sent(self, listen):
        class Failing(BaseUserManager[User, int]):
            async def on_after_login(
                self, user: User, request: Request | None = None, response: Response | None = None
            ) -> None:
                raise ValueError("no")

        class Both(SignalUserManager[User, int], Failing):
            pass

        heard = listen(user_logged_in)
        with pytest.raises(ValueError, match="no"):
            await Both(NO_DATABASE).on_after_login(User())
        assert heard == []

    def test_the_librarys_own_class_in_front_is_refused(self):
        with pytest.raises(TypeError, match="MRO"):
            type("Wrong", (BaseUserManager, SignalUserManager), {})

    def test_a_method_that_forgets_super_is_warned_of_with_its_place(self):
        with pytest.warns(RuntimeWarning) as caught:

            class Silent(SignalUserManager[User, int]):
                async def on_after_login(
                    self,
                    user: User,
                    request: Request | None = None,
                    response: Response | None = None,
                ) -> None:
                    pass

        line = Silent.on_after_login.__code__.co_firstlineno
        assert str(caught[0].message) == (
            f"{__name__}.{Silent.on_after_login.__qualname__} ({__file__}:{line}) does not call "
            "super().on_after_login(...), so fastdjango_signals.user_logged_in is not sent; "
            "call it there"
        )
        assert (caught[0].filename, len(caught)) == (__file__, 1)

    def test_so_is_one_that_forgets_to_authenticate(self):
        with pytest.warns(RuntimeWarning, match="user_login_failed is not sent"):

            class Silent(SignalUserManager[User, int]):
                async def authenticate(self, credentials: OAuth2PasswordRequestForm) -> User | None:
                    return None

    def test_so_is_a_backend_that_forgets_to_log_out(self):
        with pytest.warns(RuntimeWarning, match="user_logged_out is not sent"):

            class Silent(SignalBackend[User, int]):
                async def logout(self, strategy: Any, user: User, token: str) -> Response:
                    return Response()

    def test_so_is_a_class_in_front_that_knows_nothing_of_signals(self):
        class Deaf:
            async def authenticate(self, credentials: Any) -> Any:
                return None

        with pytest.warns(RuntimeWarning, match=r"Deaf\.authenticate"):
            type("Silent", (Deaf, SignalUserManager), {})

    def test_a_child_of_one_that_was_warned_of_is_not_warned_of_again(self):
        with pytest.warns(RuntimeWarning):

            class Silent(SignalUserManager[User, int]):
                async def authenticate(self, credentials: OAuth2PasswordRequestForm) -> User | None:
                    return None

        assert type("Child", (Silent,), {}).__mro__[1] is Silent


class TestImporting:
    def test_a_version_that_it_was_not_made_for_is_refused(self, monkeypatch):
        monkeypatch.setattr("fastdjango_signals.extras.version", lambda _: "14.0.1")
        with pytest.raises(InstallError, match=r"fastapi-users 14\.0\.1 is installed"):
            runpy.run_path(integration.__file__)

    def test_a_missing_library_is_told_with_its_extra(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "fastapi_users", None)
        with pytest.raises(ImportError, match=r"fastdjango-signals\[fastapi-users\]"):
            runpy.run_path(integration.__file__)
