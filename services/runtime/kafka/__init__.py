"""The log on Apache Kafka, by aiokafka: the only package that imports it."""

from services.runtime.kafka.log import KafkaLog
from services.runtime.kafka.topics import apply_topics, diff_topics

__all__ = ["KafkaLog", "apply_topics", "diff_topics"]
