from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Reaching people"

    def ready(self) -> None:
        from campaigns import selectors
        from campaigns.api import event_types
        from campaigns.imports import maintenance, uploaded_lists
        from campaigns.lifecycle import audit_words, drafts, failed_work, scheduler
        from campaigns.opt_outs import maintenance as opt_outs
        from campaigns.people import erasure
        from campaigns.scripts import usage
        from delivery import exports
        from delivery.recordings import usage as sounds
        from delivery.runtime import wakeups
        from delivery.worker import tick
        from rvm.platform import quotas
        from rvm.platform.audit import vocabulary
        from rvm.platform.events import types
        from rvm.platform.health.checks import WARNINGS
        from rvm.platform.retention import holds, purges

        wakeups.JOBS["imports"] = "campaigns.tasks.work_imports"
        WARNINGS.append(maintenance.warning)
        failed_work.register()
        tick.STEPS += [maintenance.wake_for_imports, maintenance.remove_files, maintenance.remove_strays]
        tick.STEPS.append(erasure.go_on_with_open)
        tick.STEPS += [opt_outs.wake_for_lists, opt_outs.remove_files, *scheduler.STEPS]
        sounds.NEEDED_BY.append(usage.needs)
        holds.CAMPAIGNS.append(selectors.holdable)
        exports.NAMES_OF_CAMPAIGNS.append(selectors.names_of)
        quotas.QUOTAS.append(uploaded_lists.LISTS)
        purges.PURGES.append(drafts.DRAFTS)
        vocabulary.add(audit_words.MESSAGES, audit_words.DISCLOSURES, audit_words.SUBJECTS)
        types.add(event_types.TYPES)
