/** Where something is in a plan text: keys and list indexes from the root. */
export type TextPath = readonly (string | number)[];

/** One thing that is wrong with a plan text. All of them are reported at once. */
export interface PlanProblem {
  /** For programs; stays stable. */
  code: PlanProblemCode;
  /** For people; safe to print on a terminal. */
  message: string;
  /** `steps[3].needs[0]`; empty for the text as a whole. Of a template's part, where the template says it. */
  path: string;
  /** The file of templates that it is in; absent: the plan text. */
  file?: string;
  /** From 1. */
  line: number;
  /** From 1, in UTF-16 code units. */
  column: number;
  /** What to do about it, when that can be said. */
  hint?: string;
}

export type PlanProblemCode =
  | 'text-too-large'
  | 'syntax'
  | 'duplicate-key'
  | 'unknown-key'
  | 'missing-key'
  | 'wrong-type'
  | 'wrong-value'
  | 'empty-plan'
  | 'too-many-steps'
  | 'duplicate-name'
  | 'reserved-name'
  | 'unknown-need'
  | 'duplicate-need'
  | 'self-need'
  | 'cycle'
  | 'no-work'
  | 'many-works'
  | 'not-for-noop'
  | 'not-for-wait'
  | 'needs-repo'
  | 'expression'
  | 'missing-param'
  | 'unknown-param'
  | 'wrong-param'
  | 'unknown-template'
  | 'missing-file'
  | 'unknown-file'
  | 'more-problems';

/** A problem before it has been located in the text. */
export interface UnplacedProblem {
  code: PlanProblemCode;
  message: string;
  path: TextPath;
  /** The path is one of this file of templates; absent: of the plan text. */
  file?: string;
  /** Point at the key rather than at its value. */
  atKey?: boolean;
  hint?: string;
}

export function formatPath(path: TextPath): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`;
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(part)) return `[${show(part)}]`;
      return index === 0 ? part : `.${part}`;
    })
    .join('');
}

const SHOWN_MAX = 80;

/** Text of a stranger as it may be put in a message: quoted, bounded, nothing that steers a terminal. */
export function show(text: string): string {
  const cut = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
  return JSON.stringify(cut).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escapeCharacter);
}

/** `\u001b`, for naming the character itself. */
export function escapeCharacter(character: string): string {
  return [...character.matchAll(/[\s\S]/g)]
    .map(([unit]) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}
