import { execFileSync } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '#testing';
import { judgeOutputs, OUTPUTS_BYTES_MAX, readOutputs } from './outputs.ts';

const text = (value: string) => ({ kind: 'text' as const, text: value });

describe('the outputs of a step', () => {
  it('keeps the declared names only', () => {
    expect(judgeOutputs(text('{"files":["a"],"extra":1}'), ['files'])).toEqual({
      ok: true,
      outputs: { files: ['a'] },
    });
  });

  it('asks for nothing when nothing is declared', () => {
    expect(judgeOutputs({ kind: 'missing' }, [])).toEqual({ ok: true, outputs: {} });
  });

  it.each([
    ['a missing file', { kind: 'missing' as const }, 'no such file'],
    ['no JSON', text('hello'), 'not a JSON object'],
    ['a list', text('[1]'), 'not a JSON object'],
    ['a missing name', text('{"other":1}'), 'lacks files'],
    ['an inherited name', text('{"__proto__":{"files":1}}'), 'lacks files'],
    ['a large file', { kind: 'too-large' as const }, 'larger than'],
    ['a tower of lists', text(`{"files":${'['.repeat(30_000)}${']'.repeat(30_000)}}`), 'nested deeper'],
    ['numbers that grow when they are sent', text(`{"files":[1${',1e20'.repeat(12_000)}]}`), 'larger than'],
    ['a symlink or pipe', { kind: 'irregular' as const }, 'regular file'],
  ])('rejects %s and says what is wrong', (_what, given, says) => {
    expect(judgeOutputs(given, ['files'])).toMatchObject({
      ok: false,
      reason: { code: 'outputs-missing', message: expect.stringContaining(says) },
    });
  });

  it('never follows a link, never waits on a pipe, never reads without end', async () => {
    const dir = await tempDir('outputs');
    await symlink('/etc/passwd', join(dir, 'link'));
    execFileSync('mkfifo', [join(dir, 'pipe')]);
    await writeFile(join(dir, 'large'), Buffer.alloc(OUTPUTS_BYTES_MAX + 1, 32));
    await writeFile(join(dir, 'good'), '{}');
    expect(await readOutputs(join(dir, 'absent'))).toEqual({ kind: 'missing' });
    expect(await readOutputs(join(dir, 'link'))).toEqual({ kind: 'irregular' });
    expect(await readOutputs(join(dir, 'pipe'))).toEqual({ kind: 'irregular' });
    expect(await readOutputs(dir)).toEqual({ kind: 'irregular' });
    expect(await readOutputs(join(dir, 'large'))).toEqual({ kind: 'too-large' });
    expect(await readOutputs(join(dir, 'good'))).toEqual(text('{}'));
  });
});
