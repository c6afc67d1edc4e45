import { createHmac } from 'node:crypto';
import { PlanIncidents, pageId } from '../incidents.ts';
import { messageOf, type Message } from '../message.ts';
import { PAGE_KINDS, type Page, type PageAction, type PageKind } from '../page.ts';
import { testMessages } from '../test-message.ts';
import { held } from '../testing/schemas.ts';
import { makeSink } from './make-sink.ts';
import type { SinkSettings } from './sink.ts';

const PLAN = '3b6f0a2c9d1e4f5a6b7c';
const AT = '2026-11-20T12:00:00.000Z';
const NOW = Date.parse(AT) + 5_000;
const incidents = new PlanIncidents('prod', PLAN);

const SETTINGS = {
  webhook: {
    name: 'audit',
    type: 'webhook',
    url: 'https://x.org/p',
    secrets: ['new-new-new-new-', 'old-old-old-old-'],
  },
  slack: { name: 'chat', type: 'slack', url: 'https://hooks.x.org/T/B/s' },
  pagerduty: {
    name: 'ops',
    type: 'pagerduty',
    url: 'https://events.pagerduty.com/v2/enqueue',
    routingKey: '0123456789abcdef0123456789abcdef',
  },
} as const;
const TYPES = ['webhook', 'slack', 'pagerduty'] as const;
type Type = (typeof TYPES)[number];

function aPage(kind: PageKind, o: { action?: PageAction; name?: string; reason?: string } = {}): Page {
  const { action = 'trigger', name = 'Callbacks to promises', reason = 'its worker was lost 3 times' } = o;
  const ofStep = kind.startsWith('step.');
  const incident = ofStep ? incidents.step(17) : incidents.halt;
  const content = {
    at: AT,
    plan: { name, tenant: 'local' },
    step: ofStep ? { ordinal: 17, name: `convert[${name}]` } : null,
    reason: { code: 'some-code', message: reason },
  };
  const id = pageId({ sink: 'x', planId: PLAN, seq: 42, incident, action });
  return { id, planId: PLAN, incident, action, kind, content };
}

const rendering = { fleet: 'prod', baseUrl: 'https://skein.example.org/' };
const sinkOf = (type: Type) => makeSink({ ...SETTINGS[type], on: ['plan.halted'] });
const sent = (type: Type, page: Page | Message) =>
  sinkOf(type).request('what' in page ? page : messageOf(page, rendering), NOW);

describe.each(TYPES)('the format of %s', (type) => {
  const all = PAGE_KINDS.flatMap((kind) =>
    (['trigger', 'resolve', 'inform'] as const).map((action) => [kind, action] as const),
  );

  it.each(all)('is what the receiver takes: %s, %s', (kind, action) => {
    held(type, sent(type, aPage(kind, { action })).body);
  });

  it.each([
    ['very long', 'n'.repeat(100_000), 'r'.repeat(100_000)],
    ['of characters that are escaped', '<&>"\\'.repeat(10_000), '<&>"\\`'.repeat(10_000)],
    ['hostile', '\u001b]0;x\u0007`<!channel> *@here*\0\ud800', '```\n<https://evil|ok>\u202e\r\n\u001b[2J'],
    ['empty', '', ''],
  ])('is so also when names and reasons are %s', (_what, name, reason) => {
    const request = sent(type, aPage('step.poisoned', { name, reason }));
    held(type, request.body);
    expect(request.body).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(Buffer.byteLength(request.body)).toBeLessThan(32_768);
  });

  it('is so when little is known of the plan', () => {
    const page = aPage('plan.unreadable');
    const content = { ...page.content, plan: null };
    held(type, sent(type, messageOf({ ...page, content }, { fleet: 'prod', baseUrl: null })).body);
  });

  it('repeats no secret that a reason repeats', () => {
    const token = `ghp_${'a'.repeat(36)}`;
    const { body } = sent(
      type,
      aPage('plan.halted', { reason: `clone https://bot:${token}@x.org failed: ${token}` }),
    );
    expect(body).toContain('clone https://');
    expect(body).not.toContain(token);
  });

  it('can say that something is wrong which only a newer version knows', () => {
    const newer = aPage('plan.exploded' as PageKind);
    expect(held(type, sent(type, newer).body)).toBeDefined();
    expect(sent(type, newer).body).toContain('plan.exploded');
  });

  it('has a test page, which nobody needs to do anything about', () => {
    for (const message of testMessages(type, 'prod', NOW)) {
      held(type, sent(type, message).body);
      expect(message).toMatchObject({ severity: 'info', todo: [] });
    }
  });

  it('names the plan, says why and what to do, and leads there', () => {
    const { body } = sent(type, aPage('step.poisoned'));
    for (const text of [PLAN, 's17', 'Callbacks to promises', 'its worker was lost 3 times'])
      expect(body).toContain(text);
    expect(body).toContain(`skein redrive ${PLAN} s17`);
    expect(body).toContain(`https://skein.example.org/v1/plans/${PLAN}/progress.md`);
  });

  it('tells which of its secrets must not be shown, and shows no more of its address than the host', () => {
    const { secrets, place } = sinkOf(type);
    const settings: SinkSettings = { ...SETTINGS[type], on: [] };
    if (settings.type === 'webhook') expect(secrets).toEqual(expect.arrayContaining([...settings.secrets]));
    if (settings.type === 'slack') expect(secrets).toContain(settings.url);
    if (settings.type === 'pagerduty') expect(secrets).toContain(settings.routingKey);
    expect(place).toBe(new URL(settings.url).origin);
  });
});

