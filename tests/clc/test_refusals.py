"""
What is refused, by which code, at both doors, and in which order.

The rows are in L{tests.clc.refusals}, a module for each subject; this goes through
them.
"""

from __future__ import annotations

from itertools import permutations

from euca_tw.api.ec2.table import EC2
from euca_tw.api.shapes import Version
from euca_tw.model.callers import Caller
from tests.clc.cloud import ALICE
from tests.clc.refusals import (
    addresses,
    groups,
    images,
    instance_attributes,
    instances,
    keypairs,
    surroundings,
    tags,
)
from tests.clc.refusals.table import QUERY_DATE, SOAP_DATE, Operations, Row
from tests.clc.refusals.world import World

SUBJECTS: tuple[Operations, ...] = (
    addresses.OPERATIONS,
    groups.OPERATIONS,
    images.OPERATIONS,
    instance_attributes.OPERATIONS,
    instances.OPERATIONS,
    keypairs.OPERATIONS,
    surroundings.OPERATIONS,
    tags.OPERATIONS,
)
ROWS = tuple(row for subject in SUBJECTS for row in subject.rows)
#: What is refused whatever is asked: what is right about it all the same.
NEVER_RIGHT = {
    name: dict(said) for each in SUBJECTS for name, said in each.never_right.items()
}
RIGHT = {name: dict(said) for each in SUBJECTS for name, said in each.right.items()}
SETTING = {name: each.setting.get(name, ()) for each in SUBJECTS for name in each.right}


def parameters_of(*rows: Row) -> dict[str, str]:
    """A right request, with what is wrong in the rows."""
    operation = rows[0].operation
    asked: dict[str, str | None] = dict(
        RIGHT.get(operation) or NEVER_RIGHT.get(operation, {})
    )
    for row in rows:
        asked.update(row.wrong)
    return {name: value for name, value in asked.items() if value is not None}


def date_of(name: str) -> str:
    """The date at which an operation is asked for: of SOAP's, if it has one."""
    operation = EC2.named(name)
    for date in SOAP_DATE, QUERY_DATE:
        if operation.lives_in(Version(date)):
            return date
    return str(operation.since)


class RefusalTests(World):
    def prepare(self, operation: str, *rows: Row) -> None:
        """The world anew, with what there is before."""
        self.renew()
        for before in (
            *SETTING.get(operation, ()),
            *(b for row in rows for b in row.before),
        ):
            before(self)

    def test_right(self) -> None:
        """What the rows differ from is answered, at both doors."""
        for name, said in RIGHT.items():
            version = date_of(name)
            self.prepare(name)
            told = self.by_query(name, said, version, ALICE)
            self.assertEqual((told.status, told.message), (200, ""), name)
            if version != QUERY_DATE:
                self.prepare(name)
                told = self.by_soap(name, said, version, ALICE)
                self.assertEqual((told.status, told.message), (200, ""), name)

    def test_by_query(self) -> None:
        """Each is refused by EC2's code and status, and says what is wrong."""
        for row in ROWS:
            self.prepare(row.operation, row)
            told = self.by_query(
                row.operation, parameters_of(row), row.version, row.caller
            )
            self.assertEqual((told.code, told.status), (row.code, row.status), row)
            self.assertIn(row.says, told.message, row)

    def test_by_soap(self) -> None:
        """By SOAP it is the same code and text, in a fault, with status 500."""
        for row in ROWS:
            if row.is_query_only or row.version != SOAP_DATE:
                continue
            self.prepare(row.operation, row)
            told = self.by_soap(
                row.operation, parameters_of(row), row.version, row.caller
            )
            self.assertEqual((told.code, told.status), (row.code, 500), row)
            self.assertIn(row.says, told.message, row)

    def test_order(self) -> None:
        """
        Of two things that are wrong, the one is told that is looked at first:
        syntax, existence, permission, state, limits.
        """
        wrong = []
        for first, second in permutations(ROWS, 2):
            if first.operation != second.operation or first.step >= second.step:
                continue
            if set(first.wrong) & set(second.wrong) or first.caller != second.caller:
                continue
            self.prepare(first.operation, second, first)
            code = self.behind(
                first.operation,
                parameters_of(second, first),
                max(first.version, second.version),
                first.caller,
            )
            if code != first.code:
                wrong.append(
                    f"{first.operation} with {first.wrong} and {second.wrong}: "
                    f"{code}, not {first.code}"
                )
        self.assertEqual(wrong, [], "\n".join(wrong))

    def test_authentication(self) -> None:
        """Who is not who he says learns nothing else, by no operation."""
        for row in {row.operation: row for row in ROWS}.values():
            asked = parameters_of(row)
            self.keys.secret = "another"
            told = self.by_query(row.operation, asked, row.version, ALICE)
            self.assertEqual((told.code, told.status), ("AuthFailure", 401), row)

    def test_authentication_by_soap(self) -> None:
        """By SOAP neither."""
        stranger = Caller(account_id="0", user_name="mallory")
        for row in {row.operation: row for row in ROWS}.values():
            if not row.is_query_only and row.version == SOAP_DATE:
                asked = parameters_of(row)
                told = self.by_soap(row.operation, asked, row.version, stranger)
                self.assertEqual((told.code, told.status), ("AuthFailure", 500), row)

    def test_all(self) -> None:
        """Each operation that is answered has a right request, and what is refused."""
        refused = {row.operation for row in ROWS}
        self.assertEqual(refused - set(RIGHT), set(NEVER_RIGHT))
        answered = {operation.name for operation in self.dispatch.answered}
        self.assertEqual(refused, answered)
