import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { operationAt, type ApiDocument, type Operation, type Response, type Schema } from './document.ts';
import type { Answer } from './wire.ts';

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Problems that any address may have, whatever its operation: `default` of the description. */
const ANYWHERE: ReadonlySet<string> = new Set([
  '400 request-malformed',
  '400 path-malformed',
  '400 query-invalid',
  '400 body-malformed',
  '403 foreign-origin',
  '404 not-found',
  '405 method-not-allowed',
  '408 request-timeout',
  '413 body-too-large',
  '414 path-too-long',
  '415 unsupported-media-type',
  '415 unsupported-encoding',
  '417 expectation-unknown',
  '421 foreign-host',
  '431 headers-too-large',
]);

/** Only those who come back later can do something about it, so they are told when. */
const COME_BACK: ReadonlySet<number> = new Set([429, 503]);

/** Holds answers against the promises: no 5xx, a documented status, a body as described, problems as problems. */
export class Judge {
  readonly operations: readonly Operation[];
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });
  private readonly compiled = new Map<Schema, ValidateFunction>();
  private readonly problem: ValidateFunction;
  private readonly schemas: Record<string, Schema>;

  constructor(document: ApiDocument, operations: readonly Operation[]) {
    this.operations = operations;
    this.ajv.addFormat('date-time', DATE_TIME);
    this.ajv.addSchema(closed(document) as object, 'api');
    this.schemas = document.components.schemas;
    this.problem = this.ajv.getSchema('api#/components/schemas/Problem')!;
    if (!this.schemas['Problem']) throw new Error('the description has no Problem');
  }

  /** What is wrong with an answer; null: nothing. */
  wrong(method: string, address: string, answer: Answer): string | null {
    const { status } = answer;
    if (status >= 500) return `answered ${status}: ${answer.text.slice(0, 500)}`;
    const operation = operationAt(this.operations, method, address);
    const wrong =
      status >= 400
        ? this.wrongProblem(operation, method, answer)
        : this.wrongGood(operation, address, method, answer);
    return wrong === null ? null : `${operation?.id ?? method} ${status}: ${wrong}`;
  }

  private wrongProblem(operation: Operation | null, method: string, answer: Answer): string | null {
    const { status, headers } = answer;
    if (headers['content-type'] !== 'application/problem+json; charset=utf-8')
      return `comes as ${headers['content-type']}`;
    if (method === 'HEAD') return null;
    const body = parsed(answer.text);
    if (!this.problem(body)) return this.ajv.errorsText(this.problem.errors);
    const { code, status: said, detail } = body as { code: string; status: number; detail: string };
    if (said !== status) return `says that it is ${said}`;
    if (/[\p{Cc}\p{Bidi_Control}]/u.test(detail)) return 'its detail would write to a terminal';
    if (detail.length > DETAIL_MAX) return `its detail has ${detail.length} characters`;
    if (COME_BACK.has(status) && !/^[1-9]\d*$/.test(headers['retry-after'] ?? '')) return 'lacks Retry-After';
    if (ANYWHERE.has(`${status} ${code}`)) return null;
    if (operation?.responses[String(status)]?.description.includes(`\`${code}\``)) return null;
    return `${code} is not documented`;
  }

  private wrongGood(
    operation: Operation | null,
    address: string,
    method: string,
    answer: Answer,
  ): string | null {
    // The page for people is no part of the description.
    if (!operation)
      return address.startsWith('/docs') ? null : `nothing is documented at ${address.slice(0, 200)}`;
    const response = operation.responses[String(answer.status)];
    if (!response) return 'its status is not documented';
    // A dry run makes nothing that could be named.
    for (const name of Object.keys(response.headers ?? {}))
      if (answer.headers[name.toLowerCase()] === undefined && !address.includes('dryRun=true'))
        return `lacks the header ${name}`;
    if (method === 'HEAD' || response.content === undefined) return answer.text === '' ? null : 'has a body';
    return this.wrongBody(response, answer);
  }

  private wrongBody(response: Response, { headers, text }: Answer): string | null {
    const type = headers['content-type']?.split(';')[0] ?? '';
    const content = response.content![type];
    if (!content) return `comes as ${type}`;
    if (type === 'text/event-stream') return this.wrongMessages(content['x-event-schema'], text);
    if (!type.endsWith('json')) return null;
    const validate = this.validator(content.schema);
    return validate(parsed(text)) ? null : this.ajv.errorsText(validate.errors);
  }

  /** Those that came whole. */
  private wrongMessages(schema: Schema | undefined, text: string): string | null {
    if (!schema) return 'the description does not say what a message is';
    const validate = this.validator(schema);
    for (const message of text.split('\n\n').slice(0, -1)) {
      const data = /^data: (.*)$/m.exec(message)?.[1];
      if (data === undefined || /^event: end$/m.test(message)) continue;
      if (!validate(parsed(data))) return `a message: ${this.ajv.errorsText(validate.errors)}`;
    }
    return null;
  }

  private validator(schema: Schema): ValidateFunction {
    let validate = this.compiled.get(schema);
    if (!validate) {
      const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object;
      validate = this.ajv.compile(closed(absolute) as object);
      this.compiled.set(schema, validate);
    }
    return validate;
  }
}

/** Far more than anybody reads; what is told back of a request must not grow with it. */
const DETAIL_MAX = 20_000;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return `no JSON: ${text.slice(0, 200)}`;
  }
}

/** Objects with named keys take no others: stricter than clients may be. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const all = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isClosable = all['type'] === 'object' && 'properties' in all && !('additionalProperties' in all);
  return isClosable ? { ...all, additionalProperties: false } : all;
}
