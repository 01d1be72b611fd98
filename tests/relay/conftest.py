from __future__ import annotations

from tests.integrations.servers import postgres  # noqa: F401 - a fixture
from tests.relay.servers import nats  # noqa: F401 - a fixture
