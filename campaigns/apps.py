from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        from campaigns import launcher
        from campaigns.importing import upkeep
        from campaigns.opt_outs import upkeep as opt_outs
        from delivery.runtime import wakeups
        from delivery.worker import tick
        from rvm.platform.observability import health

        wakeups.JOBS["imports"] = "campaigns.tasks.work_imports"
        health.WARNINGS.append(upkeep.warning)
        tick.STEPS += [upkeep.ring_for_imports, upkeep.remove_files, upkeep.remove_strays]
        tick.STEPS += [opt_outs.ring_for_lists, opt_outs.remove_files, *launcher.STEPS]
