import { parse, type NapiConfig } from '@ast-grep/napi';
import { parseAllDocuments } from 'yaml';
import { type FixPiece, parseFix } from './fix-template.ts';
import { type CodemodLanguage, findLanguage, languageNames } from './languages.ts';
import { RuleError } from './rule-error.ts';

/** One YAML document: what to find, and what to put in its place. */
export interface CodemodRule {
  /** For messages: its id, or `rule 2`. */
  name: string;
  language: CodemodLanguage;
  /** Named by the document itself, so it applies to files of that language only. */
  ownLanguage: boolean;
  /** What ast-grep is asked for. */
  matcher: NapiConfig;
  fix: FixPiece[];
  /** Neighbours that are replaced too, such as the comma behind a list's item. */
  expandStart: Expansion | null;
  expandEnd: Expansion | null;
}

export interface Expansion {
  rule: NapiConfig;
  stopBy: 'neighbor' | 'end' | NapiConfig;
}

type Fields = Record<string, unknown>;

const MEANINGFUL = ['id', 'language', 'rule', 'constraints', 'utils', 'transform', 'fix'];
/** Of ast-grep's linter; they change nothing here. */
const IGNORED = ['message', 'severity', 'note', 'url', 'metadata', 'labels'];
const RULES_MAX = 200;

/** All documents of a rules text. Throws RuleError for the first that is wrong. */
export function parseRules(text: string, defaultLanguage: string): CodemodRule[] {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) throw new RuleError(1, 'there is no rule');
  if (documents.length > RULES_MAX)
    throw new RuleError(RULES_MAX + 1, `there are more than ${RULES_MAX} rules`);
  const rules: CodemodRule[] = [];
  for (const [index, document] of documents.entries()) {
    const number = index + 1;
    const problem = document.errors[0];
    if (problem !== undefined)
      throw new RuleError(number, `document ${number} is no YAML: ${firstLine(problem.message)}`);
    const content = readDocument(() => document.toJS() as unknown, number);
    // A `---` at the end makes an empty document.
    if (content === null && documents.length > 1) continue;
    rules.push(parseRule(content, number, defaultLanguage));
  }
  if (rules.length === 0) throw new RuleError(1, 'there is no rule');
  return rules;
}

function parseRule(content: unknown, number: number, defaultLanguage: string): CodemodRule {
  if (!isFields(content))
    throw new RuleError(number, `document ${number} is no rule: expected fields such as rule and fix`);
  const name = typeof content['id'] === 'string' && content['id'] !== '' ? content['id'] : `rule ${number}`;
  const wrong = (message: string) => new RuleError(number, `document ${number} (${name}): ${message}`);
  checkFields(content, wrong);
  const language = parseLanguage(content['language'] ?? defaultLanguage, wrong);
  const template = fixTemplate(content['fix'], wrong);
  const fix = parseFix(template, Object.keys(isFields(content['transform']) ? content['transform'] : {}));
  const matcher: Fields = { rule: content['rule'] };
  for (const field of ['constraints', 'utils', 'transform']) {
    if (content[field] !== undefined && content[field] !== null) matcher[field] = content[field];
  }
  const config = matcher as unknown as NapiConfig;
  checkWithAstGrep(language, config, wrong);
  checkVariables(fix, matcher, wrong);
  const [expandStart, expandEnd] = ['expandStart', 'expandEnd'].map((field) => {
    const expansion = parseExpansion(
      isFields(content['fix']) ? content['fix'][field] : undefined,
      field,
      wrong,
    );
    if (expansion !== null) checkWithAstGrep(language, expansion.rule, wrong);
    return expansion;
  }) as [Expansion | null, Expansion | null];
  const ownLanguage = content['language'] !== undefined;
  return { name, language, ownLanguage, matcher: config, fix, expandStart, expandEnd };
}

type Wrong = (message: string) => RuleError;

