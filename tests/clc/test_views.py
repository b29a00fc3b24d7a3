"""Records as users are told of them."""

from __future__ import annotations

from attrs import evolve

from euca_tw.clc import views
from euca_tw.model.records import InstanceState
from tests.clc.cloud import CloudTestCase


class InstanceTests(CloudTestCase):
    def test_without_image(self) -> None:
        """An instance is told of when its image is forgotten."""
        told = views.instance(self.instance(), None, "")
        self.assertEqual(told.image_id, "emi-00000001")
        self.assertEqual((told.architecture, told.product_codes), (None, ()))

    def test_image(self) -> None:
        """What its image is, it is."""
        told = views.instance(self.instance(), self.image(architecture="i386"), "")
        self.assertEqual(told.architecture, "i386")
        self.assertEqual(told.root_device_name, "/dev/sda1")

    def test_pending(self) -> None:
        """An instance without an address yet has empty names."""
        record = self.instance(private_ip="", state=InstanceState.PENDING)
        told = views.instance(record, None, "")
        self.assertEqual((told.dns_name, told.private_dns_name), ("", ""))
        self.assertEqual((told.ip_address, told.private_ip_address), (None, None))
        self.assertEqual((told.state.code, told.state.name), (0, "pending"))

    def test_named(self) -> None:
        """
        Its private name is the one in the cloud's domain; what reaches it stays an
        address.
        """
        record = self.instance(private_ip="10.0.0.7")
        told = views.instance(record, None, "192.0.2.1", domain="c.internal")
        self.assertEqual(told.private_dns_name, "ip-10-0-0-7.c.internal")
        self.assertEqual(told.dns_name, "192.0.2.1")
        nameless = views.instance(record, None, "")
        self.assertEqual(nameless.private_dns_name, "10.0.0.7")
        ended = evolve(record, state=InstanceState.TERMINATED)
        told = views.instance(ended, None, "", domain="c.internal")
        self.assertEqual(told.private_dns_name, "")

    def test_ended(self) -> None:
        """An instance that has ended has no addresses, but a reason."""
        record = self.instance(
            state=InstanceState.TERMINATED,
            state_reason_code="Server.X",
            state_reason="it broke",
        )
        told = views.instance(record, None, "192.0.2.1")
        self.assertEqual((told.dns_name, told.ip_address), ("", None))
        self.assertEqual(told.state_reason.message, "Server.X: it broke")

    def test_silent(self) -> None:
        """One that is not heard of is told as it was, and that this is so."""
        record = self.instance(state=InstanceState.RUNNING, is_silent=True)
        told = views.instance(record, None, "")
        self.assertEqual(told.state.name, "running")
        self.assertEqual(told.state_reason.code, "Server.InternalError")
        self.assertIn("not been heard of lately", told.state_reason.message)

    def test_virtualization(self) -> None:
        """What boots from a kernel is paravirtual, else it is hvm."""
        record = self.instance()
        self.assertEqual(views.instance(record, None, "").virtualization_type, "hvm")
        record = evolve(record, kernel_id="eki-00000001")
        told = views.instance(record, None, "")
        self.assertEqual(told.virtualization_type, "paravirtual")


class InstanceViewsTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.views = views.InstanceViews()

    def test_once(self) -> None:
        """A view is made once for a record, its image and its address."""
        record, image = self.instance(), self.image()
        told = self.views.of(record, image, "")
        self.assertIs(self.views.of(record, image, ""), told)
        for other in (
            self.views.of(evolve(record, key_name="k"), image, ""),
            self.views.of(record, evolve(image, name="n"), ""),
            self.views.of(record, image, "192.0.2.1"),
        ):
            self.assertIsNot(other, told)

    def test_reservations(self) -> None:
        """A reservation is the very same until one of its instances is not."""
        first, second = (self.instance(number) for number in (1, 2))
        pairs = [(each, self.views.of(each, None, "")) for each in (first, second)]
        told = self.views.reservations(pairs)
        again = self.views.reservations(pairs)
        self.assertEqual([id(each) for each in again], [id(each) for each in told])
        changed = evolve(first, key_name="k")
        pairs[0] = (changed, self.views.of(changed, None, ""))
        again = self.views.reservations(pairs)
        self.assertEqual(again, views.reservations(pairs))
        self.assertNotEqual(again, told)

    def test_keep(self) -> None:
        """No more views are kept than are of use."""
        records = [self.instance(number) for number in (1, 2)]
        told = [self.views.of(each, None, "") for each in records]
        self.views.keep(2)
        self.assertIs(self.views.of(records[0], None, ""), told[0])
        self.views.keep(1)
        self.assertIsNot(self.views.of(records[0], None, ""), told[0])
