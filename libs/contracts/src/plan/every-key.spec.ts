import { type AnnotatedSchema, annotatedPlanSchema } from './json-schema.ts';
import { parsePlan, type ParsedPlan } from './parse-plan.ts';
import { isMap } from './placed.ts';

type Json = Record<string, unknown>;

interface KeyCase {
  right: unknown;
  /** A value, and what is said of it. */
  wrong: [value: unknown, message: string];
  /** What else the map around the key needs. */
  beside?: Json;
  /** What else the step needs, or the plan. */
  step?: Json;
  plan?: Json;
  /** It changes nothing of the definition. */
  isSilent?: boolean;
}

const CSS = { language: 'Css' };
const NO_RUN = { run: undefined };

/** A right and a wrong value of every key. Keys of `templates` and `defaults` are those of steps. */
const CASES: Record<string, KeyCase> = {
  $schema: { right: './plan.schema.json', wrong: [5, 'expected text'], isSilent: true },
  version: { right: 1, wrong: [2, 'expected 1'], isSilent: true },
  name: { right: 'a plan', wrong: ['a/b', 'a plan name is'] },
  labels: { right: { 'team/x': 'a b' }, wrong: [{ 'a b': 'x' }, 'a label name is'] },
  params: { right: { p: 'x' }, wrong: [{ 'a-b': 'x' }, 'a name of a value is'] },
  'params.*.type': {
    right: 'number',
    wrong: ['text', 'expected one of string, number'],
    beside: { default: 3 },
    isSilent: true,
  },
  'params.*.default': {
    right: 'x',
    wrong: [{}, 'expected text, a number, true, false or a list'],
    isSilent: false,
  },
  'params.*.enum': {
    right: ['x'],
    wrong: [[], 'the list is empty'],
    beside: { default: 'x' },
    isSilent: true,
  },
  'params.*.description': {
    right: 'what it is',
    wrong: [3, 'expected text'],
    beside: { default: 'x' },
    isSilent: true,
  },
  repo: { right: '/other', wrong: ['', 'the address is empty'] },
  'repo.url': {
    right: 'https://example.org/r',
    wrong: ['ext::sh', 'not an address'],
    beside: { base: 'HEAD' },
  },
  'repo.base': { right: 'v1.2', wrong: ['a b', 'not a name that git takes'], beside: { url: '/r' } },
  priority: { right: -10, wrong: [11, 'expected at most 10'] },
  maxParallel: { right: 100_000, wrong: [0, 'expected at least 1'] },
  maxLeases: { right: 100, wrong: [101, 'expected at most 100'] },
  deadline: { right: '48h', wrong: ['tomorrow', 'expected a duration such as'] },
  locks: { right: { db: 2 }, wrong: [{ DB: 1 }, 'a lock name is'] },
  sandbox: { right: 'required', wrong: ['off', 'expected one of auto, required'] },
  baseline: {
    right: 'halt',
    wrong: ['stop', 'expected report, halt or {'],
    plan: { integrate: { verify: ['x'] } },
  },
  'baseline.setup': { right: ['x'], wrong: ['x', 'expected a list'], beside: { verify: ['y'] } },
  'baseline.verify': { right: ['x'], wrong: [[''], 'the command is empty'] },
  'baseline.env': { right: { A: 'b' }, wrong: [{ SKEIN_A: 'b' }, 'are ours'], beside: { verify: ['y'] } },
  'baseline.network': { right: true, wrong: ['yes', 'expected true or false'], beside: { verify: ['y'] } },
  'baseline.timeout': {
    right: { idle: '3m' },
    wrong: ['3m', 'expected a map of keys'],
    beside: { verify: ['y'] },
  },
  'baseline.timeout.attempt': {
    right: '168h',
    wrong: ['169h', 'at most 168h'],
    plan: { baseline: { verify: ['y'] } },
  },
  'baseline.timeout.idle': {
    right: '100ms',
    wrong: ['99ms', 'at least 100ms'],
    plan: { baseline: { verify: ['y'] } },
  },
  'baseline.pool': { right: 'heavy', wrong: ['UP', 'a pool name is'], beside: { verify: ['y'] } },
  'baseline.onRed': {
    right: 'halt',
    wrong: ['stop', 'expected one of report, halt'],
    beside: { verify: ['y'] },
  },
  integrate: { right: 'none', wrong: ['all', 'expected none or {'] },
  'integrate.branch': { right: 'team/x', wrong: ['a..b', 'not a name that git takes'] },
  'integrate.setup': { right: ['x'], wrong: [[5], 'expected text'] },
  'integrate.verify': { right: ['x'], wrong: ['x', 'expected a list'] },
  'integrate.env': { right: { A: 'b' }, wrong: [{ '1': 'b' }, 'does not begin with a digit'] },
  'integrate.network': { right: true, wrong: [1, 'expected true or false'] },
  'integrate.timeout': { right: { idle: '3m' }, wrong: [[], 'expected a map of keys'] },
  'integrate.timeout.attempt': { right: '1h', wrong: ['1 hour', 'expected a duration'] },
  'integrate.timeout.idle': { right: '1h', wrong: [5, 'expected text'] },
  'integrate.pool': { right: 'heavy', wrong: ['', 'a pool name is'] },
  progress: { right: { branch: 'team/p' }, wrong: ['team/p', 'expected a map of keys'] },
  'progress.branch': { right: 'team/p', wrong: ['x.lock', 'not a name that git takes'] },
  'progress.every': { right: '1m', wrong: ['1ms', 'at least 100ms'], beside: { branch: 'team/p' } },
  defaults: { right: { pool: 'heavy' }, wrong: [{ run: 'x' }, 'unknown key `run`'] },
  templateFiles: { right: [], wrong: [['../x'], 'a path is relative'], isSilent: true },
  templates: {
    right: { t: { pool: 'heavy' } },
    wrong: [{ 'a b': {} }, 'a template name is'],
    isSilent: true,
  },
  steps: { right: [{ name: 'b', noop: true }], wrong: [{}, 'expected a list'] },
  'steps.name': { right: 'b-2', wrong: ['s17', 'named like an ordinal'] },
  'steps.include': {
    right: ['t'],
    wrong: ['u', 'there is no template "u"'],
    plan: { templates: { t: { attempts: 9 } } },
  },
  'steps.with': { right: { a: 1 }, wrong: [{ 'a-b': 1 }, 'a name of a value is'] },
  'steps.needs': { right: ['first'], wrong: [['frist'], 'no step is named'] },
  'steps.when': { right: 'params == {}', wrong: ['params ==', 'ends too early'] },
  'steps.pool': { right: 'heavy', wrong: ['Heavy', 'a pool name is'] },
  'steps.priority': { right: 10, wrong: [-11, 'expected at least -10'] },
  'steps.locks': { right: ['db', 'api'], wrong: [['db', 'db'], 'is there twice'] },
  'steps.attempts': { right: 100, wrong: [1.5, 'expected a whole number'] },
  'steps.timeout': { right: { idle: '1m' }, wrong: ['1m', 'expected a map of keys'] },
  'steps.timeout.attempt': { right: '30m', wrong: ['30', 'expected a duration'] },
  'steps.timeout.idle': { right: '1m', wrong: ['0s', 'expected a duration'] },
  'steps.paths': { right: { write: ['a'] }, wrong: [['a'], 'expected a map of keys'] },
  'steps.paths.write': { right: ['src/**'], wrong: [['/x'], 'a glob is relative'] },
  'steps.paths.protect': { right: ['src/**'], wrong: [['!x'], 'cannot begin with `!`'] },
  'steps.setup': { right: ['x'], wrong: ['x', 'expected a list'] },
  'steps.verify': { right: ['x'], wrong: [[' '], 'the command is empty'] },
  'steps.env': { right: { A: '1' }, wrong: [{ A: 1 }, 'expected text'] },
  'steps.network': { right: true, wrong: ['on', 'expected true or false'] },
  'steps.outputs': { right: ['a-b'], wrong: [['a b'], 'an output name is'] },
  'steps.matrix': { right: ['a', 'b'], wrong: [[], 'the list is empty'] },
  'steps.matrix.values': { right: ['a'], wrong: [['a', 'a'], 'is there twice'] },
  'steps.matrix.glob': { right: 'src/*', wrong: ['../x', 'a glob is relative'] },
  'steps.matrix.exclude': { right: ['x'], wrong: ['x', 'expected a list'], beside: { glob: '*' } },
  'steps.matrix.chunk': { right: 7, wrong: [0, 'expected at least 1'], beside: { glob: '*' } },
  'steps.matrix.from': { right: '[1, 2]', wrong: ['[1, 2', 'ends too early'] },
  'steps.noop': { right: true, wrong: [false, 'expected true'], step: NO_RUN },
  'steps.wait': { right: '2h', wrong: ['soon', 'expected a duration'], step: NO_RUN },
  'steps.wait.until': {
    right: '2026-12-01T08:00:00Z',
    wrong: ['2026-13-01T08:00:00Z', 'expected a duration'],
    step: NO_RUN,
  },
  'steps.run': { right: ['make', 'make test'], wrong: [[], 'the list is empty'] },
  'steps.run.script': { right: '#!/bin/sh\necho', wrong: ['', 'the script is empty'] },
  'steps.run.scriptFile': { right: 'tools/x.sh', wrong: ['/bin/x', 'a path is relative'] },
  'steps.run.args': { right: ['-a', ''], wrong: ['-a', 'expected a list'], beside: { script: 'x' } },
  'steps.codemod': {
    right: { ...CSS, rules: 'id: x' },
    wrong: ['x', 'expected a map of keys'],
    step: NO_RUN,
  },
  'steps.codemod.language': {
    right: 'Tsx',
    wrong: ['css', 'expected one of JavaScript'],
    beside: { rules: 'x' },
    step: NO_RUN,
  },
  'steps.codemod.rules': { right: 'id: x', wrong: ['', 'the rules are empty'], beside: CSS, step: NO_RUN },
  'steps.codemod.rulesFile': {
    right: 'a.yml',
    wrong: ['../a', 'a path is relative'],
    beside: CSS,
    step: NO_RUN,
  },
  'steps.codemod.transform': {
    right: 'export default (f) => f.source',
    wrong: ['', 'the transform is empty'],
    step: NO_RUN,
  },
  'steps.codemod.transformFile': { right: 't.js', wrong: ['a\nb', 'no control characters'], step: NO_RUN },
  'steps.codemod.parser': {
    right: 'tsx',
    wrong: ['esprima', 'expected one of babel'],
    beside: { transform: 'x' },
    step: NO_RUN,
  },
  'steps.codemod.options': {
    right: { a: [1, { b: null }] },
    wrong: [[], 'expected a map of keys'],
    beside: { transform: 'x' },
    step: NO_RUN,
  },
  'steps.codemod.files': {
    right: ['a/*.css'],
    wrong: ['a', 'expected a list'],
    beside: { ...CSS, rules: 'x' },
    step: NO_RUN,
  },
  'steps.codemod.unparsable': {
    right: 'fail',
    wrong: ['skip', 'expected one of report, fail'],
    beside: { ...CSS, rules: 'x' },
    step: NO_RUN,
  },
  'steps.agent': {
    right: { command: 'x', prompt: 'y' },
    wrong: ['x', 'expected a map of keys'],
    step: NO_RUN,
  },
  'steps.agent.command': {
    right: 'x',
    wrong: ['', 'the command is empty'],
    beside: { prompt: 'y' },
    step: NO_RUN,
  },
  'steps.agent.prompt': {
    right: 'do it',
    wrong: ['', 'the prompt is empty'],
    beside: { command: 'x' },
    step: NO_RUN,
  },
  'steps.agent.promptFile': {
    right: 'p.md',
    wrong: ['', 'the path is empty'],
    beside: { command: 'x' },
    step: NO_RUN,
  },
};

