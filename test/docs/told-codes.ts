import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/*
 * The codes that people meet, read from the sources themselves: who adds one cannot forget to say what it means.
 * Found where they are written: `{ code: 'x', message }`, tables named `...CODES`, calls that take a code, classes of
 * errors whose code becomes a reason, and unions of codes.
 */

const ROOT = join(import.meta.dirname, '..', '..');
const CODE = /^[a-z]+(-[a-z]+)*$/;

const read = new Map<string, ts.SourceFile[]>();

/** `word`: only those in which it stands, as parsing takes its time. */
function sourcesOf(folder: string, word = ''): ts.SourceFile[] {
  const key = `${word} ${folder}`;
  const sources = read.get(key) ?? parsed(folder, word);
  read.set(key, sources);
  return sources;
}

function parsed(folder: string, word: string): ts.SourceFile[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ts$/.test(file) && !/\.spec\.ts$|(^|\/)(testing|contract)\//.test(file))
    .map((file) => ({ file, text: readFileSync(join(ROOT, folder, file), 'utf8') }))
    .filter(({ text }) => text.includes(word))
    .map(({ file, text }) => ts.createSourceFile(`${folder}/${file}`, text, ts.ScriptTarget.Latest, true));
}

let named: Map<string, string[]> | null = null;

/** Texts that have a name in capitals, because several places write or compare them. */
function constants(): Map<string, string[]> {
  if (named) return named;
  named = new Map();
  for (const source of ['apps', 'libs'].flatMap((folder) => sourcesOf(folder, 'export const')))
    for (const [, name, text] of source.text.matchAll(/^export const ([A-Z_]+) = '([a-z-]+)'/gm))
      named.set(name!, [text!]);
  return named;
}

function literalsIn(node: ts.Node): string[] {
  if (ts.isStringLiteral(node)) return [node.text];
  if (ts.isConditionalExpression(node)) return [...literalsIn(node.whenTrue), ...literalsIn(node.whenFalse)];
  if (ts.isBinaryExpression(node)) return [...literalsIn(node.left), ...literalsIn(node.right)];
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node)) return literalsIn(node.expression);
  if (ts.isIdentifier(node)) return constants().get(node.text) ?? [];
  return [];
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}

function propertyOf(node: ts.ObjectLiteralExpression, name: string): ts.ObjectLiteralElementLike | undefined {
  return node.properties.find((property) => property.name?.getText() === name);
}

/** `{ code: 'x', message: ... }`: a condition that a person can read. */
function reasonsIn(node: ts.Node): string[] {
  if (!ts.isObjectLiteralExpression(node)) return [];
  const code = propertyOf(node, 'code');
  const isTold = ['message', 'reason', 'detail'].some((name) => propertyOf(node, name));
  return isTold && code && ts.isPropertyAssignment(code) ? literalsIn(code.initializer) : [];
}

/** `{ status: 'refused', code: 'x', reason: ... }`: the answer to a command, no reason of a step. */
function refusalsIn(node: ts.Node): string[] {
  return ts.isObjectLiteralExpression(node) && propertyOf(node, 'reason') ? reasonsIn(node) : [];
}

/** `const CODES = { gitlink: 'gitlink', ... }`, and the function that says which code is told of what has none. */
function tablesIn(node: ts.Node): string[] {
  if (ts.isFunctionDeclaration(node) && node.name?.text === 'codeOf') {
    const codes: string[] = [];
    visit(node, (inner) => {
      if (ts.isReturnStatement(inner) && inner.expression) codes.push(...literalsIn(inner.expression));
    });
    return codes;
  }
  if (!ts.isVariableDeclaration(node) || !/(^|_)codes$/i.test(node.name.getText())) return [];
  const given = node.initializer;
  const table = given && ts.isAsExpression(given) ? given.expression : given;
  if (!table || !ts.isObjectLiteralExpression(table)) return [];
  return table.properties.flatMap((property) =>
    ts.isPropertyAssignment(property) ? literalsIn(property.initializer) : [],
  );
}

/** Calls that take a code: which argument it is. */
const TAKERS: Record<string, number> = {
  Problem: 1,
  problemBody: 1,
  sendProblem: 2,
  answer: 2,
  problemText: 1,
  refused: 0,
};

function callsIn(node: ts.Node): string[] {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return [];
  const at = TAKERS[node.expression.getText()];
  const given = at === undefined ? undefined : node.arguments?.[at];
  return given ? literalsIn(given) : [];
}

/** `readonly code = 'x'` of a class, with the name of the class. */
function errorsIn(node: ts.Node): { name: string; code: string }[] {
  if (!ts.isClassDeclaration(node)) return [];
  return node.members.flatMap((member) =>
    ts.isPropertyDeclaration(member) && member.name.getText() === 'code' && member.initializer
      ? literalsIn(member.initializer).map((code) => ({ name: node.name?.text ?? '', code }))
      : [],
  );
}

function unionOf(sources: readonly ts.SourceFile[], name: string, member?: string): string[] {
  const found: string[] = [];
  for (const source of sources) {
    visit(source, (node) => {
      if (!ts.isTypeAliasDeclaration(node) || node.name.text !== name) return;
      visit(node.type, (inner) => {
        if (!ts.isLiteralTypeNode(inner) || !ts.isStringLiteral(inner.literal)) return;
        const owner = inner.parent;
        if (member && !(ts.isPropertySignature(owner) && owner.name.getText() === member)) return;
        found.push(inner.literal.text);
      });
    });
  }
  if (found.length < 2) throw new Error(`there is no union ${name} any more: say here where its codes are`);
  return found;
}

