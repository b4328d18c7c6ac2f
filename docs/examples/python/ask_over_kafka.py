"""Asks over Kafka and opens the answer: python ask_over_kafka.py KEY_SET BROKER"""

import asyncio
import sys
import time
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from posting import System, canonical, uuid7

system, broker = System.read(Path(sys.argv[1])), sys.argv[2]

control = {
    "id": uuid7(),
    "sender": system.agency,
    "receiver": "221007",
    "basis": {"edition": "2015-12-27", "row": "57", "branch": 2},
    "item": {"name": "income_tax_certificate", "layout": 1},
    "officer": {"office": "子育て支援課", "role": "allowance_clerk", "staff": "hamamatsu-0107"},
}
number = "SYN0000001"
business = {"period": {"year": 2026}}
headers = [
    ("control", canonical(control)),
    ("subject", number.encode()),
    ("assertion", system.assert_request(control, number, business, time.time()).encode()),
    ("ce_specversion", b"1.0"),
    ("ce_type", b"renkei.inquiry.requested"),
    ("ce_source", f"/agencies/{system.agency}".encode()),
    ("ce_id", control["id"].encode()),
    ("content-type", b"application/json"),
]


async def main() -> None:
    consumer = AIOKafkaConsumer(
        "exchange.completed",
        bootstrap_servers=broker,
        group_id=f"{system.agency}.{system.name}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",  # for the group's first start alone
    )
    producer = AIOKafkaProducer(bootstrap_servers=broker, enable_idempotence=True, acks="all")  # partitions by murmur2
    seen: set[str] = set()  # a real system keeps this where it keeps the answers
    async with consumer, producer:
        await producer.send_and_wait(
            "outbound.requested", canonical(business), key=system.agency.encode(), headers=headers
        )
        async for record in consumer:
            event = {name: data.decode() for name, data in record.headers if name.startswith("ce_")}
            if record.key.decode() == system.agency and event["ce_id"] not in seen:
                seen.add(event["ce_id"])
                if event["ce_id"].startswith(control["id"]) and record.value:
                    break
            await consumer.commit()
        await consumer.commit()
    answer = system.open(record.value, event["ce_id"])
    print(event["ce_type"], answer["business"]["outcome"], answer["business"]["records"][0]["taxation"]["annual_tax"])


asyncio.run(asyncio.wait_for(main(), 60))
