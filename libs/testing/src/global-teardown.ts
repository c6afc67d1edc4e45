import { removeTempRoot } from './temp-root.ts';

/** Set by `startSharedServers`. Set-up and tear-down are loaded apart: the process is all they share. */
export default async function tearDown(): Promise<void> {
  await (globalThis as { skeinSharedServers?: { stop(): Promise<void> } }).skeinSharedServers?.stop();
  removeTempRoot();
}
