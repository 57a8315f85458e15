"""The way from a list to the last look before the launch on a phone, of which no page has to be scrolled sideways."""

from __future__ import annotations

import pytest
from django.urls import reverse
from selenium.webdriver.common.by import By

from campaigns.models import Campaign
from tests.e2e.admin_pages import PHONE_WIDTH, AdminPages

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

PEOPLE = b"First Name,Last Name,Mobile,Home Phone,Street,Provider\n" + b"".join(
    b"Ana,Alder,(202) 555-01%02d,,1 Elm St,Dr. Gray\n" % number for number in range(3)
)


def test_a_list_is_added_and_looked_at_on_a_phone(admin: AdminPages, campaign: Campaign) -> None:
    with admin.on_a_phone():
        admin.go(reverse("admin:index"))
        [button] = [
            each
            for each in admin.browser.find_elements(By.CSS_SELECTOR, '#header-inner [aria-label="Navigation"]')
            if each.is_displayed()
        ]
        button.click()
        admin.until(admin.button("Campaigns").is_displayed, "The navigation does not open.")
        widths = [admin.width()]
        admin.press("Campaigns")
        widths.append(admin.width())
        admin.go(reverse("admin:campaigns_campaign_change", args=[campaign.pk]))
        widths.append(admin.width())
        admin.choose_file("people.csv", PEOPLE)
        admin.press("Upload")
        widths.append(admin.width())
        admin.press("Check the list")
        admin.work()
        widths.append(admin.width())
        admin.write("consent_statement", "All of them agreed at registration.")
        admin.press("Import 3 people")
        admin.work()
        admin.go(reverse("admin:campaigns_campaign_change", args=[campaign.pk]))
        widths.append(admin.width())
        admin.go(reverse("admin:campaigns_campaign_launch", args=[campaign.pk]))
        admin.reads("Sent at once")
        widths.append(admin.width())
    assert max(widths) <= PHONE_WIDTH, widths
