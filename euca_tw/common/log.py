"""Libraries that log by Python's own logging, led into ours."""

from __future__ import annotations

import logging

from twisted.logger import Logger, LogLevel

#: Loggers of libraries that are heard, and from which level on.
LIBRARIES = {
    "spyne": logging.WARNING,
    "zeep": logging.WARNING,
    "treq": logging.WARNING,
    # Of a connection that was lost it warns; we say so ourselves.
    "psycopg": logging.ERROR,
}
_LEVELS = {
    logging.DEBUG: LogLevel.debug,
    logging.INFO: LogLevel.info,
    logging.WARNING: LogLevel.warn,
    logging.ERROR: LogLevel.error,
    logging.CRITICAL: LogLevel.critical,
}


class IntoTwisted(logging.Handler):
    """Emits every record as an event of the logger with its name."""

    def emit(self, record: logging.LogRecord) -> None:
        level = _LEVELS.get(record.levelno, LogLevel.info)
        Logger(record.name).emit(level, "{said}", said=self.format(record))


def lead_in_libraries() -> None:
    """Called once in a daemon; called again, it changes nothing."""
    for name, level in LIBRARIES.items():
        logger = logging.getLogger(name)
        logger.setLevel(level)
        logger.propagate = False
        if not any(isinstance(each, IntoTwisted) for each in logger.handlers):
            logger.addHandler(IntoTwisted())
