"""Each alert of the database fires when it should, and no alert fires on a healthy one."""

from __future__ import annotations

import pytest

from tests.support.promtool import Rules, Series, fetch_promtool

POD = 'pod="postgresql-1"'
CLUSTER = 'cluster="postgresql"'
VOLUME = 'namespace="biomax-data",persistentvolumeclaim="postgresql-1"'
DAY = 24 * 60
HEALTHY: Series = {
    f"cnpg_collector_up{{{POD},{CLUSTER}}}": "1x3000",
    f"cnpg_platform_synchronous_replicas{{{POD}}}": "1x3000",
    f"cnpg_platform_synchronous_required{{{POD}}}": "1x3000",
    f"cnpg_pg_replication_lag{{{POD}}}": "0x3000",
    f"cnpg_pg_stat_archiver_last_failed_time{{{POD}}}": "-1x3000",
    f"cnpg_pg_stat_archiver_last_archived_time{{{POD}}}": "1000x3000",
    f'cnpg_collector_pg_wal_archive_status{{{POD},value="ready"}}': "0x3000",
    f"cnpg_collector_last_available_backup_timestamp{{{POD}}}": "0+60x3000",
    f"cnpg_collector_last_failed_backup_timestamp{{{POD}}}": "0x3000",
    f'cnpg_platform_checksums_failures{{{POD},datname="biomax_ai"}}': "0x3000",
    f"kubelet_volume_stats_available_bytes{{{VOLUME}}}": "50x3000",
    f"kubelet_volume_stats_capacity_bytes{{{VOLUME}}}": "100x3000",
    f'cnpg_backends_total{{{POD},usename="app"}}': "20x3000",
    f'cnpg_pg_settings_setting{{{POD},name="max_connections"}}': "100x3000",
    f'cnpg_backends_max_tx_duration_seconds{{{POD},datname="biomax_ai",usename="app"}}': "1x3000",
    f'cnpg_pg_database_xid_age{{{POD},datname="biomax_ai"}}': "1000000x3000",
}
# Which alert, the beginning of the series that changes, its values, and after how many minutes.
CASES = [
    ("PostgreSQLInstanceDown", "cnpg_collector_up", "0x60", 5),
    ("PostgreSQLCommitsWait", "cnpg_platform_synchronous_replicas", "0x60", 5),
    ("PostgreSQLReplicaLags", "cnpg_pg_replication_lag", "90x60", 10),
    ("PostgreSQLArchivingFails", "cnpg_pg_stat_archiver_last_failed_time", "1001x60", 10),
    ("PostgreSQLArchiveWaits", "cnpg_collector_pg_wal_archive_status", "11x60", 15),
    ("PostgreSQLNoRecentBackup", "cnpg_collector_last_available", "0x3000", DAY + 14 * 60),
    ("PostgreSQLBackupFailed", "cnpg_collector_last_failed_backup", "30000x60", 10),
    ("PostgreSQLPagesDamaged", "cnpg_platform_checksums_failures", "1x60", 1),
    ("PostgreSQLVolumeFills", "kubelet_volume_stats_available_bytes", "14x60", 15),
    ("PostgreSQLConnectionsRunOut", "cnpg_backends_total", "86x60", 10),
    ("PostgreSQLTransactionIsLong", "cnpg_backends_max_tx", "3601x60", 10),
    ("PostgreSQLTransactionIdsRunOut", "cnpg_pg_database_xid_age", "500000001x60", 15),
]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    """The rules of the database."""
    directory = tmp_path_factory.mktemp("promtool")
    return Rules(fetch_promtool(directory), directory, "postgresql")


def test_prometheus_takes_them(rules: Rules) -> None:
    assert f"SUCCESS: {len(rules.alerts)} rules found" in rules.check()


def test_a_healthy_database_is_silent(rules: Rules) -> None:
    assert rules.firing(HEALTHY, 20) == set()
    assert rules.firing(HEALTHY, 2 * DAY) == set()


@pytest.mark.parametrize(("alert", "begins", "values", "minutes"), CASES)
def test_one_wrong_measurement_fires_its_alert_and_no_other(
    rules: Rules, alert: str, begins: str, values: str, minutes: int
) -> None:
    (wrong,) = [name for name in HEALTHY if name.startswith(begins)]
    assert rules.firing({**HEALTHY, wrong: values}, minutes) == {alert}


def test_a_database_that_nobody_measures_fires(rules: Rules) -> None:
    gone = {name: values for name, values in HEALTHY.items() if "collector_up" not in name}
    assert rules.firing(gone, 10) == {"PostgreSQLAbsent"}


def test_every_alert_has_its_case(rules: Rules) -> None:
    assert sorted(rules.alerts) == sorted([*(case[0] for case in CASES), "PostgreSQLAbsent"])


@pytest.mark.parametrize("field", ["summary", "action"])
def test_every_alert_says_what_is_so_and_what_to_do(rules: Rules, field: str) -> None:
    assert rules.text.count(f"  {field}: ") == len(rules.alerts)