/** `steps.matrix.glob` for every key that a plan can have, once; `*` for names of the user. */
function keysOf(schema: AnnotatedSchema, path: string[] = []): string[] {
  const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : null;
  const inside = [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, value]) => [
      [...path, key].join('.'),
      ...keysOf(value, [...path, key]),
    ]),
    ...(more ? keysOf(more, [...path, '*']) : []),
    ...(schema.items ? keysOf(schema.items, path) : []),
    ...(schema.anyOf ?? []).flatMap((one) => keysOf(one, path)),
  ];
  return [...new Set(inside)];
}

const KEYS = keysOf(annotatedPlanSchema());

/** Where a step's key may stand as well. */
function caseOf(key: string): { stepKey: string; where: 'plan' | 'step' | 'template' | 'default' } {
  if (key.startsWith('templates.*.'))
    return { stepKey: key.replace('templates.*', 'steps'), where: 'template' };
  if (key.startsWith('defaults.')) return { stepKey: key.replace('defaults', 'steps'), where: 'default' };
  return { stepKey: key, where: key.startsWith('steps.') ? 'step' : 'plan' };
}

/** A plan in which the key has the value, or lacks it. */
function planWith(key: string, value: unknown): Json {
  const { stepKey, where } = caseOf(key);
  const { beside = {}, step = {}, plan = {} } = CASES[stepKey]!;
  const path = stepKey.split('.').map((part) => (part === '*' ? 'x' : part));
  const base: Json = { version: 1, name: 'p', repo: '/r', ...plan };
  const first = { name: 'first', noop: true };
  if (where === 'plan') return nested({ ...base, steps: [{ name: 'a', run: 'x' }] }, path, value, beside);
  const part = nested({}, path.slice(1), value, beside);
  if (where === 'step')
    return { ...base, steps: [first, { name: 'a', run: 'x', ...withoutOthers(path, step), ...part }] };
  if (where === 'default') return { ...base, defaults: part, steps: [first, { name: 'a', run: 'x' }] };
  // The step gives what the template lacks; a template may not include another.
  const isWork = ['noop', 'wait', 'run', 'codemod', 'agent'].includes(path[1]!);
  return {
    ...base,
    templates: { ...(plan['templates'] as Json), x: part },
    steps: [first, { name: 'a', ...(isWork ? {} : { run: 'x' }), include: 'x' }],
  };
}