function all<T>(sources: readonly ts.SourceFile[], ...finders: ((node: ts.Node) => T[])[]): T[] {
  const found: T[] = [];
  for (const source of sources)
    visit(source, (node) => finders.forEach((finder) => found.push(...finder(node))));
  return found;
}

const sorted = (codes: Iterable<string>) => [...new Set(codes)].filter((code) => CODE.test(code)).sort();

/** What these find is answered to whoever asked, and no step ends by it. */
const REFUSING = /^libs\/domain\/src\/scheduling\/(quota|limits)/;

/** As the worker spells what libraries shout (`GIT_TIMEOUT`). */
const spelt = (code: string) => code.toLowerCase().replaceAll('_', '-');

/** Errors of these libraries that end, or hand back, a lease are told by their code. */
const UNDER_A_LEASE = ['libs/workspace/src', 'libs/bus/src', 'apps/worker/src/leasing'];

/** Classes whose code is never told to anybody, and why. */
const UNTOLD: Record<string, string> = {
  StepBlockedError: 'carries a reason of its own',
  WorkerFaultError: 'carries a reason of its own',
  LeaseLostError: 'nothing is reported of a lost lease',
  HandBackTimeoutError: 'nobody could take it: it is in the worker’s log',
  UnstorablePathsError: 'is told as unstorable-files',
  WorktreeGoneError: 'is told as unstorable-files',
  BusSetupError: 'ends the program at its start',
  UnfitServerError: 'ends the program at its start',
};

/** Of steps and plans: why they ended, were rejected, lost or handed back; in `reason.code`. */
export function reasonCodes(): string[] {
  const sources = [
    ...['domain', 'workspace', 'agents', 'contracts'].map((lib) => `libs/${lib}/src`),
    'libs/ledger/src/projecting',
    'libs/paging/src/making',
    'apps/worker/src',
    'apps/coordinator/src/deciding',
    'apps/coordinator/src/publishing',
  ].flatMap((folder) => sourcesOf(folder));
  const workspace = sourcesOf('libs/workspace/src');
  const problems = new Set(textProblemCodes());
  const steps = sources.filter(({ fileName }) => !REFUSING.test(fileName));
  const told = all(steps, reasonsIn, tablesIn).filter((code) => !problems.has(code));
  const errors = all(
    UNDER_A_LEASE.flatMap((folder) => sourcesOf(folder)),
    errorsIn,
  )
    .filter(({ name }) => !(name in UNTOLD))
    .map(({ code }) => spelt(code));
  const unions = [...unionOf(workspace, 'GitErrorCode'), ...unionOf(workspace, 'ResolutionErrorCode')];
  const expressions = all(sourcesOf('libs/domain/src/plan'), errorsIn).map(({ code }) => code);
  const refusals = new Set(all(sources, refusalsIn));
  return sorted([...told, ...errors, ...unions.map(spelt), ...expressions]).filter(
    (code) => !refusals.has(code),
  );
}

/** What is wrong with a plan's text: told with its place, as `problems` of `plan-invalid`. */
function textProblemCodes(): string[] {
  return all(sourcesOf('libs/contracts/src'), reasonsIn);
}

/** Of the API: `code` of a problem, and of a command that a worker or a replica is refused. */
export function problemCodes(): string[] {
  const api = ['apps/coordinator/src/api', 'apps/coordinator/src/commands'].flatMap((folder) =>
    sourcesOf(folder),
  );
  const domain = sourcesOf('libs/domain/src');
  const described = all(api, (node) =>
    ts.isPropertyAssignment(node) &&
    ts.isNumericLiteral(node.name) &&
    ts.isArrayLiteralExpression(node.initializer)
      ? node.initializer.elements.flatMap(literalsIn)
      : [],
  );
  const refusals = all(domain, callsIn, refusalsIn);
  const quota = all(
    domain.filter(({ fileName }) => REFUSING.test(fileName)),
    reasonsIn,
  );
  const deciders = all(sourcesOf('apps/coordinator/src/deciding'), errorsIn).map(({ code }) => code);
  return sorted([
    ...described,
    ...all(api, callsIn, reasonsIn, tablesIn),
    ...refusals,
    ...quota,
    ...deciders,
  ]);
}

/** What can hold a step that is ready. */
export function holdKinds(): string[] {
  return sorted(unionOf(sourcesOf('libs/domain/src/scheduling'), 'Hold', 'kind'));
}

/** Codes that the programs log: `alert: 'plan-stuck'`, or `const alert = 'plan-stuck'`. */
export function loggedAlerts(): string[] {
  return sorted(
    all(
      ['apps', 'libs']
        .flatMap((folder) => sourcesOf(folder, 'alert'))
        .filter(({ fileName }) => !fileName.includes('/metrics/declared/')),
      (node) =>
        (ts.isPropertyAssignment(node) || ts.isVariableDeclaration(node)) &&
        node.name.getText() === 'alert' &&
        node.initializer
          ? literalsIn(node.initializer)
          : [],
    ),
  );
}
