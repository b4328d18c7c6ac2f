"""The log on Apache Kafka, by aiokafka: the only package that imports it.

What the client logs by itself is kept quiet: whoever asked it something says what became of that.
"""

import logging

from services.runtime.kafka.log import KafkaLog
from services.runtime.kafka.topics import apply_topics, diff_topics

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)

__all__ = ["KafkaLog", "apply_topics", "diff_topics"]
