import type {
  JsonValue,
  MatrixDefinition,
  PlanDefinition,
  StepDefinition,
  StepWork,
  WaitWork,
} from '#domain';
import { aPlan, anIntegration, aStep } from '#testing';
import type { Chance } from '../core/chance.ts';
import { EPOCH_MS } from '../core/process.ts';
import {
  PLAIN,
  type Behaviour,
  type Operation,
  type OperatorVerb,
  type PlannedPlan,
} from './planned-plan.ts';

export interface PlanLimits {
  tenants: string[];
  pools: string[];
  /** Plans come in within this time (true ms). */
  withinMs: number;
  stepsMax: number;
}

const REPOSITORIES = ['/repo/one', '/repo/two'];
const NAMES = 'abcdefghij';

/** A plan of any shape that the format knows: all of it is decided here, nothing while it runs. */
export function generatePlan(chance: Chance, index: number, limits: PlanLimits): PlannedPlan {
  const submitAtMs = Math.round(index === 0 ? chance.between(0, 500) : chance.between(0, limits.withinMs));
  const hasRepo = chance.bool(0.45);
  const steps: StepDefinition[] = [];
  const behaviours: Record<string, Behaviour> = {};
  const count = chance.int(1, limits.stepsMax);
  for (let position = 0; position < count; position += 1) {
    const name = NAMES[position] as string;
    behaviours[name] = generateBehaviour(chance, hasRepo);
    steps.push(generateStep(chance, name, steps, behaviours, { hasRepo, limits, submitAtMs }));
  }
  for (const kind of ['resolve', 'baseline', 'integrate', 'publish', 'report', 'clean'])
    behaviours[kind] = systemBehaviour(chance);
  const definition = aPlan({ name: `plan ${index}`, steps, ...generateFrame(chance, hasRepo, submitAtMs) });
  return {
    planId: `plan${String(index).padStart(8, '0')}`,
    tenant: chance.pick(limits.tenants),
    submitAtMs,
    repeats: chance.bool(0.2) ? [chance.pick(['same', 'other'] as const)] : [],
    definition,
    behaviours,
    files: filesOf(chance, steps),
    operations: generateOperations(chance),
    redrives: chance.bool(0.5) ? chance.int(1, 3) : 0,
  };
}

interface Place {
  hasRepo: boolean;
  limits: PlanLimits;
  submitAtMs: number;
}

function generateStep(
  chance: Chance,
  name: string,
  before: StepDefinition[],
  behaviours: Record<string, Behaviour>,
  place: Place,
): StepDefinition {
  const needs = chance.some(before.slice(-4), 0.4).map((step) => step.name);
  const single = needs.filter((need) => {
    const step = before.find((candidate) => candidate.name === need);
    // Only attempts give outputs. Once in a while what is asked for is never there.
    const gives = step?.work.kind === 'run' || step?.work.kind === 'agent' || chance.bool(0.1);
    return step?.matrix === null && gives;
  });
  const work = generateWork(chance, single, behaviours, place);
  return aStep({
    name,
    needs,
    work,
    pool: chance.bool(0.75) ? 'default' : chance.pick(place.limits.pools),
    priority: chance.bool(0.2) ? chance.int(-2, 2) : 0,
    locks: chance.bool(0.2) ? chance.some(['build', 'deploy'], 0.6).sort() : [],
    attempts: chance.int(1, 3),
    when: chance.bool(0.15) ? generateCondition(chance, single, behaviours) : null,
    matrix: work.kind === 'wait' ? null : generateMatrix(chance, single, behaviours, place),
  });
}

function generateWork(
  chance: Chance,
  needs: string[],
  behaviours: Record<string, Behaviour>,
  place: Place,
): StepWork {
  const drawn = chance.next();
  if (drawn < 0.25) return { kind: 'noop' };
  if (drawn < 0.34) return { kind: 'wait', until: generateWait(chance, needs, behaviours, place) };
  if (drawn < 0.55)
    return { kind: 'agent', adapter: 'command', command: 'edit', prompt: { inline: 'do it' } };
  // A text without a value: its job cannot be made. Whether the output is there, the behaviour says.
  const need = needs[0];
  const argument = need !== undefined && chance.bool(0.1) ? ` \${{ needs.${need}.outputs.word }}` : '';
  if (argument !== '' && need !== undefined && chance.bool(0.6)) outputsOf(behaviours, need)['word'] = 'w';
  return { kind: 'run', commands: [`true${argument}`], script: null };
}

function generateWait(
  chance: Chance,
  needs: string[],
  behaviours: Record<string, Behaviour>,
  place: Place,
): WaitWork['until'] {
  const need = needs[0];
  if (need !== undefined && chance.bool(0.2)) {
    if (chance.bool(0.8)) outputsOf(behaviours, need)['delay'] = `${chance.int(1, 5)}s`;
    return { expression: `needs.${need}.outputs.delay` };
  }
  if (chance.bool(0.3))
    return { at: new Date(EPOCH_MS + place.submitAtMs + chance.int(0, 6_000)).toISOString() };
  return { forMs: chance.int(100, 6_000) };
}

