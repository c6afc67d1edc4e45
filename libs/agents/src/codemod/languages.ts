/** The languages that @ast-grep/napi brings. */
export type CodemodLanguage = 'JavaScript' | 'TypeScript' | 'Tsx' | 'Html' | 'Css';

const EXTENSIONS: Record<CodemodLanguage, string[]> = {
  JavaScript: ['.js', '.mjs', '.cjs', '.jsx'],
  TypeScript: ['.ts', '.mts', '.cts', '.tsx'],
  Tsx: ['.tsx'],
  Html: ['.html', '.htm'],
  Css: ['.css'],
};

const ALIASES: Record<string, CodemodLanguage> = { js: 'JavaScript', jsx: 'JavaScript', ts: 'TypeScript' };

/** By name in any case, or a usual short one; null when it is none of ours. */
export function findLanguage(name: string): CodemodLanguage | null {
  const wanted = name.toLowerCase();
  const known = (Object.keys(EXTENSIONS) as CodemodLanguage[]).find(
    (language) => language.toLowerCase() === wanted,
  );
  return known ?? ALIASES[wanted] ?? null;
}

export function languageNames(): string[] {
  return Object.keys(EXTENSIONS);
}

/** Ends of the names of a language's files, such as `.js`; none for a language that we do not know. */
export function extensionsOf(name: string): string[] {
  const language = findLanguage(name);
  return language === null ? [] : EXTENSIONS[language];
}

/** How to parse a file: TypeScript with JSX is a grammar of its own. */
export function grammarOf(language: CodemodLanguage, file: string): CodemodLanguage {
  return language === 'TypeScript' && file.endsWith('.tsx') ? 'Tsx' : language;
}

/** Whether a rule that names its own language means this file. A file of no known language is meant by all. */
export function isFileOf(language: CodemodLanguage, file: string): boolean {
  const known = Object.values(EXTENSIONS).flat();
  return !known.some((end) => file.endsWith(end)) || EXTENSIONS[language].some((end) => file.endsWith(end));
}

/** Ends of the names of the files that a parser of jscodeshift is for. */
export function extensionsOfParser(parser: string): string[] {
  if (parser === 'ts') return ['.ts', '.mts', '.cts'];
  if (parser === 'tsx') return ['.ts', '.mts', '.cts', '.tsx'];
  return EXTENSIONS.JavaScript;
}
