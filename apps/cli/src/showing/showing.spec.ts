import type { PlanDefinition } from '#domain';
import { anIntegration, aPlan, aStep } from '#testing';
import { plainPaint } from '../rendering/terminal.ts';
import { renderMermaid } from './mermaid.ts';
import { placeSteps } from './placing.ts';
import { previewPlan, resolutionRequest } from './preview.ts';
import { renderTree } from './text-tree.ts';

const BASE = 'a'.repeat(40);
const repo = { url: '/home/me/service', base: 'main' };

/** The tree's lines below the head. */
function tree(plan: PlanDefinition, files: Record<string, string[]> = {}): string[] {
  const resolved = plan.repo ? { baseSha: BASE, files, texts: {} } : null;
  const text = renderTree(previewPlan(plan, resolved), plainPaint);
  return text.slice(text.indexOf('\n\n') + 2).split('\n');
}

const convert = aStep({
  name: 'convert',
  needs: ['survey'],
  matrix: { kind: 'glob', include: ['src/**'], exclude: [], chunk: 1 },
  work: {
    ...{ kind: 'codemod', engine: 'ast-grep', language: 'JavaScript', files: [], unparsable: 'report' },
    rules: { file: 'rules/promises.yml' },
  },
});
const survey = aStep({
  name: 'survey',
  work: { kind: 'run', commands: ['node survey.js\nexit 0', 'true'], script: null },
});
const mend = aStep({
  name: 'mend',
  needs: ['convert', 'survey'],
  attempts: 3,
  locks: ['db'],
  priority: 2,
  pool: 'heavy',
  verify: ['npm test'],
  when: "needs.survey.outputs.mend == 'yes'",
  network: true,
  work: { kind: 'agent', adapter: 'command', command: 'my-agent', prompt: { inline: 'Mend it.' } },
});

describe('a plan as a tree', () => {
  it('has every step below the need that is met last, with its ordinals and what is special about it', () => {
    const plan = aPlan({
      repo,
      integrate: anIntegration({ verify: ['npm test'] }),
      steps: [survey, convert, mend],
    });
    const files = { '1': ['src/a.js', 'src/b.js', 'src/c.js', 'src/d.js', 'src/e.js'] };
    expect(tree(plan, files)).toEqual([
      'resolve s0',
      'survey s1  run: node survey.js … and 1 more',
      '└─ convert × 5 s2-s6  codemod (JavaScript, rules/promises.yml)',
      '   │    src/a.js',
      '   │    src/b.js',
      '   │    src/c.js',
      '   │    … and 2 more',
      "   └─ mend s7  agent: my-agent · also after survey · when needs.survey.outputs.mend == 'yes' · lock db · priority 2 · pool heavy · 3 attempts · check npm test · network",
      'integrate s8  merges what was accepted, checks npm test',
      'publish s9  to the branch skein/<plan name>-<start of the plan id>',
      'clean s10',
    ]);
  });

  it('tells what is decided at run time, what waits, and what the base is asked first', () => {
    const fanOut = aStep({
      name: 'each',
      needs: ['pause'],
      matrix: { kind: 'from', expression: 'needs.survey.outputs.modules' },
    });
    const until = (wait: { forMs: number } | { at: string }) => ({ kind: 'wait' as const, until: wait });
    const plan = aPlan({
      repo,
      params: { target: 'es2022' },
      labels: { team: 'web' },
      deadline: { afterMs: 7_200_000 },
      locks: { db: 2 },
      maxParallel: 4,
      baseline: { ...anIntegration({ verify: ['npm test'] }), onRed: 'halt' },
      steps: [
        aStep({ name: 'pause', work: until({ forMs: 5_400_000 }) }),
        aStep({ name: 'night', work: until({ at: '2026-12-01T22:00:00.000Z' }) }),
        fanOut,
      ],
    });
    const preview = previewPlan(plan, { baseSha: BASE, files: {}, texts: {} });
    const text = renderTree(preview, plainPaint);
    expect(text).toContain(
      'baseline s3  checks of the base before any attempt: npm test; a red check halts the plan',
    );
    expect(text).toContain('pause s1  waits 90m');
    expect(text).toContain('night s2  waits until 2026-12-01T22:00:00.000Z');
    expect(text).toContain('└─ each × ? (decided at run time)  joins');
    expect(text).toContain('one for each item of needs.survey.outputs.modules');
    expect(text).toContain('repository /home/me/service, base main at aaaaaaaaaaaa');
    expect(text).toContain('params     target="es2022"');
    expect(text).toContain('labels     team=web');
    expect(text).toContain('limits     4 at once, deadline 2h after submission, locks db (2)');
    expect(text).toContain('steps      5, and those of 1 fan-out that are decided at run time');
    expect(preview).toMatchObject({ count: 5, fanOuts: 1 });
  });

  it('shows nothing that steers a terminal, wherever it stands', () => {
    const evil = '\u001b[2Jx\u202e\ny';
    const plan = aPlan({
      repo: { url: `/x/${evil}`, base: evil },
      labels: { [evil]: evil },
      params: { p: evil },
      steps: [
        aStep({
          name: 'a',
          matrix: { kind: 'list', values: [evil] },
          when: evil,
          locks: [evil],
          verify: [evil],
        }),
        aStep({ name: 'b', work: { kind: 'run', commands: [evil], script: null } }),
        aStep({ name: 'c', matrix: { kind: 'glob', include: ['*'], exclude: [], chunk: 2 } }),
      ],
    });
    const preview = previewPlan(plan, { baseSha: BASE, files: { '2': [`${evil}1`, `${evil}2`] }, texts: {} });
    for (const text of [renderTree(preview, plainPaint), renderMermaid(preview)]) {
      // eslint-disable-next-line no-control-regex
      expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u202e]/);
    }
  });

  it('is bounded in lines and in width, for the longest chain and the widest fan', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) =>
      aStep({ name: `s${i}x`, needs: i === 0 ? [] : [`s${i - 1}x`] }),
    );
    const lines = tree(aPlan({ steps: chain }));
    expect(lines).toHaveLength(501);
    expect(lines.at(-1)).toBe('… and 19500 more steps (--json shows all)');
    expect(lines[12]).toMatch(/^ {33}└─ s12x/);
    expect(lines[13]).toBe(`${' '.repeat(33)}└─ s13x s13  joins · after s12x`);
    const wide = aStep({
      matrix: { kind: 'list', values: Array.from({ length: 9_000 }, (_, i) => `v${i}`) },
    });
    expect(tree(aPlan({ steps: [wide] }))).toHaveLength(5);
  });

  it('places a step below its deepest need and names the others', () => {
    const steps = [
      aStep({ name: 'end', needs: ['a', 'c', 'b'] }),
      aStep({ name: 'a' }),
      aStep({ name: 'b', needs: ['a'] }),
      aStep({ name: 'c', needs: ['a'] }),
    ];
    expect(placeSteps(steps)).toMatchObject([
      { index: 1, children: [{ index: 2 }, { index: 3, children: [{ index: 0, otherNeeds: ['a', 'b'] }] }] },
    ]);
  });
});

