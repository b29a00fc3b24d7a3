"""What libraries log is in our log."""

from __future__ import annotations

import logging

from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.log import lead_in_libraries


class LeadInTests(SynchronousTestCase):
    def test_warning(self) -> None:
        """A library's warning is an event, once; what it chats about is not."""
        lead_in_libraries()
        lead_in_libraries()
        with capturedLogs() as events:
            logging.getLogger("spyne.protocol").warning("odd {thing} %s", "here")
            logging.getLogger("spyne.protocol").info("chat")
        [event] = events
        self.assertEqual(event["log_namespace"], "spyne.protocol")
        self.assertEqual(event["log_level"], LogLevel.warn)
        self.assertEqual(event["said"], "odd {thing} here")
