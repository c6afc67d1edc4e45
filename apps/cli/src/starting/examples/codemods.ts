import type { Survey } from '../survey.ts';
import { matrixFor } from './file-globs.ts';
import { evidenceOf, type Example, type ExampleSearch } from './example.ts';
import type { CodemodLanguageName } from '../source-language.ts';

/** What a codemod would do to sources that a repository has. */
export interface CodemodTrial {
  files: string[];
  matches: number;
}

/** Tries rules on copies of sources: parsing what a stranger wrote is no work for this process. */
export type TryCodemod = (o: {
  language: CodemodLanguageName;
  rules: string;
  sources: ReadonlyMap<string, string>;
}) => Promise<CodemodTrial>;

interface Codemod {
  name: string;
  about: string[];
  /** Cheaper than the rules and true of every file that they would change. */
  mayMatch: RegExp;
  /** The oldest Node.js that runs the result. */
  nodeMin: number;
  rules: (language: CodemodLanguageName, sources: ReadonlyMap<string, string>) => string;
}

const BUILTINS = [
  ...[
    'assert',
    'async_hooks',
    'buffer',
    'child_process',
    'cluster',
    'crypto',
    'dgram',
    'diagnostics_channel',
  ],
  ...[
    'dns',
    'events',
    'fs',
    'http',
    'http2',
    'https',
    'inspector',
    'module',
    'net',
    'os',
    'path',
    'perf_hooks',
  ],
  ...[
    'process',
    'querystring',
    'readline',
    'repl',
    'stream',
    'string_decoder',
    'timers',
    'tls',
    'tty',
    'url',
  ],
  ...['util', 'v8', 'vm', 'worker_threads', 'zlib'],
  ...['assert/strict', 'dns/promises', 'fs/promises', 'path/posix', 'path/win32', 'readline/promises'],
  ...['stream/consumers', 'stream/promises', 'stream/web', 'timers/promises', 'util/types'],
];

/** Of Node's modules those that sources name: a rule that lists all of them is no pleasure to read. */
function builtinsIn(sources: ReadonlyMap<string, string>): string[] {
  return BUILTINS.filter((name) => {
    for (const text of sources.values())
      if (text.includes(`'${name}'`) || text.includes(`"${name}"`)) return true;
    return false;
  });
}

const CODEMODS: Codemod[] = [
  {
    name: 'node-protocol',
    about: [
      "Says `node:` before Node's own modules: `require('fs')` becomes `require('node:fs')`.",
      'A package of the same name can then never take their place.',
    ],
    mayMatch: new RegExp(`['"](${BUILTINS.join('|')})['"]`),
    nodeMin: 16,
    rules: (language, sources) => `id: node-protocol
language: ${language}
rule:
  pattern: $NAME
  kind: string_fragment
  regex: ^(${builtinsIn(sources).join('|')})$
  inside:
    kind: string
    inside:
      any:
        - kind: import_statement
        - kind: export_statement
        - kind: arguments
          inside:
            any:
              - pattern: require($_)
              - pattern: import($_)
fix: node:$NAME
`,
  },
  {
    name: 'has-own',
    about: [
      'Writes `Object.prototype.hasOwnProperty.call(o, k)` as `Object.hasOwn(o, k)`, which says the same.',
    ],
    mayMatch: /hasOwnProperty\s*\.\s*call/,
    nodeMin: 17,
    rules: (language) => `id: has-own
language: ${language}
rule:
  any:
    - pattern: Object.prototype.hasOwnProperty.call($OBJECT, $KEY)
    - pattern: ({}).hasOwnProperty.call($OBJECT, $KEY)
fix: Object.hasOwn($OBJECT, $KEY)
`,
  },
  {
    name: 'includes',
    about: ['Writes `list.indexOf(x) !== -1` as `list.includes(x)`, which says what is meant.'],
    mayMatch: /\.indexOf\(/,
    nodeMin: 6,
    rules: (language) => `id: includes
language: ${language}
rule:
  any:
    - pattern: $LIST.indexOf($ITEM) !== -1
    - pattern: $LIST.indexOf($ITEM) != -1
    - pattern: $LIST.indexOf($ITEM) > -1
    - pattern: $LIST.indexOf($ITEM) >= 0
fix: $LIST.includes($ITEM)
---
id: includes-not
language: ${language}
rule:
  any:
    - pattern: $LIST.indexOf($ITEM) === -1
    - pattern: $LIST.indexOf($ITEM) == -1
    - pattern: $LIST.indexOf($ITEM) < 0
fix: "!$LIST.includes($ITEM)"
`,
  },
];

/** Programs that may bundle the sources for browsers, where Node's modules have other rules. */
const BUNDLERS = /"(webpack|react-scripts|@angular\/cli|parcel|browserify|metro|expo)"\s*:/;

/** The first codemod whose rules change something here; null: none does. */
export async function codemodExample(search: ExampleSearch, tryCodemod: TryCodemod): Promise<Example | null> {
  const language = search.toolchain.codemod;
  if (language === null) return null;
  const manifest = (await search.survey.read('package.json')) ?? '';
  const nodeMin = await oldestNode(search.survey);
  for (const codemod of CODEMODS) {
    if (nodeMin < codemod.nodeMin) continue;
    if (codemod.name === 'node-protocol' && BUNDLERS.test(manifest)) continue;
    const sources = new Map([...search.sources].filter(([, text]) => codemod.mayMatch.test(text)));
    if (sources.size === 0) continue;
    const rules = codemod.rules(language, sources);
    const trial = await tryCodemod({ language, rules, sources });
    if (trial.files.length === 0) continue;
    return {
      name: codemod.name,
      about: codemod.about,
      evidence: evidenceOf(search, trial.files.length, trial.matches),
      matrix: matrixFor(trial.files, search.survey.files),
      work: { codemod: { language, rules } },
    };
  }
  return null;
}

/** The major version that `engines.node` of package.json begins with; one that runs everything when it says nothing. */
async function oldestNode(survey: Survey): Promise<number> {
  const engine = /"engines"\s*:\s*\{[^}]*"node"\s*:\s*"([^"]{0,100})"/.exec(
    (await survey.read('package.json')) ?? '',
  );
  const versions = [...(engine?.[1] ?? '').matchAll(/(\d{1,3})(?:\.[\dx*]+)*/g)].map((found) =>
    Number(found[1]),
  );
  return versions.length === 0 ? Infinity : Math.min(...versions);
}