describe('a plan as a Mermaid chart', () => {
  it('has a node for each step of the text and an edge for each need', () => {
    const plan = aPlan({
      repo,
      integrate: anIntegration({ branch: 'team/x' }),
      steps: [survey, convert, { ...mend, matrix: { kind: 'from', expression: 'x' } }],
    });
    const files = { '1': ['src/a.js', 'src/b.js'] };
    expect(renderMermaid(previewPlan(plan, { baseSha: BASE, files, texts: {} }))).toBe(
      [
        'flowchart TD',
        '  n0["survey"]',
        '  n1["convert × 2"]',
        '  n2[["mend × #63; #40;decided at run time#41;"<br/>when needs.survey.outputs.mend #61;#61; #39;yes#39;"]]'.replace(
          '"<br/>',
          '<br/>',
        ),
        '  n0 --> n1',
        '  n1 --> n2',
        '  n0 --> n2',
        '  integrate(["integrate into team#47;x"])',
        '  n2 --> integrate',
      ].join('\n'),
    );
  });

  it('makes nothing of what a name could mean to a browser or to Mermaid', () => {
    const name = '"]; click n0 href "javascript:alert(1)" %%{init: {}}%% <script>`#';
    const chart = renderMermaid(
      previewPlan(
        aPlan({ repo, integrate: anIntegration({ branch: name }), steps: [aStep({ name })] }),
        null,
      ),
    );
    const labels = [...chart.matchAll(/"([^"]*)"/g)].map(([, text]) => text);
    expect(labels).toHaveLength(2);
    for (const text of labels) expect(text).toMatch(/^(?:[\p{L}\p{N} ._,×…-]|#\d+;)*$/u);
  });

  it('stays below what Mermaid takes', () => {
    const steps = Array.from({ length: 3_000 }, (_, i) =>
      aStep({ name: `s${i}x`.padEnd(64, 'y'), needs: i === 0 ? [] : ['s0x'.padEnd(64, 'y')] }),
    );
    const busy = Array.from({ length: 150 }, (_, i) =>
      aStep({ name: `b${i}x`, needs: Array.from({ length: i }, (_unused, j) => `b${j}x`) }),
    );
    for (const plan of [aPlan({ steps }), aPlan({ repo, integrate: anIntegration(), steps: busy })]) {
      const chart = renderMermaid(previewPlan(plan, null));
      expect(chart.length).toBeLessThan(50_000);
      expect(chart.match(/-->/g)!.length).toBeLessThanOrEqual(500);
    }
  });
});

it('what is asked of the base is what the resolve step is asked', () => {
  const plan = aPlan({ repo, steps: [survey, convert, mend] });
  expect(resolutionRequest(plan, 7)).toEqual({
    globs: [{ definition: 1, include: ['src/**'], exclude: [] }],
    texts: ['rules/promises.yml'],
    maxFiles: 7,
  });
});
