"""The log in Postgres: topics, partition counters, a table of records per topic, and functions.

Promise: no service may write a table here. Services append, create topics and delete expired
records by functions that run as the owner of the schema and check `log.rights` for each topic. An
offset is taken by an update of the counter row in the transaction of the insert, so it becomes
visible after all smaller ones. A record carries the time bucket in which it was appended; retention
drops whole buckets.
What can go wrong: the schema has no row-level security, because a partition holds many workspaces;
its rights are by topic.
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
-- One row a topic. bucket_ms is the width of a time bucket, NULL where records are kept for ever.
CREATE TABLE log.topics (
    name         text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9.-]{0,39}$'),
    partitions   integer NOT NULL CHECK (partitions BETWEEN 1 AND 256),
    retention_ms bigint CHECK (retention_ms > 0),
    bucket_ms    bigint CHECK (bucket_ms > 0),
    compacted    boolean NOT NULL
)
""",
    """
-- The counter of each partition: its row lock puts offsets in order.
CREATE TABLE log.partitions (
    topic               text    NOT NULL REFERENCES log.topics (name),
    partition           integer NOT NULL,
    low_offset          bigint  NOT NULL DEFAULT 0,
    next_offset         bigint  NOT NULL DEFAULT 0,
    appended_at_ms      bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50)
""",
    """
-- Which log-in may do what with which topic. The owner of the schema may do everything.
CREATE TABLE log.rights (
    role_name  text    NOT NULL,
    topic      text    NOT NULL,
    may_append boolean NOT NULL,
    may_read   boolean NOT NULL,
    PRIMARY KEY (role_name, topic)
)
""",
    """
INSERT INTO log.rights (role_name, topic, may_append, may_read) VALUES
    ('laurel_tracking',    'laurel.events',      true,  false),
    ('laurel_tracking',    'laurel.catalog',     false, true),
    ('laurel_attribution', 'laurel.events',      false, true),
    ('laurel_attribution', 'laurel.catalog',     false, true),
    ('laurel_attribution', 'laurel.credits',     true,  false),
    ('laurel_attribution', 'laurel.dead-letter', true,  true),
    ('laurel_roi',         'laurel.credits',     false, true),
    ('laurel_roi',         'laurel.catalog',     true,  true)
""",
)

# The table of a topic has the topic's name; its buckets are "<topic>@<bucket>".
ENSURE_TOPIC = (
    """
CREATE FUNCTION log.ensure_topic(
    topic_name text, partition_count integer, retention bigint, is_compacted boolean
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('log.ensure_topic', 0));
    IF EXISTS (SELECT FROM log.topics WHERE name = topic_name) THEN
        RETURN;
    END IF;
    -- About 30 buckets a topic, so that retention is late by a thirtieth at most.
    INSERT INTO log.topics (name, partitions, retention_ms, bucket_ms, compacted)
    VALUES (topic_name, partition_count, retention,
            CASE WHEN retention IS NOT NULL THEN greatest(100, retention / 30) END, is_compacted);
    INSERT INTO log.partitions (topic, partition)
    SELECT topic_name, n FROM generate_series(0, partition_count - 1) AS n;
    EXECUTE format(
        'CREATE TABLE log.%I (
             partition integer NOT NULL, record_offset bigint NOT NULL, bucket bigint NOT NULL,
             appended_at_ms bigint NOT NULL,
             key bytea NOT NULL, value bytea NOT NULL, headers bytea NOT NULL,
             PRIMARY KEY (partition, record_offset, bucket)
         ) PARTITION BY RANGE (bucket)', topic_name);
    IF is_compacted THEN
        EXECUTE format('CREATE INDEX ON log.%I (key, partition, record_offset)', topic_name);
    END IF;
    PERFORM log.grant_rights();
END $$
""",
    """
CREATE FUNCTION log.grant_rights() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE line record;
BEGIN
    FOR line IN SELECT DISTINCT role_name FROM log.rights JOIN pg_roles ON rolname = role_name LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA log TO %I', line.role_name);
        EXECUTE format('GRANT SELECT ON log.topics, log.partitions TO %I', line.role_name);
    END LOOP;
    FOR line IN
        SELECT role_name, topic FROM log.rights JOIN pg_roles ON rolname = role_name
        JOIN log.topics ON name = topic WHERE may_read
    LOOP
        EXECUTE format('GRANT SELECT ON log.%I TO %I', line.topic, line.role_name);
    END LOOP;
END $$
""",
)

