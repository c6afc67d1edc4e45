import { parsePlan } from './parse-plan.ts';
import { isLocalFolder, repositoryProblem } from '#domain';
import { repoUrlProblem, resolveRepoInText, resolveRepoUrl } from './repo-url.ts';

describe('an address of a repository', () => {
  it.each(['.', './service', '../x', '/srv/r.git', 'service', 'a/b:c', '~/x'])('%s is a folder', (url) => {
    expect(isLocalFolder(url)).toBe(true);
  });

  it.each(['https://h/r', 'ssh://git@h/r', 'file:///srv/r', 'git@h:team/r.git', 'h:r'])(
    '%s is none',
    (url) => {
      expect(isLocalFolder(url)).toBe(false);
      expect(resolveRepoUrl(url, '/work')).toBe(url);
    },
  );

  it('that is a relative folder is taken from where the plan is submitted', () => {
    expect(resolveRepoUrl('./service', '/home/ada')).toBe('/home/ada/service');
    expect(resolveRepoUrl('/srv/r', '/home/ada')).toBe('/srv/r');
  });
});

describe('an address that is given beside a plan text', () => {
  it.each(['/srv/r.git', '/srv/my r', 'https://h/r', 'ssh://git@h/r', 'git@h:team/r.git', 'file:///srv/r'])(
    '%s can be used',
    (url) => {
      expect(repoUrlProblem(url)).toBeNull();
      expect(repositoryProblem(url)).toBeNull();
    },
  );

  it.each([
    ['./r', 'absolute path'],
    ['', 'empty'],
    ['https://user:secret@h/r', 'would stay in the ledger'],
    ['https://token@h/r', 'would stay in the ledger'],
    ['--upload-pack=touch x', 'not an address'],
    ['ext::sh -c id', 'not an address'],
    ['/srv/r\0', 'NUL'],
    ['/srv/r\n', 'not an address'],
    [`/${'a'.repeat(2_000)}`, 'longer than'],
  ])('%j cannot', (url, why) => {
    expect(repoUrlProblem(url)).toContain(why);
    // Nor can limits name it.
    expect(repositoryProblem(url)).not.toBeNull();
  });
});

describe('a plan text whose folder is made absolute', () => {
  it.each([
    ['repo: ./r # here\nname: p', 'repo: "/home/ada/r" # here\nname: p'],
    ["repo: './r'\n", 'repo: "/home/ada/r"\n'],
    ['name: p\nrepo:\n  url: ../r\n  base: main\n', 'name: p\nrepo:\n  url: "/home/r"\n  base: main\n'],
    ['repo: { url: r, base: main }', 'repo: { url: "/home/ada/r", base: main }'],
    ['{"repo": "./r", "name": "p"}', '{"repo": "/home/ada/r", "name": "p"}'],
    ['{\n "repo": {"base": "x", "url":"a\\"b"}}', '{\n "repo": {"base": "x", "url":"/home/ada/a\\"b"}}'],
  ])('%j keeps everything else as it was', (text, expected) => {
    expect(resolveRepoInText(text, '/home/ada')).toBe(expected);
  });

  it.each([
    'repo: https://h/r',
    'repo: /srv/r',
    'name: p',
    'repo: [',
    'repo: 5',
    '{"repo": 5}',
    '',
    '[]',
    '{"repo": {"url": []}}',
    'repo: *x',
  ])('%j stays as it is', (text) => {
    expect(resolveRepoInText(text, '/home/ada')).toBe(text);
  });

  it('is taken where relative folders are not', () => {
    const text = 'version: 1\nname: p\nrepo: ./r\nsteps:\n  - { name: a, run: make }\n';
    expect(parsePlan(text, { absoluteRepo: true }).ok).toBe(false);
    expect(parsePlan(resolveRepoInText(text, '/home/ada'), { absoluteRepo: true })).toMatchObject({
      ok: true,
      definition: { repo: { url: '/home/ada/r' } },
    });
  });
});