describe('a signed webhook', () => {
  it('is signed over time and body, with both secrets while they are exchanged', () => {
    const { headers, body } = sent('webhook', aPage('plan.halted'));
    const t = Math.floor(NOW / 1_000);
    const mac = (secret: string) => createHmac('sha256', secret).update(`${t}.${body}`).digest('hex');
    const [newer, older] = SETTINGS.webhook.secrets;
    expect(headers['skein-signature']).toBe(`t=${t},v1=${mac(newer)},v1=${mac(older)}`);
    expect(headers['skein-page-id']).toBe(held<{ id: string }>('webhook', body).id);
  });

  it('is signed anew for every try, and its body stays the same', () => {
    const message = messageOf(aPage('plan.halted'), rendering);
    const [one, later] = [NOW, NOW + 60_000].map((nowMs) => sinkOf('webhook').request(message, nowMs));
    expect(later!.body).toBe(one!.body);
    expect(later!.headers['skein-signature']).not.toBe(one!.headers['skein-signature']);
  });
});

describe('a Slack message', () => {
  const textOf = (page: Page) => held<{ text: string }>('slack', sent('slack', page).body).text;

  it('gives nobody a say in its format, its links or whom it mentions', () => {
    const hostile = '<!channel> <https://evil.example|your bank> *bold* `code` ```block``` & @channel';
    const text = textOf(aPage('step.poisoned', { name: hostile, reason: hostile }));
    expect(text).not.toMatch(/<!|<https:\/\/evil/);
    expect(text).toContain('&lt;!channel&gt;');
    // Outside of code there is only what we say.
    const outside = text.replace(/```[^`]*```/g, '').replace(/`[^`]*`/g, '');
    expect(outside).not.toMatch(/evil|bold|@channel/);
    expect(outside).not.toContain('`');
  });

  it('is a sentence first', () => {
    expect(textOf(aPage('step.poisoned')).split('\n')[0]).toBe(
      ':red_circle: step `convert[Callbacks to promises] (s17)` of plan `Callbacks to promises` *is poisoned*',
    );
    expect(textOf(aPage('plan.halted', { action: 'resolve' })).split('\n')[0]).toBe(
      ':white_check_mark: plan `Callbacks to promises` *goes on*',
    );
  });
});

describe('a PagerDuty event', () => {
  const eventOf = (page: Page) =>
    held<{ event_action: string; dedup_key: string; payload: { severity: string; summary: string } }>(
      'pagerduty',
      sent('pagerduty', page).body,
    );

  it('resolves what it triggered', () => {
    const triggered = eventOf(aPage('step.poisoned'));
    const resolved = eventOf(aPage('step.poisoned', { action: 'resolve' }));
    expect(triggered).toMatchObject({ event_action: 'trigger', payload: { severity: 'error' } });
    expect(resolved).toMatchObject({ event_action: 'resolve', dedup_key: triggered.dedup_key });
    expect(triggered.dedup_key).toBe(`skein/prod/${PLAN}/s17`);
  });

  it('ends a test incident right after its beginning', () => {
    const events = testMessages('pagerduty', 'prod', NOW).map((message) =>
      held<{ event_action: string; dedup_key: string }>('pagerduty', sent('pagerduty', message).body),
    );
    expect(events.map(({ event_action: action }) => action)).toEqual(['trigger', 'resolve']);
    expect(new Set(events.map(({ dedup_key: key }) => key)).size).toBe(1);
  });
});
