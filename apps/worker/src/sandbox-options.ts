import type { Settings } from '#config';
import type { SandboxOptions } from '#sandbox';

/**
 * What the settings say of every step's surroundings. Everything of ours is hidden: a data folder may lie below one that
 * steps see (/opt, say), with the ledger's files, passwords, and other steps' leases in it.
 */
export function sandboxOptions(
  settings: Pick<Settings, 'dirs' | 'sandbox'>,
  environment: { PATH: string; LANG: string },
): Pick<SandboxOptions, 'readable' | 'extraWritable' | 'path' | 'lang'> & { hidden: string[] } {
  const { data, work, artifacts } = settings.dirs;
  const { readable, writable } = settings.sandbox;
  return {
    readable: [...readable],
    extraWritable: [...writable],
    hidden: [data, work, artifacts],
    path: environment.PATH,
    lang: environment.LANG,
  };
}
