"""The tables of the simulator's state."""

VERSION = 1

TABLES = """
CREATE TABLE host (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, arch TEXT NOT NULL, cpus INTEGER NOT NULL,
    cpu_mhz INTEGER NOT NULL, memory_bytes INTEGER NOT NULL, storage_bytes INTEGER NOT NULL,
    hvm INTEGER NOT NULL DEFAULT 1, maintenance INTEGER NOT NULL DEFAULT 0,
    powered INTEGER NOT NULL DEFAULT 1, availability TEXT, started_at REAL NOT NULL
) WITHOUT ROWID;
-- `incoming` rows are Instances for which a migration is prepared: they hold capacity, but do not run here.
CREATE TABLE instance (
    id TEXT NOT NULL, incoming INTEGER NOT NULL DEFAULT 0, host TEXT NOT NULL, state TEXT NOT NULL,
    kind TEXT NOT NULL, cpu_mhz_reserved INTEGER NOT NULL, memory_reserved INTEGER NOT NULL,
    started_at REAL NOT NULL, spec TEXT NOT NULL, display INTEGER NOT NULL,
    console_password TEXT NOT NULL,
    PRIMARY KEY (id, incoming)
) WITHOUT ROWID;
CREATE INDEX instance_host ON instance (host, state, id, cpu_mhz_reserved, memory_reserved);
CREATE TABLE nic (
    id TEXT PRIMARY KEY, instance TEXT NOT NULL, host TEXT NOT NULL, network TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX nic_instance ON nic (instance);
CREATE INDEX nic_network ON nic (host, network);
CREATE TABLE pool (
    id TEXT PRIMARY KEY, kind TEXT NOT NULL, url TEXT NOT NULL, capacity_bytes INTEGER NOT NULL,
    used_bytes INTEGER NOT NULL DEFAULT 0, provisioned_bytes INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE pool_host (
    pool TEXT NOT NULL, host TEXT NOT NULL, PRIMARY KEY (host, pool)
) WITHOUT ROWID;
CREATE INDEX pool_host_pool ON pool_host (pool);
CREATE TABLE volume (
    id TEXT NOT NULL, pool TEXT NOT NULL, format TEXT NOT NULL, provisioning TEXT NOT NULL,
    size_bytes INTEGER NOT NULL, allocated_bytes INTEGER NOT NULL, template TEXT, instance TEXT,
    created_at REAL NOT NULL, PRIMARY KEY (pool, id)
) WITHOUT ROWID;
CREATE INDEX volume_instance ON volume (instance) WHERE instance IS NOT NULL;
CREATE INDEX volume_template ON volume (pool, template) WHERE template IS NOT NULL;
CREATE TABLE snapshot (
    id TEXT NOT NULL, pool TEXT NOT NULL, volume TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    allocated_bytes INTEGER NOT NULL, created_at REAL NOT NULL, PRIMARY KEY (pool, volume, id)
) WITHOUT ROWID;
CREATE TABLE template (
    id TEXT NOT NULL, pool TEXT NOT NULL, format TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    allocated_bytes INTEGER NOT NULL, created_at REAL NOT NULL, PRIMARY KEY (pool, id)
) WITHOUT ROWID;
CREATE TABLE network (
    host TEXT NOT NULL, id TEXT NOT NULL, isolation TEXT NOT NULL, tag INTEGER,
    label TEXT NOT NULL, mtu INTEGER NOT NULL, PRIMARY KEY (host, id)
) WITHOUT ROWID;
CREATE TABLE router (
    id TEXT PRIMARY KEY, generation INTEGER NOT NULL, config TEXT NOT NULL,
    redundancy_group INTEGER, redundancy_ip TEXT, redundancy_priority INTEGER,
    applied_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE store (
    id TEXT PRIMARY KEY, url TEXT NOT NULL, capacity_bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE image (
    store TEXT NOT NULL, path TEXT NOT NULL, format TEXT NOT NULL, size_bytes INTEGER NOT NULL,
    physical_bytes INTEGER NOT NULL, checksum TEXT, transfer TEXT, began_at REAL NOT NULL,
    seconds REAL NOT NULL, PRIMARY KEY (store, path)
) WITHOUT ROWID;
CREATE INDEX image_transfer ON image (store, transfer);
CREATE TABLE link (
    store TEXT NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL, PRIMARY KEY (store, id)
) WITHOUT ROWID;
CREATE TABLE upload (
    store TEXT NOT NULL, id TEXT NOT NULL, path TEXT NOT NULL, format TEXT NOT NULL,
    maximum_bytes INTEGER, PRIMARY KEY (store, id)
) WITHOUT ROWID;
CREATE TABLE fault (
    id INTEGER PRIMARY KEY AUTOINCREMENT, zone INTEGER, pod INTEGER, cluster INTEGER, host INTEGER,
    name TEXT NOT NULL, value TEXT NOT NULL, count INTEGER, json_response TEXT
);
CREATE TABLE answer (
    id TEXT PRIMARY KEY, answer TEXT NOT NULL, finished_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX answer_age ON answer (finished_at);
"""

# What lies on a pool is counted as it changes: a sum over its volumes would grow with them.
COUNTED = {"volume": "size_bytes", "template": "size_bytes", "snapshot": "allocated_bytes"}
TRIGGERS = [
    f"CREATE TRIGGER {table}_{event.lower()} AFTER {event} ON {table} BEGIN UPDATE pool SET"
    f" used_bytes = used_bytes {sign} {row}.allocated_bytes, provisioned_bytes = provisioned_bytes {sign} {row}.{most}"
    f" WHERE id = {row}.pool; END"
    for table, most in COUNTED.items()
    for event, sign, row in (("INSERT", "+", "new"), ("DELETE", "-", "old"))
] + [
    "CREATE TRIGGER volume_update AFTER UPDATE OF size_bytes, allocated_bytes ON volume BEGIN UPDATE pool SET"
    " used_bytes = used_bytes + new.allocated_bytes - old.allocated_bytes,"
    " provisioned_bytes = provisioned_bytes + new.size_bytes - old.size_bytes WHERE id = new.pool; END"
]

STATEMENTS = (*(statement for statement in TABLES.split(";\n") if statement.strip()), *TRIGGERS)
