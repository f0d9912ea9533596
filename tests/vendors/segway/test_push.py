"""Pushes: who is let in, and what is done once."""

from __future__ import annotations

from collections.abc import Mapping
import logging
from urllib.parse import urlencode

from hypothesis import given, strategies as st
import pytest

from custom_components.fleet_tracker.contract.pushes import PushAnswer, PushRequest
from custom_components.fleet_tracker.model.vehicle import OccurrenceType
from custom_components.fleet_tracker.vendors.segway.connection import SegwayConnection
from custom_components.fleet_tracker.vendors.segway.push import (
    PUSH_PATHS,
    PushInbox,
    PushRefused,
    sign,
)
from tests.simulators.segway import SegwaySimulator
from tests.simulators.segway_mopeds import DEMO_PARKED, DEMO_RIDING
from tests.simulators.segway_push import signature
from tests.vendors.fake_host import FakeHost
from tests.vendors.segway.conftest import make_connection

OK = PushAnswer(body={"code": 0, "message": "success"}, verified=True)
REMOTE = "192.0.2.7"


def request(
    kind: str,
    form: Mapping[str, str] | list[tuple[str, str]] | bytes,
    *,
    at_root: bool = False,
    method: str = "POST",
    remote: str = REMOTE,
) -> PushRequest:
    """Return a push as it comes through a door."""
    return PushRequest(
        method=method,
        path=f"/v2/vehicle/{kind}",
        content_type="application/x-www-form-urlencoded",
        body=form if isinstance(form, bytes) else urlencode(form).encode(),
        remote=remote,
        at_root=at_root,
    )


@pytest.fixture
async def connection(host: FakeHost, server: SegwaySimulator) -> SegwayConnection:
    """Return a connection that has polled once."""
    host.patient = True
    connection = make_connection(host, server)
    await connection.poll()
    connection.poll_interval()
    return connection


def alert_form(
    server: SegwaySimulator, code: int = 1, *, cleared: bool = False
) -> dict[str, str]:
    """Return a signed alert of the parked moped."""
    sender = server.sender("http://unused.invalid")
    return sender.form(DEMO_PARKED, server.alert_push(code, cleared=cleared))


# --- signatures ---


def test_known_vector() -> None:
    """The vector of the facts."""
    parameters = [
        ("charging", "false"),
        ("iotCode", "LKV110ZZZ"),
        ("powerPercent", "85"),
        ("t", "1591067719000"),
    ]
    assert sign(parameters, "abc123") == "0c9420b70c3f377e47a0d924a5c6972c"
    assert sign(reversed(parameters), "abc123") == "0c9420b70c3f377e47a0d924a5c6972c"


@given(
    st.dictionaries(
        st.text(st.characters(codec="ascii"), min_size=1, max_size=8),
        st.text(max_size=8),
        max_size=8,
    ),
    st.text(max_size=8),
)
def test_signature_is_that_of_the_document(
    parameters: dict[str, str], secret: str
) -> None:
    """The simulator signs by the document's words; so do we, whatever the order."""
    assert sign(parameters.items(), secret) == signature(parameters, secret)


