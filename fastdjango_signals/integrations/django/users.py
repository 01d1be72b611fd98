"""`login`, `logout` and `authenticate`: the signals of users."""

# Django has no types.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from django.contrib.auth import signals

from fastdjango_signals.builtin import user_logged_in, user_logged_out, user_login_failed
from fastdjango_signals.integrations.django.bridges import Bridge

BRIDGES = (
    Bridge(signals.user_logged_in, user_logged_in, ("request", "user")),
    Bridge(signals.user_logged_out, user_logged_out, ("request", "user")),
    Bridge(
        signals.user_login_failed,
        user_login_failed,
        ("credentials", "request"),
        defaults={"request": None},
    ),
)
