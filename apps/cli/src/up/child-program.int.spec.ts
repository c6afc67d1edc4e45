import { readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eventually, runs, tempDir } from '#testing';
import { builtProgram } from '../package-root.ts';
import { ChildProgram, ChildCrashesError } from './child-program.ts';

const NEVER = new AbortController().signal;
const quick = { firstMs: 10, maxMs: 40, crashesMax: 3, windowMs: 60_000 };

describe('a child of the stack', () => {
  it('gets what it is given, and nothing of our environment', async () => {
    const { child, log } = await aChild(
      'console.log(JSON.stringify(process.env)); setInterval(() => {}, 1000)',
      {
        GIVEN: 'yes',
      },
    );
    child.start();
    const text = await eventually(() => log().includes('}') && log());
    const env = JSON.parse(text) as Record<string, string>;
    expect(env).toEqual({ GIVEN: 'yes' });
    await child.stop(5_000, NEVER);
  });

  it('is started again when it crashes, and given up when it crashes again and again', async () => {
    const { child, said } = await aChild('console.log("last words"); process.exit(3)', {}, quick);
    child.start();
    await expect(child.givenUp).rejects.toThrow(/ended with code 3, again and again[\s\S]*last words/);
    await expect(child.givenUp).rejects.toBeInstanceOf(ChildCrashesError);
    expect(said.filter((line) => line.includes('starting it again'))).toHaveLength(3);
    await child.stop(1_000, NEVER);
  });

  it('ends by itself when it is asked to', async () => {
    const { child, log } = await aChild(
      'process.on("SIGTERM", () => { console.log("drained"); process.exit(0); }); console.log("up"); setInterval(() => {}, 1000)',
    );
    child.start();
    await eventually(() => log().includes('up'));
    await child.stop(10_000, NEVER);
    expect(readFileSync(child.logPath, 'utf8')).toContain('drained');
  });

  it('is killed when it does not end within the grace period, or when somebody hurries', async () => {
    const stubborn = 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)';
    for (const hurried of [false, true]) {
      const { child, log } = await aChild(stubborn);
      child.start();
      await eventually(() => log().includes('up'));
      const pid = child.pid!;
      const hurry = new AbortController();
      if (hurried) setImmediate(() => hurry.abort());
      await child.stop(hurried ? 60_000 : 100, hurry.signal);
      expect(await runs(pid)).toBe(false);
    }
  });

  it('ends by itself when its launcher is killed', async () => {
    const folder = await tempDir('tether');
    const pidFile = join(folder, 'pid');
    const program = join(folder, 'child.mjs');
    writeFileSync(
      program,
      `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); setInterval(() => {}, 1000)`,
    );
    const tether = pathToFileURL(builtProgram('cli', 'up/tether')).href;
    const launcher = join(folder, 'launcher.mjs');
    writeFileSync(
      launcher,
      `import { spawn } from 'node:child_process';
       spawn(process.execPath, ['--import', ${JSON.stringify(tether)}, ${JSON.stringify(program)}], { detached: true, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
       setInterval(() => {}, 1000);`,
    );
    const owner = spawn(process.execPath, [launcher], { stdio: 'ignore' });
    const pid = await eventually(() => Number(readFileSync(pidFile, 'utf8')) || null);
    expect(await runs(pid)).toBe(true);
    owner.kill('SIGKILL');
    await eventually(async () => !(await runs(pid)), { what: 'the child has ended' });
  });
});

async function aChild(source: string, environment: Record<string, string> = {}, backoff = quick) {
  const logDir = await tempDir('child');
  const program = join(logDir, 'program.mjs');
  writeFileSync(program, source);
  const said: string[] = [];
  const child = new ChildProgram({
    name: 'child',
    program,
    environment: () => environment,
    cwd: logDir,
    logDir,
    say: (line) => said.push(line),
    backoff,
  });
  return { child, said, log: () => readFileSync(child.logPath, 'utf8') };
}
