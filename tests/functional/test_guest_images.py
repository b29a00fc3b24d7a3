"""A real guest, an image of it, and a guest of that."""

from __future__ import annotations

import time

from tests.functional.guests import GuestCase


class ImageTests(GuestCase):
    def test_image(self) -> None:
        """
        A guest is shut down for its image, its file system whole, and comes up
        again; what runs from the image has what the guest wrote, and goes on
        when the image is deregistered.
        """
        first = self.launch()
        address = self.wait_for(first, "running")["PrivateIpAddress"]
        self.wait_ready(first)
        self.ssh(address, "echo written >/w; echo x >/etc/also")
        began = time.monotonic()
        image_id = self.create_image(first, Description="with more on it")
        print(f"\n  an image in {time.monotonic() - began:.1f} s")
        told = self.ec2.run_instances(
            ImageId=image_id, MinCount=1, MaxCount=1, KeyName="mine"
        )
        second = str(told["Instances"][0]["InstanceId"])
        self.wait_ready(first, boots=2)
        self.assertEqual(self.ssh(address, "cat /w"), "written\n")
        other = self.wait_for(second, "running")["PrivateIpAddress"]
        self.ec2.deregister_image(ImageId=image_id)
        self.wait_ready(second)
        self.assertEqual(self.ssh(other, "cat /w /etc/also"), "written\nx\n")
        self.ec2.terminate_instances(InstanceIds=[first, second])
        self.wait_for(second, "terminated")
        self.check_nothing_left(first, second)
        self.assertNotIn("Traceback", self.daemons.logs())
