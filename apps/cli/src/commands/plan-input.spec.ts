import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempDir } from '#testing';
import { UsageError } from '../exit-code.ts';
import { collectParam } from './param.ts';
import { readPlanInput, submissionOf } from './plan-input.ts';

async function write(folder: string, files: Record<string, string>): Promise<void> {
  await mkdir(join(folder, 'plans'), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

const steps = 'steps: [{ name: a, run: "true" }]\n';

describe('what is given of a plan', () => {
  it('is sent as it is, with its folder made absolute and what was given beside it', async () => {
    const folder = await tempDir('plans');
    const text = `version: 1\nname: x\nparams: { n: 1 }\nrepo: { url: ../service, base: main }\n${steps}`;
    await write(folder, { 'plans/plan.yaml': text });
    const input = await readPlanInput(join(folder, 'plans/plan.yaml'), { param: { n: '2' }, base: 'v1' });
    expect(submissionOf(input)).toEqual({
      ...{ text, repoUrl: join(folder, 'service'), base: 'v1', params: { n: '2' } },
    });
    expect(input.parsed).toMatchObject({
      ok: true,
      definition: { repo: { url: join(folder, 'service'), base: 'v1' }, params: { n: 2 } },
    });
  });

  it('has the address that an expression makes of the params', async () => {
    const folder = await tempDir('plans');
    const text = `version: 1\nname: x\nparams: { repo: { type: string } }\nrepo: '\${{ params.repo }}'\n${steps}`;
    await write(folder, { 'plan.yaml': text });
    const given = async (repo: string) =>
      submissionOf(await readPlanInput(join(folder, 'plan.yaml'), { param: { repo } })).repoUrl;
    expect(await given('service')).toBe(join(folder, 'service'));
    expect(await given('https://h/x.git')).toBeUndefined();
    const without = await readPlanInput(join(folder, 'plan.yaml'), {});
    expect(without.parsed.ok).toBe(false);
    expect(submissionOf(without)).toEqual({ text });
  });

  it('comes with the files of its templates, from beside the plan', async () => {
    const folder = await tempDir('plans');
    const text = `version: 1\nname: x\ntemplateFiles: [t.yaml]\nsteps: [{ name: a, include: t }]\n`;
    const template = 't: { noop: true }\n';
    await write(folder, { 'plan.yaml': text, 't.yaml': template });
    const input = await readPlanInput(join(folder, 'plan.yaml'), {});
    expect(submissionOf(input).files).toEqual({ 't.yaml': template });
    expect(input.sources).toEqual([join(folder, 'plan.yaml'), join(folder, 't.yaml')]);
  });

  it.each([
    ['../secret', /not below the folder/],
    ['link.yaml', /not below the folder/],
    ['/etc/hostname', /cannot be read|not below the folder/],
    ['none.yaml', /cannot be read/],
    ['large.yaml', /larger than 1 MB/],
  ])('never carries off another file: %s', async (path, words) => {
    const folder = await tempDir('plans');
    await write(folder, {
      secret: 'x',
      'plans/plan.yaml': `version: 1\nname: x\ntemplateFiles: [${path}]\n${steps}`,
      'plans/large.yaml': ' '.repeat(1_100_000),
    });
    await symlink(join(folder, 'secret'), join(folder, 'plans/link.yaml'));
    const read = readPlanInput(join(folder, 'plans/plan.yaml'), {});
    await expect(read).rejects.toBeInstanceOf(UsageError);
    await expect(read).rejects.toThrow(words);
  });

  it('is still sent when it is no plan: what is wrong with it is the server’s to say', async () => {
    const folder = await tempDir('plans');
    await write(folder, { 'plan.yaml': ': : [' });
    const input = await readPlanInput(join(folder, 'plan.yaml'), {});
    expect(input.parsed.ok).toBe(false);
    expect(submissionOf(input)).toEqual({ text: ': : [' });
  });
});

describe('--param', () => {
  it('is collected by name, with everything after the first = as its value', () => {
    const one = collectParam('a=b=c');
    expect(collectParam('__proto__=x', one)).toEqual(
      Object.fromEntries([
        ['a', 'b=c'],
        ['__proto__', 'x'],
      ]),
    );
    expect(collectParam('empty=')).toEqual({ empty: '' });
  });

  it('is refused without a name, without a value, and twice', () => {
    expect(() => collectParam('=x')).toThrow('name=value');
    expect(() => collectParam('x')).toThrow('name=value');
    expect(() => collectParam('a=2', { a: '1' })).toThrow('a is given twice');
  });
});
