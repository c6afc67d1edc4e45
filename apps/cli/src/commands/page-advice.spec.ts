import type { Command } from 'commander';
import { PAGE_KINDS, adviceFor } from '#paging';
import { createProgram } from './program.ts';
import type { Terminal } from '../rendering/terminal.ts';

const PLAN = '3b6f0a2c9d1e4f5a6b7c';
const program = createProgram({
  terminal: {} as Terminal,
  defaultUrl: () => 'http://127.0.0.1:1',
  version: '0',
  ended: () => undefined,
});

const advised = PAGE_KINDS.flatMap((kind) =>
  [null, 's17'].flatMap((ordinal) =>
    ['steps-failed', 'deadline-passed'].flatMap((reasonCode) =>
      adviceFor(kind, { planId: PLAN, ordinal, reasonCode }).map(({ run }) => run),
    ),
  ),
);

describe('what pages advise to do', () => {
  it.each([...new Set(advised)])('can be done: %s', (line) => {
    const [skein, ...words] = line.split(' ');
    expect(skein).toBe('skein');
    let command: Command = program;
    for (let next = named(command, words); next; next = named(command, words)) {
      words.shift();
      command = next;
    }
    expect(command).not.toBe(program);
    const taken = command.registeredArguments;
    expect(words.length).toBeGreaterThanOrEqual(taken.filter(({ required }) => required).length);
    expect(words.length).toBeLessThanOrEqual(taken.length);
  });
});

function named(command: Command, [word]: string[]): Command | undefined {
  return command.commands.find((one) => one.name() === word);
}