function withoutOthers(path: string[], step: Json): Json {
  return path[1] === 'run' ? {} : step;
}

function nested(map: Json, path: string[], value: unknown, beside: Json): Json {
  const [key, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) return { ...map, ...beside, ...(value === undefined ? {} : { [key]: value }) };
  return { ...map, [key]: nested(isMap(map[key]) ? map[key] : {}, rest, value, beside) };
}

function parse(plan: Json): ParsedPlan {
  return parsePlan(JSON.stringify(plan));
}

describe('every key of the format', () => {
  it('has a case here, and no case is of a key that is gone', () => {
    const tested = new Set(Object.keys(CASES));
    expect(KEYS.filter((key) => !tested.has(caseOf(key).stepKey))).toEqual([]);
    expect([...tested].filter((key) => !KEYS.includes(key))).toEqual([]);
    expect(KEYS.length).toBeGreaterThan(140);
  });

  it.each(KEYS)('%s takes a right value, and it means something', (key) => {
    const { right, isSilent } = CASES[caseOf(key).stepKey]!;
    const parsed = parse(planWith(key, right));
    expect(parsed).toMatchObject({ ok: true });
    const without = parse(planWith(key, undefined));
    if (parsed.ok && without.ok && !isSilent) {
      expect(parsed.definition).not.toEqual(without.definition);
    }
  });

  it.each(KEYS)('%s refuses a wrong value, there and in words', (key) => {
    const { stepKey } = caseOf(key);
    const [wrong, message] = CASES[stepKey]!.wrong;
    const parsed = parse(planWith(key, wrong));
    expect(parsed.ok).toBe(false);
    const last = key.split('.').at(-1)!;
    const there = parsed.ok ? [] : parsed.problems.filter(({ path }) => path.includes(last));
    expect(there.map((problem) => `${problem.message} ${problem.hint ?? ''}`).join('\n')).toContain(message);
  });
});
