"""Who is who when fairness is measured."""

from schemas import topics
from services.operator.bench.driver import Run, steady
from services.operator.bench.fairness import crowd_of
from services.operator.bench.population import cases
from services.runtime.kafka.log import partition_of


def test_the_one_asks_most_and_shares_a_partition_with_some() -> None:
    """Nobody is lost, the one is one agency, and only those beside it share its partition."""
    people = cases(2_000)
    crowd = crowd_of(people)
    [one] = {case.asker for case in crowd.one}
    asked = [case.asker for case in people]
    assert asked.count(one) == max(map(asked.count, set(asked)))
    assert sorted(map(str, people)) == sorted(map(str, [*crowd.one, *crowd.beside, *crowd.others]))
    where = {
        who: {partition_of(case.asker, topics.outbound_requested) for case in getattr(crowd, who)}
        for who in ("one", "beside", "others")
    }
    assert where["beside"] == where["one"]
    assert len(where["others"]) == topics.outbound_requested.partitions - 1
    assert not where["others"] & where["one"]


def test_a_schedule_keeps_its_rate() -> None:
    """And latencies are those of the exchanges that were asked for."""
    assert [at for at, _ in steady([], 4)] == []
    run = Run({"a": 1.0, "b": 2.0, "c": 3.0}, {"a": 1.5, "b": 4.0, "c": 4.0})
    assert run.of({"a", "b"}).latencies() == [0.5, 2.0]
