from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        from campaigns import launcher
        from campaigns.importing import upkeep
        from delivery import doorbell, tick

        doorbell.JOBS["imports"] = "campaigns.tasks.work_imports"
        tick.STEPS += [upkeep.ring_for_imports, upkeep.remove_files, *launcher.STEPS]
