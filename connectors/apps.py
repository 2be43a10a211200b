"""The Django application of connectors: hands settings to the modules that know no Django."""

from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings

from connectors import network, paths, registry


class ConnectorsConfig(AppConfig):
    """Names the application; its label stays `connectors`."""

    name = "connectors"
    label = "connectors"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        network.configure(settings.SYNCDECK_NETWORK_ALLOW)
        paths.configure(settings.SYNCDECK_DATA_DIR, settings.SYNCDECK_FILE_ROOTS, own_files())
        registry.look_in(app.name for app in apps.get_app_configs())


def own_files() -> list[Path]:
    """Keys and databases of the portal itself, which no connector may read or write."""
    data_dir = Path(settings.SYNCDECK_DATA_DIR)
    databases = [data_dir / name for name in ("credentials.key", "secret.key")]
    for database in settings.DATABASES.values():
        if database["ENGINE"].endswith("sqlite3"):
            databases += [Path(name) for name in (database["NAME"], database.get("TEST", {}).get("NAME")) if name]
    return [Path(f"{path}{suffix}") for path in databases for suffix in ("", "-wal", "-shm", "-journal")]
