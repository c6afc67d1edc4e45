import { createRequire, registerHooks } from 'node:module';
import type * as SharedServers from './shared-servers.ts';
import { makeTempRoot, removeTempRoot } from './temp-root.ts';

/**
 * Jest's global set-up of the project `int`: one Postgres and one nats-server for the whole run.
 * Jest translates this file and what it requires, but resolves with Node's own conditions: the hook makes `#lib` mean
 * the sources here too, so that no build is needed before the tests.
 */
export default async function setUp(): Promise<void> {
  makeTempRoot();
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      next(
        specifier,
        specifier.startsWith('#')
          ? { ...context, conditions: [...context.conditions, 'skein-source'] }
          : context,
      ),
  });
  try {
    const servers = createRequire(import.meta.url)('./shared-servers.ts') as typeof SharedServers;
    await servers.startSharedServers();
  } catch (error) {
    removeTempRoot();
    throw error;
  } finally {
    hooks.deregister();
  }
}
