import { ToldEvent } from '../told-event.ts';

export function aToldEvent(o: {
  planId: string;
  seq: number;
  position: number;
  /** Characters of its text. */
  size?: number;
}): ToldEvent {
  return new ToldEvent({
    planId: o.planId,
    seq: o.seq,
    position: BigInt(o.position),
    tx: '7',
    at: '2026-11-20T12:00:00.000Z',
    traceparent: null,
    event: { type: 'integration.published', data: { branch: 'b', sha: 'a' } },
    body: 'x'.repeat(o.size ?? 10),
    prevHash: '',
    hash: '',
  });
}