function checkFields(content: Fields, wrong: Wrong): void {
  for (const field of Object.keys(content)) {
    if (MEANINGFUL.includes(field) || IGNORED.includes(field)) continue;
    if (field === 'files' || field === 'ignores')
      throw wrong(`"${field}" is not for here: the step says which files`);
    if (field === 'rewriters') throw wrong('"rewriters" are not supported: write several documents');
    throw wrong(`"${field}" is unknown; known are ${MEANINGFUL.join(', ')}`);
  }
  if (!isFields(content['rule'])) throw wrong('"rule" is missing');
  if (content['fix'] === undefined || content['fix'] === null) throw wrong('"fix" is missing');
  const transform = content['transform'];
  if (transform === undefined || transform === null) return;
  if (!isFields(transform)) throw wrong('"transform" must hold fields');
  const rewriting = Object.values(transform).some((value) =>
    isFields(value) ? 'rewrite' in value : String(value).trim().startsWith('rewrite'),
  );
  if (rewriting) throw wrong('"rewrite" in "transform" is not supported: write several documents');
}

function parseLanguage(name: unknown, wrong: Wrong): CodemodLanguage {
  const language = typeof name === 'string' ? findLanguage(name) : null;
  if (language !== null) return language;
  throw wrong(`the language ${JSON.stringify(name)} is unknown; known are ${languageNames().join(', ')}`);
}

function fixTemplate(fix: unknown, wrong: Wrong): string {
  if (typeof fix === 'string') return fix;
  if (!isFields(fix)) throw wrong('"fix" must be a text, or fields with "template"');
  const unknown = Object.keys(fix).find(
    (field) => !['template', 'expandStart', 'expandEnd', 'title'].includes(field),
  );
  if (unknown !== undefined) throw wrong(`"${unknown}" in "fix" is unknown`);
  if (typeof fix['template'] !== 'string') throw wrong('"template" of "fix" must be a text');
  return fix['template'];
}

function parseExpansion(relation: unknown, field: string, wrong: Wrong): Expansion | null {
  if (relation === undefined || relation === null) return null;
  if (!isFields(relation)) throw wrong(`"${field}" must hold fields`);
  const { stopBy = 'neighbor', ...rule } = relation;
  if (stopBy !== 'neighbor' && stopBy !== 'end' && !isFields(stopBy)) {
    throw wrong(`"stopBy" of "${field}" must be neighbor, end or a rule`);
  }
  const asConfig = (value: unknown) => ({ rule: value }) as unknown as NapiConfig;
  return { rule: asConfig(rule), stopBy: typeof stopBy === 'string' ? stopBy : asConfig(stopBy) };
}

/** ast-grep itself knows best; an empty source is enough for it to read the rule. */
function checkWithAstGrep(language: CodemodLanguage, config: NapiConfig, wrong: Wrong): void {
  try {
    parse(language, '').root().findAll(config);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw wrong(
      message
        .replaceAll(/\s*\|->\s*/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    );
  }
}

/** A misspelt variable would silently put nothing. */
function checkVariables(fix: FixPiece[], matcher: Fields, wrong: Wrong): void {
  const { transform, ...patterns } = matcher;
  const text = JSON.stringify(patterns);
  const captured = new Set([...text.matchAll(/\$([A-Z][A-Z0-9_]*)/g)].map((found) => found[1]));
  const made = new Set(Object.keys(isFields(transform) ? transform : {}));
  for (const piece of fix) {
    if (piece.kind === 'text' || captured.has(piece.name) || made.has(piece.name)) continue;
    const sign = piece.kind === 'multiple' ? '$$$' : '$';
    throw wrong(`"fix" uses ${sign}${piece.name}, which the rule does not capture`);
  }
}

function readDocument(read: () => unknown, number: number): unknown {
  try {
    return read();
  } catch (error) {
    // Too many aliases, for one.
    throw new RuleError(
      number,
      `document ${number} is no YAML: ${firstLine(String((error as Error).message))}`,
    );
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
