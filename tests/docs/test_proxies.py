"""What the proxies of deploy/ answer themselves is a problem of the platform."""

from __future__ import annotations

import json
import re

import pytest

from rvm.project.docs import PROBLEMS
from tests.docs.pages import PROJECT

KNOWN = {code: problem for layer in PROBLEMS for code, problem in layer.items()}


@pytest.mark.parametrize(("file", "count"), [("nginx.conf", 5), ("Caddyfile", 2)])
def test_each_answer_of_a_proxy_is_a_known_problem(file: str, count: int) -> None:
    answers = [json.loads(body) for body in re.findall(r'\{"type".*?"\}', (PROJECT / "deploy" / file).read_text())]
    assert len(answers) == count
    for answer in answers:
        problem = KNOWN[answer["code"]]
        assert (answer["title"], answer["status"]) == (problem.title, problem.status)
        assert answer["error_code"] == answer["code"] == re.split("[/#]", answer["type"])[-1]
        assert answer["detail"].endswith(".")