APPEND = (
    """
CREATE FUNCTION log.append(
    topic_name text, partition_numbers integer[],
    keys bytea[], record_values bytea[], header_blocks bytea[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    width  bigint;
    now_ms bigint;
    slot   bigint;
BEGIN
    PERFORM log.demand_append(topic_name);
    SELECT bucket_ms INTO STRICT width FROM log.topics WHERE name = topic_name;
    -- Ascending order, so that two batches over the same partitions never deadlock.
    PERFORM FROM log.partitions
    WHERE topic = topic_name AND partition = ANY (partition_numbers) ORDER BY partition FOR UPDATE;
    -- Never before an earlier record, so that time buckets are ranges of offsets.
    SELECT greatest(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
                    max(appended_at_ms))
    INTO now_ms FROM log.partitions
    WHERE topic = topic_name AND partition = ANY (partition_numbers);
    slot := coalesce(now_ms / width, 0);
    PERFORM log.ensure_bucket(topic_name, slot);
    EXECUTE format(
        'WITH batch AS MATERIALIZED (
             SELECT number, key, value, headers,
                    row_number() OVER (PARTITION BY number ORDER BY place) - 1 AS step
             FROM unnest($2, $3, $4, $5)
                  WITH ORDINALITY AS given (number, key, value, headers, place)
         ), counts AS (
             SELECT number, count(*) AS records FROM batch GROUP BY number
         ), taken AS (
             UPDATE log.partitions AS p SET next_offset = next_offset + records, appended_at_ms = $6
             FROM counts WHERE p.topic = $1 AND p.partition = number
             RETURNING p.partition, p.next_offset - records AS first_offset
         )
         INSERT INTO log.%I (partition, record_offset, bucket, appended_at_ms, key, value, headers)
         SELECT partition, first_offset + step, $7, $6, key, value, headers
         FROM batch JOIN taken ON partition = number', topic_name)
    USING topic_name, partition_numbers, keys, record_values, header_blocks, now_ms, slot;
    PERFORM pg_notify('laurel_log', topic_name);
END $$
""",
    """
CREATE FUNCTION log.demand_append(topic_name text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(session_user, current_user, 'MEMBER') AND NOT EXISTS (
        SELECT FROM log.rights WHERE role_name = session_user AND topic = topic_name AND may_append
    ) THEN
        RAISE insufficient_privilege
            USING MESSAGE = format('%s may not append to %s', session_user, topic_name);
    END IF;
END $$
""",
    """
CREATE FUNCTION log.ensure_bucket(topic_name text, slot bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE child text := topic_name || '@' || slot;
BEGIN
    IF to_regclass(format('log.%I', child)) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('log.bucket:' || topic_name, 0));
        EXECUTE format(
            'CREATE TABLE IF NOT EXISTS log.%I PARTITION OF log.%I FOR VALUES FROM (%s) TO (%s)',
            child, topic_name, slot, slot + 1);
    END IF;
END $$
""",
)

