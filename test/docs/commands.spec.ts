import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { createProgram } from '../../apps/cli/src/commands/program.ts';
import { plainPaint, type Terminal } from '../../apps/cli/src/rendering/terminal.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGES = [
  'README.md',
  'docs/getting-started.md',
  'docs/operating.md',
  'docs/paging.md',
  'docs/runbook.md',
  'docs/reliability.md',
];

const terminal: Terminal = {
  out: () => undefined,
  err: () => undefined,
  paint: plainPaint,
  isTty: false,
  columns: () => 80,
  rows: () => 24,
  stdout: process.stdout,
};

/** Lines of shell blocks that call `skein`, without their comments and pipes, and calls within sentences. */
function callsOf(page: string): string[] {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
    block!
      .split('\n')
      .flatMap((line) => /(?:^|\s)skein (.*)$/.exec(line.replace(/(^|\s)#.*$/, ''))?.[1] ?? [])
      .map((call) => call.replace(/\s[|>&].*$/, '').trim()),
  );
  const sentences = text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '');
  return [...blocks, ...[...sentences.matchAll(/`skein ([^`]+)`/g)].map(([, call]) => call!)];
}

function commandOf(program: Command, words: string[]): { command: Command; rest: string[] } {
  let command = program;
  let rest = words;
  for (;;) {
    const next = command.commands.find((sub) => sub.name() === rest[0]);
    if (next === undefined) return { command, rest };
    command = next;
    rest = rest.slice(1);
  }
}

describe('the commands that pages show', () => {
  const program = createProgram({
    terminal,
    defaultUrl: () => 'http://127.0.0.1:9',
    version: '0',
    ended: () => undefined,
  });

  it.each(PAGES)('are there, with the options that %s gives them', (page) => {
    const calls = callsOf(page);
    expect(calls.length).toBeGreaterThan(0);
    const unknown = calls.filter((call) => {
      const { command, rest } = commandOf(program, call.replaceAll(/[[\]]/g, '').split(/\s+/));
      const options = rest.filter((word) => word.startsWith('-') && word !== '-');
      const known = command.options.flatMap(({ long, short }) => [long, short]);
      return command === program || !options.every((option) => known.includes(option));
    });
    expect(unknown).toEqual([]);
  });
});
