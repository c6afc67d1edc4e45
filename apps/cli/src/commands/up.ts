import { childEnvironment, loadSettings } from '#config';
import { RunRegistry } from '#servers';
import { createLogger } from '#telemetry';
import { exitCodes } from '../exit-code.ts';
import type { Terminal } from '../rendering/terminal.ts';
import { DataDir } from '../up/data-dir.ts';
import { InterruptedError, Interrupts } from '../up/interrupts.ts';
import { Stack } from '../up/stack.ts';
import type { CommandResult, UpOptions } from './context.ts';

/** Runs the stack until it is told to stop. Prints `ready <url>` on standard output when plans are taken. */
export async function up(terminal: Terminal, o: UpOptions): CommandResult {
  using interrupts = new Interrupts();
  const settings = loadSettings();
  const environment = childEnvironment();
  const log = createLogger({
    name: 'skein-up',
    level: settings.log.level === 'info' ? 'warn' : settings.log.level,
    pretty: true,
  });
  const say = (line: string) => terminal.err(terminal.paint('dim', line));
  const registry = new RunRegistry({ log, cacheDir: settings.dirs.cache });
  await using run = await registry.begin({ kind: 'up', dataDir: o.dataDir ?? settings.dirs.data });
  const dataDir = await DataDir.open(run.dataDir ?? settings.dirs.data);
  say(`data directory ${dataDir.path}`);
  let stack: Stack;
  try {
    stack = await Stack.start(
      {
        run,
        dataDir,
        port: o.port ?? settings.rest.port,
        workers: o.workers ?? 1,
        slots: o.slots ?? settings.worker.slots,
        settings,
        environment,
        log,
        say,
      },
      interrupts.stop,
    );
  } catch (error) {
    if (error instanceof InterruptedError) return exitCodes.ok;
    throw error;
  }
  terminal.out(`ready ${stack.url}`);
  if (stack.url !== settings.rest.url) say(`for the other commands: export SKEIN_URL=${stack.url}`);
  try {
    await Promise.race([interrupts.first(), stack.broken]);
    say('stopping: running steps may finish; press Ctrl-C again to hurry');
  } finally {
    await stack.stop(interrupts.hurry);
  }
  say('stopped; the next `skein up` goes on from here');
  return exitCodes.ok;
}
