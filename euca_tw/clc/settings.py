"""What a site may set about how the cloud keeps its clusters in step."""

from __future__ import annotations

from attrs import frozen

from euca_tw.common.silence import OPERATOR


@frozen(kw_only=True)
class ConvergenceSettings:
    """
    @ivar launch_deadline_s: an instance that does not run by then has failed.
    @ivar ended_kept_s: how long an ended instance's record is kept.
    @ivar image_poll_s: how often, in the end, it is asked how far an image has
        come that is made of an instance.
    @ivar image_deadline_s: it has failed if it is not here by then.
    @ivar poll_s: how long a cluster may hold a question.
    @ivar call_timeout_s: how long it may take to answer any other.
    @ivar silent_after_s: a cluster not heard of for so long is silent.
    @ivar lost_after_s: no cluster that is silent for less may be declared lost.
    @ivar declare_lost: who does: of L{euca_tw.common.silence.DECLARERS}.
    @ivar retry_first_s: before a step that failed is taken again; then twice
        as long each time, up to C{retry_ceiling_s}.
    """

    launch_deadline_s: float = 600.0
    ended_kept_s: float = 3600.0
    image_poll_s: float = 5.0
    image_deadline_s: float = 6 * 3600.0
    poll_s: float = 55.0
    call_timeout_s: float = 30.0
    silent_after_s: float = 30.0
    lost_after_s: float = 900.0
    declare_lost: str = OPERATOR
    retry_first_s: float = 1.0
    retry_ceiling_s: float = 60.0