FORGET = (
    """
-- Drop the time buckets that are wholly older than the retention of the topic, by the clock of the
-- server. Any service may call it at any time.
CREATE FUNCTION log.drop_expired(topic_name text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    kept    log.topics;
    horizon bigint;
    child   record;
    dropped integer := 0;
BEGIN
    SELECT * INTO STRICT kept FROM log.topics WHERE name = topic_name;
    IF kept.retention_ms IS NULL
        OR NOT pg_try_advisory_xact_lock(hashtextextended('log.forget:' || topic_name, 0)) THEN
        RETURN 0;
    END IF;
    horizon := floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - kept.retention_ms;
    horizon := horizon / kept.bucket_ms;
    -- In the order of `log.append`, so that the two never deadlock.
    PERFORM FROM log.partitions WHERE topic = topic_name ORDER BY partition FOR UPDATE;
    FOR child IN
        SELECT relname, split_part(relname, '@', 2)::bigint AS slot
        FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = format('log.%I', topic_name)::regclass
        ORDER BY slot
    LOOP
        CONTINUE WHEN child.slot >= horizon;
        EXECUTE format(
            'UPDATE log.partitions AS p SET low_offset = greatest(low_offset, gone.last + 1)
             FROM (SELECT partition, max(record_offset) AS last
                   FROM log.%I GROUP BY partition) AS gone
             WHERE p.topic = $1 AND p.partition = gone.partition', child.relname) USING topic_name;
        EXECUTE format('DROP TABLE log.%I', child.relname);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$
""",
    """
-- Delete at most records_max values of a compacted topic that a newer value of their key replaces.
CREATE FUNCTION log.compact(topic_name text, records_max integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE removed integer;
BEGIN
    IF NOT (SELECT compacted FROM log.topics WHERE name = topic_name)
        OR NOT pg_try_advisory_xact_lock(hashtextextended('log.forget:' || topic_name, 0)) THEN
        RETURN 0;
    END IF;
    EXECUTE format(
        'DELETE FROM log.%1$I AS doomed USING (
             SELECT partition, record_offset, bucket FROM log.%1$I AS older
             WHERE EXISTS (
                 SELECT FROM log.%1$I AS newer WHERE newer.key = older.key
                 AND newer.partition = older.partition
                 AND newer.record_offset > older.record_offset)
             LIMIT $1
         ) AS replaced
         WHERE doomed.partition = replaced.partition
           AND doomed.record_offset = replaced.record_offset
           AND doomed.bucket = replaced.bucket', topic_name) USING records_max;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$
""",
)

RIGHTS = (
    """
-- Functions are granted to PUBLIC by default, so the internal ones are revoked. The others also
-- need USAGE on the schema.
REVOKE ALL ON FUNCTION
    log.ensure_bucket(text, bigint), log.demand_append(text), log.grant_rights()
FROM PUBLIC
""",
    """
SELECT log.grant_rights()
""",
)

DROP = (
    """
DO $$
DECLARE topic_name text;
BEGIN
    FOR topic_name IN SELECT name FROM log.topics LOOP
        EXECUTE format('DROP TABLE log.%I', topic_name);
    END LOOP;
END $$
""",
    """
DROP FUNCTION log.compact(text, integer)
""",
    """
DROP FUNCTION log.drop_expired(text)
""",
    """
DROP FUNCTION log.ensure_bucket(text, bigint)
""",
    """
DROP FUNCTION log.demand_append(text)
""",
    """
DROP FUNCTION log.append(text, integer[], bytea[], bytea[], bytea[])
""",
    """
DROP FUNCTION log.grant_rights()
""",
    """
DROP FUNCTION log.ensure_topic(text, integer, bigint, boolean)
""",
    """
DROP TABLE log.rights
""",
    """
DROP TABLE log.partitions
""",
    """
DROP TABLE log.topics
""",
)


def upgrade() -> None:
    """Create the tables and the functions, and grant rights to the roles that exist."""
    for statement in (*TABLES, *ENSURE_TOPIC, *APPEND, *FORGET, *RIGHTS):
        op.execute(statement)


def downgrade() -> None:
    """Drop everything but the schema, which holds the version table."""
    for statement in DROP:
        op.execute(statement)
