import type { Chance } from '../sim/core/chance.ts';
import type { Json } from './document.ts';
import { hostileValue, hostileWord } from './noise.ts';

type JsonMap = { [key: string]: Json };

/** Without a repository: what the fleet does of it costs little, so that thousands can be taken. */
export function validPlan(chance: Chance): JsonMap {
  const names = Array.from({ length: chance.int(1, 5) }, (_, at) => `step-${at}`);
  const steps = names.map((name, at): JsonMap => {
    const needs = chance.some(names.slice(0, at), 0.4);
    const work: JsonMap = chance.bool(0.75)
      ? { noop: true }
      : { wait: chance.pick(['100ms', '300ms', '1h']) };
    const matrix: JsonMap = chance.bool(0.15) ? { matrix: ['a', 'b', 'c'].slice(0, chance.int(1, 3)) } : {};
    const when: JsonMap = chance.bool(0.15) ? { when: chance.pick(CONDITIONS) } : {};
    const more: JsonMap = 'noop' in work && chance.bool(0.1) ? { pool: 'nobody' } : {};
    return { name, ...(needs.length > 0 && { needs }), ...work, ...matrix, ...when, ...more };
  });
  return {
    version: 1,
    name: `fuzz ${chance.pick(['small', 'wide', 'a.b_c-d', '2'])}`,
    ...(chance.bool(0.2) && { labels: { team: 'fuzz', kind: chance.pick(['a', 'b=c', '']) } }),
    ...(chance.bool(0.1) && { deadline: chance.pick(['100ms', '1s', '1h']) }),
    ...(chance.bool(0.1) && { priority: chance.int(-10, 10) }),
    ...(chance.bool(0.1) && { maxParallel: 1 }),
    ...(chance.bool(0.1) && { params: { size: 3, list: ['x', 'y'] } }),
    steps,
  };
}

const CONDITIONS = ['true', 'false', '1 < 2', '"a" in ["a", "b"]', '1 / 0 > 1', 'size(plan.name) > 3'];

/** One thing in it is not as it should be. */
export function almostPlan(chance: Chance): Json {
  const plan = validPlan(chance);
  const steps = plan['steps'] as JsonMap[];
  const step = chance.pick(steps);
  chance.pick<() => void>([
    () => (plan['version'] = chance.pick<Json>([0, 2, '1', null, 1.5])),
    () => delete plan['name'],
    () => (plan['name'] = hostileValue(chance)),
    () => (plan['steps'] = hostileValue(chance)),
    () => (plan['steps'] = []),
    () => (plan[hostileWord(chance).slice(0, 100)] = 1),
    () => (plan['repo'] = hostileWord(chance)),
    () => (plan['repo'] = { url: 'https://user:secret@example.org/r.git', base: hostileWord(chance) }),
    () => (plan['deadline'] = chance.pick<Json>(['0s', '-1s', '9999999h', 5, '1h1h', hostileWord(chance)])),
    () => (plan['labels'] = hostileValue(chance)),
    () => (plan['params'] = hostileValue(chance)),
    () => (plan['locks'] = { a: chance.pick<Json>([0, -1, 1e9, 'x']) }),
    () => (plan['templateFiles'] = [hostileWord(chance)]),
    () => (plan['progress'] = { branch: hostileWord(chance) }),
    () => (plan['defaults'] = hostileValue(chance)),
    () => (plan['templates'] = { a: { include: 'b' }, b: { include: 'a' } }),
    () => (step['include'] = 'a'),
    () => (step['name'] = hostileWord(chance)),
    () => (step['needs'] = [step['name'] as Json]),
    () => (step['needs'] = [hostileWord(chance)]),
    () => (steps[0]!['needs'] = [steps.at(-1)!['name'] as Json]),
    () => steps.push({ ...step }),
    () => (step['when'] = hostileExpression(chance)),
    () =>
      (step['matrix'] = chance.pick<Json>([
        [],
        [''],
        ['a', 'a'],
        { from: hostileExpression(chance) },
        hostileValue(chance),
      ])),
    () => (step['wait'] = chance.pick<Json>(['yesterday', '-1s', { until: hostileWord(chance) }])),
    () => (step['run'] = hostileWord(chance)),
    () => (step['agent'] = { command: hostileWord(chance) }),
    () => (step['pool'] = hostileWord(chance)),
    () => (step[hostileWord(chance).slice(0, 100)] = hostileValue(chance)),
  ])();
  return plan;
}

