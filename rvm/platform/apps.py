from django.apps import AppConfig


class PlatformConfig(AppConfig):
    name = "rvm.platform"
    label = "platform"
    verbose_name = "Platform"
