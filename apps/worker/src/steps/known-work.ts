import type { JobWork } from '#contracts';
import { UNKNOWN_WORK, type Reason } from '#domain';

/** Everything that `perform` and the fix loop's tasks can do. A kind that is added there is added here. */
const KINDS: Record<JobWork['kind'], true> = {
  noop: true,
  run: true,
  codemod: true,
  agent: true,
  resolve: true,
  baseline: true,
  integrate: true,
  publish: true,
  report: true,
  clean: true,
};
const TASKS = new Set(['run', 'codemod/ast-grep', 'codemod/jscodeshift', 'agent/command']);

/**
 * Why this worker cannot do the work; null when it can. It may be older than its coordinator, which a roll-out does to
 * a fleet: then the job is handed back before it is claimed, for a worker that knows it.
 */
export function unknownWork(work: JobWork): Reason | null {
  if (!Object.hasOwn(KINDS, work.kind)) return unknown(work.kind);
  if (!('task' in work)) return null;
  const { task } = work;
  const detail = 'engine' in task ? `/${task.engine}` : 'adapter' in task ? `/${task.adapter}` : '';
  const name = `${task.kind}${detail}`;
  return TASKS.has(name) ? null : unknown(name);
}

function unknown(name: unknown): Reason {
  const shown = JSON.stringify(String(name).slice(0, 100));
  return {
    code: UNKNOWN_WORK,
    message: `This worker does not know the work ${shown}: it is older than its coordinator.`,
  };
}
