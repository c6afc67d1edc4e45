import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiagnosticSeverity, getLanguageService, type LanguageService } from 'vscode-json-languageservice';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { parsePlan } from './parse-plan.ts';

const schema = readFileSync(join(import.meta.dirname, '../../../../docs/plan.schema.json'), 'utf8');

/** The language service of a well-known editor, which knows the schema by nothing but the plan's `$schema`. */
function editor(): LanguageService {
  return getLanguageService({
    schemaRequestService: async (uri) => {
      if (uri !== 'file:///plans/docs/plan.schema.json') throw new Error(`asked for ${uri}`);
      return schema;
    },
    workspaceContext: { resolveRelativePath: (path, from) => new URL(path, from).href },
  });
}

function opened(text: string) {
  const service = editor();
  const document = TextDocument.create('file:///plans/plan.json', 'json', 1, text);
  return { service, document, json: service.parseJSONDocument(document) };
}

async function complaints(plan: unknown): Promise<string[]> {
  const { service, document, json } = opened(
    JSON.stringify({ $schema: './docs/plan.schema.json', ...(plan as object) }, null, 1),
  );
  const found = await service.doValidation(document, json, {
    schemaRequest: 'error',
    schemaValidation: 'error',
  });
  return found
    .filter(({ severity }) => severity === DiagnosticSeverity.Error)
    .map(
      ({ message, range }) =>
        `${document.getText(range)}: ${typeof message === 'string' ? message : message.value}`,
    );
}

/** What is offered where `@` stands in a plan. */
async function offered(text: string): Promise<string[]> {
  const at = text.indexOf('@');
  const { service, document, json } = opened(text.replace('@', ''));
  const list = await service.doComplete(document, document.positionAt(at), json);
  return (list?.items ?? []).map(({ label }) => label.replaceAll('"', '')).sort();
}

const head = '"$schema": "./docs/plan.schema.json", "version": 1, "name": "p", "repo": "/r"';

