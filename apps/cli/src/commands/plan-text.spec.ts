import { absoluteRepoUrl } from './plan-text.ts';

function repoUrl(url: string): string | null {
  return absoluteRepoUrl({
    label: 'plan.yaml',
    folder: '/home/me/plans',
    text: `version: 1\nrepo:\n  url: ${JSON.stringify(url)}\n`,
  });
}

describe('the repository of a plan file', () => {
  it('is looked for beside the file when it is a relative folder', () => {
    expect(repoUrl('../service')).toBe('/home/me/service');
    expect(repoUrl('.')).toBe('/home/me/plans');
    expect(repoUrl('service.git')).toBe('/home/me/plans/service.git');
  });

  it('is left alone when it is absolute or remote', () => {
    for (const url of [
      '/srv/x.git',
      'https://h/x.git',
      'file:///x',
      'git@github.com:a/b.git',
      'ssh://h/x',
      '${{ params.repo }}',
    ]) {
      expect(repoUrl(url)).toBeNull();
    }
  });

  it('may be given in short', () => {
    expect(absoluteRepoUrl({ label: 'p', folder: '/home/me', text: 'repo: ./service' })).toBe(
      '/home/me/service',
    );
  });

  it('may be a param', () => {
    const text =
      'version: 1\nname: p\nparams: { at: {} }\nrepo: ${{ params.at }}\nsteps: [{name: a, run: x}]\n';
    const plan = { label: 'p', folder: '/home/me', text };
    expect(absoluteRepoUrl(plan, { params: { at: '../service' } })).toBe('/home/service');
    expect(absoluteRepoUrl(plan, { params: { at: 'https://h/x.git' } })).toBeNull();
    expect(absoluteRepoUrl(plan)).toBeNull();
  });

  it('leaves what is no plan to the server', () => {
    expect(absoluteRepoUrl({ label: '-', folder: '/', text: ': : [' })).toBeNull();
    expect(absoluteRepoUrl({ label: '-', folder: '/', text: '' })).toBeNull();
    expect(absoluteRepoUrl({ label: '-', folder: '/', text: 'repo: 5' })).toBeNull();
  });
});
