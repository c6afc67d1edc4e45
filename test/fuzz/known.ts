import { createHash } from 'node:crypto';
import type { Chance } from '../sim/core/chance.ts';
import type { Operation } from './document.ts';
import { hostileWord } from './noise.ts';

const REMEMBERED = 400;

/**
 * What requests can name because an earlier one may have made it. A plan's id follows from its Idempotency-Key, so that
 * this needs no answers: the same seed makes the same requests, whatever the coordinator did with them.
 */
export class Known {
  private readonly plans: string[] = [];
  private readonly keys: string[] = [];
  private readonly prepared: readonly PreparedPlan[];

  constructor(prepared: readonly PreparedPlan[]) {
    this.prepared = prepared;
  }

  /** What looks may look at all of them; what changes one, at those that nothing else needs as they are. */
  preparedPlan(chance: Chance, { id, method }: Pick<Operation, 'id' | 'method'>): PreparedPlan {
    const own = this.prepared.filter((one) => one.keptFor === id);
    if (own.length > 0) return chance.pick(own);
    return chance.pick(method === 'GET' ? this.prepared : this.prepared.filter((one) => !one.keptFor));
  }

  submitted(key: string): string {
    const planId = planIdFor(key);
    this.plans.push(planId);
    this.keys.push(key);
    if (this.plans.length > REMEMBERED) {
      this.plans.shift();
      this.keys.shift();
    }
    return planId;
  }

  planId(chance: Chance, operation: Pick<Operation, 'id' | 'method'>, preparedShare = 0.25): string {
    if (this.plans.length === 0 || chance.bool(preparedShare))
      return this.preparedPlan(chance, operation).planId;
    // The newest are still running, and the very newest may not be there yet.
    const newest = this.plans.slice(-40, -1);
    return newest.length > 0 && chance.bool(0.6) ? chance.pick(newest) : chance.pick(this.plans);
  }

  key(chance: Chance): string | null {
    return this.keys.length === 0 ? null : chance.pick(this.keys);
  }
}

/** One that was brought to where it stands before: with attempts, logs, diffs, dead letters. */
export interface PreparedPlan {
  planId: string;
  /** The one that it is about. */
  step: string;
  /** The only operation that may change it: others would leave nothing for that one to do. */
  keptFor: string | null;
}

export function planIdFor(key: string): string {
  return createHash('sha256').update(`local\n${key}`).digest('hex').slice(0, 20);
}

/** A step is asked for together with a plan: more often with one that has such steps. */
export function goodParts(operation: Operation, known: Known, chance: Chance): Record<string, string> {
  const names = operation.parameters.flatMap((one) => (one.in === 'path' ? [one.name] : []));
  const attempt = String(chance.int(1, 2));
  if (names.includes('step') && chance.bool(names.includes('attempt') ? 0.7 : 0.4)) {
    const { planId, step } = known.preparedPlan(chance, operation);
    const another = chance.bool(0.3) ? chance.pick(['s0', 's1', 's2', 'integrate', 'works']) : step;
    return { planId, step: another, attempt, sink: 'ops' };
  }
  const step = chance.pick(['s0', 's0', 's1', 's1', 's2', 's3', 'step-0', 'step-0', 'step-1', 'step-0[a]']);
  return {
    planId: known.planId(chance, operation, 0.15),
    step: encodeURIComponent(step),
    attempt,
    sink: 'ops',
  };
}

/** One that is encoded, one that is not, and bytes that are no text. */
export function hostilePart(chance: Chance): string {
  const word = hostileWord(chance).toWellFormed();
  const kind = chance.int(0, 4);
  if (kind === 0)
    return chance.pick([
      '%',
      '%0',
      '%zz',
      '%ff',
      '%c0%ae',
      '%ed%a0%80',
      '%2e%2e',
      '%2F',
      '%252f',
      ';a=b',
      '*',
      ':',
      '..;',
      '%00',
    ]);
  if (kind === 1)
    return (
      Buffer.from(word)
        .toString('latin1')
        .replaceAll(/[\s\p{Cc}/?#]/gu, '_') || '_'
    );
  return encodeURIComponent(word) || '%20';
}
