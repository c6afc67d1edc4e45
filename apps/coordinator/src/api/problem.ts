import { HttpException } from '@nestjs/common';
import { show, type PlanProblem } from '#contracts';

/** RFC 9457. `code` is stable, for programs; `detail` says what was wrong and what to do. */
export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  problems?: PlanProblem[];
  currentSeq?: number;
}

interface ProblemMore {
  /** Everything that is wrong with a plan's text. */
  problems?: PlanProblem[];
  /** Where the plan stands, for whoever asked with an older seq. */
  currentSeq?: number;
}

export class Problem extends HttpException {
  constructor(
    status: number,
    readonly code: string,
    readonly detail: string,
    readonly o: ProblemMore & { retryAfterS?: number; cause?: unknown } = {},
  ) {
    super(detail, status, { cause: o.cause });
  }

  body(): ProblemBody {
    return problemBody(this.getStatus(), this.code, this.detail, this.o);
  }
}

export function problemBody(
  status: number,
  code: string,
  detail: string,
  { problems, currentSeq }: ProblemMore = {},
): ProblemBody {
  return {
    type: `urn:skein:problem:${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail,
    code,
    ...(problems && { problems }),
    ...(currentSeq !== undefined && { currentSeq }),
  };
}

const TITLES: Record<number, string> = {
  400: 'Bad request',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  408: 'Request timeout',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Too large',
  414: 'Path too long',
  415: 'Unsupported media type',
  417: 'Expectation failed',
  421: 'Misdirected request',
  422: 'Cannot be processed',
  429: 'Too many requests',
  431: 'Headers too large',
  500: 'Internal error',
  503: 'Not available',
};

export const planUnknown = (planId: string): Problem =>
  new Problem(404, 'plan-unknown', `there is no plan ${show(planId)}; list them with GET /v1/plans`);
