import { CommanderError } from 'commander';
import { loadSettings } from '#config';
import { createProgram } from './commands/program.ts';
import { exitCodes } from './exit-code.ts';
import { packageVersion } from './package-root.ts';
import { renderFailure } from './rendering/problems.ts';
import { processTerminal } from './rendering/terminal.ts';

const terminal = processTerminal();
const program = createProgram({
  terminal,
  defaultUrl: () => loadSettings().rest.url,
  version: packageVersion(),
  ended: (code) => {
    process.exitCode = code;
  },
});

try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own errors, and help and version end with code 0.
  if (error instanceof CommanderError)
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  else {
    for (const line of renderFailure(error)) terminal.err(`skein: ${line}`);
    process.exitCode = exitCodes.usage;
  }
}
