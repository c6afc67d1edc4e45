import { parseArgs } from 'node:util';
import { exitCodeOfSignal, exitCodes } from '../exit-code.ts';
import { nodeIsNewEnough, nodeTooOld } from '../node-version.ts';
import { renderFailure } from '../rendering/problems.ts';
import { processTerminal } from '../rendering/terminal.ts';
import { InterruptedError, Interrupts } from '../up/interrupts.ts';
import { runDemo, type DemoOptions } from './demo.ts';

const USAGE = 'usage: npm run demo [-- --keep]';

const terminal = processTerminal();
const options = readOptions();
if (options === null || !nodeIsNewEnough()) {
  terminal.err(options === null ? USAGE : nodeTooOld);
  process.exitCode = exitCodes.usage;
} else {
  using interrupts = new Interrupts();
  try {
    process.exitCode = await runDemo(terminal, interrupts, options);
  } catch (error) {
    process.exitCode = exitCodes.usage;
    if (error instanceof InterruptedError) {
      terminal.err('\nstopped; everything was cleaned up');
      process.exitCode = exitCodeOfSignal(error.signal);
    } else for (const line of renderFailure(error)) terminal.err(`demo: ${line}`);
  }
}

function readOptions(): DemoOptions | null {
  try {
    const { values } = parseArgs({
      options: { keep: { type: 'boolean', default: false }, sabotage: { type: 'boolean', default: false } },
    });
    return values;
  } catch {
    return null;
  }
}
