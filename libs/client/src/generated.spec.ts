import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

describe('what is generated of the client', () => {
  it('is current: node scripts/write-client.mjs', async () => {
    const script = join(import.meta.dirname, '../../../scripts/write-client.mjs');
    const { stderr } = await promisify(execFile)(process.execPath, [script, '--check']);
    expect(stderr).toBe('');
  }, 60_000);
});
