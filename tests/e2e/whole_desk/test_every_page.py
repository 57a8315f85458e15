"""Every page of the desk, about a row of every kind: axe finds nothing of weight, light and dark, and a phone shows it whole."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from selenium.webdriver import Chrome

from rvm.platform.models import User
from tests.e2e.admin_pages import PHONE_WIDTH, AdminPages
from tests.rvm.project.access.routes import ADMIN, Route
from tests.rvm.project.access.world import World, make_world

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

# axe-core itself; the package's own client is for another driver.
AXE = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text()
OF_WEIGHT = ("serious", "critical")
SHARES = [ADMIN[start::12] for start in range(12)]


def pages(world: World, reader: User, routes: list[Route]) -> Iterator[str]:
    """The addresses that show a page when they are opened, and no part of one."""
    client = Client()
    client.force_login(reader)
    for route in routes:
        address = world.addresses(route, reader)[0]
        answer = client.get(address)
        if (
            answer.status_code == 200
            and answer.headers["Content-Type"].startswith("text/html")
            and b"<html" in answer.content
        ):
            yield address


def findings(browser: Chrome, rules: dict[str, Any]) -> list[str]:
    ask = "const [options, done] = arguments; axe.run(document, options).then(found => done(found.violations))"
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in browser.execute_async_script(ask, {"resultTypes": ["violations"], **rules})
        if each["impact"] in OF_WEIGHT or each["id"] in ("region", "landmark-one-main")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("share", SHARES, ids=[str(number) for number in range(1, len(SHARES) + 1)])
def test_everybody_can_use_the_pages(admin: AdminPages, administrator: User, share: list[Route]) -> None:
    User.objects.filter(pk=administrator.pk).update(is_superuser=True)
    administrator.refresh_from_db()
    found, wide = {}, {}
    for address in pages(make_world(), administrator, share):
        admin.go(address)
        admin.browser.execute_script(AXE)
        light = findings(admin.browser, {})
        admin.browser.execute_script("document.documentElement.classList.add('dark')")
        dark = findings(admin.browser, {"runOnly": ["color-contrast"]})
        found[address] = light + [f"dark, {each}" for each in dark]
        with admin.on_a_phone():
            wide[address] = admin.width()
    assert {address: what for address, what in found.items() if what} == {}
    assert {address: width for address, width in wide.items() if width > PHONE_WIDTH} == {}
