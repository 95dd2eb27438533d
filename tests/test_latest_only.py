"""Of many changes in a row only the newest is drawn, and nothing waits in a queue."""

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from infomerge.widgets.latest_only import LatestOnly


def run(steps: Callable[[], Any]) -> None:
    asyncio.run(steps())


def test_without_a_loop_it_is_done_at_once() -> None:
    done: list[int] = []
    latest = LatestOnly(lambda: done.append(1), lambda: False)
    latest.ask()
    latest.ask()
    assert len(done) == 2


def test_many_asks_are_done_once_and_with_the_newest_value() -> None:
    value, drawn = [0], list[int]()
    latest = LatestOnly(lambda: drawn.append(value[0]), lambda: False, delay=0.001)

    async def steps() -> None:
        for number in range(1, 9):
            value[0] = number
            latest.ask()
        await asyncio.sleep(0.1)

    run(steps)
    assert drawn[-1] == 8
    assert len(drawn) <= 2


def test_nothing_is_sent_while_the_browser_draws() -> None:
    done, busy = Counter(), [True]
    latest = LatestOnly(lambda: done.update(["draw"]), lambda: busy[0], delay=0.001, patience=math.inf)

    async def steps() -> None:
        latest._acted = 0.0
        for _ in range(5):
            latest.ask()
            await asyncio.sleep(0.005)
        assert not done
        busy[0] = False
        await asyncio.sleep(0.05)
        assert done["draw"] == 1

    run(steps)


def test_a_browser_that_never_answers_is_not_waited_for() -> None:
    done: list[int] = []
    latest = LatestOnly(lambda: done.append(1), lambda: True, delay=0.001, patience=0.01)

    async def steps() -> None:
        for _ in range(2):
            latest.ask()
            await asyncio.sleep(0.1)

    run(steps)
    assert len(done) == 2
