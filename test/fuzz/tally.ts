import type { Ask } from './ask.ts';
import { operationAt, type Operation } from './document.ts';
import type { Answer } from './wire.ts';

const FAILURES_TOLD = 20;

/** What was answered, by operation and status, and what was wrong with it. */
export class Tally {
  readonly failures: string[] = [];
  failed = 0;
  requests = 0;
  pastValidation = 0;
  readonly kinds = new Map<string, number>();
  /** Requests that may have left rows, by their number. */
  readonly accepted = new Set<number>();
  /** Plans that were answered as begun. */
  readonly begun = new Set<string>();
  /** Of those who went away without an answer. */
  readonly unknown = new Set<number>();
  readonly unknownPlans = new Set<string>();
  private readonly table = new Map<string, Map<string, number>>();
  private readonly operations: readonly Operation[];

  constructor(operations: readonly Operation[]) {
    this.operations = operations;
  }

  sent({ kind, requests }: Ask): void {
    this.requests += requests.length;
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + requests.length);
  }

  abandoned({ n, planId, requests }: Ask): void {
    this.unknown.add(n);
    if (planId !== null) this.unknownPlans.add(planId);
    this.count(requests[0]!.method, requests[0]!.address, 'gone');
  }

  answered(ask: Ask, method: string, address: string, answer: Answer): void {
    this.count(method, address, String(answer.status));
    const isChange = !['GET', 'HEAD'].includes(method) && answer.status < 300;
    if (isPastValidation(answer)) this.pastValidation += 1;
    if (!isChange || address.includes('dryRun=true')) return;
    this.accepted.add(ask.n);
    if (answer.status === 201) this.begun.add((JSON.parse(answer.text) as { planId: string }).planId);
  }

  fail(what: string): void {
    this.failed += 1;
    if (this.failures.length < FAILURES_TOLD) this.failures.push(what);
  }

  /** Operations that were never answered with anything good. */
  get unreached(): string[] {
    return this.operations
      .map(({ id }) => id)
      .filter((id) => ![...(this.table.get(id)?.keys() ?? [])].some((status) => status.startsWith('2')));
  }

  lines(): string[] {
    return [...this.table]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(
        ([id, statuses]) =>
          `${id.padEnd(18)} ${[...statuses]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([status, times]) => `${status}:${times}`)
            .join('  ')}`,
      );
  }

  coverage(): Record<string, Record<string, number>> {
    return Object.fromEntries([...this.table].map(([id, statuses]) => [id, Object.fromEntries(statuses)]));
  }

  private count(method: string, address: string, status: string): void {
    const id = operationAt(this.operations, method, address)?.id ?? '(no operation)';
    const statuses = this.table.get(id) ?? new Map<string, number>();
    this.table.set(id, statuses);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
}

/** What was answered by more than a look at the request: by who knows plans, steps and how they stand. */
function isPastValidation({ status, text }: Answer): boolean {
  if (status < 400) return true;
  const code = /"code":"([a-z-]+)"/.exec(text)?.[1] ?? '';
  if (status === 422) return !['plan-invalid', 'repo-url-invalid', 'base-invalid'].includes(code);
  return [409, 412, 429].includes(status) || (status === 404 && code !== 'not-found' && code !== '');
}
