import { loadSettings } from '#config';
import { sandboxOptions } from './sandbox-options.ts';

describe('what every step of a worker may see', () => {
  it('is what the settings give, and nothing of the folders that are ours', () => {
    const settings = loadSettings({
      HOME: '/home/me',
      SKEIN_DATA_DIR: '/opt/skein',
      SKEIN_WORK_DIR: '/opt/fast/work',
      SKEIN_STEP_READABLE: '/srv/tools',
      SKEIN_STEP_WRITABLE: '/srv/cache',
    });
    expect(sandboxOptions(settings, { PATH: '/usr/bin', LANG: 'C.UTF-8' })).toEqual({
      readable: ['/srv/tools'],
      extraWritable: ['/srv/cache'],
      hidden: ['/opt/skein', '/opt/fast/work', '/opt/skein/artifacts'],
      path: '/usr/bin',
      lang: 'C.UTF-8',
    });
  });
});
