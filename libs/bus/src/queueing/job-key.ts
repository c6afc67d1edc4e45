import type { Subjects } from '#contracts';

/** What names one job on the queue: pool, step and epoch. */
export interface JobKey {
  pool: string;
  planId: string;
  ordinal: number;
  epoch: number;
}

/** The inverse of `Subjects.job`, whatever the version; null for a subject of another shape. */
export function parseJobSubject(subjects: Subjects, subject: string): (JobKey & { version: string }) | null {
  const prefix = `${subjects.namespace}.jobs.`;
  if (!subject.startsWith(prefix)) return null;
  const [version, pool, planId, step, epochText, ...rest] = subject.slice(prefix.length).split('.');
  if (!version || !pool || !planId || !step || !epochText || rest.length > 0) return null;
  const ordinal = /^s\d+$/.test(step) ? Number(step.slice(1)) : NaN;
  const epoch = /^\d+$/.test(epochText) ? Number(epochText) : NaN;
  if (!Number.isSafeInteger(ordinal) || !Number.isSafeInteger(epoch)) return null;
  return { version, pool, planId, ordinal, epoch };
}
