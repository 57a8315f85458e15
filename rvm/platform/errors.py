"""What a service refuses with: a stable code and a sentence, without HTTP, so that the API and the admin say the same."""

from __future__ import annotations

from typing import Any


class ServiceError(Exception):
    """`code` is stable. `field` is the argument that is wrong, in the API's words, where one is. `facts` are shown beside the
    sentence, such as the id of the row that stands in the way."""

    def __init__(self, code: str, sentence: str, *, field: str = "", **facts: Any) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.field = field
        self.facts = facts
