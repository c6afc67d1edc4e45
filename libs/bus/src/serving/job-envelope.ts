import type { Msg } from '@nats-io/nats-core';
import { z } from 'zod';
import { type Job, type Subjects, WIRE_VERSION } from '#contracts';
import { parseJobSubject } from '../queueing/job-key.ts';

/** What every job must have before a handler sees it; the work itself is checked by whoever carries it out. */
const envelope = z.looseObject({
  version: z.literal(1),
  planId: z.string().min(1),
  ordinal: z.int().nonnegative(),
  epoch: z.int().positive(),
  pool: z.string().min(1),
  stepName: z.string(),
  work: z.looseObject({ kind: z.string() }),
});

export type ReadJob =
  | { kind: 'job'; job: Job }
  /** A newer coordinator's job: left alone, for a worker that knows it. */
  | { kind: 'unknown-version'; version: string }
  /** Nobody can run it. */
  | { kind: 'unreadable'; problem: string };

export function readJob(subjects: Subjects, message: Msg): ReadJob {
  const key = parseJobSubject(subjects, message.subject);
  if (key === null) return { kind: 'unreadable', problem: `Not a job's subject: ${message.subject}` };
  if (key.version !== WIRE_VERSION) return { kind: 'unknown-version', version: key.version };
  let body: unknown;
  try {
    body = message.json();
  } catch {
    return { kind: 'unreadable', problem: 'Not JSON' };
  }
  const version = typeof body === 'object' && body !== null && 'version' in body ? body.version : undefined;
  if (typeof version === 'number' && version !== 1)
    return { kind: 'unknown-version', version: String(version) };
  const parsed = envelope.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return {
      kind: 'unreadable',
      problem: `${issue?.path.join('.') || 'job'}: ${issue?.message ?? 'invalid'}`,
    };
  }
  const { planId, ordinal, epoch, pool } = parsed.data;
  if (planId !== key.planId || ordinal !== key.ordinal || epoch !== key.epoch || pool !== key.pool) {
    return { kind: 'unreadable', problem: `The job is not the one its subject names: ${message.subject}` };
  }
  return { kind: 'job', job: parsed.data as unknown as Job };
}
