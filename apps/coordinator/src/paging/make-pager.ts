import type { Settings } from '#config';
import { PageOutbox, type LedgerDatabase } from '#ledger';
import { Pager } from '#paging';
import type { Logger } from '#telemetry';

/**
 * `database`: of its own, so that no append waits for a connection that a page is using. `active`: whether this replica
 * decides.
 */
export function makePager(o: {
  settings: Settings;
  database: LedgerDatabase;
  log: Logger;
  active: () => boolean;
}): Pager {
  const { sinks, timeoutMs, linkUrl } = o.settings.paging;
  return new Pager({
    sinks,
    outbox: new PageOutbox(o.database),
    rendering: { fleet: o.settings.bus.namespace, baseUrl: linkUrl },
    log: o.log,
    active: o.active,
    timeoutMs,
  });
}
