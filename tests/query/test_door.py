"""Tests of L{euca_tw.query.door}."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.api.errors import (
    DryRunOperation,
    InsufficientInstanceCapacity,
    NoSuchInstance,
)
from euca_tw.api.shapes import Api, Empty, Operation, Version, shape, wire
from euca_tw.common.web import Asked, Reply
from euca_tw.model.callers import Caller
from euca_tw.query.door import CONTENT_TYPE, LARGE_BYTES, QueryDoor, error_reply
from euca_tw.query.interfaces import IAccessKeys
from tests.fakes.admission import RecordingAdmission
from tests.query.requests import (
    KEY_ID,
    secret_of,
    signed_2,
    signed_4,
    signed_4_url,
    with_body,
)

OLD, NEW = Version("2008-02-01"), Version("2016-11-15")


@shape("ListThingsType")
class ListThings:
    ids: tuple[str, ...] = wire("idSet", query="ThingId", leaf="id")
    is_dry_run: bool | None = wire("dryRun", soap=False)


@shape("ListThingsResponseType")
class ListThingsResponse:
    request_id: str | None = wire("requestId", since="2008-08-08", required=True)
    names: tuple[str, ...] = wire("nameSet", leaf="name")


@shape("ThingType")
class Thing:
    name: str = wire("name")


@shape("ShowThingsResponseType")
class ShowThingsResponse:
    things: tuple[Thing, ...] = wire("thingSet")


@shape("ShowThingsType")
class ShowThings:
    wanted: int = wire("wanted", query="")
    old: Empty | None = wire("old", query="", until=NEW)


@shape("ShowThingsForm")
class ShowThingsForm:
    number: str = wire("number")

    def request(self) -> ShowThings:
        old = Empty() if self.number == "old" else None
        return ShowThings(wanted=len(self.number), old=old)


API = Api(
    name="Things",
    namespace="urn:things:{version}/",
    versions=(OLD, NEW),
    operations=(
        Operation("ListThings", ListThings, ListThingsResponse),
        Operation(
            "ShowThings",
            ShowThings,
            ShowThingsResponse,
            since=NEW,
            query_form=ShowThingsForm,
        ),
    ),
)
LIST = {"Action": "ListThings", "Version": NEW}


@implementer(IAccessKeys)
class Keys:
    """One key, of one user."""

    def secret_of(self, key_id: str) -> str | None:
        return secret_of(key_id)

    def caller_of(self, key_id: str, request_id: str) -> Caller:
        assert key_id == KEY_ID
        return Caller(account_id="1" * 12, user_name="ann", request_id=request_id)


class DoorTestCase(SynchronousTestCase):
    """A door with one dispatcher behind it."""

    def setUp(self) -> None:
        self.called: list[tuple[str, Any, Any]] = []
        self.respond: Callable[[Any], Any] = lambda request: ListThingsResponse(
            names=("a&b",)
        )

        async def dispatch(operation: Operation, caller: Any, request: Any) -> Any:
            self.called.append((operation.name, caller, request))
            response = self.respond(request)
            return await response if isinstance(response, Deferred) else response

        self.ids = 0
        self.door = self.door_to(API, (OLD, NEW), dispatch)

    def door_to(self, api: Api, versions: Any, dispatch: Any) -> QueryDoor:
        clock = Clock()
        clock.advance(time.time())

        def new_request_id() -> str:
            self.ids += 1
            return f"request-{self.ids}"

        self.in_threads = 0

        def in_thread(work: Callable[[], Any]) -> Deferred[Any]:
            self.in_threads += 1
            return maybeDeferred(work)

        return QueryDoor(
            api,
            versions,
            dispatch,
            Keys(),
            clock,
            new_request_id,
            in_thread=in_thread,
        )

    def answer(self, asked: Asked) -> Reply:
        reply: Reply = self.successResultOf(self.door.answer(asked))
        self.assertEqual(reply.content_type, CONTENT_TYPE)
        return reply

    def text(self, asked: Asked) -> str:
        return b"".join(self.answer(asked).body).decode()

    def refused(self, asked: Asked, code: str, status: int = 400) -> str:
        """The message of the refusal."""
        reply = self.answer(asked)
        root = ElementTree.fromstring(b"".join(reply.body))
        self.assertEqual(
            (reply.status, root.findtext("Errors/Error/Code")), (status, code)
        )
        self.assertEqual(root.findtext("RequestID"), f"request-{self.ids}")
        return root.findtext("Errors/Error/Message") or ""


class AnswerTests(DoorTestCase):
    """What is answered."""

    def test_answer(self) -> None:
        """A response is in its version's namespace, its request id in it."""
        self.assertEqual(
            self.text(signed_4(LIST)),
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<ListThingsResponse xmlns="urn:things:2016-11-15/">'
            "<requestId>request-1</requestId>"
            "<nameSet><item><name>a&amp;b</name></item></nameSet>"
            "</ListThingsResponse>",
        )

    def test_old(self) -> None:
        """A version without request ids is told none."""
        self.assertIn(
            '<ListThingsResponse xmlns="urn:things:2008-02-01/"><nameSet>',
            self.text(signed_4(LIST | {"Version": OLD})),
        )

    def test_request(self) -> None:
        """The dispatcher gets who calls and what is asked, however it is signed."""
        caller = Caller(account_id="1" * 12, user_name="ann", request_id="request-1")
        asked = LIST | {"ThingId.1": "a b", "ThingId.2": "ü"}
        for number, request in enumerate(
            (signed_2(asked), signed_2(asked, "GET"), signed_4(asked)), 1
        ):
            self.assertEqual(self.answer(request).status, 200)
            self.assertEqual(
                self.called.pop(),
                (
                    "ListThings",
                    attrs.evolve(caller, request_id=f"request-{number}"),
                    ListThings(ids=("a b", "ü")),
                ),
            )
        self.assertEqual(self.answer(signed_4_url(asked)).status, 200)

    def test_long_request(self) -> None:
        """What is long is read in a thread, and no other."""
        for length, threads in ((LARGE_BYTES - 1000, 0), (LARGE_BYTES, 2)):
            self.in_threads = 0
            asked = LIST | {"ThingId.1": "x" * length}
            self.assertEqual(self.answer(signed_2(asked)).status, 200)
            self.assertEqual(self.in_threads, threads)
            self.assertEqual(self.called.pop()[2], ListThings(ids=("x" * length,)))
        self.refused(signed_2(asked | {"Thing": "x"}), "UnknownParameter")

    def test_form(self) -> None:
        """Where Query has its own form, it is turned into the request."""
        self.respond = lambda request: ShowThingsResponse()
        self.answer(signed_4(LIST | {"Action": "ShowThings", "Number": "xxx"}))
        self.assertEqual(self.called[0][2], ShowThings(wanted=3))

    def test_form_of_another_date(self) -> None:
        """What a form says that its date does not have is refused."""
        asked = signed_4(LIST | {"Action": "ShowThings", "Number": "old"})
        message = self.refused(asked, "InvalidParameterValue")
        self.assertIn("old", message)
        self.assertIn(NEW, message)
        self.assertEqual(self.called, [])

    def test_long(self) -> None:
        """A long answer comes in pieces, made as they are asked for."""
        made = []

        class Things(tuple[Any, ...]):
            def __iter__(self) -> Any:
                for n in range(2000):
                    made.append(n)
                    yield Thing(name="x" * 400)

        self.respond = lambda request: ShowThingsResponse(things=Things([None] * 2000))
        reply = self.answer(signed_4(LIST | {"Action": "ShowThings", "Number": ""}))
        self.assertLess(len(made), 500)
        self.assertEqual(b"".join(reply.body).count(b"<item>"), 2000)

    def test_content_types(self) -> None:
        """A form is a form in any of its types, and without one."""
        asked = signed_2(LIST)
        for said in (
            None,
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded;charset=UTF-8",
            'Application/X-WWW-Form-Urlencoded; Charset="utf-8"; a=b',
            'application/x-www-form-urlencoded; a="charset=utf-7"',
        ):
            self.assertEqual(self.answer(_typed(asked, said)).status, 200)

    def test_compressed(self) -> None:
        """A form that is compressed is not taken, whatever it would be."""
        asked = signed_2(LIST)
        for coding, status in (("gzip", 415), ("x", 415), ("identity", 200)):
            coded = attrs.evolve(
                asked,
                headers=lambda name, coding=coding: (
                    coding
                    if name.lower() == "content-encoding"
                    else asked.headers(name)
                ),
            )
            self.assertEqual(self.answer(coded).status, status)

    def test_body_of_get(self) -> None:
        """The body of a GET says nothing."""
        asked = attrs.evolve(signed_2(LIST, "GET"), body=b"\xff%")
        self.assertEqual(self.answer(asked).status, 200)


