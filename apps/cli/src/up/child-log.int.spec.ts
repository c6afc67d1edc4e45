import { appendFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '#testing';
import { ChildLog } from './child-log.ts';

describe("a child's log", () => {
  it('is bounded: what is too large moves on, what is older goes', async () => {
    const path = join(await tempDir('log'), 'worker.log');
    const log = new ChildLog(path, 100);
    for (const letter of ['a', 'b', 'c', 'd']) {
      appendFileSync(path, `${letter.repeat(150)}\n`);
      log.rotateIfLarge();
    }
    expect(statSync(path).size).toBe(0);
    expect(readFileSync(`${path}.1`, 'utf8')).toContain('d');
    expect(readFileSync(`${path}.2`, 'utf8')).toContain('c');
    expect(existsSync(`${path}.3`)).toBe(false);
    log.close();
  });

  it('tells its last lines', async () => {
    const path = join(await tempDir('log'), 'worker.log');
    const log = new ChildLog(path);
    appendFileSync(path, Array.from({ length: 100 }, (_, i) => `line ${i}`).join('\n'));
    expect(log.tail(2)).toEqual(['line 98', 'line 99']);
    log.close();
  });
});
