import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

const text = (maxLength: number) => ({ type: 'string', minLength: 1, maxLength });
const time = { type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$' };
const link = { type: 'string', pattern: '^https?://[^\\s]+$', maxLength: 2_000 };
const closed = (required: string[], properties: object, optional: object = {}) => ({
  type: 'object',
  required,
  properties: { ...properties, ...optional },
  additionalProperties: false,
});

/** Events API v2, as PagerDuty describes it (reference/events-v2/openapiv3.json of PagerDuty/api-schema), and its limits. */
const pagerDuty = {
  ...closed(
    ['routing_key', 'event_action', 'dedup_key', 'payload'],
    {
      routing_key: { type: 'string', pattern: '^[A-Za-z0-9]{32}$' },
      event_action: { enum: ['trigger', 'acknowledge', 'resolve'] },
      dedup_key: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
      payload: closed(
        ['summary', 'severity', 'source'],
        {
          summary: text(1_024),
          severity: { enum: ['critical', 'warning', 'error', 'info'] },
          source: text(255),
        },
        {
          timestamp: time,
          component: text(255),
          group: text(255),
          class: text(255),
          custom_details: { type: 'object' },
        },
      ),
    },
    {
      client: text(255),
      client_url: link,
      links: { type: 'array', items: closed(['href'], { href: link }, { text: text(255) }) },
      images: { type: 'array' },
    },
  ),
};

/** What incoming webhooks of Slack and of those like it take. */
const slack = closed(
  ['text'],
  { text: text(4_000) },
  { unfurl_links: { type: 'boolean' }, unfurl_media: { type: 'boolean' } },
);

/** Version 1 of our own: docs/paging.md. */
const webhook = closed(
  [
    ...['version', 'id', 'incident', 'action', 'kind', 'severity', 'at', 'fleet', 'what', 'summary'],
    ...['plan', 'step', 'reason', 'todo', 'links'],
  ],
  {
    version: { const: 1 },
    id: { type: 'string', pattern: '^[0-9a-f]{32}$' },
    incident: { type: 'string', pattern: '^skein/[\\x21-\\x7e]{1,249}$' },
    action: { enum: ['trigger', 'resolve', 'inform'] },
    kind: { type: 'string', pattern: '^[a-z]+\\.[a-z]+$' },
    severity: { enum: ['critical', 'warning', 'error', 'info'] },
    at: time,
    fleet: text(32),
    what: text(100),
    summary: text(1_000),
    plan: closed(['id', 'name', 'tenant'], {
      id: text(64),
      name: text(200),
      tenant: { type: ['string', 'null'], maxLength: 200 },
    }),
    step: {
      oneOf: [
        { type: 'null' },
        closed(['ordinal', 'name'], {
          ordinal: { type: 'string', pattern: '^s\\d+$' },
          name: { type: ['string', 'null'], minLength: 1, maxLength: 200 },
        }),
      ],
    },
    reason: closed(['code', 'message'], { code: text(100), message: { type: 'string', maxLength: 2_000 } }),
    todo: {
      type: 'array',
      items: closed(['what', 'run'], {
        what: text(100),
        run: { type: 'string', pattern: '^skein [a-z0-9 <>-]+$', maxLength: 200 },
      }),
    },
    links: { type: 'array', items: closed(['title', 'url'], { title: text(100), url: link }) },
  },
);

const ajv = new Ajv2020({ allErrors: true, strictTypes: false });
const validators: Record<'pagerduty' | 'slack' | 'webhook', ValidateFunction> = {
  pagerduty: ajv.compile(pagerDuty),
  slack: ajv.compile(slack),
  webhook: ajv.compile(webhook),
};

/** The body, parsed. Throws what its receiver would refuse. */
export function held<T = Record<string, unknown>>(type: keyof typeof validators, body: string): T {
  const value: unknown = JSON.parse(body);
  const validate = validators[type];
  if (!validate(value)) throw new Error(`${type} refuses it: ${ajv.errorsText(validate.errors)}\n${body}`);
  return value as T;
}
