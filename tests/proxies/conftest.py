"""RVM's web server as production runs it, and nginx or Caddy in front of it with the configuration of deploy/."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.chaos.scene import free_port
from tests.chaos.servers import Servers, own_servers
from tests.proxies.fronts import FRONTS, Certificate, Front, Web, certificate, web_server


@pytest.fixture(scope="session")
def servers(django_db_blocker: DjangoDbBlocker) -> Iterator[Servers]:
    with django_db_blocker.unblock(), own_servers() as started:
        yield started


@pytest.fixture(scope="session")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session", params=sorted(FRONTS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def web(servers: Servers, kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """One web server for each proxy, because it knows the proxy's address."""
    with web_server(servers, tmp_path_factory.mktemp(f"web-{kind}")) as started:
        yield started


@pytest.fixture(scope="session")
def front(web: Web, kind: str, signed: Certificate) -> Iterator[Front]:
    with FRONTS[kind](web.public_port, web.port, signed) as started:
        yield started


@pytest.fixture(scope="session")
def hurried(web: Web, kind: str, signed: Certificate) -> Iterator[Front]:
    """A proxy that waits for seconds only."""
    with FRONTS[kind](free_port(), web.port, signed, hurried=True) as started:
        yield started


@pytest.fixture
def front_of_nobody(kind: str, signed: Certificate) -> Iterator[Front]:
    """A proxy behind which nothing listens."""
    with FRONTS[kind](free_port(), free_port(), signed) as started:
        yield started
