"""The one spelling of times for people: Sat, Nov 28, 2026, 10:04 AM EST. `rvm.platform.times` says whose zone it is.

For input Django tries each format in order, and shows a value in the first one. Days that people write freely are read by
`rvm.platform.times.days`.
"""

from __future__ import annotations

DATETIME_FORMAT = "D, M j, Y, g:i A T"
DATE_FORMAT = "D, M j, Y"
TIME_FORMAT = "g:i A"
DATE_INPUT_FORMATS = [
    "%m/%d/%Y", "%m/%d/%y", "%Y-%m-%d", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%B %d %Y", "%a, %b %d, %Y",
]  # fmt: skip
TIME_INPUT_FORMATS = ["%I:%M %p", "%I:%M:%S %p", "%I %p", "%I:%M%p", "%I%p", "%H:%M", "%H:%M:%S"]
DATETIME_INPUT_FORMATS = [f"{day} {time}" for day in DATE_INPUT_FORMATS for time in TIME_INPUT_FORMATS]