def _typed(asked: Asked, said: str | None) -> Asked:
    def headers(name: str) -> str | None:
        return said if name == "content-type" else asked.headers(name)

    return attrs.evolve(asked, headers=headers)


class RefusalTests(DoorTestCase):
    """What is refused."""

    def test_door_is_kept(self) -> None:
        """The keys of these tests are what the door takes for keys."""
        verifyObject(IAccessKeys, Keys())

    def test_methods(self) -> None:
        """Query is GET and POST."""
        asked = attrs.evolve(signed_4(LIST), method="PUT")
        self.assertIn("GET or POST", self.refused(asked, "MalformedQueryString"))

    def test_other_types(self) -> None:
        """A body that is no form is none."""
        asked = signed_2(LIST)
        form = "application/x-www-form-urlencoded"
        for said in (
            *("text/xml", f"{form}; charset=utf-16", f"{form}; charset=", "", ";"),
            *(f"{form}; charset=utf-8; charset=utf-7", f"{form};{' ' * 300}"),
        ):
            self.refused(_typed(asked, said), "MalformedQueryString")

    def test_broken(self) -> None:
        """Broken parameters are refused before anything else."""
        asked = attrs.evolve(signed_2(LIST), target=b"/?a=%zz")
        self.refused(asked, "MalformedQueryString")

    def test_unsigned_first(self) -> None:
        """Who has not signed is not told what there is."""
        asked = Asked("GET", b"/?Action=Nothing&Version=1", {}.get, b"")
        self.refused(asked, "MissingAuthenticationToken", 403)

    def test_wrong_signature(self) -> None:
        """
        A wrong signature is refused, the right one not told, nor whether the
        key is known.
        """
        said = {
            re.sub("time [0-9TZ]+", "time", self.refused(asked, "AuthFailure", 401))
            for asked in (
                signed_4(LIST, secret="other"),
                signed_4(LIST, key_id="AKIDX"),
            )
        }
        self.assertEqual(len(said), 1)
        self.assertEqual(self.called, [])

    def test_refusals_are_logged(self) -> None:
        """Who is not let in is in the log, with the reason, but no traceback."""
        asked = signed_4(LIST, secret="wrong")
        with capturedLogs() as events:
            self.answer(asked)
        [event] = events
        self.assertEqual(
            (event["peer"], event["code"], event["request_id"]),
            ("192.0.2.1", "AuthFailure", "request-1"),
        )
        with capturedLogs() as events:
            self.answer(signed_4({**LIST, "Action": "Nothing"}))
        self.assertEqual(events, [])

    def admitted_by(self, admission: RecordingAdmission) -> None:
        self.door._admission = admission  # type: ignore[attr-defined]

    def test_admission_is_told(self) -> None:
        """Who keeps count is told what is shown, by whom, and how it went."""
        admission = RecordingAdmission()
        self.admitted_by(admission)
        for asked in (signed_4(LIST), signed_4_url(LIST), signed_2(LIST)):
            self.text(asked)
            self.assertEqual(
                admission.told(), [("shows", KEY_ID), ("succeeded", "1" * 12)]
            )
        last = admission.attempts[-1]
        self.assertEqual((last.peer, last.request_id), ("192.0.2.1", "request-3"))
        for asked, shown, code in (
            (signed_4(LIST, key_id="AKIDX"), "AKIDX", "AuthFailure"),
            (signed_4(LIST, secret="other"), KEY_ID, "AuthFailure"),
            (signed_4_url(LIST, secret="other"), KEY_ID, "AuthFailure"),
            (with_body(signed_2(LIST), x="1"), KEY_ID, "AuthFailure"),
            (Asked("GET", b"/", {}.get, b""), "", "MissingAuthenticationToken"),
        ):
            self.answer(asked)
            self.assertEqual(admission.told(), [("shows", shown), ("failed", code)])
        self.answer(attrs.evolve(signed_2(LIST), target=b"/?a=%zz"))
        self.assertEqual(admission.told(), [("failed", "MalformedQueryString")])

    def test_refusals_are_not_failures(self) -> None:
        """Of what goes wrong once it is known who asks, nobody keeps count."""
        admission = RecordingAdmission()
        self.admitted_by(admission)
        self.refused(signed_4({**LIST, "Action": "Nothing"}), "InvalidAction")
        self.assertEqual([told for told, _ in admission.told()], ["shows", "succeeded"])

    def test_refused_by_admission(self) -> None:
        """Whoever keeps count may refuse; nothing is asked, and little is done."""
        for step, told in (
            ("attempt", []),
            ("shows", ["shows", "failed"]),
            ("succeeded", ["shows", "succeeded"]),
        ):
            admission = RecordingAdmission(step)
            self.admitted_by(admission)
            reply = self.answer(signed_4(LIST))
            self.assertEqual(reply.headers, (("Retry-After", "1"),))
            said = self.refused(signed_4(LIST), "RequestLimitExceeded", 503)
            self.assertEqual(said, "Request limit exceeded. Enough.")
            self.assertEqual([name for name, _ in admission.told()], told)
        self.assertEqual(self.called, [])

    def test_refused_unread(self) -> None:
        """What is refused at once is not even read."""
        self.admitted_by(RecordingAdmission("attempt"))
        asked = attrs.evolve(signed_2(LIST), target=b"/?a=%zz")
        self.refused(asked, "RequestLimitExceeded", 503)

    def test_odd_claims(self) -> None:
        """Whatever stands where a key's name should, it is cut to a name's length."""
        admission = RecordingAdmission()
        self.admitted_by(admission)
        for authorization, shown in (
            ("", ""),
            ("Credential=", ""),
            ("Basic eDp5", ""),
            (f"Credential={'x' * 5000}", "x" * 128),
            ("AWS4-HMAC-SHA256 Credential=a/b/c", "a"),
        ):
            headers = {"authorization": authorization}
            self.answer(Asked("GET", b"/?AWSAccessKeyId=b", headers.get, b""))
            self.assertEqual(admission.told()[0], ("shows", shown))

    def test_expired(self) -> None:
        """An old request is refused, whether it said until when it is good or not."""
        self.door._clock.advance(3600)  # type: ignore[attr-defined]
        message = self.refused(signed_4(LIST), "RequestTimeTooSkewed", 403)
        self.assertIn("15 minutes behind", message)
        self.refused(signed_4_url(LIST), "RequestExpired")

    def test_action(self) -> None:
        """An action is there, and of the version."""
        self.refused(signed_4({"Version": NEW}), "MissingAction")
        self.assertIn(
            "Nothing",
            self.refused(signed_4(LIST | {"Action": "Nothing"}), "InvalidAction"),
        )
        asked = LIST | {"Action": "ShowThings", "Version": OLD}
        self.refused(signed_4(asked), "InvalidAction")

    def test_version(self) -> None:
        """A version is there, and served."""
        self.refused(signed_4({"Action": "ListThings"}), "MissingParameter")
        message = self.refused(signed_4(LIST | {"Version": "1999"}), "NoSuchVersion")
        self.assertIn("1999", message)

    def test_parameter(self) -> None:
        """An unknown parameter is told by its name."""
        message = self.refused(signed_4(LIST | {"Foo.1": "a"}), "UnknownParameter")
        self.assertIn("Foo", message)

    def test_dry_run(self) -> None:
        """Whether it is a dry run is told to who answers, who may say so."""

        def respond(request: Any) -> ListThingsResponse:
            if request.is_dry_run:
                raise DryRunOperation
            return ListThingsResponse()

        self.respond = respond
        self.refused(signed_4(LIST | {"DryRun": "true"}), "DryRunOperation", 412)
        self.assertEqual(self.answer(signed_4(LIST | {"DryRun": "false"})).status, 200)

    def test_refused_by_the_cloud(self) -> None:
        """Refusals of the cloud have their codes and statuses."""

        def refuse(request: Any) -> Any:
            raise NoSuchInstance(instance_id="<i-1>")

        self.respond = refuse
        message = self.refused(signed_4(LIST), "InvalidInstanceID.NotFound")
        self.assertIn("'<i-1>'", message)
        reply = error_reply(
            InsufficientInstanceCapacity(wanted=1, instance_type="a", reason="b"), "r"
        )
        self.assertEqual(reply.status, 503)


