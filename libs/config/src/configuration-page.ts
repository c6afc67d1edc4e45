import type { declared } from './declared.ts';
import { describeSettings } from './description.ts';

const TITLES: Record<keyof typeof declared | 'step', string> = {
  ledger: 'Ledger',
  bus: 'Bus',
  rest: 'REST',
  dirs: 'Folders',
  decider: 'Decider',
  paging: 'Paging',
  worker: 'Worker',
  sandbox: 'Sandbox and limits of steps',
  plans: 'Plans',
  git: 'Repositories',
  log: 'Logs',
  telemetry: 'Telemetry',
  step: 'What steps inherit',
};

const HEAD = `# Configuration

Skein is configured by environment variables. This page is made from the program (\`node scripts/write-docs.mjs\`);
\`skein config\` prints the same with the values in force. A variable that is set to nothing counts as not set. Whatever is
wrong is reported at the start, all at once.

Durations are written \`500ms\`, \`30s\`, \`10m\` or \`2h\` (a bare number is milliseconds), sizes \`64KB\`, \`16MB\` or \`2GB\`
(powers of 1024), lists of names with commas, lists of folders with colons.
`;

/** docs/configuration.md. */
export function configurationPage(): string {
  const settings = describeSettings();
  const sections = Object.entries(TITLES).map(([group, title]) => {
    const own = settings.filter((one) => one.name.startsWith(`${group}.`));
    const entries = own.map(
      (one) =>
        `- \`${one.env}\`: ${one.meaning}${one.secret ? ' Secret: never printed or logged.' : ''} Default: ${wordDefault(one.default)}.`,
    );
    return `## ${title}\n\n${entries.join('\n')}\n`;
  });
  return [HEAD, ...sections].join('\n');
}

function wordDefault(text: string): string {
  return ['not set', 'empty', 'no caps', 'nobody is paged'].includes(text) ? text : `\`${text}\``;
}