async def test_order_case_and_unknown_parameters(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """Order and case do not matter; unknown and empty parameters are signed too."""
    sender = server.sender("http://unused.invalid")
    fields = {**server.alert_push(1), "newField": "a b&c=d", "empty": ""}
    form = sender.form(DEMO_PARKED, fields)
    form["signature"] = form["signature"].upper()
    answer = await connection.receive_push(
        request("alert", sorted(form.items(), reverse=True))
    )
    assert answer == OK
    assert len(host.occurrences) == 1
    del form["empty"]
    assert (await connection.receive_push(request("alert", form))).status == 403


# --- refusals ---


@pytest.mark.parametrize("given", ["", "0" * 32, "é" * 32, None])
@pytest.mark.parametrize("at_root", [True, False])
async def test_wrong_signature(
    connection: SegwayConnection,
    server: SegwaySimulator,
    host: FakeHost,
    caplog: pytest.LogCaptureFixture,
    given: str | None,
    at_root: bool,
) -> None:
    """403, logged once with the address, counted; a repair only behind the secret."""
    form = alert_form(server)
    if given is None:
        del form["signature"]
    else:
        form["signature"] = given
    for _ in range(5):
        answer = await connection.receive_push(request("alert", form, at_root=at_root))
        assert answer == PushAnswer(status=403)
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert [REMOTE in record.getMessage() for record in warnings] == [True]
    assert DEMO_PARKED not in caplog.text
    assert not host.occurrences
    assert connection.diagnostics()["pushes"] == {"wrong signature": 5}
    problem = host.problems.get("segway_push_signature")
    assert problem == (None if at_root else {"count": "4"})
    right = request("alert", alert_form(server), at_root=at_root)
    assert await connection.receive_push(right) == OK
    assert "segway_push_signature" not in host.problems
    # It is over: what comes now is counted anew.
    await connection.receive_push(request("alert", form, at_root=at_root))
    problem = host.problems.get("segway_push_signature")
    assert problem == (None if at_root else {"count": "1"})


async def test_each_address_is_logged_once(
    connection: SegwayConnection,
    server: SegwaySimulator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Though right pushes come between; and the log is not flooded by many addresses."""
    wrong = {**alert_form(server), "signature": "0" * 32}
    for attempt in range(100):
        for remote in (REMOTE, f"198.51.100.{attempt}"):
            await connection.receive_push(
                request("alert", wrong, at_root=True, remote=remote)
            )
        await connection.receive_push(request("alert", alert_form(server)))
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert sum(REMOTE in warning for warning in warnings) == 1
    assert len(warnings) == 20
    assert connection.diagnostics()["pushes"] == {
        "wrong signature": 200,
        "alert": 1,
        "repetitions": 99,
    }


async def test_strangers_at_the_root_hide_no_problem(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """What comes in at the address with the secret is counted for itself."""
    wrong = {**alert_form(server), "signature": "0" * 32}
    for _ in range(6):
        await connection.receive_push(request("alert", wrong, at_root=True))
    assert not host.problems
    await connection.receive_push(request("alert", wrong))
    assert host.problems["segway_push_signature"] == {"count": "1"}


async def test_changed_value(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """Whoever changes a value breaks the signature."""
    form = alert_form(server) | {"code": "2"}
    assert (await connection.receive_push(request("alert", form))).status == 403
    assert not host.occurrences


@pytest.mark.parametrize(("at_root", "status"), [(True, 404), (False, 403)])
async def test_foreign_account(
    connection: SegwayConnection,
    server: SegwaySimulator,
    host: FakeHost,
    at_root: bool,
    status: int,
) -> None:
    """PlatformCode picks the account: at the root another one may be meant."""
    sender = server.sender("http://unused.invalid")
    sender.client_id = "E99999"
    form = sender.form(DEMO_PARKED, server.alert_push(1))
    answer = await connection.receive_push(request("alert", form, at_root=at_root))
    assert answer.status == status
    assert not host.occurrences
    assert not host.problems


async def test_requests_that_are_no_push(
    connection: SegwayConnection, server: SegwaySimulator
) -> None:
    """Unknown paths, other methods, broken forms."""
    form = alert_form(server)
    receive = connection.receive_push
    assert (await receive(request("trip", form))).status == 404
    assert (await receive(request("alert", form, method="GET"))).status == 405
    assert (await receive(request("alert", b"\xff\xfe"))).status == 400
    assert (await receive(request("alert", b"a=%ff"))).status == 400
    assert (await receive(request("alert", b"&".join([b"a=1"] * 101)))).status == 400
    assert (await receive(request("alert", b'{"code": 1}'))).status == 403
    sender = server.sender("http://unused.invalid")
    for imei in ("", "86/../..", "8" * 33, "é"):
        refused = sender.form(imei, server.alert_push(1))
        assert (await receive(request("alert", refused))).status == 400
    no_code = sender.form(DEMO_PARKED, {"statusUtcTime": 1})
    assert (await receive(request("alert", no_code))).status == 400
    assert (await receive(request("fault", no_code))).status == 400


@given(
    kind=st.sampled_from([*PUSH_PATHS.values(), "x"]),
    body=st.binary(max_size=60)
    | st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=5).map(
        lambda pairs: urlencode(pairs).encode()
    ),
    at_root=st.booleans(),
)
def test_nothing_unsigned_gets_in(kind: str, body: bytes, at_root: bool) -> None:
    """Whatever is sent, without the secret it is refused, and never with 401."""

    class Nobody:
        def raise_problem(self, cause: str, **placeholders: str) -> None: ...

    inbox = PushInbox(Nobody(), "E1", "secret")  # type: ignore[arg-type] # all it asks for
    with pytest.raises(PushRefused) as caught:
        inbox.open(request(kind, body, at_root=at_root))
    assert caught.value.status in {400, 403, 404}


# --- repetitions ---


async def test_repetitions_do_nothing(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """The retry after 5 s, and any replay, is answered and forgotten."""
    form = alert_form(server)
    for _ in range(3):
        assert await connection.receive_push(request("alert", form)) == OK
    # The same alert in other words: an unknown parameter more.
    sender = server.sender("http://unused.invalid")
    again = sender.form(DEMO_PARKED, {**server.alert_push(1), "more": "1"})
    assert await connection.receive_push(request("alert", again)) == OK
    assert len(host.occurrences) == 1
    cleared = alert_form(server, cleared=True)
    assert await connection.receive_push(request("alert", cleared)) == OK
    host.advance(1)
    assert await connection.receive_push(request("alert", alert_form(server))) == OK
    assert [occurrence.type for _, occurrence in host.occurrences] == [
        OccurrenceType.ILLEGAL_MOVEMENT,
        OccurrenceType.CLEARED,
        OccurrenceType.ILLEGAL_MOVEMENT,
    ]
    pushes = connection.diagnostics()["pushes"]
    assert pushes == {"alert": 3, "repetitions": 3}


async def test_two_statuses_of_one_second(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """Two statuses of one second with other values are both news."""
    sender = server.sender("http://unused.invalid")
    fields = server.status_push(DEMO_PARKED)
    for locked in (True, False):
        form = sender.form(DEMO_PARKED, {**fields, "locked": locked})
        assert await connection.receive_push(request("status", form)) == OK
    assert host.reading(DEMO_PARKED, "locked") is False


async def test_memory_of_pushes_is_bounded(
    connection: SegwayConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the latest pushes are remembered."""
    inbox = connection._inbox
    monkeypatch.setattr(
        "custom_components.fleet_tracker.vendors.segway.push._REMEMBERED", 2
    )
    sender = SegwaySimulator(client_id="E20081").sender("http://unused.invalid")
    pushes = [
        inbox.open(request("alert", sender.form("1", {"code": code})))
        for code in range(3)
    ]
    for push in pushes:
        inbox.remember(push)
    assert [inbox.is_repetition(push) for push in pushes] == [False, True, True]


# --- what pushes bring ---


async def test_real_pushes_of_all_kinds(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """Each kind becomes what it should."""
    sender = server.sender("http://unused.invalid")
    host.advance(30)

    async def push(kind: str, imei: str, fields: dict[str, object]) -> None:
        answer = await connection.receive_push(request(kind, sender.form(imei, fields)))
        assert answer == OK

    before = host.known[DEMO_RIDING].position
    await push("location", DEMO_RIDING, server.location_push(DEMO_RIDING))
    after = host.known[DEMO_RIDING].position
    assert before is not None
    assert after is not None
    assert after.distance_to(before) > 100
    await push("status", DEMO_PARKED, server.status_push(DEMO_PARKED))
    assert host.known[DEMO_PARKED].groups["status"].measured_at == host.now()
    await push("fault", DEMO_PARKED, server.fault_push("E5"))
    await push("fault", DEMO_PARKED, server.fault_push("42"))
    assert host.reading(DEMO_PARKED, "problem") is True
    await push("fault", DEMO_PARKED, server.fault_push("E5", cleared=True))
    assert host.reading(DEMO_PARKED, "problem") is True
    await push("fault", DEMO_PARKED, server.fault_push("42", cleared=True))
    assert host.reading(DEMO_PARKED, "problem") is False
    host.advance(1)
    await push("components", DEMO_PARKED, server.components_push(2, 1))
    assert host.reading(DEMO_PARKED, "tailbox_unlocked") is True
    assert host.reading(DEMO_PARKED, "seat_cask_helmets") == 1
    await push("components", DEMO_PARKED, server.components_push(7, 1))
    assert connection.diagnostics()["counters"] == {
        "locations without a fix": 0,
        "unknown components": 1,
    }


# The fields of a status push, each with a new value, and the readings that follow from it.
STATUS_FIELDS: Mapping[str, tuple[object, set[str]]] = {
    "online": (True, {"online"}),
    "locked": (True, {"locked", "ignition"}),
    "lockVoltage": (300, {"lock_voltage"}),
    "networkSignal": (5, {"signal"}),
    "charging": (True, {"charging"}),
    "powerPercent": (9, {"battery"}),
    "speedMode": (2, {"speed_mode"}),
    "speed": (0, {"speed", "moving", "activity"}),
    "odometer": (10_000_123, {"odometer"}),
    "remainderRange": (777, {"remaining_range"}),
    "remainingRange": (778, {"remaining_range"}),
    "totalRidingSecs": (10_000, {"riding_time"}),
    "statusUtcTime": (1_760_000_500, set()),
}


async def test_a_status_of_few_fields_leaves_the_others(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """A status is pushed when something changes: what it does not tell stays as it is."""
    sender = server.sender("http://unused.invalid")
    assert STATUS_FIELDS.keys() >= server.status_push(DEMO_RIDING).keys()

    async def push(fields: Mapping[str, object]) -> None:
        host.advance(1)
        form = sender.form(DEMO_RIDING, fields)
        assert await connection.receive_push(request("status", form)) == OK

    # The time of the last contact moves with each.
    of_times = {"last_contact"}
    for field, (value, follows) in STATUS_FIELDS.items():
        await push(server.status_push(DEMO_RIDING))
        before = dict(host.known[DEMO_RIDING].readings)
        assert before["moving"] is True
        await push({field: value})
        after = host.known[DEMO_RIDING].readings
        changed = {
            key
            for key in before.keys() | after.keys()
            if before.get(key) != after.get(key)
        }
        assert changed <= follows | of_times, field
        assert follows <= after.keys()


async def test_an_old_speed_is_not_made_new_by_other_fields(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """What a moped rode three minutes ago says nothing of motion now."""
    sender = server.sender("http://unused.invalid")
    fields = server.status_push(DEMO_RIDING)
    await connection.receive_push(request("status", sender.form(DEMO_RIDING, fields)))
    assert host.reading(DEMO_RIDING, "moving") is True
    host.advance(200)
    late = sender.form(DEMO_RIDING, {"powerPercent": 20})
    await connection.receive_push(request("status", late))
    assert host.reading(DEMO_RIDING, "battery") == 20
    assert host.reading(DEMO_RIDING, "moving") is False


async def test_a_status_without_online_leaves_an_offline_vehicle_offline(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """Only a push that says so brings a vehicle back."""
    sender = server.sender("http://unused.invalid")
    for fields, condition in (
        ({"online": False}, "offline"),
        ({"powerPercent": 20}, "offline"),
        ({"online": True}, "connected"),
    ):
        host.advance(1)
        form = sender.form(DEMO_PARKED, fields)
        assert await connection.receive_push(request("status", form)) == OK
        assert host.reading(DEMO_PARKED, "condition") == condition


async def test_location_without_a_fix(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """An invalid fix is answered, counted, and moves nothing."""
    sender = server.sender("http://unused.invalid")
    host.advance(60)
    held = host.known[DEMO_RIDING].position
    form = sender.form(
        DEMO_RIDING,
        {**server.location_push(DEMO_RIDING), "locationStatus": "invalid"},
    )
    assert await connection.receive_push(request("location", form)) == OK
    assert host.known[DEMO_RIDING].position == held
    assert connection.diagnostics()["counters"] == {"locations without a fix": 1}


async def test_alerts_are_raised_cleared_and_end(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """Fallen while unlocked is cleared as fallen; what is never cleared ends in a day."""

    async def push(code: int, *, cleared: bool = False) -> None:
        host.advance(1)
        form = alert_form(server, code, cleared=cleared)
        assert await connection.receive_push(request("alert", form)) == OK

    assert host.reading(DEMO_PARKED, "alert_fallen") is None
    await push(4)
    assert host.reading(DEMO_PARKED, "alert_fallen") is True
    assert "alert_fallen" in host.known[DEMO_PARKED].shown_readings
    await push(2, cleared=True)
    assert host.reading(DEMO_PARKED, "alert_fallen") is False
    await push(11)
    await push(99)
    assert host.reading(DEMO_PARKED, "alert_battery_removed:2") is True
    host.advance(86_399 - 1)
    await connection.poll()
    assert host.reading(DEMO_PARKED, "alert_battery_removed:2") is True
    host.advance(1)
    await connection.poll()
    assert host.reading(DEMO_PARKED, "alert_battery_removed:2") is False
    assert host.occurrences[-1][1].code == "99"
    # That is told once.
    known = len(host.updates)
    await connection.poll()
    assert len(host.updates) == known


async def test_after_a_restart(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """Alerts exist but are unknown; faults are still there."""
    await connection.receive_push(request("alert", alert_form(server, 3)))
    sender = server.sender("http://unused.invalid")
    for code in ("12", "42"):
        fault = sender.form(DEMO_PARKED, server.fault_push(code))
        await connection.receive_push(request("fault", fault))
    await connection.close()
    again = make_connection(host, server)
    await again.poll()
    assert host.reading(DEMO_PARKED, "alert_tampering") is None
    assert "alert_tampering" in host.known[DEMO_PARKED].shown_readings
    assert host.reading(DEMO_PARKED, "problem") is True
    for code, problem in (("12", True), ("42", False)):
        host.advance(1)
        fault = sender.form(DEMO_PARKED, server.fault_push(code, cleared=True))
        assert await again.receive_push(request("fault", fault)) == OK
        assert host.reading(DEMO_PARKED, "problem") is problem
    assert host.occurrences[-1][1].details["cleared"] == "trouble_code"


async def test_late_raise_of_a_cleared_fault(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """A late raise does not undo a clearing of a later time."""
    sender = server.sender("http://unused.invalid")
    raised = sender.form(DEMO_PARKED, server.fault_push("12"))
    host.advance(1)
    cleared = sender.form(DEMO_PARKED, server.fault_push("12", cleared=True))
    await connection.receive_push(request("fault", cleared))
    await connection.receive_push(request("fault", raised))
    assert host.reading(DEMO_PARKED, "problem") is False


async def test_faults_that_are_remembered_are_bounded(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """Of made-up codes too: those that ended are forgotten first, long ones are cut."""
    sender = server.sender("http://unused.invalid")
    codes = ["12", *(f"X{number}" for number in range(150)), "Y" * 10_000]
    for code in codes:
        host.advance(1)
        raised = server.fault_push(code, cleared=code.startswith("X"))
        form = sender.form(DEMO_PARKED, raised)
        await connection.receive_push(request("fault", form))
    kept = host.memory.get("vehicles")
    assert isinstance(kept, Mapping)
    facts = kept[DEMO_PARKED]
    assert isinstance(facts, Mapping)
    faults = facts["faults"]
    assert isinstance(faults, Mapping)
    assert len(faults) == 100
    assert {"12", "X149", "Y" * 64} <= faults.keys()
    assert host.reading(DEMO_PARKED, "problem") is True


async def test_strangers_are_discovered(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """A signed push of an unknown vehicle shows it, once an hour, and no more."""
    sender = server.sender("http://unused.invalid")

    async def push() -> PushAnswer:
        host.advance(10)
        form = sender.form("860000000000001", server.alert_push(1))
        return await connection.receive_push(request("alert", form))

    assert await push() == OK
    assert await push() == OK
    assert host.discovered == [("860000000000001", None)]
    assert "860000000000001" not in host.known
    assert not host.occurrences
    host.advance(3600)
    assert await push() == OK
    assert len(host.discovered) == 2
    unsigned = sender.form("860000000000002", server.alert_push(1)) | {"code": "2"}
    await connection.receive_push(request("alert", unsigned))
    assert len(host.discovered) == 2
    for number in range(1000):
        form = sender.form(f"87{number}", server.alert_push(1))
        await connection.receive_push(request("alert", form))
    assert len(connection._strangers) <= 1000


async def test_helmet_push_reads_the_helmets(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """The push does not say how many helmets there are: the vehicle is asked."""
    sender = server.sender("http://unused.invalid")
    server.mopeds[DEMO_PARKED].tailbox_helmets = 0
    form = sender.form(DEMO_PARKED, server.components_push(4, 2))
    assert await connection.receive_push(request("components", form)) == OK
    assert host.polls_asked_for == [0]
    await connection.poll()
    assert host.reading(DEMO_PARKED, "tailbox_helmets") == 0
