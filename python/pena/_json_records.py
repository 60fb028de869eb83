"""Records of msgs, as the server tells them in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pena.records import FailRecord, Miss, MissReason, QueuedMsg, ReportRecord
from pena.stories import Delivery, Outcome, State, Story

_Json = Mapping[str, Any]


def instant(text: str) -> datetime:
    """Return the datetime of a date such as ``2026-11-24T00:05:17.194Z``."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python 3.10 knows no Z


def _miss(said: _Json) -> Miss:
    return Miss(
        batch=said["batch"],
        client=said["client"],
        name=said.get("name", ""),
        granted_at=instant(said["granted_at"]),
        missed_at=instant(said["missed_at"]),
        reason=MissReason(said["reason"]),
        error=said.get("error", ""),
    )


def _misses(said: _Json) -> tuple[Miss, ...]:
    return tuple(_miss(miss) for miss in said["misses"])


def queued_msg(said: _Json) -> QueuedMsg:
    """Return a record of ``GET /queue`` or ``GET /later``."""
    due_at = said.get("due_at")
    return QueuedMsg(
        id=said["id"],
        queue=said.get("queue", "default"),
        key=said.get("key", ""),
        period=said["period"],
        payload=said.get("payload"),
        max_resends=said.get("max_resends"),
        accepted_at=instant(said["accepted_at"]),
        queued_at=instant(due_at or said["queued_at"]),
        due_at=instant(due_at) if due_at else None,
        attempts=said["attempt"] - 1,
        misses=_misses(said),
    )


def report_record(said: _Json) -> ReportRecord:
    """Return a record of ``GET /report``."""
    return ReportRecord(
        id=said["id"],
        queue=said.get("queue", "default"),
        key=said.get("key", ""),
        period=said["period"],
        max_resends=said.get("max_resends"),
        batch=said["batch"],
        client=said["client"],
        name=said.get("name", ""),
        accepted_at=instant(said["accepted_at"]),
        granted_at=instant(said["granted_at"]),
        reported_at=instant(said["reported_at"]),
        result=said.get("result"),
        attempts=said["attempts"],
        misses=_misses(said),
    )


def fail_record(said: _Json) -> FailRecord:
    """Return a record of ``GET /fail``."""
    return FailRecord(
        id=said["id"],
        queue=said.get("queue", "default"),
        key=said.get("key", ""),
        period=said["period"],
        payload=said.get("payload"),
        max_resends=said.get("max_resends"),
        accepted_at=instant(said["accepted_at"]),
        failed_at=instant(said["failed_at"]),
        attempts=said["attempts"],
        misses=_misses(said),
    )


def settled_of_story(said: _Json) -> ReportRecord | FailRecord | None:
    """Return the record of a msg that ``GET /task/<id>`` says is settled; None where it is not."""
    missed = [
        {**each, "reason": each["outcome"], "missed_at": each["ended_at"]}
        for each in said["story"]
        if each["outcome"] in MissReason.__members__
    ]
    if said["state"] == State.reported.value:
        return report_record({**said["story"][-1], **said, "misses": missed})
    if said["state"] == State.failed.value:
        return fail_record({**said, "misses": missed})
    return None


def story(said: _Json) -> Story:
    """Return what ``GET /task/<id>`` says."""
    state = State(said["state"])
    settled_at = said.get("reported_at") or said.get("failed_at")
    due_at = said.get("due_at") if state is State.later else None
    # What waits tells the attempt to come; a story counts those that were made.
    waits = state in (State.queued, State.later)
    return Story(
        id=said["id"],
        state=state,
        queue=said.get("queue", "default"),
        key=said.get("key", ""),
        period=said["period"],
        payload=said.get("payload"),
        result=said.get("result"),
        accepted_at=instant(said["accepted_at"]),
        due_at=instant(due_at) if due_at else None,
        settled_at=instant(settled_at) if settled_at else None,
        attempts=said["attempts"] if "attempts" in said else said["attempt"] - waits,
        deliveries=tuple(_delivery(each) for each in said["story"]),
    )


def _delivery(said: _Json) -> Delivery:
    ended_at = said.get("ended_at")
    return Delivery(
        batch=said["batch"],
        client=said["client"],
        name=said.get("name", ""),
        granted_at=instant(said["granted_at"]),
        ended_at=instant(ended_at) if ended_at else None,
        outcome=Outcome(said["outcome"]),
        error=said.get("error", ""),
    )
