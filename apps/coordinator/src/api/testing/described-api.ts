import type { IncomingHttpHeaders } from 'node:http';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonObject } from '../describing/openapi.ts';

export interface GivenAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

interface Operation {
  operationId: string;
  pattern: RegExp;
  method: string;
  responses: Record<string, { content?: Record<string, { schema: JsonObject }>; headers?: JsonObject }>;
}

const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Holds real answers against the document, more strictly than a client may: a key that it does not name is a fault. */
export class DescribedApi {
  /** `getPlan 200`, of what was held against it. */
  readonly seen = new Set<string>();
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true });
  private readonly operations: Operation[] = [];

  constructor(document: JsonObject) {
    this.ajv.addFormat('date-time', DATE_TIME);
    this.ajv.addSchema(closed(document) as object, 'api');
    const paths = document['paths'] as Record<string, Record<string, Omit<Operation, 'pattern' | 'method'>>>;
    for (const [path, methods] of Object.entries(paths)) {
      const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}/?$`);
      for (const [method, operation] of Object.entries(methods))
        this.operations.push({ ...operation, pattern, method: method.toUpperCase() });
    }
  }

  get operationIds(): string[] {
    return this.operations.map(({ operationId }) => operationId);
  }

  /** Throws what is wrong. What is at no path of the document is only held to be a problem. */
  check(method: string, address: string, answer: GivenAnswer): void {
    const path = address.split('?', 1)[0]!;
    const operation = this.operations.find((one) => one.method === method && one.pattern.test(path));
    if (!operation) {
      this.validate('#/components/schemas/Problem', answer, `${method} ${path}`);
      return;
    }
    const { operationId, responses } = operation;
    const where = `${operationId} ${answer.status}`;
    const response = responses[String(answer.status)] ?? responses['default'];
    if (answer.status < 400 && !responses[String(answer.status)])
      throw new Error(`${where} is not described`);
    for (const name of Object.keys(response?.headers ?? {})) {
      if (answer.headers[name.toLowerCase()] === undefined)
        throw new Error(`${where} lacks the header ${name}`);
    }
    this.seen.add(where);
    const type = answer.headers['content-type']?.split(';')[0];
    if (response?.content === undefined && answer.text === '') return;
    const schema = response?.content?.[type ?? '']?.schema;
    if (!schema) throw new Error(`${where} comes as ${type}, which is not described`);
    if (typeof schema['$ref'] === 'string') this.validate(schema['$ref'], answer, where);
    else if (type?.endsWith('json')) this.validateInline(schema, answer, where);
  }

  /** The data of one message of a stream. */
  checkEvent(text: string): void {
    this.report(this.ajv.getSchema('api#/components/schemas/StreamedEvent'), text, 'a message');
  }

  private validate(ref: string, { text }: GivenAnswer, where: string): void {
    this.report(this.ajv.getSchema(`api${ref}`), text, where);
  }

  private validateInline(schema: JsonObject, { text }: GivenAnswer, where: string): void {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object;
    this.report(this.ajv.compile(absolute), text, where);
  }

  private report(validate: ReturnType<Ajv2020['getSchema']>, text: string, where: string): void {
    if (!validate) throw new Error(`${where}: the document has no such schema`);
    if (validate(JSON.parse(text))) return;
    throw new Error(`${where} is not as described: ${this.ajv.errorsText(validate.errors)}`);
  }
}

/** Objects with named keys take no others. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== 'object' || schema === null) return schema;
  const all = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  const isClosable = all['type'] === 'object' && 'properties' in all && !('additionalProperties' in all);
  return isClosable ? { ...all, additionalProperties: false } : all;
}
