import asyncio

from edged.mailbox import Mailbox


async def test_items_come_out_in_the_order_of_their_coming() -> None:
    box = Mailbox[int](3)
    assert [box.offer(number) for number in (1, 2, 3)] == [True] * 3
    assert len(box) == 3
    assert [await box.take() for _ in range(3)] == [1, 2, 3]


async def test_a_full_one_refuses_and_counts() -> None:
    box = Mailbox[int](2)
    assert [box.offer(number) for number in range(5)] == [True, True, False, False, False]
    assert (box.refused, len(box)) == (3, 2)
    assert box.drain() == [0, 1]
    assert (box.offer(5), box.drain(), box.drain()) == (True, [5], [])
    assert box.refused == 3


async def test_who_takes_waits_for_an_item() -> None:
    box = Mailbox[str](1)
    taking = asyncio.create_task(box.take())
    await asyncio.sleep(0)
    assert not taking.done()
    box.offer("it")
    assert await taking == "it"


async def test_who_takes_waits_no_longer_than_he_wants() -> None:
    box = Mailbox[str](1)
    for within_s in (0, 0.001):
        assert await box.take_within(within_s) is None
    box.offer("it")
    assert await box.take_within(0) == "it"


async def test_a_taker_that_gives_up_takes_nothing_with_him() -> None:
    box = Mailbox[str](1)
    taking = asyncio.create_task(box.take_within(10))
    await asyncio.sleep(0)
    box.offer("it")
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    assert taking.cancelled()
    assert box.drain() == ["it"]
