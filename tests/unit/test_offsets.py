"""A broker that still loads its groups says nothing of them, which is not the same as that there is nothing."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import GroupAuthorizationFailedError, GroupCoordinatorNotAvailableError
from aiokafka.structs import OffsetAndMetadata

from schemas.topics import Topic
from services.runtime.kafka.topics import offsets

TOPIC = Topic("a.b", "", partitions=2)
PLACES = [TopicPartition("a.b", 0), TopicPartition("a.b", 1)]
WHOLE = {PLACES[0]: OffsetAndMetadata(7, ""), PLACES[1]: OffsetAndMetadata(-1, "")}


class Broker:
    """Answers one after the other, as the administration's client hands them on."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    async def list_consumer_group_offsets(self, group: str, partitions: Sequence[TopicPartition]) -> Any:
        assert (group, list(partitions)) == ("g", PLACES)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_an_answer_without_partitions_is_none() -> None:
    """It is asked again until the broker knows: also where it has no coordinator yet. -1 is an answer."""
    broker = Broker({}, GroupCoordinatorNotAvailableError(), {PLACES[0]: WHOLE[PLACES[0]]}, WHOLE)
    assert await offsets(broker, "g", TOPIC) == WHOLE
    assert broker.answers == []


async def test_a_refusal_is_final() -> None:
    """Whoever may not ask is told at once."""
    with pytest.raises(GroupAuthorizationFailedError):
        await offsets(Broker(GroupAuthorizationFailedError()), "g", TOPIC)
