"""The oracle's one question: what is the answer to this step (spec/cases.md, Operations)?

It reads spec/rules.md word by word over plain data and shares nothing with `policy`.
"""

from collections.abc import Callable

from tests.oracle import codes, desks, doors, entering, leaving, lifecycles, staffing, usage
from tests.oracle.state import State, build
from tests.oracle.times import Data

__all__ = ["State", "answer", "build"]

Operation = Callable[[Data, State, Data], Data]

OPERATIONS: dict[str, Operation] = {
    "enter": entering.enter,
    "exit": leaving.leave,
    "staff": staffing.present,
    "used": usage.used,
    "merge_key": usage.merge_key,
    "manual_record": usage.manual_record,
    "retract": usage.retract,
    "lock_fault": usage.lock_fault,
    "set_member": usage.set_member,
    "report": usage.report,
    "keys": doors.keys_of,
    "load_rules": codes.load_rules,
    "scan": codes.check,
    "read": codes.read,
    "locker.assign": lifecycles.locker,
    "locker.view": lifecycles.locker,
    "locker.open_by": lifecycles.locker,
    "locker.extend": lifecycles.locker,
    "locker.force_end": lifecycles.locker,
    "locker.move": lifecycles.locker,
    "locker.fault": lifecycles.locker_fault,
    "seat.assign": lifecycles.seat,
    "seat.door": lifecycles.seat,
    "seat.check_in": lifecycles.seat,
    "seat.check_out": lifecycles.seat,
    "seat.force_end": lifecycles.seat,
    "room.tick": lifecycles.room,
    "room.pay": lifecycles.room,
    "room.door": lifecycles.room,
    "room.end_use": lifecycles.room,
    "facility.request": desks.facility_request,
    "facility.approve": desks.facility_ruling,
    "facility.reject": desks.facility_ruling,
    "facility.reset": desks.facility_ruling,
    "line.book": desks.line_place,
    "line.cancel": desks.line_place,
    "line.may_cancel": desks.line_may_cancel,
    "loyalty.earn": desks.loyalty,
    "loyalty.use": desks.loyalty,
    "loyalty.direct": desks.loyalty,
    "loyalty.cancel": desks.loyalty,
}


def answer(world: Data, state: State, step: Data) -> Data:
    """The complete `expect` of one step; `state` is changed by it, `world` never.

    `world` is a row's world already laid over the fixtures (`build`). Steps that expect
    nothing answer {}. KeyError for an operation that spec/cases.md does not know.
    """
    return OPERATIONS[step["op"]](world, state, step)
