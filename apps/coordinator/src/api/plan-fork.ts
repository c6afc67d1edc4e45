import { createHash } from 'node:crypto';
import {
  definitionOf,
  evolve,
  forkedFrom,
  fromIso,
  initialPlanState,
  type ForkedFrom,
  type PlanDefinition,
  type PlanState,
} from '#domain';
import type { ForkBody } from './operator-bodies.ts';
import type { PlanReader } from './plan-reader.ts';
import { Problem, planUnknown } from './problem.ts';
import { digestOf, parseSubmission } from './submitted-plan.ts';
import type { PlanLimits } from './plan-limits.ts';

const PAGE = 2_000;
/** A state of a large plan is hundreds of MB: more of them at once and reads would be in the way of deciding. */
const AT_ONCE_MAX = 2;
/** Of what is taken over, as JSON: it becomes a part of the fork's first event. */
const RESULTS_BYTES_MAX = 16 * 1_024 ** 2;
/** A fork of a fork of a fork: so far it is asked which base the first of them named. */
const ORIGINS_MAX = 20;

export interface Fork {
  tenant: string;
  definition: PlanDefinition;
  digest: string;
  forkedFrom: ForkedFrom;
}

/** Makes new plans of what others had come to, from the ledger alone. Any replica can. */
export class PlanForks {
  private underWay = 0;

  constructor(
    private readonly reader: PlanReader,
    private readonly limits: PlanLimits,
  ) {}

  /** Throws a Problem: no such plan, a seq that it does not have, a text with problems. */
  async of(originId: string, body: ForkBody): Promise<Fork> {
    if (this.underWay >= AT_ONCE_MAX) {
      const detail = `${this.underWay} plans are being forked already; try again in a few seconds`;
      throw new Problem(429, 'fork-busy', detail, { retryAfterS: 2 });
    }
    this.underWay += 1;
    try {
      const origin = await this.stateAt(originId, body.atSeq ?? null);
      return await this.fork(origin, body);
    } finally {
      this.underWay -= 1;
    }
  }

  private async fork(origin: PlanState, body: ForkBody): Promise<Fork> {
    const given = await this.definitionFor(origin, body);
    const definition = body.name === undefined ? given : { ...given, name: body.name };
    const taken = forkedFrom(origin, definition);
    // What was made on another base is not what would be made on this one.
    const isSameBase = !definition.repo || definition.repo.base === origin.baseSha;
    const results = isSameBase ? taken.results : {};
    if (Buffer.byteLength(JSON.stringify(results)) > RESULTS_BYTES_MAX) {
      const detail = 'the results that it would take over are larger than 16 MB together';
      throw new Problem(422, 'fork-too-large', detail);
    }
    const { tenant } = origin.submitted!;
    return { tenant, definition, digest: this.digest(origin, body), forkedFrom: { ...taken, results } };
  }

  private async definitionFor(origin: PlanState, body: ForkBody): Promise<PlanDefinition> {
    const before = definitionOf(origin);
    const { baseSha } = origin;
    const { text, ...beside } = body;
    if (text === undefined) {
      const alone = (['params', 'files', 'repoUrl', 'base'] as const).find((key) => key in beside);
      if (alone) {
        const detail = `${alone} belongs to a text: send the plan's text with it, or leave it out`;
        throw new Problem(422, 'text-missing', detail);
      }
      return baseSha === null || !before.repo ? before : pinned(before, baseSha);
    }
    const definition = parseSubmission({ ...body, text }, this.limits);
    if (baseSha === null || definition.repo?.url !== before.repo?.url) return definition;
    const isAsBefore = body.base === undefined && (await this.bases(origin)).has(definition.repo?.base ?? '');
    return isAsBefore ? pinned(definition, baseSha) : definition;
  }

  /** How the origin, and what that was forked from, named the base that all of them stand on. */
  private async bases(origin: PlanState): Promise<Set<string>> {
    const bases = new Set<string>();
    let submitted = origin.submitted;
    for (let left = ORIGINS_MAX; submitted && left > 0; left--) {
      if (submitted.definition.repo) bases.add(submitted.definition.repo.base);
      if (!submitted.forkedFrom) break;
      submitted = await this.reader.submitted(submitted.forkedFrom.planId);
    }
    return bases;
  }

  private async stateAt(planId: string, seq: number | null): Promise<PlanState> {
    const state = initialPlanState(planId);
    for (;;) {
      const left = seq === null ? PAGE : Math.min(PAGE, seq - state.seq);
      const events = left === 0 ? [] : await this.reader.events(planId, state.seq, left);
      for (const stored of events) evolve(state, stored.event, fromIso(stored.at));
      if (events.length < left || left === 0) break;
    }
    if (!state.submitted) throw planUnknown(planId);
    if (seq === null || state.seq === seq) return state;
    const detail = `plan ${planId} has ${state.seq} events: there is no event ${seq} to fork it from`;
    throw new Problem(422, 'seq-unknown', detail);
  }

  /** Of what was asked, not of what came of it: the same key sent again is the same fork, wherever the origin is now. */
  private digest({ planId, submitted }: PlanState, body: ForkBody): string {
    const { atSeq, name, text } = body;
    const of =
      text === undefined
        ? submitted!.digest
        : digestOf({ ...body, text }, parseSubmission({ ...body, text }, this.limits));
    return createHash('sha256')
      .update(JSON.stringify(['fork', planId, atSeq ?? null, name ?? null, of]))
      .digest('hex');
  }
}

function pinned(definition: PlanDefinition, base: string): PlanDefinition {
  return definition.repo ? { ...definition, repo: { ...definition.repo, base } } : definition;
}
