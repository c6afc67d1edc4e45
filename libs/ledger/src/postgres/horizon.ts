/**
 * How far the ledger can be read without skipping what commits late: every transaction below this id that ever writes
 * events is over. Only writers of this schema hold it back, whatever else the server is busy with.
 *
 * A writer locks `term` (an append, a takeover) or `events` (anybody else) before it is given a transaction id, and keeps
 * the lock until what it wrote is visible. So whoever was given an id before this statement's snapshot and is not
 * among those that hold such a lock now is over. The locks are looked at after the snapshot was taken: what is read up to
 * the horizon must be read by a later statement, with a snapshot of its own.
 */
export function horizonSql(schema: string): string {
  return `WITH locks AS MATERIALIZED (
      SELECT locktype, relation, transactionid, virtualtransaction, mode FROM pg_locks
      WHERE granted AND (
        locktype = 'transactionid' AND mode = 'ExclusiveLock'
        OR locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND (relation = '${schema}.term'::regclass AND mode IN ('RowShareLock', 'RowExclusiveLock')
            OR relation = '${schema}.events'::regclass AND mode = 'RowExclusiveLock'))
    ), writers AS (
      SELECT DISTINCT w.virtualtransaction, x.transactionid
      FROM locks w LEFT JOIN locks x ON x.virtualtransaction = w.virtualtransaction AND x.locktype = 'transactionid'
      WHERE w.locktype = 'relation'
    ) SELECT CASE
        -- A writer whose id is not told yet: then nobody's open transaction is passed.
        WHEN EXISTS (SELECT FROM writers WHERE transactionid IS NULL) THEN pg_snapshot_xmin(pg_current_snapshot())
        ELSE coalesce((
          SELECT open FROM pg_snapshot_xip(pg_current_snapshot()) AS open
          WHERE open::xid IN (SELECT transactionid FROM writers) ORDER BY open LIMIT 1
        ), pg_snapshot_xmax(pg_current_snapshot()))
      END::text AS horizon`;
}
