import { showSettings } from './description.ts';
import { loadSettings } from './settings.ts';

const SECRET = 'hunter2-hunter2-hunter2';
const KEY = '0123456789abcdef0123456789ABCDEF';
const WEBHOOK = { name: 'audit', type: 'webhook', url: 'https://example.org/pages', secrets: [SECRET] };
const SLACK = { name: 'chat', type: 'slack', url: 'https://hooks.example.org/services/T0/B0/hunter2hunter2' };
const PAGERDUTY = { name: 'ops', type: 'pagerduty', routingKey: KEY };

const load = (sinks: unknown) =>
  loadSettings({ HOME: '/h', SKEIN_SINKS: typeof sinks === 'string' ? sinks : JSON.stringify(sinks) }).paging
    .sinks;

describe('the sinks that are set', () => {
  it('may be of all kinds, and are paged about what needs a person unless they say otherwise', () => {
    const on = ['step.poisoned', 'plan.halted', 'plan.stuck', 'plan.unreadable'];
    expect(load([WEBHOOK, { ...SLACK, on: ['plan.completed'] }, PAGERDUTY])).toEqual([
      { ...WEBHOOK, on },
      { ...SLACK, on: ['plan.completed'] },
      { ...PAGERDUTY, on, url: 'https://events.pagerduty.com/v2/enqueue' },
    ]);
  });

  it('may have two secrets, while they are exchanged', () => {
    expect(load([{ ...WEBHOOK, secrets: [SECRET, `${SECRET}-old`] }])).toHaveLength(1);
  });

  it.each([
    ['text', '{"name"', 'a JSON list of sinks'],
    ['no list', WEBHOOK, 'a JSON list of sinks'],
    [
      'another type',
      [{ ...SLACK, type: 'pigeon' }],
      "[0].type: Invalid discriminator value. Expected 'webhook'",
    ],
    ['an unknown key', [{ ...SLACK, chanel: '#ops' }], '[0]: Unrecognized key: "chanel"'],
    ['a name twice', [SLACK, SLACK], 'names that differ'],
    ['a name that is none', [{ ...SLACK, name: 'Our Chat' }], '[0].name: up to 32 lower-case letters'],
    ['a short secret', [SLACK, { ...WEBHOOK, secrets: ['hunter2'] }], '[1].secrets[0]: 16 to 256'],
    ['three secrets', [{ ...WEBHOOK, secrets: [SECRET, SECRET, SECRET] }], '[0].secrets: at most two'],
    ['no secret', [{ ...WEBHOOK, secrets: [] }], '[0].secrets: one secret'],
    [
      'a routing key that is none',
      [{ ...PAGERDUTY, routingKey: 'hunter2' }],
      '[0].routingKey: the 32 letters',
    ],
    ['http over the network', [{ ...SLACK, url: 'http://hunter2.org/x' }], '[0].url: https://'],
    [
      'http to a name that only begins like loopback',
      [{ ...SLACK, url: 'http://127.0.0.1.org/' }],
      '[0].url',
    ],
    ['another scheme', [{ ...SLACK, url: 'file:///hunter2' }], '[0].url: an https:// URL'],
    [
      'a password in the URL',
      [{ ...SLACK, url: 'https://u:hunter2@x.org/' }],
      '[0].url: an https:// URL without',
    ],
    ['an event that nobody knows', [{ ...SLACK, on: ['plan.exploded'] }], '[0].on[0]: Invalid option'],
    ['nothing to be paged about', [{ ...SLACK, on: [] }], '[0].on'],
    ['too many', Array.from({ length: 17 }, (_, i) => ({ ...SLACK, name: `s${i}` })), '<=16 items'],
  ])('are refused with %s, by place and without a secret', (_what, sinks, message) => {
    let said = '';
    try {
      load(sinks);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toContain('SKEIN_SINKS is "(hidden)": expected a JSON list of sinks');
    expect(said).toContain(message);
    expect(said).not.toContain('hunter2');
  });

  it('take only what can be resolved again where incidents are kept', () => {
    expect(() => load([{ ...PAGERDUTY, on: ['plan.completed'] }])).toThrow('[0].on[0]: Invalid option');
    expect(load([{ ...PAGERDUTY, on: ['plan.paused', 'step.blocked'] }])).toHaveLength(1);
  });

  it.each(['http://127.0.0.1:9/x', 'http://localhost/x', 'http://[::1]:80/x'])(
    'may be reached on this machine without TLS: %s',
    (url) => {
      expect(load([{ ...SLACK, url }])).toHaveLength(1);
    },
  );

  it('may be reached without TLS elsewhere when it says that this is wanted', () => {
    expect(load([{ ...SLACK, url: 'http://chat.internal/x', allowHttp: true }])).toEqual([
      expect.not.objectContaining({ allowHttp: true }),
    ]);
  });

  it('are never shown', () => {
    const env = { HOME: '/h', SKEIN_SINKS: JSON.stringify([WEBHOOK, SLACK, PAGERDUTY]) };
    const shown = showSettings(env).find((one) => one.env === 'SKEIN_SINKS');
    expect(shown).toMatchObject({ value: '(set)', secret: true });
  });
});
