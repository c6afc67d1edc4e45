import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';

/** A runnable plan of docs/plan-format, as its page shows it. Each ends as completed. */
export interface PlanExample {
  name: string;
  text: string;
  params: Record<string, string>;
  /** Texts of its template files, by the names in the plan. */
  files: Record<string, string>;
}

const folder = join(import.meta.dirname, '../../../docs/plan-format');

/** In the order of the page. Their `repo` is `.`: they run on a repository with the files of `exampleRepository`. */
export function planExamples(): PlanExample[] {
  const { examples } = JSON.parse(readFileSync(join(folder, 'examples.json'), 'utf8')) as {
    examples: { name: string; params?: Record<string, string>; files?: string[] }[];
  };
  const textOf = (path: string) => readFileSync(join(folder, 'examples', path), 'utf8');
  return examples.map(({ name, params = {}, files = [] }) => ({
    name,
    text: textOf(`${name}.yaml`),
    params,
    files: Object.fromEntries(files.map((path) => [path, textOf(path)])),
  }));
}

/** Path to text: the small repository that the examples change. Give it to `gitRepo`. */
export function exampleRepository(): Record<string, string> {
  const root = join(folder, 'repository');
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => join(root, path))
    .filter((path) => statSync(path).isFile());
  return Object.fromEntries(paths.sort().map((path) => [relative(root, path), readFileSync(path, 'utf8')]));
}
