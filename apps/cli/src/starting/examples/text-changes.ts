import { matrixFor } from './file-globs.ts';
import { evidenceOf, type Example, type ExampleSearch } from './example.ts';

/** Texts of licences, by what is only in them. Where "or later" has to be known, nobody can tell from the text. */
const LICENCES: [string, RegExp][] = [
  ['Apache-2.0', /Apache License\s+Version 2\.0/i],
  ['MPL-2.0', /Mozilla Public License,? version 2\.0/i],
  ['MIT', /Permission is hereby granted, free of charge, to any person/i],
  ['ISC', /Permission to use, copy, modify, and(\/or)? distribute this software for any/i],
  ['BSD-3-Clause', /Redistribution and use in source and binary forms[\s\S]*Neither the name/i],
  ['BSD-2-Clause', /Redistribution and use in source and binary forms/i],
];
const LICENCE_FILES = ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'LICENCE.md', 'COPYING'];
const HEAD_CHARACTERS = 2_000;

/** Each changes a file by writing it anew through another, so that links and permissions stay as they are. */
function eachFile(change: string): string {
  return `xargs -0 sh -c '
  for name do
    file="./$name"
${change.replace(/^/gm, '    ')}
    cat "$TMPDIR/changed" > "$file"
  done
' sh < "$SKEIN_FILES"
`;
}

/** Says in every source file which licence it is under; null where that is not known, or is said already. */
export async function licenceExample(search: ExampleSearch): Promise<Example | null> {
  const licence = await findLicence(search);
  const { comment } = search.toolchain;
  if (licence === null || comment === null || search.sources.size === 0) return null;
  const files: string[] = [];
  for (const [path, text] of search.sources)
    if (!/SPDX-License-Identifier|copyright/i.test(text.slice(0, HEAD_CHARACTERS))) files.push(path);
  // Most have a header of another kind: a second one beside it is not what anybody wants.
  if (files.length === 0 || files.length * 2 < search.sources.size) return null;
  const first = comment === '#' ? '1,2{/^#!/p;/^#.*coding[:=]/p;}' : '1{/^#!/p;}';
  return {
    name: 'licence-headers',
    about: [`Puts a line at the head of each source file that says under which licence it is: ${licence}.`],
    evidence: evidenceOf(search, files.length).replace('found in', 'missing in'),
    matrix: matrixFor(files, search.survey.files),
    work: {
      run: eachFile(
        `grep -q SPDX-License-Identifier "$file" && continue
{
  sed -n "${first}" "$file"
  printf "%s\\n\\n" "${comment} SPDX-License-Identifier: ${licence}"
  sed "${first.replaceAll('p;', 'd;')}" "$file"
} > "$TMPDIR/changed"`,
      ),
      verify: ['! xargs -0 grep -L SPDX-License-Identifier -- < "$SKEIN_FILES" | grep .'],
    },
  };
}

async function findLicence({ survey }: ExampleSearch): Promise<string | null> {
  for (const path of LICENCE_FILES) {
    const text = await survey.read(path);
    const found = text === null ? undefined : LICENCES.find(([, pattern]) => pattern.test(text));
    if (found) return found[0];
  }
  return null;
}

/** Blanks at the ends of lines; not in Markdown, where two of them break a line. */
export function blanksExample(search: ExampleSearch): Example | null {
  const files = [...search.sources].filter(
    ([path, text]) => !/\.(md|markdown|patch|diff|snap)$/.test(path) && /[ \t]+$/m.test(text),
  );
  if (files.length === 0) return null;
  const paths = files.map(([path]) => path);
  return {
    name: 'trailing-blanks',
    about: ['Removes blanks at the ends of lines.'],
    evidence: evidenceOf(search, files.length),
    matrix: matrixFor(paths, search.survey.files),
    work: {
      run: eachFile('sed "s/[[:blank:]]*\\$//" "$file" > "$TMPDIR/changed"'),
      verify: ['! xargs -0 grep -nE "[[:blank:]]$" -- < "$SKEIN_FILES"'],
    },
  };
}

/** For a repository in which nothing else was found to change: it still gets a branch with a commit on it. */
export function editorExample({ survey }: ExampleSearch): Example {
  const exists = survey.files.has('.editorconfig');
  const file = exists ? 'first-plan.txt' : '.editorconfig';
  const lines = exists
    ? ['This file was made by a first plan of Skein.']
    : ['root = true', '', '[*]', 'charset = utf-8', 'end_of_line = lf', 'insert_final_newline = true'];
  return {
    name: exists ? 'first-plan' : 'editor-settings',
    about: exists
      ? ['Adds a file, to show how a plan goes. Put the change that you want here.']
      : ['Adds an .editorconfig, so that editors write files alike.'],
    evidence: exists ? 'nothing that a first plan could mend was found' : 'there is no .editorconfig',
    matrix: null,
    work: { run: `cat > ${file} <<'END'\n${lines.join('\n')}\nEND\n`, verify: [`test -s ${file}`] },
  };
}
