import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../package-root.ts';

/** Not TypeScript, so not in dist: read from the sources, which are part of the package. */
const demoFolder = join(packageRoot, 'apps', 'cli', 'demo');

export const demoService = join(demoFolder, 'service');
export const demoAgentFolder = join(demoFolder, 'agent');

/** The plan's text with the agent's place filled in. Sabotaged, the agent never reads its feedback. */
export function demoPlanText(o: { sabotage: boolean }): string {
  const text = readFileSync(join(demoFolder, 'plan.yaml'), 'utf8');
  const agent = quote(join(demoAgentFolder, 'agent.mjs'));
  const command = `${o.sabotage ? 'AGENT_IGNORES_FEEDBACK=1 ' : ''}node ${agent}`;
  // The command as a JSON string, which is YAML too: a path may hold anything.
  return text.replace('command: node "$DEMO_AGENT"', () => `command: ${JSON.stringify(command)}`);
}

/** For sh. */
function quote(path: string): string {
  return `'${path.replaceAll("'", `'\\''`)}'`;
}
