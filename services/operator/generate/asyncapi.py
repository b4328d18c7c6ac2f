"""AsyncAPI 3.0 of the whole exchange: channels from `schemas/topics.py`, operations from `services/topology.py`."""

from importlib.metadata import version
from typing import Any, Final

from schemas.topics import Topic
from services.operator.generate.records import CARRIED, POSITION, Carried
from services.runtime.kafka.topics import configuration
from services.runtime.service import Service, Step, within_block
from services.topology import SERVICES, all_topics

DIALECT: Final = "application/schema+json;version=draft-2020-12"
BINDING: Final = "0.5.0"
LISTS: Final = ("cleanup.policy",)
ABOUT: Final = (
    "The topics of one site, and which service sends and receives on them. Every record has one shape: a key (the code of the"
    " agency whose side this is), headers (control part, subject, what was decided) and a value (the business part). Producers"
    " write outbound.requested and replica.registered, askers read exchange.completed; everything else is between the"
    " services, and readers of the directory take the whole topic from its beginning. Partitions are chosen as by the Java"
    " client, murmur2 of the key. Delivery is at least once: readers deduplicate."
)


def document() -> dict[str, Any]:
    """The document; schemas are referred to by their files beside it."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Renkei (連携)", "version": version("renkei"), "description": ABOUT},
        "defaultContentType": "application/octet-stream",
        "channels": {topic.name: _channel(topic) for topic in all_topics()},
        "operations": {name: operation for service in SERVICES for name, operation in _operations(service)},
        "components": {
            "messages": {one.name: _message(one, topic) for topic in all_topics() for one in CARRIED[topic]}
        },
    }


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": topic.about,
        "messages": {one.name: {"$ref": f"#/components/messages/{one.name}"} for one in CARRIED[topic]},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": _configuration(topic),
                "bindingVersion": BINDING,
            }
        },
    }


def _configuration(topic: Topic) -> dict[str, Any]:
    """What does not depend on the size of the cluster."""
    settings = configuration(topic, replication=1)
    del settings["min.insync.replicas"]
    return {
        name: [value] if name in LISTS else int(value) if value.isdecimal() else value
        for name, value in settings.items()
    }


def _operations(service: Service) -> list[tuple[str, dict[str, Any]]]:
    received = [
        (f"{service.name}.receives.{topic}", _received(service, topic, step)) for topic, step in service.reads.items()
    ]
    sent = [(f"{service.name}.sends.{topic}", _operation("send", service, topic)) for topic in service.writes]
    return received + sent


def _received(service: Service, topic: Topic, step: Step) -> dict[str, Any]:
    group = {"groupId": {"type": "string", "const": service.group(topic)}, "bindingVersion": BINDING}
    return {**_operation("receive", service, topic), "summary": first_line(step), "bindings": {"kafka": group}}


def _operation(action: str, service: Service, topic: Topic) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{one.name}"} for one in CARRIED[topic]],
        "tags": [{"name": service.name}],
    }


def _message(carried: Carried, topic: Topic) -> dict[str, Any]:
    inside = POSITION if within_block(topic, SERVICES) and not carried.ticked else {}
    headers = {
        "type": "object",
        "properties": {**carried.headers, **inside, **carried.optional},
        "required": [*carried.headers, *inside],
        "additionalProperties": carried.others,
    }
    return {
        "name": carried.name,
        "summary": topic.about,
        "contentType": carried.content_type,
        "headers": _schema(headers),
        "payload": _schema(dict(carried.value)),
        "bindings": {"kafka": {"key": dict(carried.key), "bindingVersion": BINDING}},
    }


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    return {"schemaFormat": DIALECT, "schema": schema}


def first_line(documented: Any) -> str:
    """The rule that a docstring begins with."""
    return (documented.__doc__ or "").strip().partition("\n")[0]
