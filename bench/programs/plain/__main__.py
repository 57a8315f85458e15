"""Its command line: `python -m bench.programs.plain migrate`."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

os.environ["DJANGO_SETTINGS_MODULE"] = "bench.programs.plain.settings"
execute_from_command_line(sys.argv)