class BugTests(DoorTestCase):
    """Bugs of ours."""

    def test_bug(self) -> None:
        """A bug is told by its request id, and logged once."""

        def fail(request: Any) -> Any:
            raise ValueError("secret")

        self.respond = fail
        message = self.refused(signed_4(LIST), "InternalError", 500)
        self.assertEqual(message, "An internal error has occurred")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_no_response(self) -> None:
        """A response that cannot be written is a bug like any other."""
        self.respond = lambda request: ShowThingsResponse(things=(None,))  # type: ignore[arg-type]
        asked = signed_4(LIST | {"Action": "ShowThings", "Number": ""})
        self.refused(asked, "InternalError", 500)
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)

    def test_cancelled(self) -> None:
        """An answer that is cancelled is none, and no bug."""
        waiting: Deferred[Any] = Deferred()
        self.respond = lambda request: waiting
        running = Deferred.fromCoroutine(self.door.answer(signed_4(LIST)))
        running.cancel()
        self.failureResultOf(running, CancelledError)


PIECES = st.sampled_from(
    (
        b"Action=",
        b"ListThings",
        b"Version=2016-11-15",
        b"Signature=",
        b"AWSAccessKeyId=AKIDEXAMPLE",
        b"Timestamp=2026-11-23T08:00:00Z",
        b"X-Amz-Signature=",
        b"&",
        b"=",
        b"%",
        b".",
    )
)
BYTES = st.lists(st.one_of(PIECES, st.binary()), max_size=12).map(b"".join)


