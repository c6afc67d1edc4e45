import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { testNatsProgram } from './test-servers.ts';

export interface LauncherOptions {
  /** Where it registers its run. */
  cacheDir: string;
  /** Not given: an ephemeral folder of its own. */
  dataDir?: string;
  /** False: it dies "before" it wrote down what it started. */
  records?: boolean;
}

export interface LauncherServers {
  folder: string;
  adminUrl: string;
  natsUrl: string;
  pids: number[];
}

export interface Launcher extends LauncherServers {
  pid: number;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** A process that starts Postgres and nats-server under a registered run. Rejects with what it said when it fails. */
export async function startLauncher(o: LauncherOptions): Promise<Launcher> {
  const script = fileURLToPath(new URL('./launcher.ts', import.meta.url));
  const argument = JSON.stringify({ ...o, program: testNatsProgram() });
  const flags = ['--experimental-transform-types', '--no-warnings', '--conditions=skein-source'];
  const child = spawn(process.execPath, [...flags, script, argument], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line') as Promise<[string]>,
    exited.then(() => null),
  ]);
  if (line === null) throw new Error(stderr);
  return {
    ...(JSON.parse(line[0]) as LauncherServers),
    pid: child.pid!,
    kill: async (signal) => {
      child.kill(signal);
      await exited;
    },
  };
}
