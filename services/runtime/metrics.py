"""What a process counts. Labels are service, topic and fixed words: never an agency, a person or an id."""

from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector


class Metrics:
    """All metrics of a process, each with its sentence, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        by_topic = ("service", "topic")
        self.read = Counter("renkei_messages_read", "Messages read from a topic.", by_topic, registry=registry)
        self.emitted = Counter("renkei_messages_emitted", "Messages emitted by a step.", by_topic, registry=registry)
        self.dropped = Counter(
            "renkei_messages_dropped",
            "Messages that ended at a step, by reason.",
            ("service", "reason"),
            registry=registry,
        )
        self.assertions = Counter(
            "renkei_assertions_refused",
            "Assertions that did not hold, by reason.",
            ("service", "reason"),
            registry=registry,
        )
        self.posts = Counter(
            "renkei_posts_faulty",
            "Posts over Kafka that were dropped, or stood in another partition, by reason.",
            ("reason",),
            registry=registry,
        )
        self.retries = Counter(
            "renkei_batch_retries", "Batches tried again, by error.", (*by_topic, "error"), registry=registry
        )
        self.aside = Counter("renkei_messages_set_aside", "Messages put into quarantine.", by_topic, registry=registry)
        self.step = Histogram(
            "renkei_step_seconds", "Seconds that one step took for one batch.", by_topic, registry=registry
        )
        self.batch = Histogram(
            "renkei_batch_messages",
            "Messages in a batch.",
            by_topic,
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
            registry=registry,
        )
        self.ready = Gauge("renkei_ready", "1 if the process does its work, 0 if it waits.", registry=registry)
        self.edition = Gauge(
            "renkei_directory_edition", "Edition of the directory that is in force.", registry=registry
        )
        self.ignored = Counter(
            "renkei_directory_ignored",
            "Records of the directory's topic that were not taken, by reason.",
            ("reason",),
            registry=registry,
        )
        self.log_lines_lost = Counter(
            "renkei_log_lines_lost", "Log lines that could not be written, as on a full disk.", registry=registry
        )
        self.of = lru_cache(None)(self._of)
        self.sent = lru_cache(None)(self.emitted.labels)

    def _of(self, service: str, topic: str) -> tuple[Counter, Histogram, Histogram]:
        """What is counted of a step for every batch: looking up a label costs as much as counting."""
        return self.read.labels(service, topic), self.batch.labels(service, topic), self.step.labels(service, topic)
