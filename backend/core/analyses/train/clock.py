"""When a race may take its next step: paused or not, steps granted one by one, and the pace."""

from dataclasses import dataclass
from typing import Final

RUSH: Final = 0.05  # seconds by which a race may be late and still catch up


@dataclass
class Clock:
    """Times are seconds of ``perf_counter``."""

    pace: float | None  # most steps a second; None is flat out
    due: float  # not before this time may the next step be taken
    paused: bool = False
    granted: int = 0  # steps that may be taken while paused

    def wait(self, now: float) -> float:
        """Return the seconds until the next step may be taken: 0 at once, infinity while paused."""
        if self.paused:
            return 0.0 if self.granted else float("inf")
        return max(0.0, self.due - now) if self.pace is not None else 0.0

    def stepped(self, now: float) -> None:
        """Note that a step is about to be taken."""
        if self.paused:
            self.granted -= 1
        elif self.pace is not None:
            # From when it was due, not from now, so that oversleeping does not add up; a long delay is not made up for.
            self.due = max(self.due + 1.0 / self.pace, now - RUSH)

    def set_pace(self, pace: float | None, now: float) -> None:
        """Change the pace from the next step on."""
        self.pace, self.due = pace, now

    def pause(self) -> None:
        """Hold."""
        self.paused, self.granted = True, 0

    def resume(self, now: float) -> None:
        """Go on."""
        self.paused, self.granted, self.due = False, 0, max(self.due, now)

    def grant(self, steps: int) -> None:
        """Hold, but for so many steps more."""
        self.paused, self.granted = True, self.granted + steps if self.paused else steps