function hostileExpression(chance: Chance): string {
  return chance.pick([
    '(',
    '('.repeat(3_000),
    `${'!'.repeat(5_000)}true`,
    '-'.repeat(5_000) + '1 < 0',
    '1 / 0',
    '9223372036854775807 + 1 > 0',
    'params.nothing.at.all',
    'params["__proto__"]',
    'needs.constructor.outcome == "passed"',
    '"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("^(a+)+$")',
    '[1,2,3,4,5,6,7,8,9].map(a, [1,2,3,4,5,6,7,8,9].map(b, [1,2,3,4,5,6,7,8,9].map(c, [a,b,c]))).size() > 0',
    `"${'a'.repeat(20_000)}" == "b"`,
    `[${'1,'.repeat(9_000)}1].size() > 2`,
    '${{ true }} && ${{ false }}',
    hostileWord(chance),
  ]);
}

/** No plan at all, as a text. */
export function hostilePlanText(chance: Chance): string {
  const deep = chance.pick([40, 5_000]);
  return chance.pick<() => string>([
    () => '',
    () => ':',
    () => 'x',
    () => '- a\n- b\n',
    () => LAUGHS,
    () => `${LAUGHS}version: 1\nname: laughs\nsteps: *i\n`,
    () => 'version: 1\nname: x\nsteps: &s [{ name: a, noop: true, with: *s }]\n',
    () => 'version: 1\nname: &n [*n]\nsteps: []\n',
    () => '['.repeat(deep),
    () => '{a: '.repeat(deep),
    () => `${'- '.repeat(deep)}x`,
    () => Array.from({ length: 300 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
    () => 'version: 1\nname: !!js/function "function(){}"\nsteps: []\n',
    () => 'version: !!python/object/apply:os.system ["id"]\n',
    () => 'version: 1\n---\nversion: 1\n',
    () => '%YAML 9.9\n---\nversion: 1\n',
    () => 'version: 1\nversion: 1\nname: twice\nsteps: []\n',
    () => 'version: 1\nname: <<\n<<: { steps: [] }\n',
    () => '? [complex, {key: 1}]\n: value\n',
    () => `version: 1\nname: ${'n'.repeat(100_000)}\nsteps: [{ name: a, noop: true }]\n`,
    () => `version: 1\nname: many\nsteps: [${'{noop: true},'.repeat(4_000)}]\n`,
    () =>
      `version: 1\nname: wide\nsteps: [{ name: a, noop: true, matrix: [${Array.from({ length: 9_000 }, (_, at) => at).join(',')}] }]\n`.replace(
        'noop: true',
        chance.pick(['noop: false', 'noop: 1', 'noop: true, x: 1']),
      ),
    () => 'version: 1\nname: "\\x00\\ud800"\nsteps: [{ name: a, noop: true, pool: "\\u0007" }]\n',
    () => 'version: 1\nname: tab\nsteps:\n\t- noop: true\n',
    () => '\u0000version: 1',
    () => `{"version":1,"name":"j","steps":${'['.repeat(deep)}${']'.repeat(deep)}}`,
    () => '{"version":1,"__proto__":{"name":"x"},"steps":[{"name":"a","noop":true}]}',
    () => `version: 1\nname: ${'9'.repeat(5_000)}\nsteps: 0x${'f'.repeat(5_000)}\n`,
    () => hostileWord(chance),
    () => JSON.stringify(hostileValue(chance)),
  ])();
}

const LAUGHS = [...'bcdefghi'].reduce(
  (text, letter, at) => `${text}${letter}: &${letter} [${`*${'abcdefgh'[at]},`.repeat(9)}]\n`,
  'a: &a [x,x,x,x,x,x,x,x,x]\n',
);