NAMES = (
    "InstanceId",
    "InstanceId.1",
    "ImageId",
    "Filter.1.Name",
    "MinCount",
    "MaxCount",
    "Attribute",
    "KeyName",
    "DryRun",
    "IpPermissions.1.X",
)


class FuzzTests(DoorTestCase):
    """Whatever is sent."""

    @given(
        st.sampled_from(["GET", "POST", "HEAD", ""]),
        BYTES,
        st.one_of(st.none(), st.text()),
        BYTES,
    )
    def test_bytes(
        self, method: str, target: bytes, header: str | None, body: bytes
    ) -> None:
        """Whatever bytes are sent, they are refused by EC2's codes."""
        reply = self.answer(Asked(method, target, lambda name: header, body))
        self.assertIn(reply.status, (400, 401, 403, 415))

    @given(
        st.sampled_from([o.name for o in EC2.operations]),
        st.sampled_from(QUERY_VERSIONS),
        st.dictionaries(
            st.sampled_from(NAMES),
            st.text(),
        ),
    )
    def test_signed(
        self, action: str, version: Version, parameters: dict[str, str]
    ) -> None:
        """Whatever a user signs comes to the cloud as a shape, or is refused."""

        async def dispatch(operation: Operation, caller: Any, request: Any) -> Any:
            assert type(request) is operation.request
            raise NoSuchInstance(instance_id="i-1")

        self.door = self.door_to(EC2, QUERY_VERSIONS, dispatch)
        given = {"Action": action, "Version": version} | parameters
        reply = self.answer(signed_4(given))
        self.assertIn(reply.status, (400, 412))
