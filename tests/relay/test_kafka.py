"""What is particular to Kafka."""

from __future__ import annotations

import gc
import time

import pytest
from faststream.kafka import KafkaBroker
from faststream.security import SASLPlaintext

from fastdjango_signals.relay import PublishError, Relay
from fastdjango_signals.relay.kafka import KafkaTopics
from tests.relay.contract import PASSWORD, service, twins
from tests.relay.servers import free_port


@pytest.mark.filterwarnings(
    # FastStream keeps no hold of a producer that could not start, and so cannot close it.
    "ignore:.*AIOKafkaProducer:pytest.PytestUnraisableExceptionWarning"
)
async def test_a_server_that_is_not_there_is_an_error_without_credentials() -> None:
    security = SASLPlaintext("shop", PASSWORD)
    broker = KafkaBroker(f"127.0.0.1:{free_port()}", security=security, logger=None)
    relay = Relay(service("shop"), KafkaTopics(broker), publishes=twins(1))
    began = time.monotonic()
    with pytest.raises(PublishError, match="Kafka cannot be used") as caught:
        await relay.start()
    assert time.monotonic() - began < 5
    assert PASSWORD not in str(caught.value)
    gc.collect()