function generateCondition(chance: Chance, needs: string[], behaviours: Record<string, Behaviour>): string {
  const need = needs[0];
  if (need === undefined) return chance.bool(0.5) ? 'true' : 'false';
  if (chance.bool(0.3)) return `needs.${need}.outcome == "passed"`;
  // Sometimes it is not there, and the condition has no value.
  if (chance.bool(0.85)) outputsOf(behaviours, need)['go'] = chance.bool(0.6);
  return `needs.${need}.outputs.go`;
}

function generateMatrix(
  chance: Chance,
  needs: string[],
  behaviours: Record<string, Behaviour>,
  { hasRepo }: Place,
): MatrixDefinition | null {
  const drawn = chance.next();
  if (drawn < 0.12) return { kind: 'list', values: ['x', 'y', 'z'].slice(0, chance.int(1, 3)) };
  const need = needs[0];
  if (drawn < 0.22 && need !== undefined) {
    const items = ['p', 'q', 'r', 's'].slice(0, chance.int(0, 4));
    if (chance.bool(0.9)) outputsOf(behaviours, need)['items'] = items;
    return { kind: 'from', expression: `needs.${need}.outputs.items` };
  }
  if (drawn < 0.26 && hasRepo)
    return { kind: 'glob', include: ['src/**'], exclude: [], chunk: chance.int(1, 2) };
  return null;
}

function generateBehaviour(chance: Chance, hasRepo: boolean): Behaviour {
  const workMs = Math.round(chance.bool(0.2) ? chance.between(800, 5_000) : chance.between(5, 600));
  return {
    workMs,
    rejects: chance.bool(0.3) ? chance.int(1, 3) : 0,
    faults: chance.bool(0.06) ? chance.int(1, 2) : chance.bool(0.004) ? 7 : 0,
    kills: chance.bool(0.04) ? chance.int(1, 6) : 0,
    blocks: chance.bool(0.05),
    outputs: {},
    commits: hasRepo && chance.bool(0.7),
  };
}

function systemBehaviour(chance: Chance): Behaviour {
  return {
    ...PLAIN,
    workMs: Math.round(chance.between(5, 600)),
    faults: chance.bool(0.05) ? chance.int(1, 2) : 0,
    blocks: chance.bool(0.04),
  };
}

function generateFrame(chance: Chance, hasRepo: boolean, submitAtMs: number): Partial<PlanDefinition> {
  const frame: Partial<PlanDefinition> = {
    priority: chance.bool(0.2) ? chance.int(-3, 3) : 0,
    maxParallel: chance.bool(0.25) ? chance.int(1, 3) : null,
    maxLeases: chance.int(1, 4),
    locks: chance.bool(0.6) ? { build: chance.int(1, 2) } : {},
    deadline: generateDeadline(chance, submitAtMs),
  };
  if (!hasRepo) return frame;
  return {
    ...frame,
    repo: { url: chance.pick(REPOSITORIES), base: 'main' },
    integrate: chance.bool(0.6) ? anIntegration({ branch: chance.bool(0.5) ? 'team/change' : null }) : null,
    baseline: chance.bool(0.2) ? aBaseline(chance) : null,
    progress: chance.bool(0.25) ? { branch: 'progress', everyMs: chance.int(1_000, 8_000) } : null,
  };
}

function aBaseline(chance: Chance): PlanDefinition['baseline'] {
  const { setup, verify, env, network, timeout, pool } = anIntegration();
  return { setup, verify, env, network, timeout, pool, onRed: chance.pick(['report', 'halt'] as const) };
}

function generateDeadline(chance: Chance, submitAtMs: number): PlanDefinition['deadline'] {
  if (!chance.bool(0.1)) return null;
  const afterMs = chance.int(500, 12_000);
  return chance.bool(0.5) ? { afterMs } : { at: new Date(EPOCH_MS + submitAtMs + afterMs).toISOString() };
}

function generateOperations(chance: Chance): Operation[] {
  const operations: Operation[] = [];
  const add = (verb: OperatorVerb, low: number, high: number): void => {
    operations.push({ verb, afterMs: chance.int(low, high), choice: chance.int(0, 20) });
  };
  if (chance.bool(0.1)) add('cancel', 0, 6_000);
  if (chance.bool(0.12)) {
    add('pause', 0, 4_000);
    // Nobody forgets a plan that he has paused.
    add('resume', 4_000, 8_000);
  }
  for (const verb of ['retry', 'skip', 'kill'] as const) if (chance.bool(0.12)) add(verb, 300, 8_000);
  if (chance.bool(0.04)) add('redrive', 300, 12_000);
  if (chance.bool(0.12)) add('fork', 500, 12_000);
  if (chance.bool(0.05)) add('retry', 5_000, 12_000);
  return operations;
}

function filesOf(chance: Chance, steps: StepDefinition[]): Record<string, string[]> {
  const files: Record<string, string[]> = {};
  steps.forEach((step, index) => {
    if (step.matrix?.kind === 'glob')
      files[String(index)] = ['src/a', 'src/b', 'src/c'].slice(0, chance.int(0, 3));
  });
  return files;
}

function outputsOf(behaviours: Record<string, Behaviour>, name: string): Record<string, JsonValue> {
  const behaviour = behaviours[name] as Behaviour;
  return behaviour.outputs;
}
