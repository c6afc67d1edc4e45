import { z } from 'zod';
import { readPlanTree } from './plan-tree.ts';
import { isMap, partOf, type Placed, PlacedMap, writtenAt } from './placed.ts';
import { type PlanProblem, show, type UnplacedProblem } from './problem.ts';
import { wordIssues } from './schema-problems.ts';
import { didYouMean, plainNames } from './suggestion.ts';
import type { Layer } from './step-merging.ts';
import { placeSyntax } from './placing.ts';
import type { Place } from './text-tree.ts';
import { templateFileSchema } from './text-schema.ts';

/** The templates of a plan text and of the files beside it, by name. */
export interface TemplateLibrary {
  templates: ReadonlyMap<string, Layer>;
  problems: UnplacedProblem[];
  /** Of files: they have their places already. */
  placed: PlanProblem[];
  /** The trees of the files, for problems within. */
  files: ReadonlyMap<string, Place>;
}

const FILE_BYTES_MAX = 1_048_576;
const FILES_MAX = 20;

/** Reads every file that the plan names. Files that it does not name are a mistake, too: they would be in its digest. */
export function readTemplates(plan: Placed, files: Readonly<Record<string, string>>): TemplateLibrary {
  const library = new LibraryUnderConstruction();
  const own = partOf(plan, 'templates');
  if (own) library.add(own, null);
  const named = partOf(plan, 'templateFiles');
  const paths = Array.isArray(named?.value) ? (named.value as unknown[]).slice(0, FILES_MAX) : [];
  for (const [index, path] of paths.entries()) {
    if (typeof path !== 'string') continue;
    if (Object.hasOwn(files, path)) library.addFile(path, files[path]!, index);
    else library.problems.push(missingFile(path, index));
  }
  const unknown = Object.keys(files).filter((path) => !paths.includes(path));
  for (const path of unknown.slice(0, FILES_MAX)) library.problems.push(unknownFile(path));
  return library;
}

class LibraryUnderConstruction implements TemplateLibrary {
  readonly templates = new Map<string, Layer>();
  readonly problems: UnplacedProblem[] = [];
  readonly placed: PlanProblem[] = [];
  readonly files = new Map<string, Place>();

  add(templates: Placed, file: string | null): void {
    if (!isMap(templates.value)) return;
    for (const name of Object.keys(templates.value)) {
      const path = ['templates', name];
      const known = this.templates.get(name);
      const part = partOf(templates, name)!;
      if (known) this.problems.push(thereTwice(name, known.file, file));
      else
        this.templates.set(name, { part: { ...part, place: writtenAt(part.place, file, path) }, file, path });
    }
  }

  addFile(path: string, text: string, index: number): void {
    if (this.files.has(path)) return;
    const bytes = Buffer.byteLength(text);
    if (bytes > FILE_BYTES_MAX) {
      const message = `${show(path)}: ${bytes} bytes; a file of templates has at most ${FILE_BYTES_MAX}`;
      this.problems.push({ code: 'text-too-large', message, path: ['templateFiles', index] });
      return;
    }
    const reading = readPlanTree(text, bytes, { maxDepth: 32, maxYamlBytes: FILE_BYTES_MAX });
    if (!reading.ok) {
      this.placed.push(...placeSyntax(text, reading.problems, path));
      return;
    }
    const place: Place = { ...reading.tree.place, from: { file: path, path: [] } };
    this.files.set(path, place);
    this.problems.push(...reading.tree.problems.map((problem) => ({ ...problem, file: path })));
    this.problems.push(...fileProblems(reading.tree.value).map((problem) => ({ ...problem, file: path })));
    const templates = partOf({ value: reading.tree.value, place: reading.tree.place }, 'templates');
    if (templates) this.add(templates, path);
  }
}

/** Of the file as such; its templates are checked with those of the plan. */
const fileFrame = templateFileSchema.extend({ templates: z.record(z.string(), z.unknown()) });

function fileProblems(value: unknown): UnplacedProblem[] {
  const checked = fileFrame.safeParse(value, { reportInput: true });
  if (checked.success) return [];
  return wordIssues(checked.error.issues, 100).map(({ hint, ...problem }) => ({
    ...problem,
    ...(problem.code === 'unknown-key'
      ? { hint: 'a file of templates holds `version: 1` and `templates`' }
      : hint
        ? { hint }
        : {}),
  }));
}

function missingFile(path: string, index: number): UnplacedProblem {
  return {
    code: 'missing-file',
    message: `the file ${show(path)} was not given with the plan`,
    path: ['templateFiles', index],
    hint: 'the command line reads it beside the plan file; a program sends its text in `files`',
  };
}

function unknownFile(path: string): UnplacedProblem {
  return {
    code: 'unknown-file',
    message: `the file ${show(path)} was given, but the plan does not name it`,
    path: ['templateFiles'],
    atKey: true,
    hint: 'name it in `templateFiles`, or leave it out',
  };
}

function thereTwice(name: string, first: string | null, file: string | null): UnplacedProblem {
  const where = first === null ? 'the plan' : show(first);
  return {
    code: 'duplicate-name',
    message: `${where} has a template ${show(name)} too`,
    path: ['templates', name],
    atKey: true,
    ...(file === null ? {} : { file }),
  };
}

export interface Included {
  layers: Layer[];
  problems: UnplacedProblem[];
}

const NOTHING: Included = { layers: [], problems: [] };

/** The templates that a step includes, in its order. */
export function includedTemplates(step: Placed, at: number, templates: ReadonlyMap<string, Layer>): Included {
  const include = partOf(step, 'include')?.value;
  if (include === undefined) return NOTHING;
  const names: unknown[] = Array.isArray(include) ? include : [include];
  const included: Included = { layers: [], problems: [] };
  for (const [index, name] of names.entries()) {
    if (typeof name !== 'string') continue;
    const layer = templates.get(name);
    if (layer) included.layers.push(layer);
    else
      included.problems.push(
        unknownTemplate(
          name,
          ['steps', at, 'include', ...(Array.isArray(include) ? [index] : [])],
          templates,
        ),
      );
  }
  return included;
}

function unknownTemplate(
  name: string,
  path: (string | number)[],
  templates: ReadonlyMap<string, Layer>,
): UnplacedProblem {
  const known = plainNames(templates.keys());
  const nearest = didYouMean(name, known);
  const hint = nearest
    ? `did you mean \`${nearest}\`?`
    : known.length > 0
      ? `there are ${known.slice(0, 10).join(', ')}`
      : 'the plan has no `templates`';
  return { code: 'unknown-template', message: `there is no template ${show(name)}`, path, hint };
}

/** All templates as one map of the text, each with its own place: what is checked of those that no step includes. */
export function templatesMap(templates: ReadonlyMap<string, Layer>, start: number): Placed {
  const map = new PlacedMap(start);
  for (const [name, { part }] of templates) map.set(name, part, part.place.start);
  return map.done();
}
