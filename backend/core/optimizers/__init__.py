"""Update rules and schedules, from their specs."""
