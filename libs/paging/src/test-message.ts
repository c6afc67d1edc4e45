import { toIso } from '#domain';
import { pageId } from './incidents.ts';
import { messageOf, type Message } from './message.ts';
import type { PageAction } from './page.ts';
import type { SinkType } from './sinks/sink.ts';

/** Not the id of any plan. */
const TEST_PLAN = 'test-page';

/** What `skein sinks test` sends. A sink that keeps incidents gets the end of this one right after its beginning. */
export function testMessages(type: SinkType, fleet: string, nowMs: number): [Message, ...Message[]] {
  return type === 'pagerduty'
    ? [testMessage('trigger', fleet, nowMs), testMessage('resolve', fleet, nowMs)]
    : [testMessage('inform', fleet, nowMs)];
}

function testMessage(action: PageAction, fleet: string, nowMs: number): Message {
  const incident = `skein/${fleet}/test`;
  const reason = {
    code: 'test',
    message: 'Somebody tries whether pages arrive. Nothing is wrong, nothing is to be done.',
  };
  const content = { at: toIso(nowMs), plan: { name: 'A test page', tenant: '' }, step: null, reason };
  const id = pageId({ sink: 'test', planId: TEST_PLAN, seq: nowMs, incident, action });
  const kind = 'plan.completed';
  const page = { id, planId: TEST_PLAN, incident, action, kind, content } as const;
  const what = action === 'resolve' ? 'is over' : 'has arrived';
  return { ...messageOf(page, { fleet, baseUrl: null }), severity: 'info', what, todo: [] };
}