describe('an editor that knows JSON Schema', () => {
  it('finds nothing wrong in a plan that is right, with expressions wherever they may stand', async () => {
    const plan = {
      version: 1,
      name: 'upgrade ${{ params.package }}',
      params: { package: { type: 'string', description: 'which' }, n: 3 },
      labels: { team: 'web' },
      repo: { url: '${{ params.url }}', base: '${{ params.base }}' },
      priority: '${{ params.n }}',
      deadline: '48h',
      locks: { db: '${{ params.n }}' },
      sandbox: '${{ params.sandbox }}',
      baseline: 'halt',
      progress: { branch: 'p/${{ params.package }}', every: '${{ params.every }}' },
      integrate: { verify: ['npm test'], timeout: { attempt: '${{ params.t }}' } },
      defaults: { pool: '${{ params.pool }}', attempts: '${{ params.n }}' },
      templates: { t: { network: '${{ params.net }}', agent: { command: 'x', prompt: 'y' } } },
      steps: [
        { name: 'plan', run: { script: 'x', args: ['${{ params.n }}'] }, outputs: ['files'] },
        {
          name: 'a',
          include: 't',
          with: { x: 1 },
          needs: ['plan'],
          when: true,
          matrix: { from: 'needs.plan.outputs.files' },
        },
        { name: 'b', matrix: '${{ params.regions }}', locks: '${{ params.locks }}', run: ['x'] },
        {
          name: 'c',
          paths: { write: '${{ params.globs }}' },
          codemod: { transform: 'x', options: { a: [1] }, parser: '${{ params.parser }}' },
        },
        { name: 'd', wait: { until: '${{ needs.x }}' } },
      ],
    };
    expect(await complaints(plan)).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['an unknown key', { nmae: 'x' }, 'nmae'],
    ['an unknown key of a step', { steps: [{ name: 'a', nedes: [] }] }, 'nedes'],
    ['an unknown key of a template', { templates: { t: { pol: 'x' } } }, 'pol'],
    ['an unknown key of the defaults', { defaults: { name: 'x' } }, 'name'],
    ['a number that is too large', { priority: 11 }, '11'],
    ['a word that is none of the words', { sandbox: 'off' }, 'off'],
    ['a list where a map is', { labels: [] }, '[]'],
    ['an empty matrix', { steps: [{ name: 'a', matrix: [] }] }, '[]'],
    ['an upper-case pool', { steps: [{ name: 'a', pool: 'UP' }] }, 'UP'],
    ['a label that is no label', { labels: { 'a b': 'x' } }, 'a b'],
    ['a wrong word in a codemod', { steps: [{ name: 'a', codemod: { language: 'css' } }] }, 'css'],
  ])('points at %s', async (_, wrong, shown) => {
    const plan = { version: 1, name: 'p', steps: [{ name: 'a', noop: true }], ...(wrong as object) };
    const found = await complaints(plan);
    expect(found.length).toBeGreaterThan(0);
    expect(found.map((complaint) => complaint.split(': ')[0]).join('\n')).toContain(shown);
    expect(parsePlan(JSON.stringify({ repo: '/r', ...plan })).ok).toBe(false);
  });

  it('misses what is missing', async () => {
    expect((await complaints({ version: 1, steps: [{ noop: true }] })).join('\n')).toMatch(
      /"name"[\s\S]*"name"/,
    );
  });

  it.each<[string, string, string[]]>([
    [
      'the keys of a plan',
      `{ ${head}, @ }`,
      [
        'baseline',
        'deadline',
        'defaults',
        'include',
        'integrate',
        'labels',
        'locks',
        'params',
        'priority',
        'progress',
        'steps',
        'templates',
      ].filter((key) => key !== 'include'),
    ],
    [
      'the keys of a step',
      `{ ${head}, "steps": [{ "name": "a", @ }] }`,
      ['include', 'with', 'needs', 'when', 'locks', 'matrix', 'wait', 'run', 'codemod', 'agent', 'noop'],
    ],
    [
      'the keys of a template',
      `{ ${head}, "templates": { "t": { @ } } }`,
      ['agent', 'codemod', 'env', 'needs'],
    ],
    [
      'the keys of the defaults',
      `{ ${head}, "defaults": { @ } }`,
      ['attempts', 'env', 'locks', 'network', 'paths', 'pool', 'priority', 'setup', 'timeout', 'verify'],
    ],
    ['the keys of a baseline', `{ ${head}, "baseline": { @ } }`, ['onRed', 'verify', 'pool']],
    [
      'the keys of a matrix',
      `{ ${head}, "steps": [{ "name": "a", "matrix": { @ } }] }`,
      ['chunk', 'exclude', 'from', 'glob', 'values'],
    ],
    [
      'the keys of a script',
      `{ ${head}, "steps": [{ "name": "a", "run": { @ } }] }`,
      ['args', 'script', 'scriptFile'],
    ],
    [
      'the keys of a param',
      `{ ${head}, "params": { "a": { @ } } }`,
      ['default', 'description', 'enum', 'type'],
    ],
    [
      'the languages of a codemod',
      `{ ${head}, "steps": [{ "name": "a", "codemod": { "language": @ } }] }`,
      ['Css', 'Html', 'JavaScript', 'Tsx', 'TypeScript'],
    ],
    ['what a red check may do', `{ ${head}, "baseline": @ }`, ['halt', 'report']],
    ['true and false', `{ ${head}, "defaults": { "network": @ } }`, ['false', 'true']],
  ])('offers %s', async (_, text, keys) => {
    expect(await offered(text)).toEqual(expect.arrayContaining(keys));
  });

  it('offers a step none of the keys that it has, nor those of a plan', async () => {
    const keys = await offered(`{ ${head}, "steps": [{ "name": "a", "needs": [], @ }] }`);
    expect(keys).not.toContain('needs');
    expect(keys).not.toContain('integrate');
  });

  it('says what a key is when one points at it', async () => {
    const text = `{ ${head}, "steps": [{ "name": "a", "attempts": 3 }] }`;
    const { service, document, json } = opened(text);
    const hover = await service.doHover(document, document.positionAt(text.indexOf('attempts') + 2), json);
    expect(JSON.stringify(hover)).toContain('Turns of the fix loop');
  });
});
