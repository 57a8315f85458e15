"""Whether a script can be used, asked before it is kept: whatever a list says, the voicemail that comes of it must be one."""

from __future__ import annotations

from typing import Any

from rvm.platform.models import Workspace
from usecases.errors import Refused


def check_script(workspace: Workspace, script: Any) -> list[Refused]:
    """Everything that is wrong with the script (as JSON), one refusal each; empty: it can be used."""
    raise NotImplementedError
