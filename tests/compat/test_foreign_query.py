"""Query clients other than Amazon's Python ones."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.base import NodeSize, NodeState
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider
from twisted.trial.unittest import SynchronousTestCase

from tests.compat.cloud import cloud_for, until
from tests.compat.foreign import JS_SDK
from tests.compat.foreign_rounds import check_round


class JavaScriptSdkTests(SynchronousTestCase):
    """C{@aws-sdk/client-ec2} from npm, with signature version 4."""

    def test_round(self) -> None:
        """A round works with nothing but what eucarc exports."""
        JS_SDK.check_installed()
        cloud = cloud_for("foreign")
        told = JS_SDK.run(cloud, f"{cloud.directory}/log")
        check_round(self, cloud, told, "", 400)


class LibcloudTests(SynchronousTestCase):
    """Apache Libcloud, with its drivers for Eucalyptus and for EC2."""

    def setUp(self) -> None:
        self.cloud = cloud_for("foreign")

    def driver(self, provider: str, **more: Any) -> Any:
        settings = self.cloud.settings
        made = get_driver(provider)(
            *(settings["EC2_ACCESS_KEY"], settings["EC2_SECRET_KEY"]),
            **{"secure": False, "host": "127.0.0.1", "port": self.cloud.port, **more},
        )
        self.addCleanup(made.connection.connection.close)
        return made

    def round(self, driver: Any) -> None:
        """Key pairs, images, instances, and the tags that give them names."""
        key = driver.create_key_pair("libcloud")
        self.assertIn("PRIVATE KEY", key.private_key)
        self.assertIn("libcloud", [each.name for each in driver.list_key_pairs()])
        driver.delete_key_pair(key)
        [image] = [
            each
            for each in driver.list_images()
            if each.id.startswith("emi-") and each.extra["is_public"] == "true"
        ]
        size = NodeSize("m1.small", "", 1, 1, 1, 1, driver)
        launched = driver.create_node(
            name="tagged", image=image, size=size, ex_metadata={"team": "web"}
        )
        identifier = launched.id

        def node() -> Any:
            [found] = driver.list_nodes(ex_node_ids=[identifier])
            return found

        until(node, lambda found: found.state == NodeState.RUNNING)
        self.assertEqual(node().extra["image_id"], image.id)
        self.assertEqual(node().name, "tagged")
        tags = driver.ex_describe_tags(node())
        self.assertEqual(tags, {"Name": "tagged", "team": "web"})
        self.assertTrue(driver.reboot_node(node()))
        self.assertTrue(driver.destroy_node(node()))
        until(node, lambda found: found.state == NodeState.TERMINATED)
        with self.assertRaises(BaseHTTPError) as refused:
            driver.list_nodes(ex_node_ids=["i-00000000"])
        self.assertIn("InvalidInstanceID.NotFound", str(refused.exception))
        self.assertNotIn("Traceback", self.cloud.log)

    def test_eucalyptus(self) -> None:
        """The driver for Eucalyptus works, with signature version 2."""
        path = urlsplit(self.cloud.settings["EC2_URL"]).path
        self.round(self.driver(Provider.EUCALYPTUS, path=path))

    def test_ec2(self) -> None:
        """The driver for EC2 works, with signature version 4."""
        driver = self.driver(Provider.EC2, region="us-east-1", signature_version="4")
        self.round(driver)
