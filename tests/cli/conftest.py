from __future__ import annotations

from tests.cli.checks import check  # noqa: F401 - a fixture
from tests.cli.programs import alone, program, run, workers  # noqa: F401 - fixtures
from tests.relay.servers import nats  # noqa: F401 - a fixture
