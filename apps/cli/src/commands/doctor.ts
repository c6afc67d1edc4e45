import { resolve } from 'node:path';
import { childEnvironment, loadSettings, stepEnvironment, unknownSettings } from '#config';
import type { SinkView } from '#client';
import { silentLogger } from '#telemetry';
import { CoordinatorClient } from '../client/coordinator-client.ts';
import { weak, type Finding } from '../doctor/finding.ts';
import { checkDataDir, checkDisk, checkPort, checkSandbox } from '../doctor/machine.ts';
import { checkPaging } from '../doctor/paging.ts';
import { checkGit, checkNats, checkNode, checkPostgres } from '../doctor/programs.ts';
import { exitCodes } from '../exit-code.ts';
import { escapeText } from '../rendering/escape.ts';
import type { Paint, Terminal } from '../rendering/terminal.ts';
import { jsonLine, type CommandResult } from './context.ts';

/** Looks at everything that `skein up` needs and changes nothing. Exit code 1 when something is missing. */
export async function doctor(terminal: Terminal, o: { json: boolean; dataDir?: string }): CommandResult {
  const findings = await examine(o.dataDir);
  for (const finding of findings) terminal.out(o.json ? jsonLine(finding) : render(finding, terminal.paint));
  const ill = findings.filter(({ state }) => state === 'missing').length;
  if (!o.json) terminal.out(ill === 0 ? '\nReady for `skein up`.' : `\n${ill} missing: see above.`);
  return ill === 0 ? exitCodes.ok : exitCodes.usage;
}

async function examine(givenDataDir: string | undefined): Promise<Finding[]> {
  const settings = loadSettings();
  const path = childEnvironment()['PATH'] ?? '';
  const dataDir = givenDataDir === undefined ? settings.dirs.data : resolve(givenDataDir);
  const findings = await Promise.all([
    Promise.resolve(checkNode()),
    checkGit(),
    checkPostgres(settings.ledger.databaseUrl),
    checkNats({ natsUrl: settings.bus.natsUrl, path, cacheDir: settings.dirs.cache }),
    checkSandbox({
      // Where workers look for it.
      path: stepEnvironment().PATH,
      log: silentLogger,
      required: settings.sandbox.mode === 'required',
    }),
    checkDataDir(dataDir),
    checkDisk(dataDir),
    checkPort(settings.rest.port, settings.rest.host),
    runningSinks(settings.rest.url).then((running) =>
      checkPaging(
        settings.paging.sinks.map(({ name }) => name),
        running,
      ),
    ),
  ]);
  for (const { env, suggestion } of unknownSettings()) {
    const todo = suggestion === null ? '`skein config` lists the settings' : `did you mean ${suggestion}?`;
    findings.push(weak('settings', `${env} is set but is no setting of Skein`, todo));
  }
  return findings;
}

/** null: no server answers, which is no matter here. */
async function runningSinks(url: string): Promise<SinkView[] | null> {
  const client = new CoordinatorClient(url, { timeoutMs: 2_000, tries: 1 });
  return client.sinks().catch(() => null);
}

function render(finding: Finding, paint: Paint): string {
  const mark = {
    found: paint('green', 'found  '),
    weak: paint('yellow', 'weak   '),
    missing: paint('red', 'missing'),
  }[finding.state];
  const todo = finding.todo === undefined ? '' : `\n          -> ${escapeText(finding.todo)}`;
  return `${mark} ${finding.name}: ${escapeText(finding.detail)}${todo}`;
}
