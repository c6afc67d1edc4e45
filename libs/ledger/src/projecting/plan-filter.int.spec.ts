import { jest } from '@jest/globals';
import type { PlanSubmitted } from '#domain';
import { silentLogger as log } from '#telemetry';
import { freshDatabase, type FreshDatabase } from '#testing';
import { EMPTY_HEAD } from '../chain/event-body.ts';
import { aDefinition, aStepDefinition } from '../contract/plan-run.ts';
import { PostgresUnderTest } from '../contract/postgres-under-test.ts';
import { pageQuery, type PlanFilter } from './plan-filter.ts';
import { PlanViews } from './plan-views.ts';
import { Projector } from './projector.ts';

jest.setTimeout(120_000);

describe('plans are found', () => {
  let fresh: FreshDatabase;
  let under: PostgresUnderTest;
  let views: PlanViews;
  let term: number;

  beforeAll(async () => {
    fresh = await freshDatabase();
    under = await PostgresUnderTest.open(fresh.adminUrl, 'skein');
    views = new PlanViews(under.database);
    term = (await under.terms.campaign('a'))!.term;
  });
  afterAll(async () => {
    await under?.close();
    await fresh?.drop();
  });

  async function submit(planId: string, at: string, o: { tenant?: string; definition: object }) {
    const definition = { ...aDefinition([aStepDefinition('only')]), ...o.definition };
    const data: PlanSubmitted = {
      tenant: o.tenant ?? 'local',
      definition,
      digest: 'd',
      idempotencyKey: planId,
      by: { name: 'spec', via: 'rest' },
      traceparent: null,
    };
    const events = [{ type: 'plan.submitted' as const, data }];
    await under.ledger.appendAll(term, [{ planId, expected: EMPTY_HEAD, at, traceparent: null, events }]);
  }

  const found = async (filter: PlanFilter): Promise<string[]> =>
    (await views.listPlans({ limit: 100, ...filter })).plans.map(({ planId }) => planId);

  describe('among a few', () => {
    beforeAll(async () => {
      const team = 'payments';
      await submit('p1', '2026-11-20T10:00:00.000Z', {
        definition: { name: 'Move to ESM', labels: { team } },
      });
      await submit('p2', '2026-11-20T11:00:00.000Z', {
        definition: { name: 'move_1%', labels: { team, kind: 'a=b' }, params: { depth: 3 }, priority: -4 },
      });
      await submit('p3', '2026-11-20T12:00:00.000Z', {
        tenant: 'other',
        definition: { name: 'movex', labels: { team: 'search', ['k'.repeat(3_000)]: 'v', nul: '\0' } },
      });
      const before = { labels: undefined, params: undefined, priority: undefined };
      await submit('p4', '2026-11-20T13:00:00.000Z', { definition: { name: 'licences', ...before } });
      await using projector = new Projector(under.database, { log });
      expect(await projector.caughtUp(20_000)).toBe(true);
    });

    it.each<[string, PlanFilter, string[]]>([
      ['without a filter, newest first', {}, ['p4', 'p3', 'p2', 'p1']],
      ['by how their name begins, in whatever case', { namePrefix: 'MOVE' }, ['p3', 'p2', 'p1']],
      ['by a name with signs that LIKE knows', { namePrefix: 'move_1%' }, ['p2']],
      ['by a backslash, which no name has', { namePrefix: 'move\\' }, []],
      ['by their tenant', { tenant: 'other' }, ['p3']],
      ['by a label', { labels: [{ key: 'team', value: 'payments' }] }, ['p2', 'p1']],
      ['by a label with an equals sign', { labels: [{ key: 'kind', value: 'a=b' }] }, ['p2']],
      ['by a label of any value', { labels: [{ key: 'team', value: null }] }, ['p3', 'p2', 'p1']],
      [
        'by several labels, all of them',
        {
          labels: [
            { key: 'team', value: 'payments' },
            { key: 'kind', value: null },
          ],
        },
        ['p2'],
      ],
      ['by their age, both ends included', { submittedFrom: '2026-11-20T11:00:00.000Z' }, ['p4', 'p3', 'p2']],
      ['by their age, from the other side', { submittedTo: '2026-11-20T11:00:00.000Z' }, ['p2', 'p1']],
      ['by their status', { status: 'halted' }, []],
      [
        'by everything at once',
        {
          status: 'running',
          tenant: 'local',
          namePrefix: 'mo',
          labels: [{ key: 'team', value: 'payments' }],
          submittedFrom: '2026-11-20T10:30:00.000Z',
          submittedTo: '2026-11-20T11:30:00.000Z',
        },
        ['p2'],
      ],
    ])('%s', async (_how, filter, planIds) => {
      expect(await found(filter)).toEqual(planIds);
    });

    it('with their labels, params and priority, also those from before there were any', async () => {
      expect(await views.plan('p2')).toMatchObject({
        labels: { team: 'payments', kind: 'a=b' },
        params: { depth: 3 },
        priority: -4,
      });
      expect(await views.plan('p4')).toMatchObject({ labels: {}, params: {}, priority: 0 });
    });

    it('page by page, with the same filter', async () => {
      const filter = { namePrefix: 'mov', limit: 2 };
      const first = await views.listPlans(filter);
      expect(first.plans.map(({ planId }) => planId)).toEqual(['p3', 'p2']);
      const second = await views.listPlans({ ...filter, cursor: first.next });
      expect(second).toMatchObject({ plans: [{ planId: 'p1' }], next: null });
    });
  });

  describe('among a hundred thousand', () => {
    // 90 % completed, 1 in 10,000 halted; every plan has a team (one in two the same), one in 25,000 is on fire.
    beforeAll(async () => {
      await under.admin.query(`
        INSERT INTO plans (plan_id, position, name, tenant, status, submitted_at, counts, needs, head_seq, head_hash,
          closed, labels, label_terms)
        SELECT 'bulk' || n, 1000 + n, CASE WHEN n % 5000 = 0 THEN 'migration ' ELSE 'review ' END || n,
          CASE WHEN n % 20000 = 7 THEN 'rare' ELSE 'local' END,
          CASE WHEN n % 10000 = 3 THEN 'halted' WHEN n % 10 = 1 THEN 'running' ELSE 'completed' END,
          to_char(timestamp '2025-01-01' + n * interval '1 minute', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
          '{}', '[]', 1, 'h', true, '{}',
          ARRAY['team', 'team=' || CASE WHEN n % 2 = 0 THEN 'big' ELSE 't' || n % 100 END]
            || CASE WHEN n % 25000 = 9 THEN ARRAY['fire', 'fire=yes'] ELSE ARRAY[]::text[] END
        FROM generate_series(1, 100000) n;
        ANALYZE plans`);
    });

    it.each<[string, PlanFilter & { before?: string }, number]>([
      ['without a filter', {}, 51],
      ['on a late page', { before: '50000' }, 51],
      ['by a rare status', { status: 'halted' }, 10],
      ['by a frequent status', { status: 'completed' }, 51],
      ['by a rare tenant', { tenant: 'rare' }, 5],
      ['by a rare label', { labels: [{ key: 'fire', value: null }] }, 4],
      ['by a label that half of them have', { labels: [{ key: 'team', value: 'big' }] }, 51],
      ['by a label that one in a hundred has', { labels: [{ key: 'team', value: 't1' }] }, 51],
      ['by a rare name', { namePrefix: 'Migration' }, 20],
      ['by a frequent name', { namePrefix: 'rev' }, 51],
      ['by the first hour', { submittedTo: '2025-01-01T01:00:00.000Z' }, 51],
      ['by the last hour', { submittedFrom: '2025-03-11T09:41:00.000Z' }, 51],
      [
        'by two that are frequent, but not together',
        { status: 'running', labels: [{ key: 'fire', value: null }] },
        0,
      ],
    ])('%s, without looking at many', async (_how, filter, rows) => {
      const query = pageQuery('skein', { limit: 50, ...filter });
      const { rows: answer } = await under.admin.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${query.text}`,
        query.values,
      );
      const plan = answer[0]!['QUERY PLAN'][0].Plan;
      expect(plan['Actual Rows']).toBe(rows);
      expect(looked(plan)).toBeLessThan(6_000);
    });
  });
});

interface PlanNode {
  'Actual Rows': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

/** Rows that any part of the query touched. */
function looked(node: PlanNode): number {
  const own =
    node['Actual Rows'] +
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0);
  return Math.max(own, ...(node.Plans ?? []).map(looked));
}
