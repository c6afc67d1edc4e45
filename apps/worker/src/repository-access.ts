import type { Settings } from '#config';
import { accessOf, type MirrorsOptions } from '#workspace';

/** Which repositories this worker may reach, and as whom. */
export function mirrorsOptions(settings: Settings): Pick<MirrorsOptions, 'allowed' | 'credentials'> {
  return accessOf(settings.git);
}
