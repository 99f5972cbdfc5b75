"""No client takes more than its share, and no memory grows with what strangers send."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message

from backchannel.channels.bounds import (
    BodyTooLargeError,
    BodyTooSlowError,
    Buckets,
    CrowdedError,
    GoneError,
    Limits,
    Room,
    Turns,
    address_key,
    read_body,
    throw_away,
)


def test_a_bucket_gives_its_burst_and_then_its_rate():
    buckets = Buckets(per_s=2, burst=3, keys=10)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b", 0.0) == 0, "others are not touched"
    assert buckets.take("a", 0.5) == 0
    assert buckets.take("a", 0.5) == 0.5
    assert [buckets.take("a", 100.0) for _ in range(4)] == [0, 0, 0, 0.5], "no more than its burst"


@given(st.lists(st.floats(0, 5), max_size=200), st.floats(0.5, 10), st.integers(1, 10))
def test_no_more_is_given_than_burst_and_rate(gaps: list[float], per_s: float, burst: int):
    buckets, at, given_ = Buckets(per_s, burst, 10), 0.0, 0
    for gap in gaps:
        at += gap
        given_ += buckets.take("a", at) == 0
    assert given_ <= burst + at * per_s + 1e-6


def test_a_bucket_remembers_so_many_clients_and_no_more():
    buckets = Buckets(per_s=1, burst=1, keys=100)
    for number in range(1000):
        buckets.take(number, 0.0)
    assert len(buckets) == 100


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("", "", True),
        ("nonsense", "other", False),
    ],
)
def test_one_client_is_one_address_or_one_network_of_ipv6(one: str, other: str, same: bool):
    assert (address_key(one) == address_key(other)) is same


def test_one_client_holds_a_few_turns_and_another_is_served_meanwhile():
    async def story() -> None:
        turns, go = Turns(each=2, waiting_each=2, waiting=100), asyncio.Event()
        done: list[str] = []

        async def work(key: str) -> None:
            async with turns.turn(key):
                if key == "greedy":
                    await go.wait()
                done.append(key)

        greedy = [asyncio.create_task(work("greedy")) for _ in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(CrowdedError) as caught:
            await work("greedy")
        assert caught.value.yours
        await work("modest")
        assert done == ["modest"]
        go.set()
        await asyncio.gather(*greedy)
        assert done == ["modest", *["greedy"] * 4]
        await work("greedy")

    asyncio.run(story())


def test_the_queue_of_everybody_ends_somewhere():
    async def story() -> None:
        turns, go = Turns(each=1, waiting_each=5, waiting=3), asyncio.Event()

        async def work(key: int) -> None:
            async with turns.turn(key):
                await go.wait()

        held = [asyncio.create_task(work(key)) for key in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(CrowdedError) as caught:
            await work(9)
        assert not caught.value.yours
        go.set()
        await asyncio.gather(*held)
        await work(9)

    asyncio.run(story())


def test_bodies_of_all_clients_share_one_store_of_memory():
    room = Room(Limits(body_bytes=10, bodies_bytes=25, bodies_each=2))
    with room.hold("a", 10), room.hold("b", 10):
        with pytest.raises(CrowdedError) as caught, room.hold("c", 10):
            pass
        assert not caught.value.yours
        with room.hold("a", 5):
            with pytest.raises(CrowdedError) as caught, room.hold("a", 0):
                pass
            assert caught.value.yours
    with room.hold("c", 25):
        pass


def messages(*chunks: bytes, ends: bool = True, pause_s: float = 0) -> Callable[[], Awaitable[Message]]:
    """What a server is handed: each chunk, and then the end, a hang-up, or nothing for ever."""
    left = list(chunks)

    async def receive() -> Message:
        await asyncio.sleep(pause_s)
        if left:
            chunk = left.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(left) or not ends}
        return {"type": "http.disconnect"}

    return receive


def test_a_body_is_put_together():
    assert asyncio.run(read_body(messages(b"ab", b"", b"c"), Limits())) == b"abc"
    assert asyncio.run(read_body(messages(b""), Limits())) == b""


def test_a_body_is_bounded_whatever_it_said_before():
    with pytest.raises(BodyTooLargeError):
        asyncio.run(read_body(messages(*[b"x" * 10] * 5), Limits(body_bytes=49)))
    assert len(asyncio.run(read_body(messages(*[b"x" * 10] * 5), Limits(body_bytes=50)))) == 50


def test_a_body_that_stands_still_or_trickles_is_given_up():
    with pytest.raises(BodyTooSlowError):
        asyncio.run(read_body(messages(b"x", pause_s=5), Limits(body_idle_s=0.05)))
    with pytest.raises(BodyTooSlowError):
        asyncio.run(read_body(messages(*[b"x"] * 1000, pause_s=0.02), Limits(body_idle_s=5, body_s=0.1)))


def test_a_client_that_hangs_up_is_noticed():
    with pytest.raises(GoneError):
        asyncio.run(read_body(messages(b"x", ends=False), Limits()))


def test_a_refused_body_is_thrown_away_within_bounds():
    asyncio.run(throw_away(messages(b"x" * 10), Limits()))
    asyncio.run(throw_away(messages(*[b"x" * 10] * 100), Limits(refused_bytes=50)))
    asyncio.run(throw_away(messages(*[b"x"] * 1000, pause_s=0.02), Limits(refused_s=0.05)))
    asyncio.run(throw_away(messages(ends=False), Limits()))
