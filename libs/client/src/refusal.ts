import { ProblemError } from './errors.ts';
import type { Problem, TextProblem } from './problem.ts';

/** The error that a refused request is told by. `body`: what came, be it a problem or a proxy's page. */
export function problemError(status: number, body: string, retryAfter: string | null): ProblemError {
  const seconds = /^\d{1,5}$/.test(retryAfter ?? '') ? Number(retryAfter) : null;
  return new ProblemError(status, readProblem(status, body), seconds === null ? null : seconds * 1_000);
}

function readProblem(status: number, body: string): Problem {
  const unknown = { title: `the server answered with status ${status}`, code: `http-${status}`, status };
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return unknown;
  }
  if (!isRecord(json)) return unknown;
  const { title, code, detail, currentSeq, problems } = json;
  return {
    title: typeof title === 'string' ? title : unknown.title,
    code: typeof code === 'string' ? code : unknown.code,
    status,
    ...(typeof detail === 'string' && { detail }),
    ...(typeof currentSeq === 'number' && { currentSeq }),
    ...(Array.isArray(problems) && { problems: problems.flatMap(readTextProblem) }),
  };
}

function readTextProblem(json: unknown): TextProblem[] {
  if (!isRecord(json) || typeof json['message'] !== 'string') return [];
  const text = (key: string) => (typeof json[key] === 'string' ? json[key] : null);
  const place = (key: string) => (typeof json[key] === 'number' ? json[key] : null);
  return [
    {
      message: json['message'],
      ...(typeof json['code'] === 'string' && { code: json['code'] }),
      path: text('path'),
      file: text('file'),
      line: place('line'),
      column: place('column'),
      hint: text('hint'),
    },
  ];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
